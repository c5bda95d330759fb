"""Overlaps on disk are those in memory, and the order of reads follows them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from overlap_reads import simulated

from deepconsensus_py.overlaps import table as tables
from deepconsensus_py.overlaps.blocks import blocks, order_of_neighbours
from deepconsensus_py.overlaps.located import locate
from deepconsensus_py.overlaps.overlap import Overlap, as_overlap, find_overlaps
from deepconsensus_py.overlaps.search import search
from deepconsensus_py.overlaps.table import as_overlaps, table_of

Pairs = list[tuple[int, Overlap]]


def line(count: int, step: int = 1000, length: int = 6000) -> Pairs:
    """Overlaps of reads along a line."""
    found = Pairs()
    for one in range(count):
        for other in range(one + 1, count):
            shared = length - step * (other - one)
            if shared >= 2000:
                found.append((one, Overlap(length - shared, length, other, 0, shared, False, shared)))
    return found


def test_a_table_has_the_overlaps_that_are_found_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulated(tmp_path / "hifi.bam", length=12_000)
    reads = locate([tmp_path / "hifi.bam"], tmp_path)
    expected = find_overlaps([read.draft.bases for read in reads.read()])
    assert sum(map(len, expected)) > 50
    monkeypatch.setattr(tables, "_BUCKET", 7)
    monkeypatch.setattr(tables, "_WAITING", 10)
    for most in (10**9, 20_000):
        found = ((number, as_overlap(hit)) for number, hit in search(reads, most=most))
        with table_of(found, tmp_path, len(reads), 60) as table:
            assert [as_overlaps(table.of(number)) for number in range(len(reads))] == expected
            assert (table.found, table.dropped) == (sum(map(len, expected)) // 2, 0)


def shown(found: tuple[int, Any]) -> str:
    return f"{found[0]} {as_overlap(found[1])}"


def test_parts_of_a_search_find_all(tmp_path: Path) -> None:
    simulated(tmp_path / "hifi.bam", length=12_000)
    reads = locate([tmp_path / "hifi.bam"], tmp_path)
    whole = list(map(shown, search(reads, most=20_000)))
    parts = [shown(found) for part in (1, 2) for found in search(reads, chunk=(part, 2), most=20_000)]
    assert sorted(parts) == sorted(whole)


def test_the_best_overlaps_of_a_read_are_kept(tmp_path: Path) -> None:
    with table_of(line(9), tmp_path, 9, 3) as table:
        assert table.neighbours(4).tolist() == [3, 5, 2]
        assert table.neighbours(0).tolist() == [1, 2, 3]
        assert as_overlaps(table.of(4))[0] == Overlap(0, 5000, 3, 1000, 6000, False, 5000)
        assert table.dropped == 2 * table.found - 9 * 3 > 0


def test_overlaps_found_from_both_sides_count_once(tmp_path: Path) -> None:
    mirrored = [(overlap.other, overlap.of_other(number)) for number, overlap in line(5)]
    moved = [
        (
            number,
            Overlap(one.start + 20, one.stop, one.other, one.other_start + 20, one.other_stop, False, one.equal - 20),
        )
        for number, one in mirrored
        if one.start < one.stop - 2100
    ]
    with table_of([*line(5), *moved], tmp_path, 5, 60) as table, table_of(line(5), tmp_path, 5, 60) as once:
        assert [as_overlaps(table.of(number)) for number in range(5)] == [
            as_overlaps(once.of(number)) for number in range(5)
        ]


def test_reads_that_overlap_are_near_each_other_in_the_order(tmp_path: Path) -> None:
    count = 3000
    shuffled = np.random.default_rng(1).permutation(count)
    pairs = [
        (int(shuffled[number]), Overlap(one.start, one.stop, int(shuffled[one.other]), *_others(one)))
        for number in range(count)
        for one in [
            Overlap(1000, 6000, number + 1, 0, 5000, False, 5000),
            Overlap(2000, 6000, number + 2, 0, 4000, False, 4000),
        ]
        if one.other < count
    ]
    with table_of(pairs, tmp_path, count, 60) as table:
        order = order_of_neighbours(table, count)
        assert sorted(order.tolist()) == list(range(count))
        lengths = np.full(count, 6000, np.int32)
        sizes = [len(block.numbers) for block in blocks(order, lengths, table, 3, 6000 * 100)]
        assert len(sizes) == 30
        # Around a hundred reads on a line are twelve: two at each step and end; some blocks are of two parts.
        assert np.median(sizes) <= 100 + 2 * 12
        assert max(sizes) <= 100 + 6 * 12


def _others(one: Overlap) -> tuple[int, int, bool, int]:
    return one.other_start, one.other_stop, one.reverse, one.equal


def test_steps_are_counted_from_the_reads_asked_for(tmp_path: Path) -> None:
    with table_of([(n, o) for n, o in line(40) if o.other == n + 1], tmp_path, 40, 60) as table:
        lengths = np.full(40, 6000, np.int32)
        (block,) = blocks(np.array([20, 21]), lengths, table, 3, 10**6)
        assert block.numbers.tolist() == list(range(17, 25))
        assert block.steps.tolist() == [3, 2, 1, 0, 0, 1, 2, 3]
        assert block.targets == 2
