"""How passes run along a template, roughly: chains of shared words (compiled).

The seeds and chains of minimap2 (Li, Bioinformatics 34:3094, 2018) without its alignment of bases, which takes most of
its time where both sequences are raw passes.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.align.mapping import DraftMap, Hit
from deepconsensus_py.kernels import kernel
from deepconsensus_py.pacbio.molecule import decode_bases, reverse_complement

_WORD = 10
"""Bases. Of two passes with 12 % errors each, one word in twelve is shared; by accident, one in a hundred."""

_LOOK_BACK = 64
"""Anchors before each one that it may follow."""

_SAMPLE, _CLEARLY = 500, 3
"""Bases at either end of a pass that are compared on both strands, and how many times more words one of them shares if
it is the right one: 40 and 7 in a molecule of 15 kb, as many in an inverted repeat."""

_DRIFT, _JUMP, _DISTANCE = 0.5, 100.0, 0.005
"""Cost of a change of diagonal: per base, and at most (a long insertion or deletion); cost of each base skipped."""

_LEAST_SCORE, _LEAST_SHARE = 40.0, 0.025
"""Bases in the anchors of a chain, less its costs, and their share of the shorter sequence. Sequences that are not
related have chains of 20 bases, passes of repeats without flanks likewise."""

_FAR, _NEAR = 200, 64
"""Bases between two anchors from which on words with several places are used as well, and how near such a place must be
to the straight line between the anchors."""

_MOST_STEPS = 256
"""Places of a word that are looked at."""

_BEYOND, _UNEVEN = 200, 60
"""Bases before the first anchor (or after the last). If one of the sequences has at most the first number, the chain
reaches its end, and that of the other one if that has about as many. Else the rest belongs to something else."""

Codes = NDArray[np.uint8]
Integers = NDArray[np.int32]


class _Words(NamedTuple):
    """The words of a template, in a hash table with open addressing: one for all words does not fit into the cache.

    Attributes:
        words: ``int32[slots]`` the word in each slot, a power of two.
        last: ``int32[slots]`` its last place in the template; -1 for an empty slot.
        previous: ``int32[n]`` the place of the same word before each place; -1 for none.
    """

    words: Integers
    last: Integers
    previous: Integers


class Guide(NamedTuple):
    """How a pass runs along a template.

    Attributes:
        first: the first template base that it covers.
        stop: one past the last.
        before: ``int32[n + 1]`` bases of the pass before each template base and after the last one, not decreasing;
            before ``first`` and after ``stop`` they stay the same.
    """

    first: int
    stop: int
    before: Integers


class Placed(NamedTuple):
    """A pass in the direction of the template.

    Attributes:
        bases: ``uint8[m]`` base codes.
        guide: how it runs along the template.
    """

    bases: Codes
    guide: Guide


class Template:
    """A sequence along which passes are placed.

    Args:
        bases: ``uint8[n]`` base codes.
    """

    def __init__(self, bases: Codes) -> None:
        # A copy, as of passes: kernels are compiled again for arrays that are read-only.
        self.bases = bases.copy()
        self._words = _index(self.bases)
        self._map: DraftMap | None = None

    def place(self, bases: Codes) -> Placed | None:
        """Place a pass, on the strand that has the better chain.

        Passes without a chain, such as those of short or repetitive molecules, are aligned by ``mapping.DraftMap``.

        Args:
            bases: ``uint8[m]`` base codes, as sequenced.

        Returns:
            The pass, or None if it does not belong to the template.
        """
        found = self.chained(bases)
        if found is not None:
            return found[0]
        self._map = self._map or DraftMap(decode_bases(self.bases))
        hit = self._map.find(decode_bases(bases))
        if hit is None:
            return None
        turned = reverse_complement(bases) if hit.reverse else bases.copy()
        return Placed(turned, Guide(*_line(_matches(hit), len(self.bases), len(turned))))

    def chained(self, bases: Codes) -> tuple[Placed, bool] | None:
        """Place a pass by its chain alone.

        Args:
            bases: ``uint8[m]`` base codes, as sequenced.

        Returns:
            The pass, and whether it is reversed; None without a chain that is better than chance.
        """
        strands = (bases.copy(), reverse_complement(bases))
        found = {turn: _chain(self._words, len(self.bases), strands[turn]) for turn in self._likely(strands)}
        best = max(found, key=lambda turn: found[turn][0])
        score, first, stop, before = found[best]
        if score < max(_LEAST_SCORE, _LEAST_SHARE * min(len(bases), len(self.bases))):
            return None
        return Placed(strands[best], Guide(first, stop, before)), best == 1

    def _likely(self, strands: tuple[Codes, Codes]) -> tuple[int, ...]:
        """Which of the strands of a pass to chain: only one if both of its ends show that one.

        Those of a read through a missed adapter are of both strands.
        """
        ends = [(strands[0][:_SAMPLE], strands[1][-_SAMPLE:]), (strands[0][-_SAMPLE:], strands[1][:_SAMPLE])]
        shared = np.array([[_shared(self._words, strand) for strand in end] for end in ends])
        for turn in (0, 1):
            if (shared[:, turn] >= _CLEARLY * np.maximum(shared[:, 1 - turn], 1)).all():
                return (turn,)
        return 0, 1


def _matches(hit: Hit) -> Integers:
    """Rows as of ``_anchors``: the stretches of an alignment without gaps."""
    codes, lengths = np.array(hit.operations).T
    on_template, on_pass = cigar.ON_DRAFT[codes], cigar.ON_PASS[codes]
    place = hit.start + np.cumsum(lengths * on_template) - lengths
    at = hit.head + np.cumsum(lengths * on_pass) - lengths
    matches: Integers = np.stack([place, at, lengths])[:, on_template & on_pass].astype(np.int32)
    return matches


@kernel
def _index(bases: Codes) -> _Words:
    slots = 1 << 10
    while slots < 2 * len(bases):
        slots *= 2
    found = _Words(np.empty(slots, np.int32), np.full(slots, -1, np.int32), np.full(len(bases), -1, np.int32))
    word = 0
    for end in range(1, len(bases) + 1):
        word = _next_word(word, bases[end - 1])
        if end >= _WORD:
            slot = _slot(found, word)
            found.previous[end - _WORD] = found.last[slot]
            found.words[slot], found.last[slot] = word, end - _WORD
    return found


@kernel(inline="always")
def _next_word(word: int, base: int) -> int:
    # N counts as one of the bases.
    return (word << 2 | base & 3) & ((1 << 2 * _WORD) - 1)


@kernel(inline="always")
def _slot(words: _Words, word: int) -> int:
    """The slot of a word, or the empty one that it would have."""
    last = len(words.last) - 1
    # Fibonacci hashing (Knuth, The Art of Computer Programming, volume 3, section 6.4).
    slot = (word * 2654435769 >> 12) & last
    while words.last[slot] >= 0 and words.words[slot] != word:
        slot = (slot + 1) & last
    return slot


@kernel
def _chain(words: _Words, length: int, bases: Codes) -> tuple[float, int, int, Integers]:
    """Score of the best chain, and the fields of its guide; a score of 0 if there is none that can be used."""
    anchors = _anchors(words, length, bases)
    score, chosen = _best_chain(anchors)
    none = np.empty(0, np.int32)
    if not len(chosen):
        return 0.0, 0, 0, none
    anchors = _with_repeats(words, anchors[:, chosen], bases)
    first, stop, before = _line(anchors, length, len(bases))
    return score, first, stop, before


@kernel
def _shared(words: _Words, bases: Codes) -> int:
    """How many words of a sequence the template has once."""
    shared = word = 0
    for end in range(1, len(bases) + 1):
        word = _next_word(word, bases[end - 1])
        place = words.last[_slot(words, word)]
        shared += end >= _WORD and place >= 0 and words.previous[place] < 0
    return shared


@kernel
def _anchors(words: _Words, length: int, bases: Codes) -> Integers:
    """Matches of words with one place: place in template and pass, and length; in the order of the pass."""
    found, count = np.empty((3, 1024), np.int32), 0
    # The latest match on each diagonal: overlapping words make one match.
    latest = np.full(length + len(bases) + 1, -1, np.int32)
    word = 0
    for end in range(1, len(bases) + 1):
        word = _next_word(word, bases[end - 1])
        at, place = end - _WORD, words.last[_slot(words, word)]
        # Of a repeat, passes would chain one copy with another.
        if at < 0 or place < 0 or words.previous[place] >= 0:
            continue
        before = latest[place - at + len(bases)]
        if before >= 0 and found[1, before] + found[2, before] == end - 1:
            found[2, before] += 1
            continue
        if count == found.shape[1]:
            found = np.concatenate((found, np.empty_like(found)), axis=1)
        found[0, count], found[1, count], found[2, count] = place, at, _WORD
        latest[place - at + len(bases)] = count
        count += 1
    return found[:, :count]


@kernel
def _best_chain(anchors: Integers) -> tuple[float, Integers]:
    """The score of the best chain, and its anchors in order."""
    count = anchors.shape[1]
    scores, behind = np.empty(count, np.float32), np.full(count, -1, np.int32)
    best, end = np.float32(0), -1
    for i in range(count):
        scores[i] = anchors[2, i]
        # The nearest first: most of the others score too low, whatever their costs.
        for j in range(i - 1, max(i - _LOOK_BACK, 0) - 1, -1):
            if scores[j] + anchors[2, i] < scores[i]:
                continue
            on_template, on_pass = anchors[0, i] - anchors[0, j], anchors[1, i] - anchors[1, j]
            shorter = min(on_template, on_pass)
            # Of anchors that overlap only the new bases count.
            new = min(anchors[2, i], shorter - anchors[2, j] + anchors[2, i])
            if shorter <= 0 or new <= 0:
                continue
            cost = min(_DRIFT * abs(on_template - on_pass), _JUMP) + _DISTANCE * shorter
            score = np.float32(scores[j] + new - cost)
            if score >= scores[i] and score > anchors[2, i]:
                scores[i], behind[i] = score, j
        if scores[i] > best:
            best, end = scores[i], i
    size, at = 0, end
    while at >= 0:
        size, at = size + 1, behind[at]
    chosen = np.empty(size, np.int32)
    while end >= 0:
        size -= 1
        chosen[size] = end
        end = behind[end]
    return float(best), chosen


@kernel
def _with_repeats(words: _Words, anchors: Integers, bases: Codes) -> Integers:
    """The anchors of a chain and, where they are far apart, words with several places near the line between."""
    for k in range(anchors.shape[1] - 1, 0, -1):
        place, at = anchors[0, k - 1] + anchors[2, k - 1], anchors[1, k - 1] + anchors[2, k - 1]
        if anchors[0, k] - place > _FAR and anchors[1, k] > at + _WORD:
            found = _near_line(words, bases, (place, at), (anchors[0, k], anchors[1, k]))
            found = found[:, _best_chain(found)[1]]
            anchors = np.concatenate((anchors[:, :k], found, anchors[:, k:]), axis=1)
    return anchors


@kernel
def _near_line(words: _Words, bases: Codes, begin: tuple[int, int], end: tuple[int, int]) -> Integers:
    """Matches of words between two points (place in the template, place in the pass), the nearest to the line."""
    found, count = np.empty((3, end[1] - begin[1]), np.int32), 0
    slope = (end[0] - begin[0]) / (end[1] - begin[1])
    word = 0
    for at in range(begin[1], end[1]):
        word = _next_word(word, bases[at])
        here = at + 1 - _WORD
        if here < begin[1]:
            continue
        expected = begin[0] + int((here - begin[1]) * slope)
        place, nearest, distance, steps = words.last[_slot(words, word)], -1, _NEAR + 1, 0
        while place >= 0 and steps < _MOST_STEPS:
            inside = begin[0] <= place <= end[0] - _WORD
            if inside and abs(place - expected) < distance:
                nearest, distance = place, abs(place - expected)
            place, steps = words.previous[place], steps + 1
        if nearest < 0:
            continue
        if count:
            template_next, pass_next = found[:2, count - 1] + (found[2, count - 1] - _WORD + 1)
            if nearest == template_next and here == pass_next:
                found[2, count - 1] += 1
                continue
        found[0, count], found[1, count], found[2, count] = nearest, here, _WORD
        count += 1
    return found[:, :count]


@kernel
def _line(anchors: Integers, length: int, size: int) -> tuple[int, int, Integers]:
    """First, stop and ``before`` of the straight lines through the anchors of a chain.

    Args:
        anchors: of the chain.
        length: bases of the template.
        size: bases of the pass.
    """
    head = _end(anchors[0, 0], anchors[1, 0])
    last = anchors.shape[1] - 1
    tail = _end(length - anchors[0, last] - anchors[2, last], size - anchors[1, last] - anchors[2, last])
    first, begin = anchors[0, 0] - head[0], anchors[1, 0] - head[1]
    stop, end = anchors[0, last] + anchors[2, last] + tail[0], anchors[1, last] + anchors[2, last] + tail[1]
    before = np.empty(length + 1, np.int32)
    before[: first + 1] = begin
    at, done = first, begin
    for k in range(last + 1):
        place, start, size = anchors[0, k], anchors[1, k], anchors[2, k]
        # Anchors may overlap.
        cut = max(at - place, done - start, 0)
        if cut < size:
            _draw(before, (at, done), (place + cut, start + cut))
            at, done = place + size, start + size
            _draw(before, (place + cut, start + cut), (at, done))
    _draw(before, (at, done), (stop, end))
    before[stop:] = end
    return first, stop, before


@kernel(inline="always")
def _draw(before: Integers, begin: tuple[int, int], end: tuple[int, int]) -> None:
    """Fill in a straight line between two points (place in the template, place in the pass), without the first."""
    for j in range(begin[0] + 1, end[0] + 1):
        before[j] = begin[1] + (end[1] - begin[1]) * (j - begin[0]) // (end[0] - begin[0])


@kernel(inline="always")
def _end(on_template: int, on_pass: int) -> tuple[int, int]:
    """How many bases of template and pass beyond the end of a chain belong to the molecule."""
    both = min(on_template, on_pass)
    if both > _BEYOND:
        return 0, 0
    return (on_template, on_pass) if abs(on_template - on_pass) <= _UNEVEN else (both, both)
