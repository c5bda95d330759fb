"""Errors where no pass shows the truth are reported apart from the rest."""

from pathlib import Path

import numpy as np
import pytest
from support import Commands

from deepconsensus_py.evaluate.comparison import compare
from deepconsensus_py.evaluate.reads import Read, ReadSet
from deepconsensus_py.evaluate.tables import as_text, totals
from deepconsensus_py.evaluate.truth_support import unsupported_bases
from deepconsensus_py.pacbio.molecule import Pass, decode_bases, reverse_complement
from deepconsensus_py.pacbio.names import MoleculeId

WRONG = 400
MOLECULE = MoleculeId("m", 1)


@pytest.fixture
def bases() -> np.ndarray:
    """A sequence without homopolymers."""
    return (np.random.default_rng(3).integers(1, 4, 900).cumsum() % 4 + 1).astype(np.uint8)


def truth_of(bases: np.ndarray) -> str:
    """The truth, wrong at one base."""
    wrong = bases.copy()
    free = {1, 2, 3, 4} - set(bases[WRONG - 1 : WRONG + 2].tolist())
    wrong[WRONG] = free.pop()
    return decode_bases(wrong)


def passes_of(bases: np.ndarray, count: int) -> list[Pass]:
    """Passes without errors, half of them of the other strand."""
    turned = [reverse_complement(bases) if number % 2 else bases for number in range(count)]
    return [Pass(f"m/1/{number}_9", own, None, None, None) for number, own in enumerate(turned)]


@pytest.mark.parametrize(("count", "found"), [(4, False), (8, True)])
def test_a_base_that_no_pass_shows_is_found_if_several_span_it(bases: np.ndarray, count: int, found: bool) -> None:
    flags = unsupported_bases(truth_of(bases), passes_of(bases, count))
    assert np.flatnonzero(flags).tolist() == ([WRONG - 1, WRONG, WRONG + 1] if found else [])


def test_errors_there_are_counted_apart(bases: np.ndarray) -> None:
    truth, right = truth_of(bases), decode_bases(bases)
    read = right[:700] + right[702:]
    flags = unsupported_bases(truth, passes_of(bases, 8))
    sets = [ReadSet(Path(name), {MOLECULE: Read("m/1", own)}, 0) for name, own in (("t", truth), ("r", read))]
    comparison = compare(*sets, unsupported={MOLECULE: flags})
    total = totals(comparison)
    assert (total["errors"], total["errors_at_unsupported"], total["unsupported_bases"]) == (3, 1, 3)
    assert total["empirical_q_elsewhere"] > total["empirical_q"]
    header, row, *rest = as_text(comparison)
    assert dict(zip(header.split("\t"), row.split("\t"), strict=True))["unsupported"] == "1"
    assert any(line.startswith("1 of the errors are among 3 bases") for line in rest)


def test_without_subreads_nothing_is_said_of_them(bases: np.ndarray) -> None:
    sets = [ReadSet(Path(name), {MOLECULE: Read("m/1", decode_bases(bases))}, 0) for name in ("t", "r")]
    assert not any("no pass shows" in line or "unsupported" in line for line in as_text(compare(*sets)))


def test_the_command_takes_raw_and_aligned_subreads(run: Commands, testdata: Path, tmp_path: Path) -> None:
    raw, aligned = testdata / "subreads.bam", tmp_path / "aligned.bam"
    assert run("align", raw, "--ccs", testdata / "ccs.bam", "-o", aligned).status == 0
    printed = []
    for subreads in (raw, aligned):
        done = run("evaluate", testdata / "ccs.bam", "--truth", testdata / "truth.fasta", "--subreads", subreads)
        assert done.status == 0
        printed.append(done.out)
    assert "of the truth that no pass shows" in printed[0]
    assert printed[0] == printed[1]
