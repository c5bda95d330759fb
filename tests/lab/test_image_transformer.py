import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("PIL")

from sklearn.datasets import load_sample_images

from deepconsensus_py.lab.systems.image_transformer import COLOUR_LEVELS, colour_patches


def whole() -> np.ndarray:
    return np.stack(load_sample_images().images) // 16


def places(patch: np.ndarray) -> list[tuple[int, ...]]:
    """Where in the photographs a patch lies."""
    views = np.lib.stride_tricks.sliding_window_view(whole(), patch.shape[:2], axis=(1, 2))
    found = (views == patch.transpose(2, 0, 1)).all(axis=(3, 4, 5))
    return [tuple(place) for place in np.argwhere(found)]


@pytest.mark.parametrize("test", [False, True])
def test_patches_are_cut_from_their_own_part(test: bool) -> None:
    for patch in colour_patches(3, seed=1, size=12, test=test):
        at = places(patch)
        assert at
        assert any(left >= 480 if test else left + 12 <= 480 for _, _, left in at)


def test_patches_are_repeatable_levels() -> None:
    first = colour_patches(20, seed=2)
    assert first.shape == (20, 16, 16, 3)
    assert first.min() >= 0
    assert first.max() == COLOUR_LEVELS - 1
    assert np.array_equal(first, colour_patches(20, seed=2))
    assert not np.array_equal(first, colour_patches(20, seed=3))
