"""Rows run one by one, resume, miss and fail as they should."""

from dataclasses import replace
from pathlib import Path

import pytest

from deepconsensus_py.cli.main import main
from deepconsensus_py.errors import InputError
from deepconsensus_py.lab import page, run
from deepconsensus_py.lab.claim import Claim, CostLine, Curve, Figure, Shown, Size, at_least, at_most
from deepconsensus_py.lab.results import read_result

CALLS: list[Size] = []
HEARD: list[str] = []


def showing(size: Size) -> Shown:
    CALLS.append(size)
    return Shown(
        (
            at_least("accuracy", 0.91, 0.9, baseline=0.5, judged=not size.fast),
            at_most("error", 2.0, 1.0),
            Figure("n", 3),
        ),
        costs=(CostLine("ours", {"parameters": 12345, "ms": 1.25}),),
        curves=(Curve("ours", (1, 2), (3, 4)),),
        axes=("size", "error"),
        notes=("A note.",),
    )


def failing(_: Size) -> Shown:
    raise RuntimeError("broken")


CLAIM = Claim(3, "toy", "A system", "It is so.", "Another.", "None.", (1, 2), showing)
OTHER = replace(CLAIM, number=1, id="broken", run=failing)


@pytest.fixture(autouse=True)
def two_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    CALLS.clear()
    HEARD.clear()
    rows = {row.id: row for row in (OTHER, CLAIM)}
    monkeypatch.setattr(run, "claims", lambda: list(rows.values()))
    monkeypatch.setattr(run, "find_claim", rows.__getitem__)


def test_rows_that_raise_do_not_stop_the_others(tmp_path: Path) -> None:
    assert not run.run_claims(tmp_path / "claims", [], HEARD.append, fast=False)
    assert any(line.startswith("broken: failed") and "RuntimeError" in line for line in HEARD)
    assert [path.name for path in (tmp_path / "claims").glob("*.json")] == ["toy.json"]
    assert [Size(False, (1, 2))] == CALLS


def test_results_are_kept_and_other_sizes_run_anew(tmp_path: Path) -> None:
    for fast, calls in ((False, 1), (False, 1), (True, 2), (True, 2)):
        run.run_claims(tmp_path, ["toy"], HEARD.append, fast=fast)
        assert len(CALLS) == calls
    assert CALLS[1] == Size(True, (1,))


def test_a_miss_is_a_result_in_full_runs_and_a_fault_in_fast_ones(tmp_path: Path) -> None:
    assert run.run_claims(tmp_path / "full", ["toy"], HEARD.append, fast=False)
    assert not run.run_claims(tmp_path / "fast", ["toy"], HEARD.append, fast=True)
    assert read_result(tmp_path / "full" / "toy.json").missed == ["error"]


def test_the_page_shows_all_there_is(tmp_path: Path) -> None:
    run.run_claims(tmp_path / "claims", ["toy"], HEARD.append, fast=False)
    text = (tmp_path / "claims.md").read_text()
    assert "| 3 | [`toy`](#3-toy) | A system | miss: 1 of 2 | 1, 2 |" in text
    assert "| accuracy | 0.5 | 0.91 | >= 0.9 | pass |" in text
    assert "| error |  | 2 | <= 1 | **miss** |" in text
    assert "| n |  | 3 |  |  |" in text
    assert "| ours | 12,345 | 1.25 |" in text
    assert "- A note." in text
    assert "![toy: error over size](claims/toy.svg)" in text
    plot = (tmp_path / "claims" / "toy.svg").read_text()
    run.collect(tmp_path / "claims")
    assert (tmp_path / "claims" / "toy.svg").read_text() == plot


def test_files_that_are_no_results_are_named(tmp_path: Path) -> None:
    (tmp_path / "toy.json").write_text("{}")
    with pytest.raises(InputError, match=r"toy.json: not a result of the claims command"):
        run.run_claims(tmp_path, ["toy"], HEARD.append, fast=True)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.undo()
    assert main(["claims", "--only", "none", "-o", str(tmp_path / "out")]) == 1
    assert "there is no claim 'none'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "text"), [(3.0, "3"), (12345.6, "12,346"), (0.12345, "0.1235"), (1.5e16, "15,000,000,000,000,000")]
)
def test_numbers(value: float, text: str) -> None:
    assert page.number(value) == text
