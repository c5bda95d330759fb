"""The benchmark of drafts: errors in the direction of the draft, before and after polishing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def drafts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import drafts

    return drafts


def test_errors_are_those_of_the_draft_and_of_its_reads(drafts) -> None:
    rng = np.random.default_rng(1)
    truth = drafts.sequence(700, rng)
    known = drafts.molecule("1", truth, truth, 8, rng)
    for passes in (known.zmw.passes, known.zmw.passes[::-1]):
        task = drafts.Task("row", replace(known, zmw=replace(known.zmw, passes=passes)), has_ccs=True)
        found = drafts.measure(task, ["vote"])
        assert found["molecules"] == 1
        assert found["ms"] > 0
        assert found["ccs draft"] == 0
        assert 0 <= found["draft"] < 8
        assert 0 <= found["vote"] < 8


def test_a_table_has_a_row_for_each_kind(drafts, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(drafts, "simulated", lambda: [drafts.Task("short", None), drafts.Task("short", None)])
    monkeypatch.setattr(
        drafts, "measure", lambda *_: drafts.Counter(molecules=1, kb=1.5, ms=10, draft=3, vote=0, edits=0)
    )
    monkeypatch.setattr("sys.argv", ["drafts.py", "--sets", "simulated", "--models", "vote"])
    drafts.main()
    head, _, row = capsys.readouterr().out.splitlines()
    assert head == "| molecules | number | kb | ms | draft | vote | ccs draft | ccs vote |"
    assert row == "| short | 2 | 3 | 10 | 6 | 0 |  |  |"
