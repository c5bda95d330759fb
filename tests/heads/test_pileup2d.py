"""Cells of a pileup: passes are a set, absent ones are not there, and columns are not a set."""

from dataclasses import replace

import pytest
import torch
from heads import example_correct
from heads.example_pileup2d import EXAMPLE, build

from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import AttentionConfig, PerHeadConfig, TrunkConfig
from deepconsensus_py.attention.patterns import BlockLocal, Full
from deepconsensus_py.heads.head import Head

CELLS = ("bases", "pulse_widths", "inter_pulse_durations", "strands")


def drawn(trunk: TrunkConfig) -> Head:
    torch.manual_seed(3)
    return build(trunk).eval()


@pytest.mark.parametrize("name", EXAMPLE.presets)
def test_the_order_of_passes_does_not_matter(name: str) -> None:
    head = drawn(replace(EXAMPLE.trunk, attention=preset(name)))
    batch = example_correct.batch(1)
    turned = {n: values[:, [2, 0, 1]] if n in CELLS else values for n, values in batch.items()}
    torch.testing.assert_close(head(turned), head(batch))


def test_the_order_of_columns_does() -> None:
    head, batch = drawn(EXAMPLE.trunk), example_correct.batch(1)
    turned = {n: values if n in {"strands", "snr"} else values.flip(-1) for n, values in batch.items()}
    assert (head(turned).flip(1) - head(batch)).abs().max() > 1e-3


def test_an_absent_pass_says_nothing() -> None:
    head, batch = drawn(EXAMPLE.trunk), example_correct.batch(1)
    changed = {**batch, "bases": batch["bases"].clone()}
    changed["bases"][0, -1] = 3  # whose strand is 0
    assert torch.equal(head(changed), head(batch))
    changed["bases"][0, 0] = 3
    assert not torch.equal(head(changed), head(batch))


@pytest.mark.parametrize("name", ["draft", "draft_quality", "snr"])
def test_what_is_known_of_a_column_is_in_each_of_its_cells(name: str) -> None:
    head, batch = drawn(EXAMPLE.trunk), example_correct.batch(1)
    assert isinstance(batch[name], torch.Tensor)
    changed = {**batch, name: batch[name].clone()}
    changed[name][:, 2] = changed[name][:, 2] + 1
    moved = (head.tokens(changed).x != head.tokens(batch).x).any(-1).view(2, example_correct.PASSES, -1)
    expected = torch.ones_like(moved) if name == "snr" else torch.zeros_like(moved)
    expected[..., 2] = True
    assert torch.equal(moved, expected)


@pytest.mark.parametrize(
    "entry",
    [
        preset("halo")[0],
        AttentionConfig(BlockLocal((1, 8), 2)),
        AttentionConfig(BlockLocal((2, 8))),
        AttentionConfig(Full(causal=True)),
        AttentionConfig(PerHeadConfig((Full(), BlockLocal((2, 8))))),
    ],
)
def test_a_trunk_that_tells_passes_apart_is_refused(entry: AttentionConfig) -> None:
    with pytest.raises(ValueError, match="no order"):
        build(replace(EXAMPLE.trunk, attention=(entry,)))
    with pytest.raises(ValueError, match="no order"):
        build(replace(EXAMPLE.trunk, position="sinusoid"))
