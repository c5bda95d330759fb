"""The fit of expected errors: it finds the numbers that made the data, and whose errors are whose."""

from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import fit_expected_errors

    return fit_expected_errors


def test_an_exponential_is_found(benchmark) -> None:
    rng = np.random.default_rng(1)
    x = np.column_stack([np.ones(200_000), rng.uniform(0, 30, 200_000)])
    errors = rng.poisson(1e-4 + np.exp(x @ [-2.0, -0.4])).astype(float)
    assert benchmark.fit_exponential(x, errors, 1e-4) == pytest.approx([-2, -0.4], abs=0.1)


def test_a_logistic_function_is_found(benchmark) -> None:
    rng = np.random.default_rng(2)
    x = np.column_stack([np.ones(100_000), rng.uniform(-12, 1, 100_000)])
    errors = rng.poisson(1 / (1 + np.exp(-(x @ [0.5, 1.2])))).astype(float)
    fitted, _ = benchmark.fit_logistic(x, errors, 0.0)
    assert fitted == pytest.approx([0.5, 1.2], abs=0.05)
    losses = [benchmark.fit_logistic(x, errors, least)[1] for least in (0.0, 1e-2)]
    assert losses[0] < losses[1]


@pytest.mark.parametrize(("events", "low", "high"), [(0, 0, 3.69), (2, 0.242, 7.22), (10, 4.80, 18.39)])
def test_limits_are_those_of_a_poisson_distribution(benchmark, events: int, low: float, high: float) -> None:
    assert benchmark.limits(events) == pytest.approx((low, high), abs=0.01)


def test_errors_belong_to_the_homopolymer_that_a_model_was_asked_about(benchmark) -> None:
    import error_counts

    # The draft AACGT, with its homopolymers 0 to 3, as AAXGT: X was inserted, C deleted.
    homopolymer_of = np.array([0, 0, 1, 2, 3], np.int32)
    index, start = np.array([0, 1, -1, 3, 4], np.int32), np.array([0, 2, 3, 4], np.int32)

    def owners(*asked: int) -> list[int]:
        undecided = np.isin(np.arange(4), asked)
        return error_counts._owners(homopolymer_of, undecided, index, start).tolist()

    assert owners() == [0, 2, 2, 3]
    assert owners(2) == [0, 2, 2, 3]
    assert owners(1) == [0, 1, 2, 3]
