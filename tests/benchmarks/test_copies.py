"""Copies of an input: the same molecules under other hole numbers, in order."""

from pathlib import Path

import numpy as np
import pytest
from support import Commands

from deepconsensus_py.pacbio.molecule import Pass, Zmw
from deepconsensus_py.pacbio.zmws import read_zmws

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
ARRAYS = ("bases", "pulse_widths", "inter_pulse_durations", "snr", "reverse")


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import copies

    return copies


@pytest.fixture(params=["raw", "aligned"])
def pair(request: pytest.FixtureRequest, run: Commands, testdata: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Subreads and drafts."""
    subreads, ccs = testdata / "subreads.bam", testdata / "ccs.bam"
    if request.param == "raw":
        return subreads, ccs
    assert run("align", subreads, "--ccs", ccs, "-o", tmp_path / "aligned.bam", "--threads", 1).status == 0
    return tmp_path / "aligned.bam", ccs


def molecules(subreads: Path, ccs: Path) -> list[Zmw]:
    found = list(read_zmws([subreads], ccs))
    assert all(isinstance(zmw, Zmw) for zmw in found)
    return found


def split(name: str) -> tuple[str, int, str]:
    movie, hole, rest = name.split("/", 2)
    return movie, int(hole), rest


def assert_same_pass(copied: Pass, p: Pass) -> None:
    assert split(copied.name)[2] == split(p.name)[2]
    assert all(np.array_equal(getattr(copied, key), getattr(p, key)) for key in ARRAYS)
    assert (copied.alignment is None) == (p.alignment is None)
    if copied.alignment and p.alignment:
        assert copied.alignment.start == p.alignment.start
        assert np.array_equal(copied.alignment.lengths, p.alignment.lengths)


def test_each_copy_is_the_input_under_higher_hole_numbers(copies, pair: tuple[Path, Path], tmp_path: Path) -> None:
    once, thrice = molecules(*pair), molecules(*copies.write_copies(*pair, 3, tmp_path / "copies"))
    holes = [split(zmw.name)[1] for zmw in thrice]
    assert len(holes) == 3 * len(once)
    assert holes == sorted(set(holes))
    assert [zmw.name for zmw in thrice[: len(once)]] == [zmw.name for zmw in once]
    for zmw, own in zip(thrice, 3 * once, strict=True):
        assert np.array_equal(zmw.draft.bases, own.draft.bases)
        assert np.array_equal(zmw.draft.qualities, own.draft.qualities)
        assert {tag for tag, *_ in zmw.draft.tags} == {tag for tag, *_ in own.draft.tags}
        for copied, p in zip(zmw.passes, own.passes, strict=True):
            assert split(copied.name)[:2] == split(zmw.name)[:2]
            assert_same_pass(copied, p)


def test_one_molecule_can_be_chosen(copies, pair: tuple[Path, Path], tmp_path: Path) -> None:
    once = molecules(*pair)
    lengths = [len(zmw.draft.bases) for zmw in once]
    hole = copies.shortest(pair[1])
    (only,) = molecules(*copies.write_copies(*pair, 1, tmp_path / "copies", {hole}))
    own = once[lengths.index(min(lengths))]
    assert only.name == own.name
    assert [p.name for p in only.passes] == [p.name for p in own.passes]


def test_the_inputs_are_never_replaced(copies, testdata: Path) -> None:
    with pytest.raises(ValueError, match="has the inputs"):
        copies.write_copies(testdata / "subreads.bam", testdata / "ccs.bam", 2, testdata)


def test_hole_numbers_stay_within_32_bits(copies, testdata: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="beyond 32 bits"):
        copies.write_copies(testdata / "subreads.bam", testdata / "ccs.bam", 2**30, tmp_path)
