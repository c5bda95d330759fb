import math
from dataclasses import replace

import pytest
import torch
from heads.example_density import EXAMPLE, LEVELS, SHAPE, batch

from deepconsensus_py.attention.build import preset
from deepconsensus_py.heads.density import DensityHead


def drawn(attention: str) -> DensityHead:
    torch.manual_seed(0)
    head = EXAMPLE.build(replace(EXAMPLE.trunk, attention=preset(attention)))
    assert isinstance(head, DensityHead)
    return head.eval()


@pytest.mark.parametrize("attention", EXAMPLE.presets)
@torch.no_grad()
def test_no_value_sees_itself_or_a_later_one(attention: str) -> None:
    head, given = drawn(attention), batch(0)
    before = head(given)
    n = math.prod(SHAPE)
    for place in (0, 1, 31, 44, n - 2):
        values = given["levels"].clone().flatten(1)
        values[:, place] = (values[:, place] + 1) % LEVELS
        after = head({"levels": values.view_as(given["levels"])})
        assert torch.equal(after[:, : place + 1], before[:, : place + 1])
        assert not torch.equal(after[:, place + 1], before[:, place + 1])


@torch.no_grad()
def test_an_image_in_colour_is_told_channel_by_channel() -> None:
    head, given = drawn("causal"), batch(1)
    before = head(given).view(2, *SHAPE, LEVELS)
    green = given["levels"].clone()
    green[:, 2, 3, 1] = (green[:, 2, 3, 1] + 1) % LEVELS
    after = head({"levels": green}).view(2, *SHAPE, LEVELS)
    same = (after == before).all(-1).all(0)
    assert same[:2].all()
    assert same[2, :3].all()
    assert same[2, 3, :2].all()
    assert not same[2, 3, 2]


@torch.no_grad()
def test_surprise_of_all_images_is_that_of_a_distribution() -> None:
    head = DensityHead(drawn("causal").trunk, levels=2, shape=(1, 3, 1)).eval()
    images = torch.cartesian_prod(*[torch.arange(2)] * 3).view(8, 1, 3, 1)
    given = {"levels": images}
    bits = head.surprise(head(given), given)
    assert bits.shape == images.shape
    assert float((-bits.flatten(1).sum(1)).exp2().sum()) == pytest.approx(1.0, abs=1e-5)
    assert head.metrics(head(given), given)["bits"] == pytest.approx(float(bits.mean()), rel=1e-6)


@pytest.mark.parametrize("attention", ["causal", "image1d", "image2d"])
def test_draws_follow_the_logits(attention: str) -> None:
    head = drawn(attention)
    with torch.no_grad():
        head.next.weight.zero_()
        head.next.bias.copy_(torch.tensor([-30.0, 0.0, -30.0, 0.0, -30.0]))
    images = head.draw(8, torch.Generator().manual_seed(0))
    assert images.shape == (8, *SHAPE)
    assert set(images.unique().tolist()) == {1, 3}
    assert 0.4 < float((images == 1).double().mean()) < 0.6


@torch.no_grad()
def test_drawing_step_by_step_sees_what_a_whole_image_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    head = drawn("image2d")
    monkeypatch.setattr(torch, "rand", lambda shape, **_: torch.full(shape, 0.5))
    images = head.draw(1)
    logits = head({"levels": images})
    assert torch.equal(logits.argmax(-1).view_as(images), images)
