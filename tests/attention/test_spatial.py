"""Each wrapper is attention written out pixel by pixel; parameters, strides and borders are as published."""

import math

import pytest
import torch
from torch import Tensor, nn

from deepconsensus_py.attention.patterns import BlockLocal
from deepconsensus_py.attention.relative import Rel2D, Relative
from deepconsensus_py.attention.spatial import AAConv, BoT, Halo, PixelAttention, StandAlone

SIZE = (7, 10)  # neither is a multiple of the blocks below


def count(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


def layers() -> list[PixelAttention]:
    torch.manual_seed(1)
    return [
        StandAlone(6, 8, kernel=5, heads=2),
        BoT(6, 8, reach=3, heads=2, d_k=4),
        Halo(6, 8, around=(4, 1), heads=2),
        Halo(6, 8, around=(4, 3), heads=2, stride=2),
    ]


def offset_vector(bias: Relative, head: int, dy: int, dx: int) -> Tensor:
    """What joins the key, as long as a head is wide: the definition of each bias."""
    rows = [
        (table[head] if table.dim() == 3 else table)[min(max(offset, -reach), reach) + reach]
        for table, offset, reach in zip(bias.tables, (dy, dx), bias.reaches, strict=True)
    ]
    return rows[0] + rows[1] if isinstance(bias, Rel2D) else torch.cat(rows)


def meets(layer: PixelAttention, query: tuple[int, int], key: tuple[int, int]) -> bool:
    if not isinstance(layer.pattern, BlockLocal):
        return True
    block, halo = layer.pattern.blocks[0], layer.pattern.halos[0]
    return all(
        q // block * block - halo <= k < (q // block + 1) * block + halo for q, k in zip(query, key, strict=True)
    )


def by_pixels(layer: PixelAttention, x: Tensor) -> Tensor:
    """The definition, one query at a time, for one image; the border is no key."""
    places = [(y, z) for y in range(x.shape[1]) for z in range(x.shape[2])]
    q, k, v = (projection(x.flatten(1).T).unflatten(-1, (layer.heads, -1)) for projection in
               (layer.query, layer.key, layer.value))  # fmt: skip
    asking = [place for place in places if all(axis % layer.stride == 0 for axis in place)]
    result = []
    for at in asking:
        seen = [i for i, place in enumerate(places) if meets(layer, at, place)]
        for head in range(layer.heads):
            keys = torch.stack(
                [k[i, head] + offset_vector(layer.bias, head, places[i][0] - at[0], places[i][1] - at[1]) for i in seen]
            )
            weights = (keys @ q[places.index(at), head] / math.sqrt(keys.shape[1])).softmax(0)
            result.append(weights @ v[seen, head])
    height = 1 + (x.shape[1] - 1) // layer.stride
    return torch.cat(result).view(height, len(asking) // height, -1).permute(2, 0, 1)


@pytest.mark.parametrize("which", range(4), ids=["stand-alone", "bot", "halo", "strided halo"])
@torch.no_grad()
def test_layers_are_attention_written_out_pixel_by_pixel(which: int) -> None:
    layer, x = layers()[which].double(), torch.randn(2, 6, *SIZE, dtype=torch.float64)
    torch.testing.assert_close(layer(x)[1], by_pixels(layer, x[1]), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("which", range(4))
@torch.no_grad()
def test_large_images_are_computed_by_blocks_and_come_out_the_same(which: int) -> None:
    layer, x = layers()[which].double(), torch.randn(1, 6, 19, 18, dtype=torch.float64)
    torch.testing.assert_close(layer(x)[0], by_pixels(layer, x[0]), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("which", range(4))
@torch.no_grad()
def test_scaling_the_queries_changes_what_comes_out(which: int) -> None:
    layer, x = layers()[which], torch.randn(1, 6, *SIZE)
    before = layer(x)
    layer.query.weight *= 3
    assert (layer(x) - before).abs().max() > 1e-2


@pytest.mark.parametrize("which", range(4))
def test_every_weight_learns(which: int) -> None:
    layer = layers()[which]
    layer(torch.randn(2, 6, *SIZE)).square().sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in layer.parameters())


@pytest.mark.parametrize("kernel", [3, 7])
def test_stand_alone_weights_do_not_grow_with_the_kernel_but_for_tables(kernel: int) -> None:
    d = 64
    assert count(StandAlone(d, d, kernel=kernel)) == 3 * d * d + kernel * d


def test_bot_serves_images_of_several_sizes() -> None:
    layer = BoT(4, 4, reach=5)
    assert layer(torch.randn(1, 4, 6, 6)).shape == (1, 4, 6, 6)
    assert layer(torch.randn(1, 4, 9, 3)).shape == (1, 4, 9, 3)
    assert count(layer) == 3 * 16 + 2 * 11 * 1


@torch.no_grad()
def test_augmented_convolution_without_attention_is_the_convolution() -> None:
    layer, x = AAConv(3, 8, d_k=4, d_v=0, reach=4), torch.randn(2, 3, *SIZE)
    (convolution,) = layer.parts
    assert torch.equal(layer(x), nn.functional.conv2d(x, convolution.weight, padding=1))
    assert count(layer) == 9 * 3 * 8


@torch.no_grad()
def test_augmented_convolution_without_convolution_is_attention() -> None:
    layer, x = AAConv(3, 8, d_k=4, d_v=8, reach=4, heads=2), torch.randn(2, 3, *SIZE)
    (part,) = layer.parts
    torch.testing.assert_close(layer(x), part[1](part[0](x)))
    assert count(layer) == 3 * (4 + 4 + 8) + 2 * 9 * 2 + 8 * 8


@torch.no_grad()
def test_augmented_convolution_is_both_side_by_side() -> None:
    layer, x = AAConv(3, 8, d_k=4, d_v=4, reach=4), torch.randn(2, 3, *SIZE)
    both = layer(x)
    torch.testing.assert_close(both[:, :4], layer.parts[0](x))
    x[:, :, -1, -1] += 1.0
    # A pixel far away reaches the attended channels of the first pixel, and not the convolved ones.
    assert torch.equal(layer(x)[:, :4, 0, 0], both[:, :4, 0, 0])
    assert not torch.equal(layer(x)[:, 4:, 0, 0], both[:, 4:, 0, 0])
