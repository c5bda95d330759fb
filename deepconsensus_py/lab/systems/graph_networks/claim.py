"""The claim of graph networks: a rule learned on small graphs holds on large ones."""

from collections.abc import Callable
from functools import partial
from statistics import fmean

import numpy as np
import torch
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.attention.cost import LayerCost, cost, layer_cost
from deepconsensus_py.attention.patterns import Edges, Full
from deepconsensus_py.heads.graph import Distances, GraphHead, PassGraphHead
from deepconsensus_py.lab.claim import Arm, Claim, CostLine, Curve, Figure, Shown, Size, found_at_least, measured
from deepconsensus_py.lab.costs import counts
from deepconsensus_py.lab.fit import Training, fit
from deepconsensus_py.lab.reads import judge
from deepconsensus_py.lab.systems.graph_networks.baselines import GraphNetwork, RowsHead
from deepconsensus_py.lab.systems.graph_networks.hop_graphs import HopGraphs, hop_graphs
from deepconsensus_py.lab.systems.graph_networks.pass_graphs import pass_graphs
from deepconsensus_py.lab.systems.graph_networks.paths import (
    PathGraphs,
    PathHead,
    PathRowsHead,
    path_batch,
    path_graphs,
    path_loss,
    path_scores,
    there_and_back,
)

D, HEADS, FF = 64, 4, 128
BATCH = 32
PLAIN_LAYERS, PASS_ROUNDS = 4, 4
PATH_STEPS = 800
NAMES, FARTHEST = 64, 63
TRAINED_ON, TESTED_ON = (6, 12), (10, 20, 40, 60)
PATHS_TESTED_ON = (10, 20, 40)
JUDGED_AT = 40
TEST_SEED = 99
LEAST, TIMES_PLAIN = 0.90, 2.0
FURTHER = 4
"""Most rounds in training beyond the largest distance: what is right must stay right."""

EDGES, NETWORK, PLAIN, SHARED = "attention along edges", "graph network", "plain Transformer", "plain, one shared block"

Rounds = Callable[[HopGraphs], int]


def reproduce(size: Size) -> Shown:
    """Train four systems on small graphs, and test them on larger ones."""
    steps, graphs = (2, 4) if size.fast else (1500, 300)
    tests = {n: hop_graphs(graphs, nodes=(n, n), seed=TEST_SEED) for n in TESTED_ON}
    exact: dict[str, list[list[float]]] = {name: [] for name in SYSTEMS}
    marked: dict[str, list[list[tuple[float, float]]]] = {name: [] for name in SYSTEMS}
    fixed: dict[str, list[list[float]]] = {name: [] for name in SYSTEMS if name != PLAIN}
    losses = []
    for seed in size.seeds:
        for name in SYSTEMS:
            system = _trained(name, seed, Training(steps))
            exact[name].append([_exact(system, name, graphs, widest) for graphs in tests.values()])
            if name != PLAIN:
                fixed[name].append([_exact(system, name, graphs, nodes) for graphs in tests.values()])
            marked[name].append(_on_paths(name, seed, size))
        losses.append(f"seed {seed}: " + "; ".join(f"{name} {_listed(exact[name][-1])}" for name in SYSTEMS))
    means = {name: [fmean(at) for at in zip(*exact[name], strict=True)] for name in SYSTEMS}
    return Shown(
        figures=(
            *_path_figures(marked, judged=not size.fast),
            *_figures(exact, fixed, judged=not size.fast),
            *_on_passes(size),
        ),
        arms=tuple(
            Arm(task, name, count, count * BATCH)
            for task, count in (("paths", _path_steps(size)), ("hops", steps))
            for name in SYSTEMS
        ),
        costs=tuple(_cost(name, tests[JUDGED_AT]) for name in SYSTEMS),
        curves=tuple(Curve(name, tuple(map(float, TESTED_ON)), tuple(values)) for name, values in means.items()),
        axes=("nodes of a graph", "share of nodes with the exact distance"),
        notes=(
            "Paths: which nodes lie on a shortest path from a source to a target; the share of graphs with every node "
            "right leaves room at every size. Rounds are twice the longest path, and one; in training, 0 to "
            f"{FURTHER} more. F1 of the marked nodes by seed, at {', '.join(map(str, PATHS_TESTED_ON))} nodes: "
            + "; ".join(
                f"{name} {', '.join(_listed([f1 for f1, _ in run]) for run in of)}" for name, of in marked.items()
            )
            + ".",
            "Hops: the distance of each node from a source. All that learn it reach the share of nodes that are no "
            "farther than distances of training, so that the task has no room between them.",
            f"Trained on graphs of {TRAINED_ON[0]} to {TRAINED_ON[1]} nodes. Share of nodes with the exact distance "
            f"at {', '.join(map(str, TESTED_ON))} nodes, {'; '.join(losses)}.",
            "The number of rounds is the largest distance in the batch, or the number of nodes if the figure says "
            f"so; in training, 0 to {FURTHER} more, drawn at random, as what is right must stay right.",
            f"{SHARED} has the depth and the shared weights of {EDGES}, but not the edges.",
            f"At {JUDGED_AT} nodes, {float((tests[JUDGED_AT].distance <= 7).mean()):.4f} of all nodes are at most 7 "
            "edges from the source; training shows hardly any that are farther.",
            "The same mechanism on partial-order graphs of simulated Sequel passes, windows of 20 columns: trained "
            "on at most 6 passes, tested on these and on 12 to 20, one seed; for information only.",
            "All systems answer with one number per node, from which the probabilities of whole distances follow, so "
            "that distances beyond those of training can be predicted.",
        ),
    )


