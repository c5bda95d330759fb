"""Sequences whose answer stands elsewhere in them: a fixed number of tokens back, or beside the same key far away.

The first is a relation between places, whatever they are (Shaw et al. 2018). The second is one between contents,
wherever they stand, beyond any window (Roy et al. 2021).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNJUDGED = -100
"""The label of a token that has no answer."""

KEYS, VALUES = 256, 16
"""Keys and values of ``matches``; key 0 and value 0 stand for none, value 17 asks for the one of its key."""

ASKED = VALUES + 1


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """Sequences with an answer at some tokens.

    Attributes:
        symbols: ``int64[count, length, tracks]``.
        labels: ``int64[count, length]``, ``UNJUDGED`` where nothing is asked.
    """

    symbols: NDArray[np.int64]
    labels: NDArray[np.int64]


def copies(count: int, *, length: int, back: int, letters: int, seed: int) -> Sequences:
    """Random letters, each to be labelled by the letter ``back`` tokens before it.

    Raises:
        ValueError: no token has one so far before it.
    """
    if not 0 < back < length:
        raise ValueError(f"in {length} tokens none is {back} before another")
    symbols = np.random.default_rng(seed).integers(letters, size=(count, length))
    labels = np.full_like(symbols, UNJUDGED)
    labels[:, back:] = symbols[:, :-back]
    return Sequences(symbols[..., None], labels)


def matches(count: int, *, length: int, pairs: int, apart: int, seed: int) -> Sequences:
    """Keys with values in one part of the sequence, the same keys asked for in the other, and nothing in between.

    A token has two tracks: a key of 0 to ``KEYS``, 0 none, and a value of 0 to 17: none, a value, or ``ASKED``. Keys
    of a sequence differ from one another. Its label is the value of its key, less 1.

    Args:
        count: sequences.
        length: tokens of each.
        pairs: keys of each.
        apart: least number of tokens from a key's value to its question.
        seed: the same seed makes the same sequences.

    Raises:
        ValueError: so many pairs cannot lie so far apart, or there are not so many keys.
    """
    half = (length - apart + 1) // 2
    if not 0 < pairs <= min(half, KEYS):
        raise ValueError(f"{pairs} pairs, {apart} apart, in {length} tokens: at most {min(half, KEYS)} go in")
    generator = np.random.default_rng(seed)
    keys = 1 + generator.random((count, KEYS)).argsort(1)[:, :pairs]
    values = generator.integers(1, VALUES + 1, size=(count, pairs))
    # Both parts in random order, so that the place of a key says nothing about that of its question.
    told, asked = (generator.random((count, half)).argsort(1)[:, :pairs] for _ in range(2))
    asked += length - half
    flipped = generator.random((count, 1)) < 0.5
    told, asked = (np.where(flipped, length - 1 - at, at) for at in (told, asked))
    rows = np.arange(count)[:, None]
    symbols = np.zeros((count, length, 2), dtype=np.int64)
    symbols[rows, told, 0], symbols[rows, told, 1] = keys, values
    symbols[rows, asked, 0], symbols[rows, asked, 1] = keys, ASKED
    labels = np.full((count, length), UNJUDGED)
    labels[rows, asked] = values - 1
    return Sequences(symbols, labels)
