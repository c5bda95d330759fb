"""The errors of one read: mismatches, insertions and deletions, and the read bases they are assigned to."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.evaluate.alignment import FREE_END, GAP, AlignedRead, Overhangs, align_read
from deepconsensus_py.evaluate.reads import Read


class ErrorKind(StrEnum):
    """Error types, as CIGAR operations."""

    MISMATCH = "X"
    INSERTION = "I"
    DELETION = "D"


@dataclass(frozen=True, slots=True)
class ErrorEvent:
    """A mismatch, insertion or deletion.

    Attributes:
        position: truth position of the mismatch, of the first deleted base, or of the base after the insertion.
        kind: error type.
        length: bp.
        bases: inserted or deleted bases; ``truth>read`` for a mismatch.
        homopolymer_length: length in the truth of the homopolymer that an indel of one base type lengthens or shortens,
            else 0.
    """

    position: int
    kind: ErrorKind
    length: int
    bases: str
    homopolymer_length: int

    @property
    def key(self) -> tuple[int, ErrorKind, int, str]:
        """Identifies equal events of two reads."""
        return self.position, self.kind, self.length, self.bases


@dataclass(frozen=True, slots=True, eq=False)
class BookedErrors:
    """Errors assigned to the aligned bases of a read, for comparison with their qualities.

    Attributes:
        qualities: ``float64[n]`` Phred.
        errors: ``float64[n]`` errors assigned to each base.
        without_deletions: ``float64[n]`` the same without deletions.
    """

    qualities: NDArray[np.float64]
    errors: NDArray[np.float64]
    without_deletions: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ReadErrors:
    """All errors of one read.

    Attributes:
        events: in truth order.
        mismatches: mismatched bases.
        inserted: inserted bases, including long ends.
        deleted: deleted bases, including long ends.
        in_homopolymers: inserted and deleted bases in homopolymers of two or more.
        end_errors: bases of overhangs longer than the free end.
        overhangs: at both ends.
        truth_span: aligned part of the truth, end excluded.
        truth_bases: bases of the truth that are evaluated.
        length: read bases.
        predicted_quality: Phred of the mean predicted error, or None without qualities.
        booked: errors by base, or None without qualities.
    """

    events: tuple[ErrorEvent, ...]
    mismatches: int
    inserted: int
    deleted: int
    in_homopolymers: int
    end_errors: int
    overhangs: Overhangs
    truth_span: tuple[int, int]
    truth_bases: int
    length: int
    predicted_quality: float | None
    booked: BookedErrors | None

    @property
    def total(self) -> int:
        """Mismatched, inserted and deleted bases."""
        return self.mismatches + self.inserted + self.deleted


@dataclass(frozen=True, slots=True, eq=False)
class _Homopolymers:
    """Start and end of the homopolymer of every base."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, bases: str) -> "_Homopolymers":
        letters = np.frombuffer(bases.encode("ascii"), np.uint8)
        starts = np.flatnonzero(np.concatenate(([True], letters[1:] != letters[:-1])))
        lengths = np.diff(np.append(starts, len(letters)))
        return cls(np.repeat(starts, lengths), np.repeat(starts + lengths, lengths))

    def length(self, position: int) -> int:
        return int(self.ends[position] - self.starts[position])


def find_errors(read: Read, truth: str) -> ReadErrors:
    """Align a read to its truth and count the errors.

    Args:
        read: the read, in either orientation.
        truth: upper-case bases.
    """
    aligned = align_read(read, truth)
    located = list(_events(aligned))
    events = tuple(event for event, _ in located)
    long_ends = [o for o in (aligned.overhangs.left, aligned.overhangs.right) if abs(o) > FREE_END]
    bases = {kind: sum(e.length for e in events if e.kind == kind) for kind in ErrorKind}
    qualities = aligned.read.qualities
    return ReadErrors(
        events=events,
        mismatches=bases[ErrorKind.MISMATCH],
        inserted=bases[ErrorKind.INSERTION] + sum(o for o in long_ends if o > 0),
        deleted=bases[ErrorKind.DELETION] - sum(o for o in long_ends if o < 0),
        in_homopolymers=sum(e.length for e in events if e.homopolymer_length >= 2),
        end_errors=sum(map(abs, long_ends)),
        overhangs=aligned.overhangs,
        truth_span=aligned.truth_span,
        truth_bases=_judged_bases(aligned),
        length=len(aligned.read.bases),
        predicted_quality=None if qualities is None else capped_phred(float(np.mean(probability(qualities)))),
        booked=None if qualities is None else _book(aligned, located, qualities),
    )


