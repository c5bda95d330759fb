"""What is cut and what stays whole; that it then computes the same is shown by the lab's claim ``mesh``."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch.distributed.tensor import DeviceMesh, DTensor, Shard
from torch.testing._internal.distributed.fake_pg import FakeStore

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import AttentionConfig, BiasConfig, TrunkConfig
from deepconsensus_py.attention.parallel import cutting, parallelize, share
from deepconsensus_py.attention.patterns import Full

BOTH = {"batch": "data", "heads": "model", "ff": "model"}


@pytest.fixture
def mesh() -> Iterator[DeviceMesh]:
    dist.init_process_group("fake", rank=5, world_size=8, store=FakeStore())
    yield DeviceMesh("cpu", torch.arange(8).reshape(2, 4), mesh_dim_names=("data", "model"))
    dist.destroy_process_group()


def trunk(attention: str = "full", heads: int = 4, ff: int = 16, **others: Any) -> Trunk:
    return Trunk(TrunkConfig(layers=2, d=16, heads=heads, ff=ff, attention=preset(attention), **others))


def test_whole_heads_and_inner_width_are_cut_and_nothing_else(mesh: DeviceMesh) -> None:
    laid_out = trunk(cross=True)
    before = {name: weight.shape for name, weight in laid_out.named_parameters()}
    parallelize(laid_out, mesh, BOTH)
    for name, weight in laid_out.named_parameters():
        *_, layer, kind = name.split(".")
        cut = {"query": 0, "key": 0, "value": 0, "widen": 0, "out": 1, "narrow": 1}.get(layer)
        if cut is None or (layer, kind) == ("narrow", "bias"):
            local = weight.to_local() if isinstance(weight, DTensor) else weight
            assert local.shape == before[name], name
        else:
            assert isinstance(weight, DTensor)
            assert weight.placements == (Shard(cut),)
            assert weight.to_local().shape[cut] == before[name][cut] // 4, name


def test_the_plan_of_a_decoder_has_its_cross_attention() -> None:
    assert len(cutting(trunk(cross=True), "heads")) == 2 * len(cutting(trunk(), "heads")) == 2 * 2 * 4
    assert len(cutting(trunk(), "ff")) == 2 * 2


def test_every_process_has_its_rows(mesh: DeviceMesh) -> None:
    batch = torch.arange(6)
    assert share(batch, mesh, BOTH).tolist() == [3, 4, 5]
    assert share(batch, mesh, {"heads": "model"}).tolist() == batch.tolist()


@pytest.mark.parametrize(
    ("attention", "heads", "ff"), [("full", 2, 16), ("full", 4, 18), ("routing", 4, 16), ("edges", 4, 16)]
)
def test_what_cannot_be_shared_is_refused(attention: str, heads: int, ff: int, mesh: DeviceMesh) -> None:
    with pytest.raises(ValueError, match="cannot be shared by 4 processes"):
        parallelize(trunk(attention, heads, ff), mesh, BOTH)


def test_shared_heads_are_cut_whole_too(mesh: DeviceMesh) -> None:
    laid_out = trunk(heads=8, kv_heads=4)
    parallelize(laid_out, mesh, BOTH)
    layer = laid_out.encoder.blocks[0].attention.layer
    assert (layer.heads, layer.kv_heads, layer.width) == (2, 1, 2)
    assert layer.key.weight.to_local().shape == (2, 16)
    with pytest.raises(ValueError, match="cannot be shared by 4 processes"):
        parallelize(trunk(heads=8, kv_heads=2), mesh, BOTH)
    sloped = Trunk(TrunkConfig(1, 16, 4, 16, (AttentionConfig(Full(), bias=BiasConfig("alibi")),)))
    with pytest.raises(ValueError, match="cannot be shared by 4 processes"):
        parallelize(sloped, mesh, BOTH)


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ({"vocabulary": "model"}, "a layout is from"),
        ({"heads": "rows"}, "a layout is from"),
        ({"batch": "model", "ff": "model"}, "same dimension"),
    ],
)
def test_a_layout_that_makes_no_sense_is_refused(layout: dict[str, str], message: str, mesh: DeviceMesh) -> None:
    with pytest.raises(ValueError, match=message):
        parallelize(trunk(), mesh, layout)
