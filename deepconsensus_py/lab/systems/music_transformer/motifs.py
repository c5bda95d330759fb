"""Generated melodies in which a motif is repeated, transposed, with an occasional wrong note.

The next note follows from the note one period earlier, wherever in the melody that is: a relation between places, not
the places themselves. Melodies differ in their period and in where the motif begins. As their distribution is known,
the entropy of a note is known between two bounds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PITCHES = 32
"""Number of tokens; transposing wraps around, so that it is exact everywhere."""

INTERVALS = np.array([-4, -3, -2, -1, 1, 2, 3, 4])
"""Intervals between the notes of a motif, all equally likely."""

TRANSPOSITIONS = np.array([-5, 0, 0, 7])
"""Transpositions of a repeat against the first motif, all equally likely."""

PERIODS, LEADS = (6, 16), (0, 15)
"""Fewest and most notes of a motif, and of the notes before it, all equally likely."""

WRONG = 0.02
"""Probability that a note of a repeat is wrong; all other notes are then equally likely."""


@dataclass(frozen=True, slots=True, eq=False)
class Melodies:
    """Melodies as tokens, with the parameters they were generated from.

    Attributes:
        tokens: ``int64[count, length]``, pitches of 0 to 31.
        period: ``int64[count]``, notes in the motif.
        lead: ``int64[count]``, notes before it.
        wrong: ``bool[count, length]``, notes of repeats that differ from the motif.
        least_nats: ``float64[count]``, -log p of the melody given period, lead and transpositions.
        most_nats: ``float64[count]``, the same plus the cost of coding these. The entropy of a melody lies between
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
        length: notes of each, at least 31, so that each includes its whole motif.
        seed: of the random generator.

    Raises:
        ValueError: the melodies are too short.
    """
    if length < PERIODS[1] + LEADS[1]:
        raise ValueError(
            f"melodies of {length} notes may end within their motif; at least {PERIODS[1] + LEADS[1]} are needed"
        )
    generator = np.random.default_rng(seed)
    period = generator.integers(PERIODS[0], PERIODS[1] + 1, count)
    lead = generator.integers(LEADS[0], LEADS[1] + 1, count)
    new = _walks(count, generator)
    place = np.arange(length) - lead[:, None]
    statement = np.maximum(place // period[:, None], 0)
    # Lead and motif are one walk; the places after them refer back to those of the motif.
    origin = np.where(place < 0, place, place % period[:, None]) + lead[:, None]
    rows = generator.integers(len(TRANSPOSITIONS), size=(count, length))
    shift = np.where(statement > 0, np.take_along_axis(TRANSPOSITIONS[rows], statement, axis=1), 0)
    wrong = (statement > 0) & (generator.random((count, length)) < WRONG)
    other = np.where(wrong, generator.integers(1, PITCHES, size=(count, length)), 0)
    tokens = (np.take_along_axis(new, origin, axis=1) + shift + other) % PITCHES
    least, most = _nats(period + lead, wrong, statement)
    return Melodies(tokens, period, lead, wrong, least, most)


def transposed_motif(tokens: NDArray[np.int64], by: int | NDArray[np.int64]) -> NDArray[np.int64]:
    """The melodies, higher by some pitches: exactly as likely as before."""
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