def widest(graphs: HopGraphs) -> int:
    """Rounds until every node is reached: the largest distance."""
    return max(1, int(graphs.distance.max()))


def nodes(graphs: HopGraphs) -> int:
    """Rounds that suffice for any graph of this size: the number of nodes."""
    return int(graphs.mask.shape[1])


def _edges() -> nn.Module:
    return GraphHead(_trunk("edges", layers=1, shared=True), farthest=FARTHEST)


def _network() -> nn.Module:
    return GraphNetwork(D, Distances(D, farthest=FARTHEST))


def _plain(*, shared: bool) -> nn.Module:
    return RowsHead(_trunk("full", layers=1 if shared else PLAIN_LAYERS, shared=shared), names=NAMES, farthest=FARTHEST)


SYSTEMS: dict[str, Callable[[], nn.Module]] = {
    EDGES: _edges,
    NETWORK: _network,
    PLAIN: partial(_plain, shared=False),
    SHARED: partial(_plain, shared=True),
}


def _trunk(attention: str, *, layers: int, shared: bool) -> Trunk:
    config = TrunkConfig(layers, D, HEADS, FF, preset(attention), norm="layer", position="none", shared=shared)
    return Trunk(config)


def _trained(name: str, seed: int, training: Training) -> nn.Module:
    torch.manual_seed(seed)
    system = SYSTEMS[name]()
    drawn = np.random.default_rng(seed)

    def loss(step: int) -> Tensor:
        graphs = hop_graphs(BATCH, nodes=TRAINED_ON, seed=1_000_000 * seed + step)
        batch = graph_batch(
            graphs, _rounds(name, graphs, widest) + (0 if name == PLAIN else int(drawn.integers(FURTHER + 1)))
        )
        logits: Tensor = system(batch)
        return nn.functional.cross_entropy(logits.flatten(0, 1), batch["distance"].flatten(), ignore_index=-1)

    fit(system, loss, training)
    return system.eval()


PATH_SYSTEMS: dict[str, Callable[[], nn.Module]] = {
    EDGES: lambda: PathHead(_trunk("edges", layers=1, shared=True)),
    NETWORK: lambda: GraphNetwork(D, nn.Linear(D, 2)),
    PLAIN: lambda: PathRowsHead(_trunk("full", layers=PLAIN_LAYERS, shared=False)),
    SHARED: lambda: PathRowsHead(_trunk("full", layers=1, shared=True)),
}


def _path_steps(size: Size) -> int:
    return 2 if size.fast else PATH_STEPS


