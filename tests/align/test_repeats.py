"""Repetitiveness as seeds see it."""

from collections import Counter

import numpy as np
import pytest

from deepconsensus_py.align.mapping import repeated_matches


def counted(sequence: str) -> int:
    words = Counter(sequence[k : k + 15] for k in range(len(sequence) - 14))
    return sum(copies * (copies - 1) for copies in words.values())


@pytest.mark.parametrize("letters", ["ACGT", "AC", "AG", "AT", "CG", "CT", "GT"])
def test_equals_a_count_of_words(letters: str) -> None:
    rng = np.random.default_rng(1)
    sequence = "".join(rng.choice(list(letters), 3000)) + "".join(rng.choice(list(letters), 5)) * 20
    assert repeated_matches(sequence) == counted(sequence) > 0


@pytest.mark.parametrize("sequence", ["", "A", "ACGTACGTACGTAC"])
def test_short_sequences_have_none(sequence: str) -> None:
    assert repeated_matches(sequence) == 0
