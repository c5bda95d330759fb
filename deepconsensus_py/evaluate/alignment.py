"""Align a read to its truth at unit cost: orientation, free ends, left-normalised gaps.

The definitions are those of the project's yardstick, so that tools can be compared.
"""

import re
from dataclasses import dataclass, replace

import edlib
import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.evaluate.reads import Read, reverse_complement_letters

FREE_END = 50
"""Bases by which a read may be shorter or longer than its truth at either end without counting as an error."""

ANCHOR = 25
"""Consecutive matching bases that anchor the read to the truth."""

INNER = 1500
"""Bases from the ends of the truth without anchors, so that the ends are aligned as a whole."""

GAP = 0
"""The value of a gap in a row of an alignment; other values are ASCII bases."""

_OPERATION = re.compile(r"(\d+)([=XID])")


@dataclass(frozen=True, slots=True)
class Overhangs:
    """Unaligned bases of the read (positive) or of the truth (negative) at each end.

    Attributes:
        left: bases.
        right: bases.
    """

    left: int
    right: int


@dataclass(frozen=True, slots=True, eq=False)
class AlignedRead:
    """A read aligned to its truth.

    Attributes:
        read: the read in the orientation of the truth.
        truth: the truth's letters.
        overhangs: at both ends; they are not in the rows.
        rows: ``uint8[2, columns]`` letters of read and truth, ``GAP`` where one has none.
        reversed: the read was turned.
    """

    read: Read
    truth: str
    overhangs: Overhangs
    rows: NDArray[np.uint8]
    reversed: bool

    @property
    def read_span(self) -> tuple[int, int]:
        """Aligned part of the read, end excluded."""
        return max(self.overhangs.left, 0), len(self.read.bases) - max(self.overhangs.right, 0)

    @property
    def truth_span(self) -> tuple[int, int]:
        """Aligned part of the truth, end excluded."""
        return max(-self.overhangs.left, 0), len(self.truth) - max(-self.overhangs.right, 0)


def align_read(read: Read, truth: str) -> AlignedRead:
    """Align a read to its truth in the better orientation.

    Args:
        read: an empty one counts as a single unknown base.
        truth: upper-case letters, at least one.
    """
    if not read.bases:
        read = replace(read, bases="N", qualities=None)
    turned = _distance_inside(read.bases, reverse_complement_letters(truth)) < _distance_inside(read.bases, truth)
    oriented = read.reverse_complement() if turned else read
    overhangs = _overhangs(oriented.bases, truth)
    aligned = AlignedRead(oriented, truth, overhangs, np.empty((2, 0), np.uint8), turned)
    (read_from, read_to), (truth_from, truth_to) = aligned.read_span, aligned.truth_span
    rows = _rows(oriented.bases[read_from:read_to], truth[truth_from:truth_to])
    for row, other in (rows, rows[::-1]):
        shift_gaps_left(row, other)
    return AlignedRead(oriented, truth, overhangs, rows, turned)


def _distance_inside(read: str, truth: str) -> int:
    """Edit distance of the shorter at its best position in the longer."""
    inner, outer = (read, truth) if len(read) <= len(truth) else (truth, read)
    return int(edlib.align(inner, outer, mode="HW", task="distance")["editDistance"])


def _operations(query: str, target: str) -> list[tuple[int, str]]:
    """Lengths and kinds (``=XID``, I: in the query only) of the global alignment."""
    if not query or not target:
        return [(len(query), "I")] if query else [(len(target), "D")]
    path = edlib.align(query, target, mode="NW", task="path")["cigar"] or ""
    return [(int(length), kind) for length, kind in _OPERATION.findall(path)]


def _overhangs(read: str, truth: str) -> Overhangs:
    anchors = _anchors(read, truth)
    inner = [anchor for anchor in anchors if INNER < anchor[1] < len(truth) - INNER]
    inner = inner or [anchors[len(anchors) // 2]]
    (left_read, left_truth), (right_read, right_truth) = inner[0], inner[-1]
    return Overhangs(
        _overhang(read[:left_read][::-1], truth[:left_truth][::-1]),
        _overhang(read[right_read:], truth[right_truth:]),
    )


def _anchors(read: str, truth: str) -> list[tuple[int, int]]:
    """Midpoints of the long matches as (read, truth) positions; the midpoints of both sequences if there is none."""
    anchors = []
    in_read = in_truth = 0
    for length, kind in _operations(read, truth):
        if kind == "=" and length >= ANCHOR:
            anchors.append((in_read + length // 2, in_truth + length // 2))
        in_read += length if kind != "D" else 0
        in_truth += length if kind != "I" else 0
    return anchors or [(len(read) // 2, len(truth) // 2)]


def _overhang(read: str, truth: str) -> int:
    """Overhang of one sequence over the other at the end, starting from an anchor.

    Three ways to end are compared: together, the truth reaching further, the read reaching further. An overhang of up
    to ``FREE_END`` bases costs nothing, a longer one its length; at equal cost the shorter overhang wins.
    """
    ways = [(int(edlib.align(read, truth, mode="NW", task="distance")["editDistance"]), 1, 0)]
    for query, target, sign in ((read, truth, -1), (truth, read, 1)):
        result = edlib.align(query, target, mode="SHW", task="locations")
        last = max(-1 if end is None else end for _, end in result["locations"])
        left = len(target) - 1 - last
        costly = left > FREE_END
        ways.append((result["editDistance"] + left * costly, 0 if costly else 1 + left, sign * left))
    return min(ways)[2]


def _rows(read: str, truth: str) -> NDArray[np.uint8]:
    operations = _operations(read, truth)
    lengths = [length for length, _ in operations]
    kinds = np.repeat(np.array([ord(kind) for _, kind in operations], np.uint8), lengths)
    rows = np.full((2, len(kinds)), GAP, np.uint8)
    rows[0, kinds != ord("D")] = np.frombuffer(read.encode("ascii"), np.uint8)
    rows[1, kinds != ord("I")] = np.frombuffer(truth.encode("ascii"), np.uint8)
    return rows


def shift_gaps_left(row: NDArray[np.uint8], other: NDArray[np.uint8]) -> None:
    """Move every gap of a row as far left as matches allow, in place.

    A gap moves over a match when the matched letter equals the letter across the gap's last column. Gaps are moved in
    order, so that each finds those before it at their final place.

    Args:
        row: ``uint8[columns]`` letters and gaps.
        other: the row across; it does not change.
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], row == GAP, [False])).astype(np.int8)))
    for start, end in edges.reshape(-1, 2).tolist():
        steps = 0
        while steps < start and row[start - 1 - steps] == other[start - 1 - steps] == other[end - 1 - steps]:
            steps += 1
        if steps:
            length = end - start
            row[end - steps : end] = other[end - steps : end]
            row[start - steps : start - steps + length] = GAP
