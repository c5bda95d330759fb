"""Drafts are near the molecule, say how near, and refuse what has too few passes."""

from dataclasses import replace
from pathlib import Path

import edlib
import numpy as np
import pysam
import pytest
from noise import noisy, random_bases
from support import read_drafts

from deepconsensus_py.align.draft import MAX_PASSES, draft_zmw
from deepconsensus_py.align.pass_tags import with_pass_tags
from deepconsensus_py.align.passes import align_zmw
from deepconsensus_py.cli.main import main
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import N, Pass, decode_bases, reverse_complement
from deepconsensus_py.pacbio.names import MoleculeId, read_group_id
from deepconsensus_py.pacbio.zmws import read_subreads

MOLECULE = MoleculeId("m1", 7)
SNR = np.array([5, 10, 4, 8], np.float32)


def reads(rng: np.random.Generator, truth: np.ndarray, number: int, error: float = 0.04) -> list[Pass]:
    """Noisy passes of alternating strands."""
    passes = []
    for i in range(number):
        bases = np.where(rng.random(len(truth)) < error / 4, random_bases(rng, len(truth)), truth)
        copies = np.ones(len(truth), int) - (rng.random(len(truth)) < error) + (rng.random(len(truth)) < error)
        bases = np.repeat(bases, copies)
        passes.append(a_pass(reverse_complement(bases) if i % 2 else bases, f"m1/7/{i}_{i}"))
    return passes


def a_pass(bases: np.ndarray, name: str = "m1/7/0_0", context: int = 3) -> Pass:
    return Pass(name, bases, None, None, SNR, tags=(("cx", context, "C"),))


def errors(bases: np.ndarray, truth: np.ndarray) -> int:
    """Edits on the better strand, a few bases at the ends aside."""
    strands = (decode_bases(b) for b in (truth, reverse_complement(truth)))
    return min(edlib.align(decode_bases(bases[5:-5]), strand, mode="HW")["editDistance"] for strand in strands)


@pytest.mark.parametrize(("n", "passes", "allowed"), [(60, 5, 3), (700, 4, 12), (3_000, 8, 6), (2_000, 40, 2)])
def test_a_draft_is_near_the_molecule(n: int, passes: int, allowed: int) -> None:
    rng = np.random.default_rng(n)
    truth = random_bases(rng, n)
    zmw = draft_zmw(MOLECULE, reads(rng, truth, passes))
    assert errors(zmw.draft.bases, truth) <= allowed
    assert abs(len(zmw.draft.bases) - n) < 0.05 * n


def test_it_carries_what_a_ccs_read_carries() -> None:
    rng = np.random.default_rng(1)
    passes = reads(rng, random_bases(rng, 600), 6)
    barcoded = [replace(p, tags=(*p.tags, ("RG", "4e5b5363/1--2", "Z"))) for p in passes]
    zmw = draft_zmw(MOLECULE, passes)
    assert zmw.name == "m1/7/ccs"
    assert zmw.passes == tuple(passes)
    assert [zmw.draft.tag(tag) for tag in ("zm", "RG")] == [7, read_group_id(MOLECULE)]
    assert zmw.draft.tag("rq") == pytest.approx(1 - np.mean(10 ** (zmw.draft.qualities / -10.0)))
    assert len(zmw.draft.qualities) == len(zmw.draft.bases)
    assert draft_zmw(MOLECULE, barcoded).draft.tag("RG") == f"{read_group_id(MOLECULE)}/1--2"
    assert draft_zmw(MOLECULE, [*barcoded[1:], passes[0]]).draft.tag("RG") is None


