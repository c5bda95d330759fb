"""Statistics from numbers of equal values are those of the values."""

import random
import statistics
from collections import Counter

import pytest

from deepconsensus_py.reports.statistics import LENGTH_BIN, ReadGroup, RunStatistics, ZmwLines
from deepconsensus_py.reports.table import COLUMNS


def zmw(length: int | None, quality: float, *, written: bool = True, before: float | None = None) -> ZmwLines:
    outcome = "success" if written else "failed_length_filter"
    return ZmwLines("", "", outcome, False, length, before, 1 - 10 ** (-quality / 10), 5, False)


@pytest.mark.parametrize("seed", range(20))
def test_figures_of_a_group(seed: int) -> None:
    chance = random.Random(seed)
    reads = [(chance.randint(1, 40), chance.randint(0, 5000) / 100, chance.randint(0, 9)) for _ in range(1 + seed)]
    group = ReadGroup()
    for read in reads:
        group.add(*read)
    lengths, qualities, passes = zip(*reads, strict=True)
    assert (group.reads, group.bases) == (len(reads), sum(lengths))
    assert group.mean_length == round(statistics.mean(lengths))
    assert group.median_length == round(statistics.median(lengths))
    assert group.exact_median_quality == pytest.approx(statistics.median(qualities), abs=0.005)
    assert group.mean_passes == round(statistics.mean(passes))
    longest = sorted(lengths, reverse=True)
    assert group.n50 == next(n for k, n in enumerate(longest, 1) if 2 * sum(longest[:k]) >= sum(lengths))


def test_a_group_without_reads_has_zeros() -> None:
    group = ReadGroup()
    figures = (group.reads, group.bases, group.mean_length, group.median_length, group.n50, group.median_quality)
    assert {*figures, group.mean_passes} == {0}


def test_groups_of_a_run() -> None:
    found = RunStatistics()
    # A read of exactly Q20 is a HiFi read, by the last bit of a logarithm or not.
    for quality in (20.0, 30.0, 29.999):
        found.add(zmw(1000, quality))
    found.add(zmw(500, 45.0, written=False))  # too short, say
    found.add(zmw(800, 19.0, written=False))
    found.add(zmw(None, 0.0))
    assert (found.hifi.reads, found.q30.reads, found.low.reads) == (3, 1, 1)
    assert found.after == Counter({20: 1, 30: 1, 29: 1, 45: 1, 19: 1})
    assert found.lengths == {1000 // LENGTH_BIN * LENGTH_BIN: 3}
    assert dict(found.yield_above(range(20, 32, 5))) == {20: 3000, 25: 2000, 30: 1000}


def test_lines_say_what_is_counted() -> None:
    cells = {"outcome": "success", "length_after": "101", "quality_before": "21.50"}
    row = "\t".join(cells.get(column, "m/1/ccs" if column == "name" else "7") for column in COLUMNS) + "\n"
    metrics = '{"predicted_accuracy": 0.9995, "num_full_passes": 8, "has_tandem_repeat": true}\n'
    assert ZmwLines.read(row, metrics) == ZmwLines(row, metrics, "success", False, 101, 21.5, 0.9995, 8, True)
    failed = (
        row.replace("success", "too_few_passes").replace("101", ".").replace("21.50", ".").replace("ccs", "ccs/rev")
    )
    found = ZmwLines.read(failed, metrics)
    assert (found.written, found.by_strand, found.length, found.before) == (False, True, None, None)
