"""A note is known from those before it alone, and writing note by note is writing at once."""

import math
from dataclasses import replace

import pytest
import torch
from heads.examples import examples

from deepconsensus_py.attention.build import preset
from deepconsensus_py.heads.music import Music

(EXAMPLE,) = (example for example in examples() if example.name == "music")


def head(attention: str = "music") -> Music:
    torch.manual_seed(0)
    built = EXAMPLE.build(replace(EXAMPLE.trunk, attention=preset(attention))).double().eval()
    assert isinstance(built, Music)
    return built


@pytest.mark.parametrize("attention", EXAMPLE.presets)
def test_no_note_is_seen_before_it_comes(attention: str) -> None:
    music, notes = head(attention), EXAMPLE.batch(0)["notes"]
    with torch.no_grad():
        before = music({"notes": notes})
        changed = notes.clone()
        changed[:, 6] = (changed[:, 6] + 1) % 7
        after = music({"notes": changed})
    assert torch.equal(before[:, :7], after[:, :7])
    assert not torch.equal(before[:, 7], after[:, 7])


@pytest.mark.parametrize("primed", [0, 5])
def test_note_by_note_is_as_at_once(primed: int) -> None:
    music, notes = head(), EXAMPLE.batch(0)["notes"]
    # So cold that the likeliest note is drawn.
    whole = music.decode(notes[:, :primed], length=13, temperature=1e-6).clone()
    assert torch.equal(whole[:, :primed], notes[:, :primed])
    with torch.no_grad():
        assert torch.equal(music({"notes": whole}).argmax(-1)[:, primed:], whole[:, primed:])


def test_a_head_that_knows_nothing_needs_the_logarithm_of_all_notes() -> None:
    music, batch = head(), EXAMPLE.batch(0)
    assert music.metrics(torch.zeros(2, 13, 7), batch)["nats"] == pytest.approx(math.log(7))
    with torch.no_grad():
        assert torch.equal(music(batch)[0, 0], music(EXAMPLE.batch(1))[1, 0])