def test_partial_passes_and_read_through_adapters_do_not_shorten_or_lengthen_it() -> None:
    rng = np.random.default_rng(2)
    truth = random_bases(rng, 1_500)
    full = reads(rng, truth, 4)
    partial = [a_pass(p.bases[:800], f"m1/7/p{i}", 1) for i, p in enumerate(reads(rng, truth, 6))]
    through = a_pass(np.concatenate((full[0].bases, full[1].bases)), "m1/7/through")
    draft = draft_zmw(MOLECULE, [*partial, *full, through]).draft
    assert errors(draft.bases, truth) < 15
    assert abs(len(draft.bases) - 1_500) < 20


def test_passes_of_another_molecule_do_not_count() -> None:
    rng = np.random.default_rng(3)
    passes = reads(rng, random_bases(rng, 500), 2) + reads(rng, random_bases(rng, 500), 1)
    with pytest.raises(MoleculeError, match=r"m1/7/ccs: [12] of 3 subreads") as caught:
        draft_zmw(MOLECULE, passes)
    assert caught.value.outcome == "draft_failure"


@pytest.mark.parametrize("number", [0, 1, 2])
def test_fewer_than_three_passes_are_refused(number: int) -> None:
    rng = np.random.default_rng(4)
    with pytest.raises(MoleculeError, match=f"{number} of {number} subreads") as caught:
        draft_zmw(MOLECULE, reads(rng, random_bases(rng, 500), number))
    assert caught.value.outcome == "too_few_passes"


def test_qualities_follow_the_vote() -> None:
    rng = np.random.default_rng(6)
    truth = random_bases(rng, 200)
    truth[[49, 50, 51, 99, 100, 101]] = 1, 2, 3, 1, 2, 3
    differs = truth.copy()
    differs[100] = 4
    deletes = np.delete(truth, 50)
    draft = draft_zmw(MOLECULE, [a_pass(bases) for bases in (truth, truth, differs, deletes, truth)]).draft
    assert np.array_equal(draft.bases, truth)
    assert draft.qualities is not None
    assert np.flatnonzero(draft.qualities < draft.qualities.max()).tolist() == [50, 100]


@pytest.mark.parametrize("lacking", [0, 1_000, 1_700])
def test_what_only_the_pass_of_median_length_lacks_is_in_the_draft(lacking: int) -> None:
    rng = np.random.default_rng(12)
    truth = random_bases(rng, 2_000)
    own = a_pass(reads(rng, np.delete(truth, slice(lacking, lacking + 300)), 1)[0].bases)
    shorter = [a_pass(p.bases[:1_200], "m1/7/short") for p in reads(rng, truth, 2)]
    draft = draft_zmw(MOLECULE, [*shorter, own, *reads(rng, truth, 6)[4:], *reads(rng, truth, 2)]).draft
    assert errors(draft.bases, truth) < 20


def test_what_only_the_pass_of_median_length_has_is_not() -> None:
    rng = np.random.default_rng(13)
    truth = random_bases(rng, 2_000)
    own = a_pass(np.insert(reads(rng, truth, 1)[0].bases, 900, random_bases(rng, 300)))
    longer = [a_pass(np.append(p.bases, random_bases(rng, 700)), "m1/7/long") for p in reads(rng, truth, 2)]
    assert errors(draft_zmw(MOLECULE, [*longer, own, *reads(rng, truth, 2)]).draft.bases, truth) < 25


def test_a_pass_of_another_molecule_is_not_the_template() -> None:
    rng = np.random.default_rng(14)
    truth = random_bases(rng, 1_000)
    others = [a_pass(random_bases(rng, 1_000)), a_pass(random_bases(rng, 1_200)), a_pass(random_bases(rng, 800))]
    draft = draft_zmw(MOLECULE, [*others, *reads(rng, truth, 4)]).draft
    assert errors(draft.bases, truth) < 25


@pytest.mark.parametrize(("unit", "copies", "allowed"), [(2, 60, 6), (33, 15, 6), (171, 12, 15)])
def test_tandem_repeats_have_their_copies(unit: int, copies: int, allowed: int) -> None:
    rng = np.random.default_rng(unit)
    repeat = np.tile(random_bases(rng, unit), copies)
    truth = np.concatenate([random_bases(rng, 400), repeat, random_bases(rng, 400)])
    passes = [a_pass(noisy(truth, rng)[0], f"m1/7/{i}_{i}") for i in range(12)]
    assert errors(draft_zmw(MOLECULE, passes).draft.bases, truth) <= allowed


