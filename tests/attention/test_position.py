"""Sinusoidal positions."""

import math

import pytest
import torch

from deepconsensus_py.attention.position import LONGEST_TIMESCALE, sinusoid


def test_the_first_half_is_sines_the_second_cosines_of_the_same_angles() -> None:
    waves = sinusoid(torch.arange(50), 16)
    sines, cosines = waves.chunk(2, dim=-1)
    torch.testing.assert_close(sines**2 + cosines**2, torch.ones(50, 8))
    assert torch.equal(sines[0], torch.zeros(8))


def test_timescales_run_geometrically_from_1_to_the_longest() -> None:
    angles = torch.atan2(*sinusoid(torch.tensor([1]), 16)[0].chunk(2))
    expected = [LONGEST_TIMESCALE ** (-i / 7) for i in range(8)]
    torch.testing.assert_close(angles, torch.tensor(expected))


def test_products_depend_on_distance_alone() -> None:
    waves = sinusoid(torch.arange(40), 64)
    products = waves @ waves.T
    torch.testing.assert_close(products[:30, :30], products[10:, 10:], rtol=0, atol=1e-4)


def test_positions_of_any_shape() -> None:
    positions = torch.tensor([[3, 5], [7, 0]])
    assert sinusoid(positions, 8).shape == (2, 2, 8)
    assert torch.equal(sinusoid(positions, 8)[0, 1], sinusoid(torch.tensor(5), 8))
    assert math.isclose(sinusoid(torch.tensor(5), 8)[0].item(), math.sin(5), rel_tol=1e-6)


@pytest.mark.parametrize("d", [2, 7])
def test_impossible_widths_are_refused(d: int) -> None:
    with pytest.raises(ValueError, match="even number of channels"):
        sinusoid(torch.arange(3), d)
