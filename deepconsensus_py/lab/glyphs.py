"""Generated images of 16x16 pixels: two distant glyphs, the same or different, or one glyph of ten classes.

Both glyphs of a pair have the same number of inked pixels and are further apart than the receptive field of a
convolution, so that neither intensity nor a single receptive field gives the answer; there are too many glyphs for a
channel each. Two places have to be compared, which is what attention beside convolution is for (Bello et al. 2019;
Srinivas et al. 2021).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

SIZE = 16
"""Height and width of an image in pixels."""

GLYPH = 3
"""Height and width of a glyph of a pair in pixels."""

PATTERNS = np.array(
    [[pixel in inked for pixel in range(GLYPH * GLYPH)] for inked in combinations(range(GLYPH * GLYPH), 4)]
).reshape(-1, GLYPH, GLYPH)
"""``bool[126, 3, 3]``: all glyphs of four inked pixels."""

CLASSES = 10
"""Classes of single glyphs."""

LARGE = 7
"""Height and width of a single glyph in pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class GlyphPairs:
    """Images with two glyphs each.

    Attributes:
        image: ``float32[count, 16, 16]``, ink 1, paper 0, with noise.
        same: ``bool[count]``, the answer; True for half of the images.
        pattern: ``int64[count, 2]``, rows of ``PATTERNS``.
        corner: ``int64[count, 2, 2]``, (y, x) of the upper left pixel of each glyph.
    """

    image: NDArray[np.float32]
    same: NDArray[np.bool_]
    pattern: NDArray[np.int64]
    corner: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Glyphs:
    """Images with one glyph each: ``image`` is ``float32[count, 16, 16]``, ``label`` ``int64[count]`` of 0 to 9."""

    image: NDArray[np.float32]
    label: NDArray[np.int64]


def glyph_pairs(count: int, *, field: int, seed: int, noise: float = 0.1) -> GlyphPairs:
    """Draw pairs of glyphs; neither a single glyph nor its place depends on the answer.

    Args:
        count: number of images.
        field: receptive field in pixels, at most 11, that must not touch both glyphs; see ``receptive_field``.
        seed: of the random generator.
        noise: standard deviation of the noise on all pixels.

    Raises:
        ValueError: two glyphs cannot be so far apart.
    """
    places = _far_apart(field)
    generator = np.random.default_rng(seed)
    corner = places[generator.integers(len(places), size=count)]
    same = generator.permutation(np.arange(count) % 2 == 0)
    first = generator.integers(len(PATTERNS), size=count)
    other = (first + generator.integers(1, len(PATTERNS), size=count)) % len(PATTERNS)
    pattern = np.stack([first, np.where(same, first, other)], axis=1)
    image = np.zeros((count, SIZE, SIZE))
    for glyph in range(2):
        _stamp(image, PATTERNS[pattern[:, glyph]], corner[:, glyph])
    return GlyphPairs(_noisy(image, noise, generator), same, pattern, corner)


def single_glyphs(count: int, *, seed: int, noise: float = 0.3, flipped: float = 0.1) -> Glyphs:
    """Draw images of one glyph out of ten, anywhere, with some pixels flipped; classes are equally frequent.

    Args:
        count: number of images.
        seed: of the random generator; the ten glyphs do not depend on it.
        noise: standard deviation of the noise on all pixels.
        flipped: probability that a pixel of the glyph is flipped.
    """
    generator = np.random.default_rng(seed)
    label = generator.permutation(np.arange(count) % CLASSES)
    pattern = class_patterns()[label] ^ (generator.random((count, LARGE, LARGE)) < flipped)
    image = np.zeros((count, SIZE, SIZE))
    _stamp(image, pattern, generator.integers(SIZE - LARGE + 1, size=(count, 2)))
    return Glyphs(_noisy(image, noise, generator), label)


def class_patterns() -> NDArray[np.bool_]:
    """The ten single glyphs, ``bool[10, 7, 7]``, each of 24 inked pixels."""
    ranks = np.random.default_rng(10).random((CLASSES, LARGE * LARGE)).argsort(axis=1).argsort(axis=1)
    return (ranks < LARGE * LARGE // 2).reshape(CLASSES, LARGE, LARGE)


def receptive_field(layers: Iterable[tuple[int, int]]) -> int:
    """Receptive field of a stack of convolutions or pools, pixels along one axis.

    Args:
        layers: (kernel, stride) of each layer, from the image up.
    """
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
    return field


def smallest_field(corner: NDArray[np.int64]) -> NDArray[np.int64]:
    """Side of the smallest square that touches both glyphs, ``int64[...]`` from corners ``int64[..., 2, 2]``."""
    apart: NDArray[np.int64] = np.abs(corner[..., 0, :] - corner[..., 1, :]).max(axis=-1)
    return np.maximum(apart - GLYPH + 2, 1)


def _far_apart(field: int) -> NDArray[np.int64]:
    axis = np.arange(SIZE - GLYPH + 1)
    corners = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    pairs = np.stack(np.broadcast_arrays(corners[:, None], corners[None]), axis=-2).reshape(-1, 2, 2)
    pairs = pairs[smallest_field(pairs) > field]
    if not len(pairs):
        raise ValueError(f"no two glyphs on {SIZE}x{SIZE} escape a receptive field of {field} pixels")
    return pairs


def _stamp(image: NDArray[np.float64], pattern: NDArray[np.bool_], corner: NDArray[np.int64]) -> None:
    offset = np.arange(pattern.shape[1])
    rows = (corner[:, 0, None] + offset)[:, :, None]
    columns = (corner[:, 1, None] + offset)[:, None]
    image[np.arange(len(image))[:, None, None], rows, columns] = pattern


def _noisy(image: NDArray[np.float64], noise: float, generator: np.random.Generator) -> NDArray[np.float32]:
    return (image + noise * generator.standard_normal(image.shape)).astype(np.float32)
