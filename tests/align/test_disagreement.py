"""What passes read otherwise than a sequence shows in its qualities, and nothing else does."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from deepconsensus_py.align.disagreement import (
    NO_DISAGREEMENT,
    WRONG_AT_MOST,
    Disagreement,
    find_disagreement,
    with_disagreement,
)
from deepconsensus_py.align.passes import align_passes
from deepconsensus_py.pacbio.molecule import Draft, Pass, encode_bases

RNG = np.random.default_rng(3)
LENGTH, AT = 600, 300
TEMPLATE = "".join(RNG.choice(list("ACGT"), LENGTH))
UNIT = "".join(RNG.choice(list("ACGT"), 33))


def noisy(sequence: str, seed: int, rate: float = 0.08) -> str:
    """A pass: of its errors half are inserted bases, the others are lost or wrong."""
    rng = np.random.default_rng(seed)
    letters = []
    for letter in sequence:
        kind = rng.choice(4, p=[1 - rate, rate / 2, rate / 4, rate / 4])
        letters += {0: [letter], 1: [letter, rng.choice(list("ACGT"))], 2: [], 3: [rng.choice(list("ACGT"))]}[kind]
    return "".join(letters)


def aligned(draft: str, reads: Sequence[str]) -> list[Pass]:
    passes = [Pass(f"m/1/{n}_{n}", encode_bases(read), None, None, None) for n, read in enumerate(reads)]
    return [p for p in align_passes(Draft("m/1/ccs", encode_bases(draft), None), passes) if p]


def expected_errors(draft: str, truth: str, passes: int = 12) -> np.ndarray:
    """Error probabilities of a draft whose passes read another sequence, that nothing else lowers."""
    found = find_disagreement(encode_bases(draft), aligned(draft, [noisy(truth, seed) for seed in range(passes)]))
    return with_disagreement(np.zeros(len(draft), np.float32), encode_bases(draft), np.arange(len(draft)), found)


def test_passes_that_only_err_leave_a_draft_as_sure_as_it_is() -> None:
    assert expected_errors(TEMPLATE, TEMPLATE).sum() < 0.05


@pytest.mark.parametrize("missing", [2, 3, 5, 8, 33])
@pytest.mark.parametrize("passes", [6, 12, 30])
def test_bases_that_are_missing_lower_the_qualities_there(missing: int, passes: int) -> None:
    error = expected_errors(TEMPLATE[:AT] + TEMPLATE[AT + missing :], TEMPLATE, passes)
    near = error[AT - 35 : AT + 35]
    assert near.sum() == pytest.approx(missing, rel=0.3)
    assert error.sum() - near.sum() < 0.05


@pytest.mark.parametrize("extra", [2, 3, 5, 8])
def test_bases_too_many_lower_the_qualities_there(extra: int) -> None:
    inserted = "".join(np.random.default_rng(extra).choice(list("ACGT"), extra))
    error = expected_errors(TEMPLATE[:AT] + inserted + TEMPLATE[AT:], TEMPLATE)
    near = error[AT - 15 : AT + extra + 15]
    assert near.sum() == pytest.approx(extra, rel=0.3)
    assert error.sum() - near.sum() < 0.05


def test_a_wrong_base_is_expected_to_be_one_error() -> None:
    wrong = "ACGT"["ACGT".index(TEMPLATE[AT]) - 1]
    error = expected_errors(TEMPLATE[:AT] + wrong + TEMPLATE[AT + 1 :], TEMPLATE)
    near = error[AT - 5 : AT + 6]
    assert near.sum() == pytest.approx(1, rel=0.3)
    assert error.sum() - near.sum() < 0.05


@pytest.mark.parametrize("change", [-3, -1, 1, 3])
def test_a_wrong_number_of_repeat_units_is_expected_to_be_wrong_by_as_many_bases(change: int) -> None:
    flank = TEMPLATE[:200]
    error = expected_errors(flank + UNIT * (20 + change) + flank, flank + UNIT * 20 + flank)
    assert error.sum() == pytest.approx(33 * abs(change), rel=0.2)


def test_a_right_number_of_repeat_units_is_not_lowered() -> None:
    flank = TEMPLATE[:200]
    assert expected_errors(flank + UNIT * 20 + flank, flank + UNIT * 20 + flank).sum() < 0.5


def test_a_repeat_too_long_to_be_counted_has_low_quality_whatever_passes_say() -> None:
    flank = TEMPLATE[:200]
    sequence = flank + "AC" * 250 + flank
    assert expected_errors(sequence, sequence, 8).sum() > 1


@pytest.mark.parametrize("passes", [0, 1, 2])
def test_few_passes_are_no_error(passes: int) -> None:
    assert expected_errors(TEMPLATE, TEMPLATE, passes).sum() < 0.05


def stretch(start: int, stop: int, consensus: str) -> Disagreement:
    """One certain stretch of a sequence of which passes read this (with the bases around it)."""
    letters = encode_bases(consensus)
    places = {"start": start, "stop": stop, "probability": 1.0, "size": len(letters)}
    columns = {name: np.array([value], getattr(NO_DISAGREEMENT, name).dtype) for name, value in places.items()}
    return replace(NO_DISAGREEMENT, letters=letters, **columns)


def lowered(bases: str, index: Sequence[int], found: Disagreement) -> np.ndarray:
    return with_disagreement(np.zeros(len(bases), np.float32), encode_bases(bases), np.array(index, np.int64), found)


def test_a_read_that_was_given_what_passes_show_is_not_lowered() -> None:
    missing, wrong = stretch(2, 4, "ACGTTCA"), stretch(2, 3, "ACTTA")
    assert lowered("ACGCA", range(5), missing)[2:4].sum() == pytest.approx(2 * WRONG_AT_MOST, abs=0.6)
    assert not lowered("ACGTTCA", [0, 1, 2, -1, -1, 3, 4], missing).any()
    assert lowered("ACGTA", range(5), wrong).sum() == pytest.approx(1, rel=0.3)
    assert not lowered("ACTTA", [0, 1, -1, 3, 4], wrong).any()
    assert not lowered("ACTTA", range(5), wrong).any()


@pytest.mark.parametrize("index", [[-1, -1], [], [0, 1, 4, 5], [-1, 4, 5]])
def test_a_stretch_that_is_gone_does_not_fail(index: list[int]) -> None:
    raised = lowered("A" * len(index), index, stretch(2, 4, "ACGT"))
    assert len(raised) == len(index)
    assert (raised <= WRONG_AT_MOST).all()


def test_a_repeat_that_was_given_what_passes_show_is_not_lowered() -> None:
    flank = TEMPLATE[:200]
    draft = flank + UNIT * 19 + flank
    found = find_disagreement(
        encode_bases(draft), aligned(draft, [noisy(flank + UNIT * 20 + flank, n) for n in range(12)])
    )
    mended = [*range(200), *[-1] * 33, *range(200, len(draft))]
    assert lowered(draft, range(len(draft)), found).sum() == pytest.approx(33, rel=0.2)
    assert lowered(flank + UNIT + draft[200:], mended, found).sum() < 0.5


def test_a_layout_holds_it_all() -> None:
    flank = TEMPLATE[:200]
    draft, truth = flank[:100] + flank[105:] + UNIT * 19 + flank, flank + UNIT * 20 + flank
    found = find_disagreement(encode_bases(draft), aligned(draft, [noisy(truth, seed) for seed in range(12)]))
    assert len(found.start) > 0
    assert len(found.repeat_start) > 0
    back = Disagreement.of_layout(found.layout())
    for name in Disagreement.__slots__:
        np.testing.assert_array_equal(getattr(back, name), getattr(found, name))
