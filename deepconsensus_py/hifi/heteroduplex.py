"""Heteroduplexes: molecules whose strands differ, found by positions at which passes of both disagree (compiled).

After amplification or repair of the library, the strands of a molecule may have different bases at a position, or one
of them a large insertion. A consensus of both is true of neither. Homopolymer lengths are no evidence, since wrong ones
are the errors of these reads.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, lgamma

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.kernels import kernel
from deepconsensus_py.pacbio.molecule import GAP, N, Pass

HIGHEST_P = 1e-3
"""Of Fisher's exact test. It takes about seven passes of each strand; at 1e-2, molecules of five or six passes of each
have up to 25 sites by chance per million bases."""

SHARE = 7, 10
"""The least share of a strand's passes that must agree, as a fraction."""

FEWEST_PASSES = 3
"""Of each strand."""

MANY_PASSES, FEWEST_BESIDE_MANY = 20, 5
"""Where one strand has more than 20 passes, three of the other are more likely to be artefacts than the strand."""

LARGE_GAP = 20
"""Bases of an insertion or deletion that is not a sequencing error."""

GAP_SPREAD = 10
"""Bases between the places at which alignments of two passes have the same large gap, at most."""

_ROUNDING = 1 + 1e-7
"""Tables as probable as the one observed count, whatever the last bits of their probabilities."""

_Codes = NDArray[np.uint8]
_Lengths = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Site:
    """A position at which the strands of a molecule differ.

    Attributes:
        position: 0-based, in the sequence that the passes are aligned to.
        table: passes of the strand of that sequence that show its allele and that of the opposite strand, then the same
            numbers of the opposite strand.
        p: two-sided probability of such a difference by chance, by Fisher's exact test.
        large: whether it is a large insertion or deletion, not another base.
    """

    position: int
    table: tuple[int, int, int, int]
    p: float
    large: bool = False


def heteroduplex_sites(length: int, passes: Sequence[Pass]) -> tuple[Site, ...]:
    """The positions at which the strands of a molecule differ, in order.

    A site has another most frequent base on each strand, or a large insertion or deletion on one strand only. At least
    70 % of the passes of each strand show its allele, and Fisher's exact test gives no more than ``HIGHEST_P``.

    Args:
        length: bases of the sequence that the passes are aligned to.
        passes: of both strands, gaps left-normalised.
    """
    reverse = sum(p.reverse for p in passes)
    if not _enough(len(passes) - reverse, reverse):
        return ()
    counts = np.zeros((2, length, N + 1), np.int32)
    gapped = [row for row, p in enumerate(passes) if _added(p, counts[int(p.reverse)])]
    found = (*_base_sites(counts), *_gap_sites(passes, gapped))
    return tuple(sorted(found, key=lambda site: site.position))


def _added(p: Pass, counts: NDArray[np.int32]) -> bool:
    """Whether a pass, which is added to the counts, has a large gap."""
    a = p.alignment
    return a is not None and bool(_count((a.operations, a.lengths, a.start), p.bases, counts))


def _base_sites(counts: NDArray[np.int32]) -> Iterator[Site]:
    for position, own, other in _differing(counts).tolist():
        here = counts[:, position]
        table = tuple(int(here[strand, base]) for strand in range(2) for base in (own, other))
        yield from _tested(position, table, here.sum(axis=1))


def _gap_sites(passes: Sequence[Pass], gapped: Sequence[int]) -> Iterator[Site]:
    """Sites of large gaps; ``gapped`` are the passes that have any."""
    for kind in (cigar.INSERTION, cigar.DELETION):
        gaps = sorted((place, size, row) for row in gapped for place, size in _large_gaps(passes[row], kind))
        edges = [k for k in range(1, len(gaps)) if gaps[k][0] - gaps[k - 1][0] > GAP_SPREAD]
        for first, stop in pairwise([0, *edges, len(gaps)]):
            yield from _gap_site(gaps[first:stop], passes, deleted=kind == cigar.DELETION)


