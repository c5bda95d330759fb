import numpy as np
import torch

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.heads.graph import PassGraphHead
from deepconsensus_py.heads.head import check_batch
from deepconsensus_py.lab.systems.graph_networks.pass_graphs import (
    AFTER,
    BEFORE,
    COLUMN,
    LOOP,
    graphs_of,
    laid_out,
    pass_graphs,
)

BASES = np.array([[[1, 2, 0], [1, 2, 3], [1, 0, 3], [4, 4, 4]]], dtype=np.uint8)
STRANDS = np.array([[1, 2, 1, 0]], dtype=np.uint8)
"""Three passes, and a row where there is none."""


def test_nodes_are_the_symbols_that_passes_have() -> None:
    graph = graphs_of(BASES, STRANDS)
    assert torch.nonzero(graph["mask"][0]).flatten().tolist() == [1, 5, 7, 10, 13]
    assert graph["vote"].tolist() == [[1, 2, 3]]
    assert graph["shares"][0, 1].tolist() == np.float32([2 / 3, 1 / 3]).tolist()
    assert graph["shares"][0, 5].tolist() == np.float32([1 / 3, 0]).tolist()
    assert graph["shares"][0, 4].tolist() == [0, 0]


def test_edges_follow_the_passes_both_ways() -> None:
    edges = {tuple(edge) for edge in graphs_of(BASES, STRANDS)["edges"][0].tolist()} - {(-1, -1, -1)}
    loops = {(node, node, LOOP) for node in (1, 5, 7, 10, 13)}
    within = {(a, b, COLUMN) for a, b in ((5, 7), (7, 5), (10, 13), (13, 10))}
    steps = {(1, 7): 2, (1, 5): 1, (7, 10): 1, (7, 13): 1, (5, 13): 1}  # thirds of the passes
    along = {(a, b, AFTER + third) for (a, b), third in steps.items()}
    back = {(b, a, BEFORE + third) for (a, b), third in steps.items()}
    assert edges == loops | within | along | back


@torch.no_grad()
def test_molecules_make_graphs_of_one_size_whatever_their_passes() -> None:
    torch.manual_seed(0)
    trunk = TrunkConfig(2, 16, 2, 16, preset("edges"), norm="layer", position="none", shared=True)
    head = PassGraphHead(Trunk(trunk)).eval()
    for passes, most in (((3, 3), 6), ((12, 12), 20)):
        drawn = pass_graphs(1, passes=passes, most=most, seed=4)
        check_batch(head, drawn)
        few = {name: values[:3] for name, values in drawn.items()}
        out = head(few)
        assert out.shape == (3, 20, 5)
        there = torch.unflatten(few["mask"], 1, (20, 5))
        assert there.gather(2, out.argmax(-1, keepdim=True)).all()
        assert (drawn["vote"] == drawn["truth"]).double().mean() > 0.8


def test_the_truth_is_laid_into_the_columns_of_the_passes() -> None:
    passes = np.array([[1, 0, 2, 3, 0, 4], [1, 0, 2, 3, 2, 4], [1, 0, 2, 3, 0, 4]], dtype=np.uint8)
    support = np.eye(5, dtype=np.float32)[passes].sum(axis=0)
    for truth, wanted in (
        ([1, 2, 3, 4, 0, 0], [1, 0, 2, 3, 0, 4]),
        ([1, 2, 3, 2, 4, 0], [1, 0, 2, 3, 2, 4]),
        ([1, 3, 4, 0, 0, 0], [1, 0, 0, 3, 0, 4]),
        ([1, 2, 1, 4, 0, 0], [1, 0, 2, 1, 0, 4]),
    ):
        assert laid_out(np.array(truth, dtype=np.uint8), support).tolist() == wanted
