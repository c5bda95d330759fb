"""Drafts with known errors, and noisy passes: for the benchmark of planted errors.

Errors are single events some 110 bases apart: 1 to 8 bases that are missing, wrong or too many, none equal to the base
beside it, so that none is only another length of a homopolymer. Or the draft of a tandem repeat has some copies of the
unit too few or too many. Simulated passes have uniform noise: 2 % mismatches, 5 % insertions, 3 % deletions; every
other one is of the opposite strand.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import count, cycle

import edlib
import numpy as np
from numpy.typing import NDArray
from reads import KnownMolecule

from deepconsensus_py.pacbio.molecule import A, Draft, G, Pass, Zmw, decode_bases, reverse_complement

Codes = NDArray[np.uint8]

SIZES = (1, 2, 3, 5, 8)
KINDS = tuple(f"{size} {what}" for what in ("missing", "wrong", "too many") for size in SIZES)
LENGTH, EVERY, FLANK = 1300, 110, 400
MISMATCHES, DELETIONS, INSERTIONS = 0.02, 0.03, 0.05
DRAFT_QUALITY = 30
"""Phred, of all bases of a draft with planted errors."""


@dataclass(frozen=True, slots=True)
class Event:
    """An error of a draft: its kind, and the bases ``start:stop`` of the truth that the draft lacks or has wrong."""

    kind: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True, eq=False)
class Planted:
    """A molecule whose draft has errors.

    Attributes:
        known: draft, raw passes and truth.
        events: the errors of the draft.
    """

    known: KnownMolecule
    events: tuple[Event, ...]


def sequence(length: int, rng: np.random.Generator) -> Codes:
    """Random bases ``uint8[length]``."""
    return rng.integers(A, G, length, np.uint8, endpoint=True)


def others(bases: Codes, rng: np.random.Generator) -> Codes:
    """Another base for each base."""
    return ((bases - A + rng.integers(1, 4, len(bases), np.uint8)) % 4 + A).astype(np.uint8)


def noisy(truth: Codes, rng: np.random.Generator) -> Codes:
    """A pass over a molecule, in the direction of the truth."""
    n, kind = len(truth), rng.random(len(truth))
    bases = np.where(kind < MISMATCHES, others(truth, rng), truth)
    kept = (kind < MISMATCHES) | (kind >= MISMATCHES + DELETIONS)
    pairs = np.stack([bases, sequence(n, rng)], axis=1)
    return pairs[np.stack([kept, rng.random(n) < INSERTIONS], axis=1)]


def molecule(name: str, truth: Codes, draft: Codes, passes: int, rng: np.random.Generator) -> KnownMolecule:
    """A molecule with so many simulated passes."""
    reads = []
    for place in range(passes):
        read = noisy(truth, rng)
        read = reverse_complement(read) if place % 2 else read
        reads.append(Pass(f"planted/{name}/{place}_{place + len(read)}", read, None, None, None))
    whole = Zmw(Draft(f"planted/{name}/ccs", draft, _qualities(draft)), tuple(reads))
    return KnownMolecule(name, whole, truth)


def plant(truth: Codes, kinds: Iterable[str], rng: np.random.Generator) -> tuple[Codes, tuple[Event, ...]]:
    """A draft with an error every 110 bases, of each kind in turn; none in the first and last 110 bases."""
    parts, events, end = [], [], 0
    for place, kind in zip(range(EVERY, len(truth) - EVERY, EVERY), cycle(kinds), strict=False):
        event, instead = _event(truth, kind, place, rng)
        parts += [truth[end : event.start], instead]
        events.append(event)
        end = event.stop
    return np.concatenate([*parts, truth[end:]]), tuple(events)


def _event(truth: Codes, kind: str, place: int, rng: np.random.Generator) -> tuple[Event, Codes]:
    """The first error at a place or behind it that is not beside an equal base, and what the draft has instead."""
    number, what = kind.split(" ", 1)
    size = int(number)
    for start in count(place):
        stop = start if what == "too many" else start + size
        instead = truth[:0]
        if what == "wrong":
            instead = others(truth[start:stop], rng)
        elif what == "too many":
            instead = sequence(size, rng)
        changed = truth[start:stop] if what == "missing" else instead
        if changed[0] != truth[start - 1] and changed[-1] != truth[stop]:
            return Event(kind, start, stop), instead
    raise AssertionError


def simulated(kind: str, passes: int, number: int) -> Planted:
    """A molecule of 1.3 kb whose draft has errors of one kind; right if the kind is ``none``."""
    rng = np.random.default_rng([("none", *KINDS).index(kind), passes, number])
    truth = sequence(LENGTH, rng)
    draft, events = (truth, ()) if kind == "none" else plant(truth, [kind], rng)
    return Planted(molecule(str(number), truth, draft, passes, rng), events)


def real(known: KnownMolecule, first: int) -> Planted:
    """A real molecule, its truth with errors of all kinds in turn as the draft, from the ``first`` kind on."""
    rng = np.random.default_rng([int(known.hole), first])
    draft, events = plant(known.truth, KINDS[first:] + KINDS[:first], rng)
    return Planted(redrafted(known, draft), events)


def redrafted(known: KnownMolecule, draft: Codes) -> KnownMolecule:
    """A molecule with another draft of quality 30; its raw passes are aligned anew where it is polished."""
    own = replace(known.zmw.draft, bases=draft, qualities=_qualities(draft))
    return replace(known, zmw=replace(known.zmw, draft=own))


@dataclass(frozen=True, slots=True, eq=False)
class Repeat:
    """A molecule with one tandem repeat.

    Attributes:
        known: draft, raw passes and truth.
        start: first base of the repeat in the truth.
        stop: one past its last base.
        unit: bases of a copy.
        change: copies that the draft has too many; too few if negative.
    """

    known: KnownMolecule
    start: int
    stop: int
    unit: int
    change: int


def repeat(unit: Codes, copies: int, change: int, passes: int, number: int) -> Repeat:
    """A repeat between two random flanks of 400 bases, and a draft that may have a wrong number of copies of it."""
    rng = np.random.default_rng([len(unit), copies, change + copies, passes, number])
    left, right = sequence(FLANK, rng), sequence(FLANK, rng)
    truth, draft = (np.concatenate([left, np.tile(unit, n), right]) for n in (copies, copies + change))
    stop = FLANK + len(unit) * copies
    return Repeat(molecule(str(number), truth, draft, passes, rng), FLANK, stop, len(unit), change)


def unit_of(length: int, rng: np.random.Generator) -> Codes:
    """A random unit that is not itself a repeat of a shorter one."""
    while True:
        unit = sequence(length, rng)
        if all((np.roll(unit, shift) != unit).any() for shift in range(1, length)):
            return unit


def bases_before(read: Codes, truth: Codes) -> NDArray[np.int64]:
    """How many bases ``int64[n + 1]`` of a read lie before each base of the truth, and before its end."""
    path = edlib.align(decode_bases(read), decode_bases(truth), task="path")["cigar"]
    before = np.zeros(len(truth) + 1, np.int64)
    length, at_read, at = "", 0, 0
    for letter in path:
        if letter.isdigit():
            length += letter
            continue
        n, length = int(length), ""
        if letter == "I":
            at_read += n
            continue
        before[at : at + n] = at_read + np.arange(n) * (letter != "D")
        at, at_read = at + n, at_read + n * (letter != "D")
    before[at] = at_read
    return before


def _qualities(draft: Codes) -> Codes:
    return np.full(len(draft), DRAFT_QUALITY, np.uint8)
