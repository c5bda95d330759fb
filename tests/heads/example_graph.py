import torch
from heads.examples import Example
from torch import Tensor

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.attention.presets import preset
from deepconsensus_py.heads.graph import GraphHead
from deepconsensus_py.heads.head import Head
from deepconsensus_py.lab.systems.graph_networks.hop_graphs import hop_graphs


def build(config: TrunkConfig) -> Head:
    return GraphHead(Trunk(config))


def batch(seed: int) -> dict[str, Tensor]:
    graphs = hop_graphs(4, nodes=(6, 9), seed=seed)
    made = {name: torch.from_numpy(getattr(graphs, name)) for name in ("edges", "mask", "source", "distance")}
    return made | {"steps": torch.tensor(3)}


EXAMPLE = Example(
    name="graph",
    trunk=TrunkConfig(3, 16, 2, 32, preset("edges"), norm="layer", position="none", shared=True),
    build=build,
    batch=batch,
    presets=("edges",),
)
