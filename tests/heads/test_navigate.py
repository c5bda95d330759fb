"""The navigating head: what a choice may hang on, and that closed doors stay closed."""

import torch
from heads.example_navigate import EXAMPLE
from torch import Tensor

from deepconsensus_py.heads.navigate import NavigateHead


def head() -> NavigateHead:
    torch.manual_seed(0)
    made = EXAMPLE.build(EXAMPLE.trunk).eval()
    assert isinstance(made, NavigateHead)
    return made


def test_a_choice_knows_the_rooms_so_far_and_none_to_come() -> None:
    model, batch = head(), EXAMPLE.batch(1)
    before = model(batch)
    room = batch["room"].clone()
    room[:, 3, 0] = (room[:, 3, 0] + 1) % 4
    after = model({**batch, "room": room})
    assert torch.equal(after[:, :3], before[:, :3])
    assert (after[:, 3:] != before[:, 3:]).any()


def test_closed_doors_are_never_chosen() -> None:
    model, batch = head(), EXAMPLE.batch(2)
    closed = {**batch, "open": torch.zeros_like(batch["open"])}
    closed["open"][:, :, 2] = True
    assert (model(closed).argmax(-1) == 2).all()


def test_doors_are_chosen_by_what_they_are_and_not_by_their_number() -> None:
    model, batch = head(), EXAMPLE.batch(3)
    turned: dict[str, Tensor] = {**batch, **{name: batch[name].flip(2) for name in ("door", "way", "open")}}
    torch.testing.assert_close(model(turned).flip(2), model(batch))


def test_a_description_that_was_read_once_serves_all_steps() -> None:
    model, batch = head(), EXAMPLE.batch(4)
    memory = model.read(batch)
    assert torch.equal(model.decode(batch, memory), model(batch)[:, -1].argmax(-1))


def test_filler_behind_the_description_is_not_read() -> None:
    model, batch = head(), EXAMPLE.batch(5)
    longer = torch.nn.functional.pad(batch["words"], (0, 4))
    torch.testing.assert_close(model({**batch, "words": longer}), model(batch))
