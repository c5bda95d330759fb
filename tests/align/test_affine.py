"""Stretches are aligned at the least affine cost."""

from functools import cache

import numpy as np
import pytest
from noise import noisy, random_bases

from deepconsensus_py.align.affine import affine_pairs
from deepconsensus_py.pacbio.molecule import encode_bases

Array = np.ndarray
MISMATCH = 6


def gap(bases: int) -> int:
    return min(4 + 3 * bases, 24 + 2 * bases) if bases else 0


def least_cost(read: Array, draft: Array) -> float:
    """By the definition: over all pairs that may come before each pair."""

    @cache
    def cost(i: int, j: int) -> float:
        """Of all before so many bases of both, the last of which are a pair, or the first of all."""
        if not (i and j):
            return float("inf") if i or j else 0
        wrong = MISMATCH * (read[i - 1] != draft[j - 1])
        return wrong + min(cost(a, b) + gap(i - 1 - a) + gap(j - 1 - b) for a in range(i) for b in range(j))

    m, n = len(read), len(draft)
    return min(cost(i, j) + gap(m - i) + gap(n - j) for i in range(m + 1) for j in range(n + 1))


def cost_of(pairs: Array, read: Array, draft: Array) -> float:
    """An insertion and a deletion between two pairs are one gap each."""
    total, at, place = 0, 0, 0
    for j in [*np.flatnonzero(pairs >= 0), len(draft)]:
        i = pairs[j] if j < len(draft) else len(read)
        total += gap(i - at) + gap(j - place)
        total += MISMATCH * (j < len(draft) and read[i] != draft[j])
        at, place = i + 1, j + 1
    return total


@pytest.mark.parametrize("seed", range(30))
def test_the_cost_is_the_least(seed: int) -> None:
    rng = np.random.default_rng(seed)
    draft = random_bases(rng, int(rng.integers(1, 60)))
    read = noisy(draft, rng, 3.0)[0] if seed % 3 else random_bases(rng, int(rng.integers(1, 60)))
    pairs = affine_pairs(read, draft)
    assert (np.diff(pairs[pairs >= 0]) > 0).all()
    assert cost_of(pairs, read, draft) == least_cost(read, draft)


@pytest.mark.parametrize(("read", "draft"), [("", "ACG"), ("ACG", ""), ("", "")])
def test_empty_sequences_have_no_pairs(read: str, draft: str) -> None:
    assert (affine_pairs(encode_bases(read), encode_bases(draft)) == -1).all()


def test_a_missing_copy_of_a_repeat_is_one_gap() -> None:
    draft = encode_bases("TTGCA" + "ACGTTC" * 6 + "GGATC")
    read = encode_bases("TTGCA" + "ACGTTC" * 5 + "GGATC")
    missing = np.flatnonzero(affine_pairs(read, draft) < 0)
    assert len(missing) == 6
    assert (np.diff(missing) == 1).all()
