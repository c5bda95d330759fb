import torch
from heads.examples import Example
from torch import Tensor

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.heads.graph import GraphHead
from deepconsensus_py.heads.head import Head

SIZES = (9, 6, 8, 7)


def build(config: TrunkConfig) -> Head:
    return GraphHead(Trunk(config))


def batch(seed: int) -> dict[str, Tensor]:
    """Random trees of ``SIZES`` nodes, filled up to the largest, and hops from a node of each."""
    generator = torch.Generator().manual_seed(seed)
    n = max(SIZES)
    edges = torch.full((len(SIZES), 3 * n - 2, 3), -1)
    distance = torch.full((len(SIZES), n), -1)
    source = torch.zeros(len(SIZES), dtype=torch.int64)
    for graph, size in enumerate(SIZES):
        parents = [int(torch.randint(node, (), generator=generator)) for node in range(1, size)]
        joined = [pair for node, parent in enumerate(parents, 1) for pair in ((node, parent), (parent, node))]
        rows = sorted([(node, node, 0) for node in range(size)] + [(*pair, 1) for pair in joined])
        edges[graph, : len(rows)] = torch.tensor(rows)
        source[graph] = reached = int(torch.randint(size, (), generator=generator))
        hops = {reached: 0}
        while len(hops) < size:
            hops |= {b: hops[a] + 1 for a, b in joined if a in hops and b not in hops}
        distance[graph, :size] = torch.tensor([hops[node] for node in range(size)])
    mask = torch.arange(n) < torch.tensor(SIZES)[:, None]
    return {"edges": edges, "mask": mask, "source": source, "distance": distance, "steps": torch.tensor(3)}


EXAMPLE = Example(
    name="graph",
    trunk=TrunkConfig(3, 16, 2, 32, preset("edges"), norm="layer", position="none", shared=True),
    build=build,
    batch=batch,
    presets=("edges",),
)
