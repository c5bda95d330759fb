"""Tandem repeats are found whole, by their smallest unit, and homopolymers are none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepconsensus_py.align.tandem_repeats import LONGEST_UNIT, SHORTEST, find_tandem_repeats, has_tandem_repeat
from deepconsensus_py.pacbio.molecule import encode_bases

LEFT, RIGHT = "GATTACATCG", "TCCAGGATGA"


def found(sequence: str) -> list[tuple[int, int, int]]:
    repeats = find_tandem_repeats(encode_bases(sequence))
    return list(zip(repeats.start.tolist(), repeats.stop.tolist(), repeats.unit.tolist(), strict=True))


@pytest.mark.parametrize(("unit", "copies"), [("AC", 8), ("AC", 250), ("GAA", 6), ("GGAT", 5), ("ACGTTGCAAG", 2)])
def test_a_repeat_is_found_with_its_unit(unit: str, copies: int) -> None:
    ((start, stop, length),) = found(LEFT + unit * copies + RIGHT)
    # The bases beside it may go on with the unit by accident.
    assert start <= len(LEFT)
    assert stop >= len(LEFT) + len(unit) * copies
    assert stop - start < len(unit) * (copies + 1)
    assert length == len(unit)


@pytest.mark.parametrize("length", [33, 171])
def test_long_units_are_found(length: int) -> None:
    unit = "".join(np.random.default_rng(length).choice(list("ACGT"), length))
    assert (len(LEFT), length) in {(start, size) for start, _, size in found(LEFT + 3 * unit + "".join(RIGHT))}


@pytest.mark.parametrize("sequence", ["", "A", "A" * 200, LEFT + "AC" * 7 + RIGHT, LEFT + RIGHT])
def test_homopolymers_and_short_stretches_are_none(sequence: str) -> None:
    assert found(sequence) == []


def test_an_interrupted_repeat_is_the_repeats_that_it_is_made_of() -> None:
    assert {unit for *_, unit in found(LEFT + "AC" * 40 + "C" + "AC" * 60 + RIGHT)} == {2}


@given(st.text("AC", max_size=120))
def test_what_is_found_is_periodic_and_no_shorter_unit_does(sequence: str) -> None:
    for start, stop, unit in found(sequence):
        stretch = sequence[start:stop]
        assert stretch[unit:] == stretch[:-unit]
        assert len(stretch) >= max(SHORTEST, 2 * unit)
        assert 2 <= unit <= LONGEST_UNIT
        assert all(stretch[shorter:] != stretch[:-shorter] for shorter in range(1, unit))


def test_long_repeats_mark_a_sequence_though_a_copy_has_errors() -> None:
    rng = np.random.default_rng(7)
    unique = rng.integers(1, 5, 3000).astype(np.uint8)
    unit = rng.integers(1, 5, 40).astype(np.uint8)
    repeat = np.tile(unit, 30)
    assert not has_tandem_repeat(unique, 1000)
    assert not has_tandem_repeat(np.concatenate((unique, np.tile(unit, 24), unique)), 1000)
    wrong = repeat.copy()
    wrong[600] = wrong[600] % 4 + 1
    for copy in (repeat, wrong):
        whole = np.concatenate((unique, copy, unique))
        assert has_tandem_repeat(whole, 1000)
        assert not has_tandem_repeat(whole, 1300)
    apart = np.concatenate((repeat[:600], unique[:200], repeat[600:]))
    assert not has_tandem_repeat(apart, 1000)