def capped_phred(error: float) -> float:
    """Phred of an error probability, at most 100."""
    return -10 * math.log10(max(error, 1e-10))


def probability(qualities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Error probabilities ``float64[n]`` of Phred qualities."""
    error: NDArray[np.float64] = 10 ** (-qualities / 10)
    return error


def _judged_bases(aligned: AlignedRead) -> int:
    """Truth bases without free ends."""
    start, end = aligned.truth_span
    length = len(aligned.truth)
    return (end if length - end <= FREE_END else length) - (start if start <= FREE_END else 0)


def _events(aligned: AlignedRead) -> Iterator[tuple[ErrorEvent, int]]:
    """Events with their read position: that of the first base, or of the base after a deletion."""
    read_row, truth_row = aligned.rows
    columns = np.select([read_row == GAP, truth_row == GAP, read_row != truth_row], [1, 2, 3], 0)
    # Every mismatch is one event; adjacent columns with a gap in the same row are one event.
    first = np.concatenate(([True], (columns[1:] != columns[:-1]) | (columns[1:] == 3), [True]))[: len(columns) + 1]
    read_positions = aligned.read_span[0] + np.concatenate(([0], np.cumsum(read_row != GAP)))
    truth_positions = aligned.truth_span[0] + np.concatenate(([0], np.cumsum(truth_row != GAP)))
    homopolymers = _Homopolymers.of(aligned.truth)
    for start, end in pairwise(np.flatnonzero(first).tolist()):
        if columns[start]:
            kind = (ErrorKind.DELETION, ErrorKind.INSERTION, ErrorKind.MISMATCH)[columns[start] - 1]
            position = int(truth_positions[start])
            bases = _event_bases(kind, read_row[start:end], truth_row[start:end])
            homopolymer_length = (
                0 if kind is ErrorKind.MISMATCH else _changed_homopolymer(bases, position, aligned.truth, homopolymers)
            )
            yield ErrorEvent(position, kind, end - start, bases, homopolymer_length), int(read_positions[start])


def _event_bases(kind: ErrorKind, read: NDArray[np.uint8], truth: NDArray[np.uint8]) -> str:
    if kind is ErrorKind.MISMATCH:
        return f"{chr(truth[0])}>{chr(read[0])}"
    letters = read if kind is ErrorKind.INSERTION else truth
    return letters.tobytes().decode("ascii")


def _changed_homopolymer(bases: str, position: int, truth: str, homopolymers: _Homopolymers) -> int:
    if len(set(bases)) > 1:
        return 0
    beside = [p for p in (position, position - 1) if 0 <= p < len(truth) and truth[p] == bases[0]]
    return max((homopolymers.length(p) for p in beside), default=0)


def _book(aligned: AlignedRead, located: list[tuple[ErrorEvent, int]], qualities: NDArray[np.float64]) -> BookedErrors:
    """Spread each event over the bases that may be responsible, in proportion to their predicted error."""
    bases = aligned.read.bases
    homopolymers = _Homopolymers.of(bases)
    predicted = probability(qualities)
    errors, without_deletions = np.zeros(len(bases)), np.zeros(len(bases))
    for event, position in located:
        start, end = _carriers(event, position, bases, homopolymers)
        share = event.length * predicted[start:end] / predicted[start:end].sum()
        errors[start:end] += share
        if event.kind is not ErrorKind.DELETION:
            without_deletions[start:end] += share
    used = slice(*aligned.read_span)
    return BookedErrors(qualities[used], errors[used], without_deletions[used])


def _carriers(event: ErrorEvent, position: int, bases: str, homopolymers: _Homopolymers) -> tuple[int, int]:
    """Read bases that may be responsible for an error, end excluded.

    For an insertion of one base type, the bases of its homopolymer; for a deletion, the bases adjacent to the gap, and
    where these equal the deleted base, their homopolymers with one more base on either side.
    """
    if event.kind is ErrorKind.MISMATCH:
        return position, position + 1
    if event.kind is ErrorKind.INSERTION:
        if len(set(event.bases)) > 1:
            return position, position + event.length
        return int(homopolymers.starts[position]), int(homopolymers.ends[position])
    start, end = max(position - 1, 0), min(position + 1, len(bases))
    for beside in (position - 1, position):
        if 0 <= beside < len(bases) and event.bases == bases[beside] * event.length:
            start = min(start, max(int(homopolymers.starts[beside]) - 1, 0))
            end = max(end, min(int(homopolymers.ends[beside]) + 1, len(bases)))
    return start, end
