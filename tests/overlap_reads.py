"""Reads of a random genome."""

import numpy as np

Array = np.ndarray


def genome(length: int, seed: int) -> Array:
    """Base codes ``uint8[length]``."""
    return np.random.default_rng(seed).integers(1, 5, length).astype(np.uint8)


def tiled(bases: Array, length: int, step: int) -> list[Array]:
    """Reads of a length that begin every so many bases."""
    return [bases[start : start + length] for start in range(0, len(bases) - length + 1, step)]


def with_errors(bases: Array, errors: int, rng: np.random.Generator) -> Array:
    """A read with so many errors, each another base, a base too many or one too few."""
    read = bases
    for kind in rng.integers(3, size=errors):
        at = int(rng.integers(50, len(read) - 50))
        if kind == 0:
            read = np.concatenate([read[:at], [read[at] % 4 + 1], read[at + 1 :]])
        else:
            read = np.insert(read, at, read[at]) if kind == 1 else np.delete(read, at)
    return read.astype(np.uint8)