def _on_paths(name: str, seed: int, size: Size) -> list[tuple[float, float]]:
    """F1 of marked nodes and share of right graphs, at each size that is tested."""
    torch.manual_seed(seed)
    system, drawn = PATH_SYSTEMS[name](), np.random.default_rng(seed)

    def rounds(paths: PathGraphs, more: int) -> int:
        return PLAIN_LAYERS if name == PLAIN else there_and_back(paths) + more

    def loss(step: int) -> Tensor:
        paths = path_graphs(BATCH, nodes=TRAINED_ON, seed=10**6 * seed + step)
        return path_loss(system(path_batch(paths, rounds(paths, int(drawn.integers(FURTHER + 1))))), paths)

    fit(system, loss, Training(_path_steps(size)))
    system.eval()
    found = []
    for n in PATHS_TESTED_ON:
        paths = path_graphs(4 if size.fast else 300, nodes=(n, n), seed=TEST_SEED)
        with torch.no_grad():
            found.append(path_scores(system(path_batch(paths, rounds(paths, 0))), paths))
    return found


def _path_figures(marked: dict[str, list[list[tuple[float, float]]]], *, judged: bool) -> list[Figure]:
    at = {n: place for place, n in enumerate(PATHS_TESTED_ON)}

    def scores(name: str, n: int, which: int) -> list[float]:
        return [run[at[n]][which] for run in marked[name]]

    def plain(n: int, which: int) -> list[float]:
        return [max(pair) for pair in zip(*(scores(name, n, which) for name in (PLAIN, SHARED)), strict=True)]

    ours, theirs = scores(EDGES, JUDGED_AT, 0), plain(JUDGED_AT, 0)
    twice = [one - TIMES_PLAIN * other for one, other in zip(ours, theirs, strict=True)]
    where = f"nodes on shortest paths at {JUDGED_AT} nodes, F1"
    return [
        found_at_least(f"{where}: {EDGES}", ours, LEAST, baseline=theirs, judged=judged),
        found_at_least(f"{where}: {EDGES} minus twice the better plain Transformer", twice, 0, judged=judged),
        *(
            measured(
                f"{what} at {n} nodes, {name}, beside the better plain one", scores(name, n, which), plain(n, which)
            )
            for what, which in (("nodes on shortest paths, F1,", 0), ("paths: graphs with every node right", 1))
            for name in (EDGES, NETWORK)
            for n in PATHS_TESTED_ON
        ),
    ]


def _rounds(name: str, graphs: HopGraphs, rounds: Rounds) -> int:
    return PLAIN_LAYERS if name == PLAIN else rounds(graphs)


def graph_batch(graphs: HopGraphs, rounds: int) -> dict[str, Tensor]:
    """Graphs as a batch for all systems, with the number of rounds."""
    batch = {name: torch.from_numpy(getattr(graphs, name)) for name in ("edges", "mask", "source", "distance")}
    # Labels are random already, so a node's own index will do as its name.
    names = torch.arange(graphs.mask.shape[1]).expand(graphs.mask.shape)
    return batch | {"names": names, "steps": torch.tensor(rounds)}


@torch.no_grad()
def _exact(system: nn.Module, name: str, graphs: HopGraphs, rounds: Rounds) -> float:
    logits = system(graph_batch(graphs, _rounds(name, graphs, rounds)))
    right = logits.argmax(-1).numpy() == graphs.distance
    return float(right[graphs.mask].mean())


