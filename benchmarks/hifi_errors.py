"""Simulated HiFi reads with errors and base qualities as they were counted in reads of CHM13.

Each homopolymer of a read is shorter or longer by one base, each base is another one or has another before it, as often
as ``fit_hifi_errors.py`` counted it; reads have more or fewer errors by a factor drawn from those of the real ones.
Qualities are drawn by what happened to the base. Errors of real reads come together at difficult places, those of
simulated ones nowhere.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FILE = Path(__file__).with_suffix(".json")

LONGEST = 20
"""Homopolymers of this length and longer ones are counted together."""

MOST = 0.4
"""Probability that a homopolymer is too short or too long, whatever the read."""

QUALITY_LENGTHS = (1, 2, 3, 5, 8)
"""Least length of the homopolymers whose right bases share their qualities."""

Histogram = Mapping[int, int]


@dataclass(frozen=True, slots=True)
class HifiErrors:
    """Counted errors, to simulate reads with.

    Attributes:
        factors: errors of each read in sum, of those of all in the mean, in ascending order.
        shorter: probability that a homopolymer has a base too few, by its length less one.
        longer: that it has a base too many.
        mismatch: that a base is another one.
        foreign: that another base stands before it.
        qualities: how many bases have each quality: ``right`` and the least length of the homopolymer, ``mismatch``,
            ``insertion`` (the inserted base), ``deletion`` (the base behind it).
    """

    factors: tuple[float, ...]
    shorter: tuple[float, ...]
    longer: tuple[float, ...]
    mismatch: float
    foreign: float
    qualities: Mapping[str, Histogram]

    def read(self, truth: str, rng: np.random.Generator) -> tuple[str, NDArray[np.uint8]]:
        """A read of a sequence, with its base qualities."""
        factor = float(np.interp(rng.random(), np.linspace(0, 1, len(self.factors)), self.factors))
        start, length = homopolymers(truth)
        of_length = np.minimum(length, LONGEST) - 1
        events = list[tuple[int, str]]()
        for name, rates in (("deletion", self.shorter), ("insertion", self.longer)):
            there = rng.random(len(start)) < np.minimum(factor * np.array(rates)[of_length], MOST)
            events += [(int(place), name) for place in start[there]]
        for name, rate in (("mismatch", self.mismatch), ("foreign", self.foreign)):
            there = rng.random(len(truth)) < factor * rate
            events += [(int(place), name) for place in np.flatnonzero(there)]
        return self._with(events, truth, self._right(length, rng), rng)

    def _right(self, length: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.uint8]:
        group = np.repeat(np.searchsorted(QUALITY_LENGTHS, length, side="right") - 1, length)
        found = np.zeros(len(group), np.uint8)
        for number, least in enumerate(QUALITY_LENGTHS):
            own = group == number
            found[own] = drawn(self.qualities[f"right {least}"], int(own.sum()), rng)
        return found

    def _with(
        self, events: Iterable[tuple[int, str]], truth: str, right: NDArray[np.uint8], rng: np.random.Generator
    ) -> tuple[str, NDArray[np.uint8]]:
        bases, qualities, done = list[str](), list[NDArray[np.uint8]](), 0
        for place, name in sorted(events):
            if place < done:
                continue
            bases.append(truth[done:place])
            qualities.append(right[done:place])
            others = [base for base in "ACGT" if base != truth[place]]
            if name == "deletion":
                right[min(place + 1, len(right) - 1)] = drawn(self.qualities[name], 1, rng)[0]
            elif name == "mismatch":
                bases.append(str(rng.choice(others)))
                qualities.append(drawn(self.qualities[name], 1, rng))
            else:
                new = truth[place] if name == "insertion" else str(rng.choice(others))
                bases.append(new + truth[place])
                qualities.append(np.append(drawn(self.qualities["insertion"], 1, rng), right[place]))
            done = place + 1
        return "".join([*bases, truth[done:]]), np.concatenate([*qualities, right[done:]])


def drawn(histogram: Histogram, number: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    values, counts = np.array(list(histogram), np.uint8), np.array(list(histogram.values()), np.float64)
    return rng.choice(values, number, p=counts / counts.sum())


def homopolymers(sequence: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First base and length of each homopolymer."""
    start = np.flatnonzero(np.diff(np.frombuffer(sequence.encode(), np.uint8), prepend=np.uint8(0)))
    return start, np.diff(np.append(start, len(sequence)))


@cache
def counted_errors() -> HifiErrors:
    """The counts in ``hifi_errors.json``."""
    values = json.loads(FILE.read_text())
    values["qualities"] = {
        name: {int(quality): number for quality, number in histogram.items()}
        for name, histogram in values["qualities"].items()
    }
    return HifiErrors(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
