"""Sites where reads of a pile differ consistently: alleles of haplotypes, and copies of repeats."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.align.tandem_repeats import find_tandem_repeats
from deepconsensus_py.pacbio.molecule import Draft, Pass

LEAST = 2
"""Reads that share what a read does not have at a site, and reads that share what it has, itself included."""

MANY = 3
"""Reads of both kinds at a site that decides alone: few errors are shared by so many. Where the length of a repeat
differs, so many must share that of the read, in any case."""

DECISIVE = 3
"""Weight of a site that decides alone; of so many others that do together."""

SURE = 30
"""Phred. Where there are sites, a base of this quality is one even where the read is alone, unless a read differs that
agrees at the other sites: of two million such bases in reads of CHM13, 19 are errors."""

LONGEST_UNIT, LONG = 12, 100
"""Bases of a unit, and of a repeat of such units. These have no sites: above all in telomeres, reads share errors."""

NOISE, POWER, FACTOR = 0.0005, 2.4, 4.0
"""The length of a repeat of n bases is wrong in a share of ``NOISE * n ** POWER`` of reads of CHM13. ``FACTOR`` times
as many do not count at a site: some repeats have more errors than others."""

Bools = NDArray[np.bool_]
Codes = NDArray[np.uint8]
Integers = NDArray[np.int64]


class Difference(NamedTuple):
    """What a pass has instead of some bases of the read.

    Attributes:
        start: first base of the read that is replaced, or the one behind what is inserted.
        removed: bases of the read that are replaced.
        letters: base codes that are instead.
    """

    start: int
    removed: int
    letters: bytes

    @property
    def is_substitution(self) -> bool:
        """Whether another base is in the place of one; else bases are missing, or too many."""
        return bool(self.removed and self.letters)


@dataclass(frozen=True, slots=True, eq=False)
class Sites:
    """Places of a read where other reads share something else.

    Attributes:
        start: ``int64[sites]`` first base of each, in ascending order.
        stop: ``int64[sites]`` one past its last base.
        weight: ``int64[sites]`` ``DECISIVE`` or 1.
        differs: ``bool[passes, sites]`` passes that have what the others share.
        agrees: ``bool[passes, sites]`` passes that have what the read has.
    """

    start: Integers
    stop: Integers
    weight: Integers
    differs: Bools
    agrees: Bools


@dataclass(frozen=True, slots=True, eq=False)
class Pile:
    """A read and the passes aligned to it.

    Attributes:
        draft: the read.
        spans: ``int64[passes, 2]`` first base of the read that each covers, and one past the last one.
        shared: numbers of the passes that have each difference.
        touched: ``bool[passes, n + 1]`` where a pass has any.
        sure: ``int64[n + 1]`` bases of a quality of ``SURE`` before each base of the read.
    """

    draft: Draft
    spans: Integers
    shared: Mapping[Difference, Sequence[int]]
    touched: Bools
    sure: Integers

    @classmethod
    def of(cls, draft: Draft, passes: Sequence[Pass]) -> "Pile":
        """Collect the differences of passes, aligned to a read and left-normalised, the read itself included."""
        length = len(draft.bases)
        shared, touched = defaultdict[Difference, list[int]](list), np.zeros((len(passes), length + 1), np.bool_)
        spans = np.zeros((len(passes), 2), np.int64)
        for number, p in enumerate(passes):
            assert p.alignment is not None
            start, columns = p.alignment.start, p.alignment.lengths @ cigar.ON_DRAFT[p.alignment.operations]
            spans[number] = start, start + columns
            for one in differences(p):
                shared[one].append(number)
                touched[number, one.start : one.start + max(one.removed, 1)] = True
        is_sure = np.zeros(length, np.bool_) if draft.qualities is None else draft.qualities >= SURE
        return cls(draft, spans, shared, touched, np.append(0, np.cumsum(is_sure)))

    def substitutions(self) -> NDArray[np.float64]:
        """Share ``float64[passes]`` of the sure bases of the read, where a pass covers them, that are others in it."""
        others = np.zeros(len(self.spans))
        for one, numbers in self.shared.items():
            if one.is_substitution:
                others[list(numbers)] += self.sure[one.start + 1] - self.sure[one.start]
        covered: Integers = np.diff(self.sure[self.spans], axis=1)[:, 0]
        return others / np.maximum(covered, 1)

    def sites(self) -> Sites:
        """The differences that passes share and others do not."""
        none = in_long_repeats(self.draft.bases)
        several = sorted(one for one, numbers in self.shared.items() if len(numbers) >= LEAST and not none[one.start])
        all_sites = [self._site(one) for one in several]
        sites = [site for site in all_sites if site.weight]
        if sites:
            mates = np.any([site.agrees for site in sites], 0) & ~np.any([site.differs for site in sites], 0)
            sites = [site for site in all_sites if site.weight or (site.sure and not (site.differs & mates).any())]
        start, stop, weight = np.array([site[:3] for site in sites], np.int64).reshape(-1, 3).T
        nobody = np.zeros((len(self.spans), 0), np.bool_)
        differs, agrees = (np.column_stack([nobody, *(site[part] for site in sites)]) for part in (3, 4))
        return Sites(start, stop, np.maximum(weight, 1), differs, agrees)

    def _site(self, one: Difference) -> "_Site":
        stop, repeat = extent(self.draft.bases, one)
        covers = (self.spans[:, 0] < one.start) & (self.spans[:, 1] > stop)
        differs = np.zeros(len(covers), np.bool_)
        differs[list(self.shared[one])] = True
        agrees = covers & ~self.touched[:, one.start : stop].any(axis=1)
        noise = FACTOR * NOISE * repeat**POWER * covers.sum()
        sharing, with_it = differs.sum() - noise, agrees.sum() - noise
        weight = int(sharing >= LEAST and with_it >= (MANY if repeat else LEAST))
        weight = DECISIVE if min(sharing, with_it) >= MANY and not repeat else weight
        # A base that is missing in the read has no quality.
        sure = bool(one.removed and not repeat and self.sure[stop] - self.sure[one.start] == stop - one.start)
        return _Site(one.start, stop, weight, differs, agrees, sure)


class _Site(NamedTuple):
    """A site of ``Sites``, or a place that is none: its weight is 0.

    Attributes:
        sure: whether the bases of the read have qualities of ``SURE``.
    """

    start: int
    stop: int
    weight: int
    differs: Bools
    agrees: Bools
    sure: bool


def differences(p: Pass) -> Iterator[Difference]:
    """What an aligned, left-normalised pass has instead of its draft, base by base where bases are others."""
    assert p.alignment is not None
    operations, lengths = p.alignment.operations, p.alignment.lengths.astype(np.int64)
    on_draft, on_pass = lengths * cigar.ON_DRAFT[operations], lengths * cigar.ON_PASS[operations]
    draft, own = p.alignment.start + np.cumsum(on_draft) - on_draft, np.cumsum(on_pass) - on_pass
    there = np.isin(operations, (cigar.INSERTION, cigar.DELETION, cigar.DIFFERENT))
    columns = (values[there].tolist() for values in (operations, lengths, draft, own))
    for code, length, start, at in zip(*columns, strict=True):
        if code == cigar.DIFFERENT:
            for step in range(length):
                yield Difference(start + step, 1, p.bases[at + step : at + step + 1].tobytes())
        elif code == cigar.DELETION:
            yield Difference(start, length, b"")
        else:
            yield Difference(start, 0, p.bases[at : at + length].tobytes())


def extent(bases: Codes, one: Difference) -> tuple[int, int]:
    """One past the last base of a read that a difference is about, and the bases of the repeat whose length it changes.

    Args:
        bases: ``uint8[n]`` base codes of the read.
        one: a left-normalised difference.

    Returns:
        The end of the repeat and its bases, where the difference is one or more copies of a unit too few or too many;
        else the end of the difference, and 0.
    """
    stop = one.start + max(one.removed, 1)
    if one.is_substitution:
        return stop, 0
    letters = np.frombuffer(one.letters, np.uint8) if one.letters else bases[one.start : one.start + one.removed]
    unit = next(size for size in range(1, len(letters) + 1) if (letters[size:] == letters[:-size]).all())
    end = one.start + one.removed
    while end < len(bases) and bases[end] == letters[(end - one.start) % unit]:
        end += 1
    size = end - one.start
    return max(stop, end), size if size >= unit + (unit if one.removed else 0) else 0


def in_long_repeats(bases: Codes, least: int = LONG) -> Bools:
    """Which bases of a read, and its end, ``bool[n + 1]``, lie in long repeats of short units.

    Args:
        bases: ``uint8[n]`` base codes of the read.
        least: bases of a repeat.
    """
    inside, found = np.zeros(len(bases) + 1, np.bool_), find_tandem_repeats(bases)
    for start, stop, unit in zip(found.start, found.stop, found.unit, strict=True):
        # An error ends a repeat, and another one begins behind it.
        inside[max(start - LONGEST_UNIT, 0) : stop + LONGEST_UNIT] |= unit <= LONGEST_UNIT
    for start, stop in np.flatnonzero(np.diff(inside, prepend=False, append=False)).reshape(-1, 2):
        inside[start:stop] = stop - start >= least
    return inside
