"""The benchmark of the attention core compares what is equal, and says so where it is not."""

from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def attention(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import attention

    return attention


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("name", ["causal, 100", "band 12, 100, narrow", "Shaw, 100", "full, 100, narrow"])
def test_every_formulation_agrees_and_is_timed(attention, name: str, backward: bool) -> None:
    case = attention.cases(with_flex=False)[name]()
    best = attention.measure(case, 1, backward=backward)
    assert best.keys() == {"core", *case.torch}
    assert all(0 < seconds < 60 for seconds in best.values())


def test_formulations_of_something_else_are_refused(attention) -> None:
    case = attention.Case((2, 2, 9, 4), attention.plain(), {"other": attention.fused(causal=True)})
    with pytest.raises(SystemExit, match="other differs from the core by"):
        attention.measure(case, 1, backward=False)


def test_memory_is_that_of_both_kinds_of_places(attention) -> None:
    rows = attention.memory(300)
    assert [row.split(" | ")[0] for row in rows] == ["| per item", "| two tokens at one place"]
    assert all(float(row.split(" | ")[1]) < 300**2 * 8 * 4 / 2**20 for row in rows)


def test_a_mask_of_numbers_is_that_of_truth_values(attention) -> None:
    allowed = attention.band(30, 12)
    assert torch.equal(attention.added(allowed) == 0, allowed)
    assert int(allowed.sum()) == 30 * 25 - 12 * 13
