"""Base qualities of corrected reads: as high as the errors that were found allow, and no higher."""

from pathlib import Path

import numpy as np
import pytest
from overlap_reads import genome, tiled, with_errors

from deepconsensus_py.overlaps.correction import correct_reads
from deepconsensus_py.overlaps.qualities import AGREED, TELOMERE, FoundErrors, found_errors
from deepconsensus_py.pacbio.molecule import Draft, encode_bases

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"

FOUND = FoundErrors((0, 20), (0.1, 0.01), (3, 6), (0.001, 0.00011), 0.02)


def qualities(predicted: list[int], coverage: list[int]) -> list[int]:
    return FOUND.qualities(genome(len(predicted), 1), np.array(predicted, np.uint8), np.array(coverage)).tolist()


def test_uncertain_bases_count_by_quality_others_by_coverage() -> None:
    assert qualities([0, 19, 20, AGREED - 1], [3, 30, 3, 30]) == [10, 10, 20, 20]
    # Rounded down: 39.6.
    assert qualities([AGREED, AGREED, 93, 50], [3, 5, 6, 60]) == [30, 30, 39, 39]


def test_telomeres_have_one_quality() -> None:
    bases = genome(TELOMERE + 400, 2)
    bases[200 : 200 + TELOMERE] = np.resize(encode_bases("CCCTAA"), TELOMERE)
    found = FOUND.qualities(bases, np.full(len(bases), 50, np.uint8), np.full(len(bases), 10))
    assert set(found[200 : 200 + TELOMERE]) == {16}
    assert set(found[:180]) == set(found[-180:]) == {39}
    shorter = np.concatenate([bases[:600], genome(300, 3)])
    assert (FOUND.qualities(shorter, np.full(900, 50, np.uint8), np.full(900, 10)) == 39).all()


def test_the_counts_are_probabilities_that_fall_with_coverage() -> None:
    counts = found_errors()
    assert (len(counts.uncertain), len(counts.agreed)) == (len(counts.predicted), len(counts.coverage))
    assert (np.diff(counts.agreed) <= 0).all()
    assert 0 < counts.errors.min() <= counts.errors.max() < 1


def test_corrected_reads_have_them_where_they_are_covered() -> None:
    rng = np.random.default_rng(4)
    truths = tiled(genome(12_000, 4), 6000, 1000)
    given = [with_errors(truth, 8, rng) for truth in truths]
    drafts = [Draft(f"movie/{n}/ccs", read, np.full(len(read), 17, np.uint8)) for n, read in enumerate(given)]
    coverage = list[np.ndarray]()

    def noted(bases: np.ndarray, predicted: np.ndarray, used: np.ndarray) -> np.ndarray:
        coverage.append(used)
        return found_errors().qualities(bases, predicted, used)

    own = {int(-10 * np.log10(probability)) for probability in found_errors().errors}
    for read, used in zip(correct_reads(drafts, rounds=1, qualities=noted), coverage, strict=False):
        assert set(used) <= {0, 3, 4, 5, 6}
        kept = (used == 0) & (read.draft_index >= 0)
        assert set(read.qualities[kept]) <= {17}
        assert set(read.qualities[~kept]) <= own
    assert len(coverage) == len(drafts)
    assert [one.qualities.tolist() for one in correct_reads(drafts, rounds=1, qualities=noted)] == [
        one.qualities.tolist() for one in correct_reads(drafts, rounds=1)
    ]


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import fit_overlap_qualities

    return fit_overlap_qualities


def bases_of(benchmark, errors: list[int], bases: int = 1000):
    """So many bases of each class, some of them wrong."""
    wrong = np.concatenate([np.arange(bases) < number for number in errors]).astype(np.int64)
    return benchmark.Bases(np.arange(len(wrong)), np.repeat(np.arange(benchmark.CLASSES), bases), wrong)


def test_probabilities_are_one_error_more_than_found(benchmark) -> None:
    assert benchmark.CLASSES == 10
    found = benchmark.fit({"diploid": bases_of(benchmark, [99, 49, 19, 4, 9, 7, 3, 2, 0, 59])})
    assert found.uncertain == (0.1, 0.05, 0.02, 0.005)
    assert found.agreed == (0.01, 0.008, 0.004, 0.003, 0.001)
    assert found.telomeres == 0.06
    without = benchmark.fit({"diploid": bases_of(benchmark, [0] * 10, 0)})
    assert set(without.errors) == {0.75}


def test_few_reads_have_at_least_the_errors_of_more(benchmark) -> None:
    found = benchmark.fit({"diploid": bases_of(benchmark, [0, 0, 0, 0, 9, 0, 0, 4, 1, 0])})
    assert found.agreed == (0.01, 0.005, 0.005, 0.005, 0.002)


def test_simulated_reads_count_where_coverage_is_low(benchmark) -> None:
    real, simulated = bases_of(benchmark, [9] * 10), bases_of(benchmark, [0] * 10, 9000)
    found = benchmark.fit({"haploid": real, "simulated, haploid": simulated})
    assert found.uncertain == (0.001,) * 4
    assert found.agreed == (0.01,) * 5
    assert found.telomeres == 0.01
    real = bases_of(benchmark, [9] * 7 + [0] * 3)
    assert benchmark.fit({"haploid": real, "simulated, haploid": simulated}).agreed == (0.001,) * 5


def test_errors_are_expected_as_qualities_are_written(benchmark) -> None:
    bases = bases_of(benchmark, [0] * 10, 2)
    found = FoundErrors((0, 10, 20, 30), (0.5, 0.11, 0.01, 0.01), (3, 4, 6, 9, 13), (1e-4,) * 5, 0.02)
    values = benchmark.expected(found, bases)
    assert values[2] == pytest.approx(10**-0.9)
    assert values[8:18] == pytest.approx([1e-4] * 10)
    assert bases.counts()[1].tolist() == [2] * 10