def _gap_site(gaps: Sequence[tuple[int, int, int]], passes: Sequence[Pass], *, deleted: bool) -> Iterator[Site]:
    """The site of gaps at about the same place, each with its place, bases and pass."""
    rows = {row for _, _, row in gaps}
    if len(rows) < FEWEST_PASSES:
        return
    begin, end = gaps[0][0], max(place + size * deleted for place, size, _ in gaps)
    table = np.zeros((2, 2), np.int64)
    for row, p in enumerate(passes):
        if row in rows or _spans(p, begin - GAP_SPREAD, end + GAP_SPREAD):
            table[int(p.reverse), int(row not in rows)] += 1
    if table[0, 0] * table[1, :].sum() < table[1, 0] * table[0, :].sum():
        table = table[:, ::-1]
    (a, b), (c, d) = table.tolist()
    yield from _tested(begin, (a, b, c, d), table.sum(axis=1), large=True)


def _large_gaps(p: Pass, kind: int) -> Iterator[tuple[int, int]]:
    """Position and bases of each large gap of a kind."""
    a = p.alignment
    if a is None:
        return
    large = np.flatnonzero((a.operations == kind) & (a.lengths >= LARGE_GAP))
    for k in large.tolist():
        yield a.start + int(a.lengths[:k] @ cigar.ON_DRAFT[a.operations[:k]]), int(a.lengths[k])


def _spans(p: Pass, begin: int, end: int) -> bool:
    a = p.alignment
    return a is not None and a.start <= begin and end <= a.start + int(a.lengths @ cigar.ON_DRAFT[a.operations])


def _tested(
    position: int, table: tuple[int, ...], passes: NDArray[np.integer], *, large: bool = False
) -> Iterator[Site]:
    """The site of a table, if it is one."""
    own, to_other, to_own, other = table
    forward, reverse = passes.tolist()
    if not (_enough(forward, reverse) and _agree(own, forward) and _agree(other, reverse)):
        return
    p = fisher_exact(own, to_other, to_own, other)
    if p <= HIGHEST_P:
        yield Site(position, (own, to_other, to_own, other), p, large)


def _enough(forward: int, reverse: int) -> bool:
    fewer, more = sorted((forward, reverse))
    return fewer >= (FEWEST_BESIDE_MANY if more > MANY_PASSES else FEWEST_PASSES)


def _agree(agreeing: int, passes: int) -> bool:
    return agreeing * SHARE[1] >= passes * SHARE[0]


def fisher_exact(a: int, b: int, c: int, d: int) -> float:
    """Two-sided probability of a table [a, b; c, d] by chance, by Fisher's exact test.

    The sum over all tables of the same margins that are at most as probable as this one.
    """
    row, column, total = a + b, a + c, a + b + c + d
    shares = {
        k: exp(_log_binomial(row, k) + _log_binomial(total - row, column - k) - _log_binomial(total, column))
        for k in range(max(0, row + column - total), min(row, column) + 1)
    }
    return min(1.0, sum(share for share in shares.values() if share <= shares[a] * _ROUNDING))


def _log_binomial(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


@kernel
def _count(alignment: tuple[_Codes, _Lengths, int], bases: _Codes, counts: _Lengths) -> int:
    """Add the bases and deletions of one pass to ``int32[n, 6]``; gives the number of its large gaps."""
    operations, lengths, column = alignment
    position = large = 0
    for k in range(len(operations)):
        length = lengths[k]
        on_pass, on_draft = cigar.ON_PASS[operations[k]], cigar.ON_DRAFT[operations[k]]
        if on_draft:
            for i in range(length):
                counts[column + i, bases[position + i] if on_pass else GAP] += 1
        large += length >= LARGE_GAP and (operations[k] == cigar.INSERTION or operations[k] == cigar.DELETION)
        position, column = position + length * on_pass, column + length * on_draft
    return large


@kernel
def _differing(counts: NDArray[np.int32]) -> NDArray[np.int64]:
    """Positions whose most frequent base differs between the strands, with both bases, ``int64[sites, 3]``.

    Only those where enough passes of both strands agree: a few of all, so that what comes after need not be compiled.
    """
    found, sites = np.empty((counts.shape[1], 3), np.int64), 0
    for j in range(counts.shape[1]):
        own, other = 1, 1
        for base in range(2, N):
            own = base if counts[0, j, base] > counts[0, j, own] else own
            other = base if counts[1, j, base] > counts[1, j, other] else other
        if own == other:
            continue
        if (
            counts[0, j, own] * SHARE[1] >= counts[0, j].sum() * SHARE[0]
            and counts[1, j, other] * SHARE[1] >= counts[1, j].sum() * SHARE[0]
        ):
            found[sites, 0], found[sites, 1], found[sites, 2] = j, own, other
            sites += 1
    return found[:sites]
