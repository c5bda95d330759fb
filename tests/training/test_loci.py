"""Reads of one locus are found, and where one stands against all others without its passes behind it."""

import numpy as np
import pytest

from deepconsensus_py.align.passes import align_zmw
from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw, reverse_complement
from deepconsensus_py.training.loci import LEAST_OTHERS, disputed, same_locus

RNG = np.random.default_rng(8)


def sequence(length: int) -> np.ndarray:
    return RNG.integers(1, 5, length, np.uint8)


LOCUS = sequence(1200)
AT = 600 + int(np.argmax(np.diff(LOCUS[600:]) == 0))
"""Start of a homopolymer."""


def mutated(bases: np.ndarray, every: int) -> np.ndarray:
    other = bases.copy()
    other[every::every] = other[every::every] % 4 + 1
    return other


def longer(bases: np.ndarray) -> np.ndarray:
    return np.insert(bases, AT, bases[AT])


def zmw(draft: np.ndarray, *passes: np.ndarray) -> Zmw:
    raw = tuple(Pass(f"m/1/{i}_9", bases, None, None, None) for i, bases in enumerate(passes))
    return align_zmw(Zmw(Draft("m/1/ccs", draft, None), raw))


def test_reads_of_a_locus_are_grouped_in_either_orientation() -> None:
    other, part = sequence(1000), LOCUS[:300]
    reads = [LOCUS, other, mutated(LOCUS, 100), part, reverse_complement(mutated(LOCUS, 90)), other[:5], other[:-20]]
    assert same_locus(reads) == [[0, 2, 4], [1, 6], [3], [5]]
    assert same_locus([]) == []


def test_reads_of_another_locus_are_not() -> None:
    assert same_locus([LOCUS, mutated(LOCUS, 8)]) == [[0], [1]]


def test_what_all_others_have_otherwise_is_disputed() -> None:
    wrong = longer(LOCUS)
    unsure = disputed(zmw(wrong, *[wrong] * 10, *[LOCUS] * 8), [LOCUS, reverse_complement(LOCUS), LOCUS])
    length = int(np.argmin(LOCUS[AT:] == LOCUS[AT])) + 1
    assert np.flatnonzero(unsure).tolist() == list(range(AT, AT + length))


@pytest.mark.parametrize(
    "others",
    [
        [LOCUS] * (LEAST_OTHERS - 1),
        [LOCUS, LOCUS, longer(longer(LOCUS))],
        [LOCUS, LOCUS, longer(LOCUS), LOCUS],
        [longer(LOCUS)] * 4,
    ],
    ids=["too few", "three lengths", "one agrees", "all agree"],
)
def test_without_unanimous_others_nothing_is(others: list[np.ndarray]) -> None:
    wrong = longer(LOCUS)
    assert not disputed(zmw(wrong, *[wrong] * 10, *[LOCUS] * 8), others).any()


def test_what_its_own_passes_show_clearly_is_not() -> None:
    wrong = longer(LOCUS)
    assert not disputed(zmw(wrong, *[wrong] * 16, LOCUS, LOCUS), [LOCUS] * 5).any()
    assert disputed(zmw(LOCUS, *[wrong] * 16, LOCUS, LOCUS), [wrong] * 5).any()
