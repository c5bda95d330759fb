"""Pairs of glyphs can be told by comparing two places, and by nothing less."""

import numpy as np
import pytest

from deepconsensus_py.lab.glyphs import (
    CLASSES,
    GLYPH,
    PATTERNS,
    class_patterns,
    glyph_pairs,
    receptive_field,
    single_glyphs,
    smallest_field,
)


def cut(image: np.ndarray, corner: np.ndarray) -> np.ndarray:
    return np.stack([one[y : y + GLYPH, x : x + GLYPH] for one, (y, x) in zip(image, corner, strict=True)])


def trimmed(ink: np.ndarray) -> np.ndarray:
    return ink[ink.any(axis=1)][:, ink.any(axis=0)]


def test_the_answer_is_what_the_two_places_say() -> None:
    pairs = glyph_pairs(500, field=9, seed=0)
    first, other = (cut(pairs.image, pairs.corner[:, glyph]) > 0.5 for glyph in range(2))
    assert ((first == other).all(axis=(1, 2)) == pairs.same).all()
    assert (first == PATTERNS[pairs.pattern[:, 0]]).all()
    assert ((pairs.image > 0.5).sum(axis=(1, 2)) == 8).all()
    assert pairs.same.sum() == 250


@pytest.mark.parametrize("field", [1, 5, 9, 11])
def test_no_square_of_the_field_touches_both_glyphs(field: int) -> None:
    pairs = glyph_pairs(300, field=field, seed=1, noise=0.0)
    assert smallest_field(pairs.corner).min() == field + 1
    mark = np.zeros((2, len(pairs.image), 16, 16), dtype=np.bool_)
    for glyph in range(2):
        for image, (y, x) in enumerate(pairs.corner[:, glyph]):
            mark[glyph, image, y : y + GLYPH, x : x + GLYPH] = True
    for y in range(17 - field):
        for x in range(17 - field):
            seen = mark[:, :, y : y + field, x : x + field].any(axis=(2, 3))
            assert not seen.all(axis=0).any()


def test_where_and_which_say_nothing_of_the_answer() -> None:
    pairs = glyph_pairs(20_000, field=9, seed=2)
    same, different = pairs.image[pairs.same], pairs.image[~pairs.same]
    assert np.abs(same.mean(axis=0) - different.mean(axis=0)).max() < 0.03
    assert abs(same.sum(axis=(1, 2)).std() - different.sum(axis=(1, 2)).std()) < 0.05
    for glyph in range(2):
        counts = [np.bincount(pairs.pattern[which, glyph], minlength=126) for which in (pairs.same, ~pairs.same)]
        assert np.abs(counts[0] - counts[1]).max() < 6 * np.sqrt(20_000 / 126)
        assert np.abs(pairs.corner[pairs.same].mean(axis=0) - pairs.corner[~pairs.same].mean(axis=0)).max() < 0.3


def test_too_wide_a_field_is_refused() -> None:
    with pytest.raises(ValueError, match="12 pixels"):
        glyph_pairs(1, field=12, seed=0)


def test_receptive_fields_are_those_of_a_counted_stack() -> None:
    assert receptive_field([(3, 1)] * 4) == 9
    assert receptive_field([(3, 1), (2, 2), (3, 1)]) == 8
    assert receptive_field([]) == 1


def test_single_glyphs_are_ten_different_ones_in_equal_numbers() -> None:
    patterns = class_patterns()
    differing = (patterns[:, None] ^ patterns).sum(axis=(2, 3)) + 49 * np.eye(CLASSES, dtype=np.int64)
    assert differing.min() >= 12
    glyphs = single_glyphs(1000, seed=3)
    assert (np.bincount(glyphs.label) == 100).all()
    clean = single_glyphs(50, seed=3, noise=0.0, flipped=0.0)
    for image, label in zip(clean.image, clean.label, strict=True):
        assert (trimmed(image > 0) == trimmed(patterns[label])).all()


def test_the_seed_is_the_image() -> None:
    assert (glyph_pairs(9, field=9, seed=4).image == glyph_pairs(9, field=9, seed=4).image).all()
    assert not (glyph_pairs(9, field=9, seed=4).image == glyph_pairs(9, field=9, seed=5).image).all()
    assert (single_glyphs(9, seed=4).image == single_glyphs(9, seed=4).image).all()
