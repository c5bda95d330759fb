"""Long tandem repeats of drafts: equal copies, as many as the passes have."""

import numpy as np
import pytest
from noise import from_end_to_end, noisy, random_bases

from deepconsensus_py.align.repeat_lengths import with_repeat_lengths
from deepconsensus_py.align.traces import Trace, trace

Array = np.ndarray
UNIT = np.array([1, 3], np.uint8)
FLANK = 500


def flanked(repeat: Array, seed: int = 1) -> Array:
    rng = np.random.default_rng(seed)
    left, right = random_bases(rng, FLANK), random_bases(rng, FLANK)
    # Nothing beside the repeat continues it.
    left[-2:], right[:2] = 2, 4
    return np.concatenate([left, repeat, right])


def traces(template: Array, truth: Array, passes: int, seed: int = 3) -> list[Trace]:
    rng = np.random.default_rng(seed)
    return [trace(template, from_end_to_end(template, noisy(truth, rng)[0])) for _ in range(passes)]


def edited(template: Array, truth: Array, passes: int = 20) -> Array:
    bases, index = with_repeat_lengths(template, traces(template, truth, passes))
    assert np.array_equal(bases[index >= 0], template[index[index >= 0]])
    assert np.all(np.diff(index[index >= 0]) > 0)
    return bases


@pytest.mark.parametrize("copies", [54, 66])
def test_copies_are_as_many_as_in_the_passes(copies: int) -> None:
    truth = flanked(np.tile(UNIT, 60))
    assert np.array_equal(edited(flanked(np.tile(UNIT, copies)), truth), truth)


@pytest.mark.parametrize("change", ["deleted", "doubled", "substituted"])
def test_differences_that_passes_do_not_show_go(change: str) -> None:
    repeat = np.tile(UNIT, 60)
    wrong = {
        "deleted": np.delete(repeat, 40),
        "doubled": np.insert(repeat, 40, repeat[40]),
        "substituted": np.where(np.arange(120) == 40, 2, repeat).astype(np.uint8),
    }[change]
    assert np.array_equal(edited(flanked(wrong), flanked(repeat)), flanked(repeat))


@pytest.mark.parametrize("change", ["deleted", "inserted", "substituted"])
def test_differences_that_passes_show_stay(change: str) -> None:
    repeat = np.tile(UNIT, 60)
    interrupted = {
        "deleted": np.delete(repeat, 40),
        "inserted": np.insert(repeat, 40, 4),
        "substituted": np.where(np.arange(120) == 40, 2, repeat).astype(np.uint8),
    }[change]
    truth = flanked(interrupted)
    assert np.array_equal(edited(truth, truth), truth)


def test_a_repeat_that_too_few_passes_span_stays() -> None:
    template, truth = flanked(np.tile(UNIT, 54)), flanked(np.tile(UNIT, 60))
    own = traces(template, truth, 2)
    bases, index = with_repeat_lengths(template, own)
    assert np.array_equal(bases, template)
    assert np.array_equal(index, np.arange(len(template)))


def test_a_repeat_at_the_end_of_the_template_stays() -> None:
    template = flanked(np.tile(UNIT, 54))[: FLANK + 108]
    assert np.array_equal(edited(template, flanked(np.tile(UNIT, 60))[: FLANK + 120]), template)
