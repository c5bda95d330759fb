import pytest
import torch
from heads.example_graph import EXAMPLE, batch
from torch import Tensor

from deepconsensus_py.heads.graph import Distances, GraphHead


def one_path(n: int) -> dict[str, Tensor]:
    """A path of n nodes from node 0, with its loops."""
    forth = [(i, i + 1, 1) for i in range(n - 1)]
    edges = [(i, i, 0) for i in range(n)] + forth + [(j, i, 1) for i, j, _ in forth]
    return {
        "edges": torch.tensor([edges]),
        "mask": torch.ones(1, n, dtype=torch.bool),
        "source": torch.tensor([0]),
        "distance": torch.arange(n).unsqueeze(0),
        "steps": torch.tensor(n),
    }


def drawn() -> GraphHead:
    torch.manual_seed(0)
    head = EXAMPLE.build(EXAMPLE.trunk)
    assert isinstance(head, GraphHead)
    return head.eval()


@torch.no_grad()
def test_nodes_know_of_the_source_only_as_far_as_there_were_rounds() -> None:
    head, path = drawn(), one_path(8)
    other = {**path, "source": torch.tensor([7])}
    for rounds in (1, 3):
        outs = [head({**case, "steps": torch.tensor(rounds)})[0] for case in (path, other)]
        differs = (outs[0] != outs[1]).any(-1)
        near = torch.tensor([min(i, 7 - i) <= rounds for i in range(8)])
        assert torch.equal(differs, near)


@torch.no_grad()
def test_new_labels_of_the_nodes_give_the_same_answers_in_their_order() -> None:
    head, given = drawn(), batch(0)
    order = torch.randperm(given["mask"].shape[1], generator=torch.Generator().manual_seed(0))
    place = order.argsort()
    moved = given["edges"].clone()
    moved[..., :2] = torch.where(moved[..., :2] >= 0, place[moved[..., :2].clamp(min=0)], -1)
    relabelled = {**given, "edges": moved, "mask": given["mask"][:, order], "source": place[given["source"]]}
    torch.testing.assert_close(
        head(relabelled)[given["mask"][:, order]], head(given)[:, order][given["mask"][:, order]]
    )


def test_distances_take_the_nearest_whole_number() -> None:
    layer = Distances(4, farthest=40)
    with torch.no_grad():
        layer.place.weight.copy_(torch.tensor([[1.0, 0.0, 0.0, 0.0]]))
        layer.place.bias.zero_()
    x = torch.zeros(1, 3, 4)
    x[0, :, 0] = torch.tensor([0.2, 17.4, 39.6])
    assert layer(x).argmax(-1).tolist() == [[0, 17, 40]]


def test_metrics_count_nodes_and_not_filler() -> None:
    head, given = drawn(), batch(1)
    out = torch.nn.functional.one_hot(given["distance"].clamp(min=0), 64).float()
    assert not given["mask"].all()
    assert head.metrics(out, given) == {"exact": 1.0}
    given["distance"] = given["distance"].where(torch.arange(len(given["mask"])).unsqueeze(1) > 0, 50)
    wrong = int(given["mask"][0].sum()) / int(given["mask"].sum())
    assert head.metrics(out, given)["exact"] == pytest.approx(1 - wrong)
