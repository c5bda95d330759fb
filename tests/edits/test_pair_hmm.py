"""The pair hidden Markov model as a corrector, from evidence to called bases."""

from dataclasses import replace

import edlib
import numpy as np
import pysam
import pytest

from deepconsensus_py.align.disagreement import NO_DISAGREEMENT
from deepconsensus_py.align.passes import align_zmw
from deepconsensus_py.corrector import Corrector, Features
from deepconsensus_py.edits.classes import NAMES
from deepconsensus_py.edits.pair_hmm import PairHmm, encode_evidence
from deepconsensus_py.edits.repeats import find_homopolymers
from deepconsensus_py.edits.segments import no_segments
from deepconsensus_py.edits.tokens import CANDIDATE, POOLED_UNSUPPORTED, SCORE_STEP
from deepconsensus_py.pacbio.molecule import Zmw, decode_bases, encode_bases
from deepconsensus_py.pacbio.zmws import read_zmws
from deepconsensus_py.polishing.engine import polish
from deepconsensus_py.polishing.qualities import mean_quality

DRAFT = "AACGTTT"
LAST_HOMOPOLYMER = 3


@pytest.fixture(scope="module")
def corrector() -> PairHmm:
    return PairHmm()


@pytest.fixture
def molecule() -> Features:
    """Four covered homopolymers, no evidence against any of them."""
    bases = encode_bases(DRAFT)
    homopolymers = len(find_homopolymers(bases))
    layout = {
        **NO_DISAGREEMENT.layout(),
        **no_segments(0).layout(),
        "expected_errors": np.full(homopolymers, 160, np.uint8),
        "depth": np.full(homopolymers, 20, np.uint16),
        "draft": bases,
        "draft_index": np.arange(len(bases), dtype=np.int32),
        "draft_quality": np.full(len(bases), 10, np.uint8),
    }
    return Features({"evidence": np.full((homopolymers, len(NAMES) - 1), -20 / SCORE_STEP, np.int16)}, layout)


def errors(corrector: PairHmm, molecule: Features) -> np.ndarray:
    probabilities = corrector.forward(molecule.inputs)
    return corrector.call(molecule, corrector.select(molecule, 45), probabilities).error_probability


def test_without_contrary_evidence_the_draft_is_certain(corrector, molecule):
    assert (errors(corrector, molecule) < 2e-4).all()


@pytest.mark.parametrize("edit", NAMES[1:])
def test_error_probability_grows_with_evidence_for_any_edit(corrector, molecule, edit):
    errors = []
    for nats in (-20, CANDIDATE + 1, -4, -1, 5):
        molecule.inputs["evidence"][LAST_HOMOPOLYMER, NAMES.index(edit) - 1] = nats / SCORE_STEP
        errors.append(1 - corrector.forward(molecule.inputs)[LAST_HOMOPOLYMER, 0])
    assert errors == sorted(errors)
    assert errors[-1] > 100 * errors[0]


def test_the_error_of_a_homopolymer_is_on_its_first_base(corrector, molecule):
    molecule.inputs["evidence"][LAST_HOMOPOLYMER, 0] = -1 / SCORE_STEP
    error = errors(corrector, molecule)
    assert error.argmax() == DRAFT.index("T")
    assert error.max() > 10 * np.delete(error, error.argmax()).max()


@pytest.mark.parametrize("nats", [-1, 10], ids=["uncertain", "replaced"])
def test_the_error_of_a_last_base_is_on_it(corrector, molecule, nats):
    molecule.inputs["evidence"][LAST_HOMOPOLYMER, NAMES.index("last A") - 1] = nats / SCORE_STEP
    molecule.inputs["evidence"][LAST_HOMOPOLYMER, NAMES.index("last G") - 1] = (nats - 2) / SCORE_STEP
    error = errors(corrector, molecule)
    assert error.argmax() == len(DRAFT) - 1
    assert error.max() > 10 * error[:-1].max()