def test_unknown_bases_are_filled_in() -> None:
    rng = np.random.default_rng(15)
    truth = random_bases(rng, 1_000)
    passes = []
    for p in reads(rng, truth, 6):
        bases = p.bases.copy()
        bases[rng.random(len(bases)) < 0.05] = N
        passes.append(replace(p, bases=bases))
    draft = draft_zmw(MOLECULE, passes).draft
    assert not (draft.bases == N).any()
    assert errors(draft.bases, truth) < 25


def test_passes_beyond_those_that_help_do_not_change_it() -> None:
    rng = np.random.default_rng(16)
    truth = random_bases(rng, 500)
    passes = reads(rng, truth, MAX_PASSES)
    other = [a_pass(np.append(bases, random_bases(rng, 90)), "m1/7/other") for bases in (truth, truth)]
    drafts = [draft_zmw(MOLECULE, chosen).draft for chosen in (passes, [*passes, *other], passes[:-1])]
    assert np.array_equal(drafts[0].bases, drafts[1].bases)
    assert np.array_equal(drafts[0].qualities, drafts[1].qualities)
    assert not np.array_equal(drafts[0].qualities, drafts[2].qualities)


def test_the_command_writes_drafts_and_counts_the_rest(testdata: Path, tmp_path: Path, capsys) -> None:
    output = tmp_path / "drafts.bam"
    assert main(["draft", str(testdata / "subreads.bam"), "-o", str(output), "--threads", "2"]) == 0
    molecules = dict(read_subreads([testdata / "subreads.bam"]))
    drafts = read_drafts(output)
    assert f"{len(molecules)} ZMWs, {len(drafts)} drafts" in capsys.readouterr().err
    expected = [with_pass_tags(align_zmw(draft_zmw(m, passes))) for m, passes in molecules.items() if len(passes) >= 3]
    assert [d.name for d in drafts] == [d.name for d in expected]
    assert all(np.array_equal(d.bases, e.bases) for d, e in zip(drafts, expected, strict=True))
    assert all(np.array_equal(d.qualities, e.qualities) for d, e in zip(drafts, expected, strict=True))
    tags = [tag for tag, _, _ in drafts[0].tags]
    assert tags == sorted(tags)
    assert [[d.tag(tag) for tag in ("RG", "np", "zm")] for d in drafts] == [
        [d.tag(tag) for tag in ("RG", "np", "zm")] for d in expected
    ]
    with pysam.AlignmentFile(str(output), check_sq=False) as file:
        groups = {group["ID"]: group["DS"] for group in file.header["RG"]}
        assert all("READTYPE=CCS" in ds and "Ipd" not in ds for ds in groups.values())
        assert {record.get_tag("RG") for record in file} <= set(groups)


@pytest.mark.real
def test_real_drafts_are_as_good_as_measured(human_1m: Path) -> None:
    holes = {4194375: 70, 4194384: 25}
    with pysam.FastxFile(str(human_1m / "truth.fasta")) as file:
        truth = {int(record.name.split("/")[1]): record.sequence for record in file}
    for molecule, passes in read_subreads([human_1m / "subreads.bam"]):
        if molecule.hole in holes:
            draft = decode_bases(draft_zmw(molecule, passes).draft.bases[60:-60])
            found = min(
                edlib.align(draft, strand, mode="HW")["editDistance"]
                for strand in (truth[molecule.hole], _reverse(truth[molecule.hole]))
            )
            print(molecule, found)
            assert found <= holes[molecule.hole]


def _reverse(sequence: str) -> str:
    return sequence.translate(str.maketrans("ACGT", "TGCA"))[::-1]
