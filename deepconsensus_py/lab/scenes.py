"""Scenes of two coloured shapes on 16x16 pixels, with caption, boxes and mask.

They serve recognition (which shape in which colour), detection (boxes), segmentation (mask) and captioning. Pairs of
colour and shape can be held out, to test whether what is known separately is known together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIZE, QUADRANT = 16, 8
"""Pixels along each side of an image and of its quarters."""

COLOURS = {"red": (0.9, 0.1, 0.1), "green": (0.1, 0.8, 0.1), "blue": (0.1, 0.2, 0.9), "yellow": (0.9, 0.9, 0.1)}
"""Red, green and blue of each colour."""

SHAPES = ("square", "cross", "triangle")
PLACES = ("top-left", "top-right", "bottom-left", "bottom-right")

WORDS = ("<start>", "<end>", *COLOURS, *SHAPES, *PLACES)
"""The vocabulary of captions."""

PAIRS = tuple((colour, shape) for colour in range(len(COLOURS)) for shape in range(len(SHAPES)))
HELD_OUT = tuple((shape, shape) for shape in range(len(SHAPES)))
SEEN = tuple(pair for pair in PAIRS if pair not in HELD_OUT)
"""(colour, shape): all pairs, those for tests only, and the others, in which every colour and shape occurs."""

SIDES = (5, 7)
"""Smallest and largest side of an object in pixels."""

_WORD = {word: index for index, word in enumerate(WORDS)}
_FIRST_WORDS = np.array([_WORD["red"], _WORD[SHAPES[0]], _WORD[PLACES[0]]])


@dataclass(frozen=True, slots=True, eq=False)
class Scenes:
    """Images with two objects in different quadrants, in reading order.

    Attributes:
        image: ``float32[count, 3, 16, 16]``, on black, with noise.
        objects: ``int64[count, 2, 3]``: colour, shape and place of each.
        caption: ``int64[count, 8]``, rows of ``WORDS``: start, the words of both objects, end.
        box: ``int64[count, 2, 4]``: (top, left, bottom, right) pixels, the last two past the object.
        mask: ``int64[count, 16, 16]``: 0 for the background, 1 + shape on an object.
    """

    image: NDArray[np.float32]
    objects: NDArray[np.int64]
    caption: NDArray[np.int64]
    box: NDArray[np.int64]
    mask: NDArray[np.int64]


def scenes(count: int, *, seed: int, pairs: Sequence[tuple[int, int]] = PAIRS, noise: float = 0.05) -> Scenes:
    """Draw scenes.

    Args:
        count: number of scenes.
        seed: of the random generator.
        pairs: the pairs of colour and shape, all equally likely: ``PAIRS``, ``SEEN`` or ``HELD_OUT``.
        noise: standard deviation of the noise on all pixels and colours.
    """
    generator = np.random.default_rng(seed)
    colour_and_shape = np.array(pairs)[generator.integers(len(pairs), size=(count, 2))]
    place = np.sort(generator.random((count, len(PLACES))).argsort(axis=1)[:, :2], axis=1)
    objects = np.concatenate([colour_and_shape, place[..., None]], axis=2)
    box = _boxes(place, generator)
    ink = _ink(objects[..., 1], box)
    colours = np.array(list(COLOURS.values()))[objects[..., 0]]
    image = np.einsum("boc,boyx->bcyx", colours, ink) + noise * generator.standard_normal((count, 3, SIZE, SIZE))
    mask = (ink * (1 + objects[..., 1, None, None])).sum(axis=1)
    return Scenes(image.astype(np.float32), objects, captions(objects), box, mask)


def captions(objects: NDArray[np.int64]) -> NDArray[np.int64]:
    """The captions ``int64[count, 8]`` of objects ``int64[count, 2, 3]``."""
    words: NDArray[np.int64] = (objects + _FIRST_WORDS).reshape(len(objects), -1)
    return np.pad(words, ((0, 0), (1, 1)), constant_values=((0, 0), (_WORD["<start>"], _WORD["<end>"])))


def distinct(caption: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The different captions ``int64[k, 8]``, and the row of each image's caption ``int64[count]``.

    Retrieval ranks these: an image whose caption occurred twice would have two right answers.
    """
    unique, row = np.unique(caption, axis=0, return_inverse=True)
    return unique, row.reshape(-1)


def _boxes(place: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
    side = generator.integers(SIDES[0], SIDES[1] + 1, size=place.shape)
    jitter = (generator.random((*place.shape, 2)) * (QUADRANT - side + 1)[..., None]).astype(np.int64)
    corner = QUADRANT * np.stack(np.divmod(place, 2), axis=-1) + jitter
    return np.concatenate([corner, corner + side[..., None]], axis=-1)


def _ink(shape: NDArray[np.int64], box: NDArray[np.int64]) -> NDArray[np.int64]:
    side = (box[..., 2] - box[..., 0])[..., None, None]
    y = np.arange(SIZE)[:, None] - box[..., 0, None, None]
    x = np.arange(SIZE) - box[..., 1, None, None]
    inside = (y >= 0) & (y < side) & (x >= 0) & (x < side)
    # Twice the distance from the middle, which lies between two pixels if the side is even.
    off_y, off_x = np.abs(2 * y - side + 1), np.abs(2 * x - side + 1)
    cross, triangle = (off_y <= 1) | (off_x <= 1), off_x <= y + 1
    inked = np.select([(shape == 1)[..., None, None], (shape == 2)[..., None, None]], [cross, triangle], True)
    ink: NDArray[np.int64] = (inside & inked).astype(np.int64)
    return ink