@pytest.mark.parametrize(
    ("homopolymer", "edit", "expected", "index"),
    [
        (0, "+1", "AAACGTTT", [-1, 0, 1, 2, 3, 4, 5, 6]),
        (3, "-1", "AACGTT", [0, 1, 2, 3, 5, 6]),
        (1, "-1", "AAGTTT", [0, 1, 3, 4, 5, 6]),
        (2, "A", "AACAGTTT", [0, 1, 2, -1, 3, 4, 5, 6]),
        (3, "+2", "AACGTTTTT", [0, 1, 2, 3, -1, -1, 4, 5, 6]),
        (1, "first G", "AAGGTTT", [0, 1, -1, 3, 4, 5, 6]),
        (3, "last A", "AACGTTA", [0, 1, 2, 3, 4, 5, -1]),
    ],
)
def test_an_edit_more_likely_than_not_is_made(corrector, molecule, homopolymer, edit, expected, index):
    molecule.inputs["evidence"][homopolymer, NAMES.index(edit) - 1] = 10 / SCORE_STEP
    calls = corrector.call(molecule, np.ones(4, np.bool_), corrector.forward(molecule.inputs))
    assert decode_bases(calls.bases) == expected
    assert calls.draft_index.tolist() == index
    assert len(calls.error_probability) == len(expected)


def test_nothing_is_edited_without_coverage(corrector, molecule):
    molecule.layout["depth"][LAST_HOMOPOLYMER] = 0
    molecule.inputs["evidence"][LAST_HOMOPOLYMER] = 0
    calls = corrector.call(molecule, np.ones(4, np.bool_), corrector.forward(molecule.inputs))
    assert decode_bases(calls.bases) == DRAFT


def test_draft_qualities_are_kept_without_coverage(corrector, molecule):
    molecule.layout["depth"][LAST_HOMOPOLYMER] = 0
    error = errors(corrector, molecule)
    assert error[-3:] == pytest.approx(0.1)
    assert (error[:-3] < 1e-3).all()


def test_probabilities_are_probabilities(corrector, molecule):
    evidence = molecule.inputs["evidence"]
    evidence[:] = np.random.default_rng(0).integers(-32767, 32767, evidence.shape)
    probabilities = corrector.forward(molecule.inputs)
    assert (probabilities >= 0).all()
    assert (probabilities.sum(axis=1) <= 1 + 1e-6).all()


def test_simulated_drafts_lose_their_errors(testdata):
    with pysam.FastxFile(str(testdata / "truth.fasta")) as file:
        truths = {record.name.split("/")[1]: record.sequence for record in file}
    zmws = list(read_zmws([testdata / "subreads.bam"], testdata / "ccs.bam"))
    before = after = 0
    for read, zmw in zip(polish(zmws, model="pairhmm"), zmws, strict=True):
        if zmw.draft.tag("np") < 5:
            continue
        truth = truths[zmw.name.split("/")[1]]
        before += distance(decode_bases(zmw.draft.bases), truth)
        after += distance(decode_bases(read.bases), truth)
        assert (np.diff(read.draft_index[read.draft_index >= 0]) > 0).all()
    assert after < 0.75 * before  # of those of real drafts half go


def distance(read: str, truth: str) -> int:
    return int(edlib.align(read, truth, mode="NW", task="distance")["editDistance"])


def test_remaining_evidence_supports_no_edit(testdata):
    molecule = encode_evidence(align_zmw(next(read_zmws([testdata / "subreads.bam"], testdata / "ccs.bam"))))
    assert molecule.items == len(find_homopolymers(molecule.layout["draft"]))
    assert (molecule.inputs["evidence"].max(axis=1) < 2 / SCORE_STEP).all()


@pytest.mark.parametrize("passes", [1, 2])
def test_few_passes_are_never_sure(corrector, testdata, passes):
    zmw = align_zmw(next(read_zmws([testdata / "subreads.bam"], testdata / "ccs.bam")))
    long = sorted(zmw.passes, key=lambda p: -len(p.bases))[:passes]
    (read,) = polish([replace(zmw, passes=tuple(long))], model=Corrector.of(corrector))
    assert mean_quality(read.qualities) < 20


def test_without_triage_every_homopolymer_has_evidence(molecules: list[Zmw]) -> None:
    some, every = (PairHmm(triage=triage).encode(molecules[0]).inputs["evidence"] for triage in (True, False))
    ruled_out = round(POOLED_UNSUPPORTED / SCORE_STEP)
    assert (some == ruled_out).any(axis=1).mean() > 0.5
    assert not (every == ruled_out).all(axis=1).any()
