"""Comparisons with a baseline: nothing is gained by trimming or dropping."""

import json
from pathlib import Path

import numpy as np
import pytest

from deepconsensus_py.cli.main import main
from deepconsensus_py.errors import InputError
from deepconsensus_py.evaluate.comparison import Comparison, compare, empirical_quality
from deepconsensus_py.evaluate.reads import Read, ReadSet
from deepconsensus_py.evaluate.tables import as_text, totals
from deepconsensus_py.pacbio.names import MoleculeId

MOLECULE = MoleculeId("m", 1)
TRUTH = "".join(np.random.default_rng(2).choice(list("ACGT"), 3000))


def _set(bases: str | None, passes: int | None = None) -> ReadSet:
    reads = {MOLECULE: Read("m/1/ccs", bases, passes=passes)} if bases else {}
    return ReadSet(Path("reads"), reads, 0)


def _compare(read: str | None, baseline: str | None = None, **options: object) -> Comparison:
    return compare(_set(TRUTH), _set(read), _set(baseline, 5) if baseline else None, **options)


def _wrong_at(*places: int) -> str:
    letters = list(TRUTH)
    for place in places:
        letters[place] = {"A": "C", "C": "A", "G": "T", "T": "G"}[letters[place]]
    return "".join(letters)


def test_fixed_and_new_events() -> None:
    (molecule,) = _compare(_wrong_at(1000, 2500), _wrong_at(1000, 2000)).molecules
    assert (molecule.errors, molecule.baseline.total, molecule.fixed, molecule.new) == (2, 2, 1, 1)


def test_errors_trimmed_away_are_hidden_errors() -> None:
    baseline = _wrong_at(20, 1500, 2980)
    (molecule,) = _compare(TRUTH[40:-40], baseline).molecules
    assert (molecule.read.total, molecule.hidden, molecule.errors) == (0, 2, 2)
    assert molecule.fixed == 1


def test_a_missing_read_has_the_errors_of_its_baseline() -> None:
    total = totals(_compare(None, _wrong_at(500, 1500)))
    assert (total["missing"], total["errors"], total["ratio"], total["yield_q20"]) == (1, 2, 1, 0)
    assert total["baseline_yield_q20"] == len(TRUTH)


def test_quality_without_errors_is_bounded_by_the_length() -> None:
    assert empirical_quality(0, 9) == 10
    assert empirical_quality(10, 1000) == 20


def test_molecules_can_be_chosen() -> None:
    assert len(_compare(TRUTH, TRUTH, min_passes=5, holes=[1]).molecules) == 1
    for options in ({"min_passes": 6}, {"holes": [2]}):
        with pytest.raises(InputError, match="none of its reads"):
            _compare(TRUTH, TRUTH, **options)


def test_text_names_the_figures() -> None:
    text = "\n".join(as_text(_compare(_wrong_at(1000), _wrong_at(1000, 2000)), with_events=True))
    assert "1 errors in 3000 bases of 1 molecules (Q34.77)" in text
    assert "baseline: 2 errors" in text
    assert "errors / baseline errors: 0.5; 1 reads better, 0 worse; 1 error events fixed, 0 new" in text
    assert "\t1000\tX\t1\t" in text


def test_every_cell_of_the_text_has_a_column() -> None:
    for read, baseline in ((_wrong_at(1000), TRUTH), (TRUTH, _wrong_at(1000))):
        columns, cells = (line.split("\t") for line in list(as_text(_compare(read, baseline)))[:2])
        assert dict(zip(columns, cells, strict=True))["worse"] == ("yes" if baseline is TRUTH else "no")


def test_the_text_says_whose_errors_those_are_that_the_read_does_not_show() -> None:
    for read, sentence in (
        (None, "the baseline's 3 in 1 missing reads and 0 in cut-off ends"),
        (TRUTH[40:-40], "the baseline's 0 in 0 missing reads and 2 in cut-off ends"),
    ):
        text = "\n".join(as_text(_compare(read, _wrong_at(20, 1500, 2980))))
        assert sentence in text


def test_the_command_writes_json_and_prints_text(testdata: Path, tmp_path: Path, capsys) -> None:
    arguments = ["evaluate", str(testdata / "ccs.bam"), "--truth", str(testdata / "truth.fasta")]
    assert main([*arguments, "--json", str(tmp_path / "e.json")]) == 0
    text = capsys.readouterr().out
    result = json.loads((tmp_path / "e.json").read_text())
    assert f"{result['total']['errors']} errors in" in text
    assert main([*arguments, "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out) == result


def test_the_command_names_what_is_wrong(testdata: Path, tmp_path: Path, capsys) -> None:
    assert main(["evaluate", str(testdata / "ccs.bam"), "--truth", str(tmp_path / "no.fasta")]) == 1
    assert "no.fasta" in capsys.readouterr().err
