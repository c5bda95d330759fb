"""Caption, boxes and mask say of the image what is to be seen in it."""

import numpy as np
import pytest

from deepconsensus_py.lab.scenes import (
    COLOURS,
    HELD_OUT,
    PAIRS,
    PLACES,
    SEEN,
    SHAPES,
    WORDS,
    Scenes,
    captions,
    distinct,
    scenes,
)


@pytest.fixture(scope="module")
def drawn() -> Scenes:
    return scenes(600, seed=0)


def test_boxes_are_tight_and_lie_in_their_quarter(drawn: Scenes) -> None:
    for mask, boxes, objects in zip(drawn.mask, drawn.box, drawn.objects, strict=True):
        for (top, left, bottom, right), (_, shape, place) in zip(boxes, objects, strict=True):
            inside = mask[top:bottom, left:right]
            assert set(inside.ravel().tolist()) <= {0, 1 + shape}
            for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]):
                assert edge.any()
            assert (top // 8, left // 8) == divmod(place, 2) == ((bottom - 1) // 8, (right - 1) // 8)
            assert 5 <= bottom - top == right - left <= 7


def test_the_mask_is_the_ink_and_the_colour_is_that_of_the_caption(drawn: Scenes) -> None:
    bright = drawn.image.max(axis=1) > 0.5
    assert (bright == (drawn.mask > 0)).all()
    for image, mask, boxes, caption in zip(drawn.image, drawn.mask, drawn.box, drawn.caption, strict=True):
        outside = mask > 0
        for (top, left, bottom, right), colour in zip(boxes, (caption[1], caption[4]), strict=True):
            ink = mask[top:bottom, left:right] > 0
            mean = image[:, top:bottom, left:right][:, ink].mean(axis=1)
            assert mean == pytest.approx(COLOURS[WORDS[colour]], abs=0.1)
            outside[top:bottom, left:right] = False
        assert not outside.any()


def test_shapes_differ_at_every_size() -> None:
    clean = scenes(3000, seed=1)
    stamps: dict[tuple[int, int], set[bytes]] = {}
    for mask, boxes, objects in zip(clean.mask, clean.box, clean.objects, strict=True):
        for (top, left, bottom, right), (_, shape, _) in zip(boxes, objects, strict=True):
            ink = mask[top:bottom, left:right] > 0
            stamps.setdefault((int(shape), int(bottom - top)), set()).add(ink.tobytes())
    assert len(stamps) == 9
    assert all(len(same) == 1 for same in stamps.values())
    for side in (5, 6, 7):
        assert len(set.union(*(stamps[shape, side] for shape in range(3)))) == 3


def objects_of(captions: np.ndarray) -> np.ndarray:
    """Objects ``int64[count, 2, 3]`` of captions; -1 for a word of another kind than its place."""
    kinds = (list(COLOURS), list(SHAPES), list(PLACES)) * 2
    words = [[WORDS[word] for word in caption[1:-1]] for caption in captions]
    read = [[kind.index(word) if word in kind else -1 for word, kind in zip(own, kinds, strict=True)] for own in words]
    return np.array(read).reshape(-1, 2, 3)


def test_captions_are_read_as_they_were_written(drawn: Scenes) -> None:
    assert (captions(drawn.objects) == drawn.caption).all()
    assert (objects_of(drawn.caption) == drawn.objects).all()
    assert " ".join(WORDS[word] for word in captions(np.array([[[0, 1, 0], [2, 2, 3]]]))[0]) == (
        "<start> red cross top-left blue triangle bottom-right <end>"
    )
    assert (drawn.objects[:, 0, 2] < drawn.objects[:, 1, 2]).all()
    scrambled = drawn.caption[:, ::-1]
    assert (objects_of(scrambled) == -1).any(axis=(1, 2)).all()


def test_distinct_captions_are_each_once_and_all_there(drawn: Scenes) -> None:
    unique, row = distinct(drawn.caption)
    assert len({tuple(caption) for caption in drawn.caption.tolist()}) == len(unique) < 600
    assert (unique[row] == drawn.caption).all()


def test_held_out_pairs_are_met_in_parts_only() -> None:
    assert set(SEEN) | set(HELD_OUT) == set(PAIRS)
    assert not set(SEEN) & set(HELD_OUT)
    assert {colour for colour, _ in SEEN} == set(range(len(COLOURS)))
    assert {shape for _, shape in SEEN} == set(range(len(SHAPES)))
    for pairs in (SEEN, HELD_OUT):
        objects = scenes(400, seed=2, pairs=pairs).objects.reshape(-1, 3)
        assert {tuple(pair) for pair in objects[:, :2].tolist()} == set(pairs)


def test_the_seed_is_the_scene(drawn: Scenes) -> None:
    assert (scenes(600, seed=0).image == drawn.image).all()
    assert not (scenes(600, seed=1).image == drawn.image).all()
