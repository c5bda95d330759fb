"""Rows run one by one, resume, miss and fail as they should."""

from dataclasses import replace
from pathlib import Path

import pytest

from deepconsensus_py.cli.main import main
from deepconsensus_py.errors import InputError
from deepconsensus_py.lab import history, page, results, run
from deepconsensus_py.lab.claim import (
    MISSES,
    Arm,
    Claim,
    CostLine,
    Curve,
    Figure,
    Shown,
    Size,
    at_most,
    found_at_least,
    found_at_most,
)
from deepconsensus_py.lab.code import Code
from deepconsensus_py.lab.results import read_result

CALLS: list[Size] = []
HEARD: list[str] = []


def showing(size: Size) -> Shown:
    CALLS.append(size)
    values = [0.9 + seed / 100 for seed in size.seeds]
    return Shown(
        (
            found_at_least("accuracy", values, 0.9, baseline=[0.5], judged=not size.fast),
            found_at_most("loss", [3.0, 3.01], 1.0, judged=not size.fast),
            at_most("error", 1.0 if size.seeds[-1] < 9 else 2.0, 1.0),
            Figure("n", 3),
        ),
        arms=(Arm("letters", "ours", 12_345, 67), Arm("letters", "theirs", 12_345, 67, tried=2)),
        unequal="Theirs was tuned.",
        costs=(CostLine("ours", {"parameters": 12345, "pairs": 1.25}),),
        curves=(Curve("ours", (1, 2), (3, 4)),),
        axes=("size", "error"),
        notes=("A note.",),
    )


def failing(_: Size) -> Shown:
    raise RuntimeError("broken")


CLAIM = Claim(3, "toy", "A system", "It is so.", "Another.", (1, 2), showing)
CODE = Code("0123", "4567")
OTHER = replace(CLAIM, number=1, id="broken", run=failing)


@pytest.fixture(autouse=True)
def two_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    CALLS.clear()
    HEARD.clear()
    rows = {row.id: row for row in (OTHER, CLAIM)}
    monkeypatch.setattr(run, "claims", lambda: list(rows.values()))
    monkeypatch.setattr(run, "find_claim", rows.__getitem__)
    monkeypatch.setattr(run, "code_of_claim", lambda _: CODE)
    monkeypatch.setattr(results, "code_of_claim", lambda _: CODE)


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


def test_a_miss_is_a_result_and_an_exact_check_that_fails_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run.run_claims(tmp_path / "full", ["toy"], HEARD.append, fast=False)
    assert read_result(tmp_path / "full" / "toy.json").verdict == MISSES
    monkeypatch.setattr(run, "find_claim", {"toy": replace(CLAIM, seeds=(9, 9))}.__getitem__)
    assert not run.run_claims(tmp_path / "wrong", ["toy"], HEARD.append, fast=False)
    assert "toy: misses: 1 holds, 1 misses; exact checks: **1 of 1 fail**" in HEARD[-1]


def test_a_fast_run_speaks_of_exact_checks_alone(tmp_path: Path) -> None:
    assert run.run_claims(tmp_path / "fast", ["toy"], HEARD.append, fast=True)
    assert HEARD[-1].startswith("toy: exact checks: pass (1), ")
    result = read_result(tmp_path / "fast" / "toy.json")
    assert (result.verdict, result.trained) == ("", [])
    assert "| not trained | pass (1) |" in (tmp_path / "fast.md").read_text()


def test_results_of_earlier_code_run_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run.run_claims(tmp_path, ["toy"], HEARD.append, fast=False)
    assert run.standing(tmp_path, CLAIM) == "current"
    for code, standing in ((Code("a", CODE.core), "earlier code"), (Code(CODE.row, "b"), "earlier core")):
        monkeypatch.setattr(run, "code_of_claim", lambda _, code=code: code)
        monkeypatch.setattr(results, "code_of_claim", lambda _, code=code: code)
        assert run.standing(tmp_path, CLAIM) == standing
        before = len(CALLS)
        run.collect(tmp_path)
        said = "`0123`, earlier code |" in (tmp_path.with_name(tmp_path.name + ".md")).read_text()
        assert said is (standing == "earlier code")
        run.run_claims(tmp_path, ["toy"], HEARD.append, fast=False)
        assert len(CALLS) == before + 1
        run.run_claims(tmp_path, ["toy"], HEARD.append, fast=False)
        assert len(CALLS) == before + 1
        monkeypatch.setattr(results, "code_of_claim", lambda _: CODE)
        run.run_claims(tmp_path, ["toy"], HEARD.append, fast=False)


def test_the_page_shows_all_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(history.REDONE, "toy", ("pass", "Theirs was not tuned."))
    run.run_claims(tmp_path / "claims", ["toy"], HEARD.append, fast=False)
    text = (tmp_path / "claims.md").read_text()
    assert "| 3 | [`toy`](#3-toy) | A system | misses: 1 tie, 1 misses | pass (1) | 1, 2 |" in text
    assert "| accuracy | 0.5 | 0.915 | 0.8515 to 0.9785 | >= 0.9 | **tie** |" in text
    assert "| loss |  | 3.005 | 2.941 to 3.069 | <= 1 | **misses** |" in text
    assert "| error |  | 1 |  | <= 1 | exact |" in text
    assert "| n |  | 3 |  |  |  |" in text
    assert "| letters | theirs | 12,345 | 67 | 2 |" in text
    assert "Theirs was tuned." in text
    assert "| [`toy`](#3-toy) | pass | misses: 1 tie, 1 misses | Theirs was not tuned. |" in text
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
