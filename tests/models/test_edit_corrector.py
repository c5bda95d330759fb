"""Edit networks as correctors: reads from molecules of all kinds, the same however they are computed."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from edit_toys import random_model, random_network
from in_memory import corrector_of
from support import Commands, record_lines

from deepconsensus_py.align.passes import align_zmw
from deepconsensus_py.corrector import Corrector
from deepconsensus_py.edits.classes import EDIT_CLASSES
from deepconsensus_py.edits.expected_errors import errors_of
from deepconsensus_py.edits.method import SPEC, encode_edits
from deepconsensus_py.edits.repeats import find_homopolymers
from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.edit_network import EditConfig, EditNetwork
from deepconsensus_py.models.registry import load_model
from deepconsensus_py.models.weights import Model, save_model
from deepconsensus_py.pacbio.molecule import Draft, N, Pass, Zmw
from deepconsensus_py.polishing.encode import encode_zmws
from deepconsensus_py.polishing.engine import PolishSettings, correct, polish
from deepconsensus_py.polishing.filters import ReadFilter
from deepconsensus_py.polishing.read import PolishedRead
from deepconsensus_py.reports.outcomes import Outcome

SETTINGS = PolishSettings(filter=ReadFilter(min_quality=0))


@pytest.fixture
def corrector() -> Corrector:
    return corrector_of(random_model())


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "random.safetensors"
    save_model(path, random_model())
    return path


def read_of(zmw: Zmw, corrector: Corrector) -> PolishedRead:
    (read,) = polish([zmw], model=corrector, settings=SETTINGS, min_passes=0)
    return read


def require_valid(read: PolishedRead, zmw: Zmw) -> None:
    assert read.outcome is Outcome.SUCCESS, read.reason
    assert read.bases is not None
    assert ((read.bases > 0) & (read.bases <= N)).all()
    assert len(read.bases) == len(read.qualities) == len(read.draft_index)
    kept = read.draft_index[read.draft_index >= 0]
    assert (np.diff(kept) > 0).all()
    assert kept[-1] < len(zmw.draft.bases)


def same(one: Sequence[PolishedRead], other: Sequence[PolishedRead]) -> bool:
    return [(r.name, r.bases.tobytes(), r.qualities.tobytes()) for r in one] == [
        (r.name, r.bases.tobytes(), r.qualities.tobytes()) for r in other
    ]


def test_a_random_network_gives_reads_and_changes_them(molecules: list[Zmw], corrector: Corrector) -> None:
    other = corrector_of(replace(random_model(), network=random_network(1)))
    reads = [read_of(zmw, corrector) for zmw in molecules]
    for zmw, read in zip(molecules, reads, strict=True):
        require_valid(read, zmw)
    assert not same(reads, [read_of(zmw, other) for zmw in molecules])


def test_reads_do_not_depend_on_the_batch(molecules: list[Zmw], corrector: Corrector) -> None:
    encoded = list(encode_zmws(molecules, corrector.method))
    assert len({molecule.features.inputs["passes"].shape[1] for molecule in encoded}) > 1
    seen = []
    for batch in (7, 300, 10**6):
        corrector.network.batch = batch
        seen.append(list(correct(encoded, corrector, SETTINGS)))
    assert same(seen[0], seen[1])
    assert same(seen[0], seen[2])


def test_the_items_are_the_undecided_homopolymers_of_the_refined_draft(
    molecules: list[Zmw], corrector: Corrector
) -> None:
    features = encode_edits(molecules[0])
    homopolymers = find_homopolymers(features.layout["draft"])
    undecided = features.layout["undecided"]
    assert features.items == len(undecided) < len(homopolymers)
    assert corrector.method.select(features, 45).all()
    assert features.layout["depth"][undecided].all()
    probabilities = corrector.network.forward(features.inputs)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_homopolymers_without_candidates_have_the_errors_that_are_expected(
    molecules: list[Zmw], corrector: Corrector
) -> None:
    features = encode_edits(molecules[0])
    # The undecided ones keep the draft.
    probabilities = np.zeros((features.items, len(EDIT_CLASSES)), np.float32)
    probabilities[:, 0] = 1
    calls = corrector.method.call(features, np.ones(features.items, np.bool_), probabilities)
    layout, length = features.layout, find_homopolymers(features.layout["draft"]).length
    covered = np.repeat(layout["depth"] > 0, length)
    expected = np.repeat(errors_of(layout["expected_errors"]) / length, length)
    assert np.array_equal(calls.bases, layout["draft"])
    assert (calls.error_probability >= np.float32(0.999) * expected.astype(np.float32))[covered].all()
    assert np.median((calls.error_probability / expected)[covered]) == pytest.approx(1)


@pytest.mark.parametrize("kind", ["no kinetics", "one pass", "two passes", "one strand"])
def test_molecules_that_lack_something_become_reads(molecules: list[Zmw], corrector: Corrector, kind: str) -> None:
    zmw = molecules[0]
    passes = {
        "no kinetics": tuple(replace(p, pulse_widths=None, inter_pulse_durations=None) for p in zmw.passes),
        "one pass": zmw.passes[:1],
        "two passes": zmw.passes[:2],
        "one strand": tuple(p for p in zmw.passes if p.reverse),
    }[kind]
    lacking = replace(zmw, passes=passes)
    assert encode_edits(lacking).items
    require_valid(read_of(lacking, corrector), lacking)


def agreeing(bases: int = 400, passes: int = 24) -> Zmw:
    """A molecule whose passes all agree."""
    rng = np.random.default_rng(4)
    steps = rng.integers(1, 4, bases).cumsum() % 4 + 1
    codes = steps.astype(np.uint8)
    read = tuple(Pass(f"m/9/{number}_9", codes, None, None, None) for number in range(passes))
    return align_zmw(Zmw(Draft("m/9/ccs", codes, np.full(bases, 30, np.uint8)), read))


def test_a_molecule_without_undecided_homopolymers_is_its_draft(molecules: list[Zmw], corrector: Corrector) -> None:
    zmw = agreeing()
    assert encode_edits(zmw).items == 0
    alone = read_of(zmw, corrector)
    require_valid(alone, zmw)
    assert np.array_equal(alone.bases, zmw.draft.bases)
    among = list(polish([molecules[0], zmw, molecules[1]], model=corrector, settings=SETTINGS))
    assert same([among[1]], [alone])
    assert same(among[::2], [read_of(molecules[0], corrector), read_of(molecules[1], corrector)])


def test_nothing_is_dropped_when_it_is_used(molecules: list[Zmw]) -> None:
    network = EditNetwork(EditConfig.of(layers=1, d=8, heads=2, ff=8, dropout=0.5)).train()
    network.load_state_dict(random_network(layers=1, d=8, heads=2, ff=8).state_dict())
    corrector = corrector_of(Model("dropout", network, SPEC))
    inputs = encode_edits(molecules[0]).inputs
    assert np.array_equal(corrector.network.forward(inputs), corrector.network.forward(inputs))


def test_a_molecule_without_passes_keeps_its_outcome(molecules: list[Zmw], corrector: Corrector) -> None:
    read = read_of(replace(molecules[0], passes=()), corrector)
    assert read.outcome is Outcome.NO_SUBREADS


def test_files_are_found_and_trimming_is_refused(model_file: Path) -> None:
    corrector = load_model(model_file)
    assert corrector.method.spec == SPEC
    with pytest.raises(ModelError, match="--ins-trim"):
        load_model(model_file, insertion_trim=3)


def test_the_command_gives_the_same_reads_directly_on_two_cores_and_by_way_of_shards(
    run: Commands, testdata: Path, model_file: Path, tmp_path: Path
) -> None:
    inputs = (testdata / "subreads.bam", "--ccs", testdata / "ccs.bam", "--model", model_file)
    quality, threads = ("--min-quality", 0), torch.get_num_threads()
    assert run("polish", *inputs, *quality, "--threads", 1, "-o", tmp_path / "one.bam").status == 0
    assert run("polish", *inputs, *quality, "--threads", 2, "-o", tmp_path / "two.bam").status == 0
    assert run("encode", *inputs, "--threads", 1, "-o", tmp_path / "a.shard").status == 0
    shard = ("--features", tmp_path / "a.shard", "--model", model_file)
    assert run("polish", *shard, *quality, "--threads", 1, "-o", tmp_path / "shard.bam").status == 0
    torch.set_num_threads(threads)
    lines = [record_lines(tmp_path / f"{name}.bam") for name in ("one", "two", "shard")]
    assert lines[0] == lines[1] == lines[2]
    assert lines[0]


def test_worker_processes_need_no_torch_to_encode() -> None:
    code = f"import sys, {encode_edits.__module__}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_without_triage_the_network_sees_every_covered_homopolymer(molecules: list[Zmw]) -> None:
    zmw = molecules[0]
    some, every = (corrector_of(random_model(), triage=triage).method.encode(zmw) for triage in (True, False))
    assert every.items == (every.layout["depth"] > 0).sum()
    assert 0 < some.items < every.items / 2