def _figures(exact: dict[str, list[list[float]]], fixed: dict[str, list[list[float]]], *, judged: bool) -> list[Figure]:
    at = TESTED_ON.index(JUDGED_AT)
    ours = {n: [run[place] for run in exact[EDGES]] for place, n in enumerate(TESTED_ON)}
    plain = {
        n: [max(pair) for pair in zip(*([run[place] for run in exact[name]] for name in (PLAIN, SHARED)), strict=True)]
        for place, n in enumerate(TESTED_ON)
    }
    ratio = [found / max(better, 1e-9) for found, better in zip(ours[JUDGED_AT], plain[JUDGED_AT], strict=True)]
    return [
        found_at_least(
            f"exact nodes at {JUDGED_AT} nodes, {EDGES}",
            ours[JUDGED_AT],
            LEAST,
            baseline=plain[JUDGED_AT],
            judged=judged,
        ),
        found_at_least("ratio to the better plain Transformer", ratio, TIMES_PLAIN, judged=judged),
        *(
            measured(f"exact nodes at {n} nodes, {EDGES}", ours[n], plain[n])
            for place, n in enumerate(TESTED_ON)
            if place != at
        ),
        *(
            measured(f"exact nodes at {n} nodes, {NETWORK}", [run[place] for run in exact[NETWORK]], plain[n])
            for place, n in enumerate(TESTED_ON)
        ),
        *(
            measured(
                f"exact nodes at {n} nodes, {EDGES}, {n} rounds",
                [run[place] for run in fixed[EDGES]],
                [run[place] for run in fixed[SHARED]],
            )
            for place, n in enumerate(TESTED_ON)
        ),
    ]


def _on_passes(size: Size) -> list[Figure]:
    """Errors of calls on partial-order graphs of passes, for information only."""
    steps, molecules = (2, (1, 1)) if size.fast else (800, (60, 16))
    torch.manual_seed(size.seeds[0])
    head = PassGraphHead(_trunk("edges", layers=PASS_ROUNDS, shared=True))
    given = pass_graphs(molecules[0], passes=(3, 5), most=6, seed=size.seeds[0])
    drawn = np.random.default_rng(size.seeds[0])

    def loss(_: int) -> Tensor:
        batch = _rows(given, torch.from_numpy(drawn.integers(len(given["truth"]), size=16)))
        return head.loss(head(batch), batch)

    fit(head, loss, Training(steps, rate=3e-3))
    head.eval()
    figures = []
    for passes, most in ((3, 5), 6), ((12, 18), 20):
        test = pass_graphs(molecules[1], passes=passes, most=most, seed=TEST_SEED + most)
        with torch.no_grad():
            parts = torch.split(torch.arange(len(test["truth"])), 64)
            called = torch.cat([head(_rows(test, part)).argmax(-1) for part in parts])
        ours, vote = (judge(calls, test["truth"]).per_kb for calls in (called, test["vote"]))
        name = f"errors per kb, {passes[0]} to {passes[1]} full passes, beside the majority vote"
        figures.append(measured(name, [ours], [vote]))
    return figures


def _rows(batch: dict[str, Tensor], rows: Tensor) -> dict[str, Tensor]:
    return {name: values[rows] for name, values in batch.items()}


def _cost(name: str, graphs: HopGraphs) -> CostLine:
    one = HopGraphs(*(getattr(graphs, field)[:1] for field in HopGraphs.__dataclass_fields__))
    rounds = _rounds(name, one, widest)
    system, batch = SYSTEMS[name]().eval(), graph_batch(one, rounds)
    edges, n = batch["edges"], one.mask.shape[1]
    if name == NETWORK:
        pairs = int((edges[..., 2] >= 0).sum())
        # Per round: 5 d^2 multiply-adds per edge, 4 per node, 4 for the whole graph.
        layer = LayerCost(n, pairs, 2 * D**2 * (5 * pairs + 4 * n + 4) // n, 0.0, 0)
    else:
        pattern = Edges() if name == EDGES else Full()
        layer = layer_cost(pattern, (n,), d=D, ff=FF, edges=edges)
    with torch.no_grad():
        counted = cost(lambda: system(batch), system, [layer] * rounds, items=1, repeats=1)
    return counts(f"{name}, {JUDGED_AT} nodes, {rounds} rounds", counted)


def _listed(values: list[float]) -> str:
    return "/".join(f"{value:.3f}" for value in values)


CLAIM = Claim(
    number=2,
    id="graph",
    system="Graph networks and combinatorial generalisation (Battaglia et al. 2018)",
    text="One update reused at every node and step, trained on small graphs, is right on graphs several times larger.",
    baseline="A Transformer that is given rows of the adjacency matrix, with its own layers or with one shared block.",
    seeds=(1, 2, 3),
    run=reproduce,
)
