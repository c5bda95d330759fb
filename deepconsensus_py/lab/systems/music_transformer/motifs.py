"""Generated melodies in which one motif comes again and again, transposed, with now and then a wrong note.

What tells the next note is the note one period earlier, wherever in the melody that is: a relation between places,
not the places themselves (Huang et al. 2019, Music Transformer). Melodies differ in their period and in where the
motif begins. Since they are drawn from known chances, the entropy of a note is known between two bounds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PITCHES = 32
"""Tokens; transposing goes round, so that it is exact everywhere."""

INTERVALS = np.array([-4, -3, -2, -1, 1, 2, 3, 4])
"""From note to note of a new motif, all equally likely."""

TRANSPOSITIONS = np.array([-5, 0, 0, 7])
"""Of a repeat against the motif as it was first, all rows equally likely."""

PERIODS, LEADS = (6, 16), (0, 15)
"""Least and largest number of notes of a motif, and of new notes before it, all equally likely."""

WRONG = 0.02
"""Chance of a note of a repeat to be another one, all others equally likely."""


@dataclass(frozen=True, slots=True, eq=False)
class Melodies:
    """Melodies as tokens, with what they were made from.

    Attributes:
        tokens: ``int64[count, length]``, pitches of 0 to 31.
        period: ``int64[count]``, notes in the motif.
        lead: ``int64[count]``, notes before it.
        wrong: ``bool[count, length]``, where a repeat has another note than the motif.
        least_nats: ``float64[count]``, -log p of the melody for one who knows period, lead and transpositions.
        most_nats: ``float64[count]``, the same with the cost of telling them. The entropy of a melody lies between
            the means of the two, and no model's mean loss lies below the mean of the first.
    """

    tokens: NDArray[np.int64]
    period: NDArray[np.int64]
    lead: NDArray[np.int64]
    wrong: NDArray[np.bool_]
    least_nats: NDArray[np.float64]
    most_nats: NDArray[np.float64]


def melodies(count: int, *, length: int, seed: int) -> Melodies:
    """Draw melodies.

    Args:
        count: number of melodies.
        length: notes in each, at least 31, so that each has all of its motif.
        seed: the same seed makes the same melodies.

    Raises:
        ValueError: the length is too small.
    """
    if length < PERIODS[1] + LEADS[1]:
        raise ValueError(f"melodies of {length} notes may end in their motif; ask for {PERIODS[1] + LEADS[1]} or more")
    generator = np.random.default_rng(seed)
    period = generator.integers(PERIODS[0], PERIODS[1] + 1, count)
    lead = generator.integers(LEADS[0], LEADS[1] + 1, count)
    new = _walks(count, generator)
    place = np.arange(length) - lead[:, None]
    statement = np.maximum(place // period[:, None], 0)
    # Lead and motif are one walk; behind them, places go back to those of the motif.
    origin = np.where(place < 0, place, place % period[:, None]) + lead[:, None]
    rows = generator.integers(len(TRANSPOSITIONS), size=(count, length))
    shift = np.where(statement > 0, np.take_along_axis(TRANSPOSITIONS[rows], statement, axis=1), 0)
    wrong = (statement > 0) & (generator.random((count, length)) < WRONG)
    other = np.where(wrong, generator.integers(1, PITCHES, size=(count, length)), 0)
    tokens = (np.take_along_axis(new, origin, axis=1) + shift + other) % PITCHES
    least, most = _nats(period + lead, wrong, statement)
    return Melodies(tokens, period, lead, wrong, least, most)


def transposed(tokens: NDArray[np.int64], by: int | NDArray[np.int64]) -> NDArray[np.int64]:
    """The same melodies, higher by some pitches; exactly as likely, so that every arm may be trained on them."""
    return (tokens + by) % PITCHES


def _walks(count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    steps = generator.choice(INTERVALS, size=(count, PERIODS[1] + LEADS[1]))
    steps[:, 0] = generator.integers(PITCHES, size=count)
    return steps.cumsum(axis=1)


def _nats(
    new: NDArray[np.int64], wrong: NDArray[np.bool_], statement: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    told = np.log(PITCHES) + (new - 1) * np.log(len(INTERVALS))
    repeat = np.where(wrong, -np.log(WRONG / (PITCHES - 1)), -np.log1p(-WRONG))
    least = told + np.where(statement > 0, repeat, 0.0).sum(axis=1)
    form = np.log(PERIODS[1] - PERIODS[0] + 1) + np.log(LEADS[1] - LEADS[0] + 1)
    return least, least + form + statement[:, -1] * np.log(len(TRANSPOSITIONS))
