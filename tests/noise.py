"""Passes with errors, and where their bases come from."""

import numpy as np

from deepconsensus_py.align.guides import Guide, Placed

Array = np.ndarray
MISMATCHES, DELETIONS, INSERTIONS = 0.02, 0.04, 0.07


def random_bases(rng: np.random.Generator, n: int) -> Array:
    """Base codes ``uint8[n]``."""
    return rng.integers(1, 5, n).astype(np.uint8)


def noisy(truth: Array, rng: np.random.Generator, scale: float = 1.0) -> tuple[Array, Array]:
    """A pass over a sequence, and how many of its bases each base of that gives: itself, and one inserted before it."""
    n = len(truth)
    bases = np.where(rng.random(n) < scale * MISMATCHES, random_bases(rng, n), truth)
    kept = rng.random(n) >= scale * DELETIONS
    inserted = rng.random(n) < scale * INSERTIONS
    pairs = np.stack([random_bases(rng, n), bases], axis=1)
    return pairs[np.stack([inserted, kept], axis=1)], inserted.astype(int) + kept


def places_in(taken: Array) -> Array:
    """Bases of the pass before each base of the sequence."""
    return np.cumsum(taken) - taken


def from_end_to_end(template: Array, bases: Array) -> Placed:
    """A pass along a straight line."""
    before = np.linspace(0, len(bases), len(template) + 1).astype(np.int32)
    return Placed(bases, Guide(0, len(template), before))
