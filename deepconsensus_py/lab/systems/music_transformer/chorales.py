"""Bach's chorales in four parts, one note of each part per sixteenth: the corpus that comes with music21.

The corpus has a licence of its own, so it is not included here. Reading it takes a minute; the notes are cached in the
user's cache folder.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError

PARTS = 4
"""Soprano, alto, tenor and bass, in this order in every sixteenth."""

LOWEST, HIGHEST = 34, 86
"""Range of MIDI pitches; the chorales go from 36 to 81, and further if they are transposed."""

NOTES = HIGHEST - LOWEST + 2
"""Number of tokens: 0 is silence, 1 the lowest pitch."""

TRAINING = 300
"""Chorales for training; the others are for testing."""

SIXTEENTHS = 4
"""Steps of a quarter note."""


@dataclass(frozen=True, slots=True, eq=False)
class Chorales:
    """Chorales, one after the other.

    Attributes:
        notes: ``int64[4 steps]`` of 0 to ``NOTES - 1``, the four parts of each step from high to low.
        starts: ``int64[count + 1]``, where in ``notes`` each begins, and where the last one ends.
    """

    notes: NDArray[np.int64]
    starts: NDArray[np.int64]


def chorales(*, seed: int) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]:
    """The chorales for training and for testing, in random order, each ``int64[4 steps]``.

    Raises:
        InputError: music21 is not installed.
    """
    every = _kept(_cache_folder() / "chorales-1.npz")
    pieces = np.split(every.notes, every.starts[1:-1])
    order = np.random.default_rng(seed).permutation(len(pieces))
    shuffled = [pieces[row] for row in order]
    return shuffled[:TRAINING], shuffled[TRAINING:]


def excerpts(
    pieces: list[NDArray[np.int64]], count: int, *, length: int, seed: int, transposing: int = 0
) -> NDArray[np.int64]:
    """Draw excerpts; all starts in all chorales are equally likely.

    Args:
        pieces: chorales; those shorter than an excerpt are not used.
        count: number of excerpts.
        length: tokens of each, a multiple of 4.
        seed: of the random generator.
        transposing: most semitones by which an excerpt is transposed up or down.

    Returns:
        ``int64[count, length]``.
    """
    generator = np.random.default_rng(seed)
    long = [piece for piece in pieces if len(piece) >= length]
    places = np.array([(len(piece) - length) // PARTS + 1 for piece in long])
    chosen = generator.choice(len(long), size=count, p=places / places.sum())
    begins = generator.integers(places[chosen]) * PARTS
    drawn = np.stack([long[row][start : start + length] for row, start in zip(chosen, begins, strict=True)])
    return transposed(drawn, generator.integers(-transposing, transposing + 1, size=(count, 1)))


def transposed(notes: NDArray[np.int64], by: NDArray[np.int64] | int) -> NDArray[np.int64]:
    """The notes, higher by some semitones; silence stays, and notes that would leave the range move an octave back."""
    moved = notes + by
    moved = np.where(moved < 1, moved + 12, np.where(moved >= NOTES, moved - 12, moved))
    return np.where(notes == 0, 0, moved)


def _kept(path: Path) -> Chorales:
    if not path.exists():
        read = _read()
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.npz")
        np.savez_compressed(partial, notes=read.notes, starts=read.starts)
        partial.replace(path)
    with np.load(path) as values:
        return Chorales(values["notes"], values["starts"])


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "deepconsensus_py"


def _read() -> Chorales:
    try:
        from music21 import corpus
    except ImportError as error:
        raise InputError("music21 is not installed; pip install 'deepconsensus-py[examples]'") from error
    pieces = list(_four_parts(corpus))
    lengths = np.array([len(piece) for piece in pieces])
    return Chorales(np.concatenate(pieces), np.concatenate([[0], lengths.cumsum()]))


def _four_parts(corpus: Any) -> Iterator[NDArray[np.int64]]:
    for name in sorted(corpus.chorales.Iterator(returnType="filename")):
        parts = list(corpus.parse(name).parts)
        if len(parts) == PARTS:
            steps = max(round(part.highestTime * SIXTEENTHS) for part in parts)
            yield np.stack([_part(part, steps) for part in parts], axis=1).ravel()


def _part(part: Any, steps: int) -> NDArray[np.int64]:
    sounding = np.zeros(steps, dtype=np.int64)
    for note in part.flatten().notes:
        begin, end = (round(float(at) * SIXTEENTHS) for at in (note.offset, note.offset + note.quarterLength))
        sounding[begin : max(end, begin + 1)] = np.clip(note.pitches[-1].midi - LOWEST + 1, 1, NOTES - 1)
    return sounding
