"""The head of trajectories: what an action may hang on, and that an asked return is heard."""

import torch
from heads.example_trajectory import EXAMPLE
from torch import Tensor, nn

from deepconsensus_py.heads.trajectory import TrajectoryHead


def head() -> TrajectoryHead:
    torch.manual_seed(0)
    made = EXAMPLE.build(EXAMPLE.trunk).eval()
    assert isinstance(made, TrajectoryHead)
    return made


def changed(batch: dict[str, Tensor], name: str, step: int) -> dict[str, Tensor]:
    values = batch[name].clone()
    values[:, step] = (values[:, step] + 1) % 3
    return {**batch, name: values}


def test_an_action_knows_its_return_and_observation_but_not_itself_nor_what_comes_after() -> None:
    model, batch = head(), EXAMPLE.batch(1)
    before = model(batch)
    for name, first in (("returns", 2), ("observation", 2), ("action", 3)):
        after = model(changed(batch, name, 2))
        assert torch.equal(after[:, :first], before[:, :first]), name
        assert (after[:, first] != before[:, first]).any(), name


def test_the_next_action_does_not_hang_on_the_filler_in_its_place() -> None:
    model, batch = head(), EXAMPLE.batch(1)
    assert torch.equal(model.act(batch), model.act(changed(batch, "action", 4)))
    assert torch.equal(model.act(batch), model(batch)[:, -1].argmax(-1))


def test_actions_are_drawn_by_their_probabilities() -> None:
    model = head()
    nn.init.zeros_(model.action.weight)
    with torch.no_grad():
        model.action.bias.copy_(torch.tensor([0.1, 0.2, 0.3, 0.4]).log())
    batch = {name: values[:1].expand(20_000, *values.shape[1:]) for name, values in EXAMPLE.batch(1).items()}
    drawn = model.act(batch, torch.Generator().manual_seed(1)).bincount() / 20_000
    torch.testing.assert_close(drawn, torch.tensor([0.1, 0.2, 0.3, 0.4]), atol=0.02, rtol=0)


def test_it_learns_to_do_what_the_return_says() -> None:
    model = head().train()
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(60):
        action = torch.randint(4, (32, 1), generator=generator).expand(32, 5)
        batch = {"returns": action.float(), "observation": torch.zeros(32, 5, 2, dtype=torch.int64), "action": action}
        loss = model.loss(model(batch), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert model.eval().metrics(model(batch), batch)["accuracy"] > 0.95
