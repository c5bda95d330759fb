import torch
from heads.examples import Example
from torch import Tensor

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.heads.head import Head
from deepconsensus_py.heads.retrieve import RetrieveHead

WORDS = 20


def build(config: TrunkConfig) -> Head:
    return RetrieveHead(Trunk(config), words=WORDS, supervised=True)


def batch(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    documents = torch.randint(1, WORDS, (5, 12), generator=generator)
    documents[1, 7:] = 0
    source = torch.randint(5, (3,), generator=generator)
    question = documents[source, 1:7].clone()
    answer = question[:, 3].clone()
    question[:, 3] = 0
    return {
        "question": question,
        "documents": documents,
        "found": torch.rand(3, 5, generator=generator).argsort(1)[:, :2],
        "answer": answer,
    }


EXAMPLE = Example(
    name="retrieve",
    trunk=TrunkConfig(2, 16, 2, 32, preset("shaw"), norm="layer", position="none"),
    build=build,
    batch=batch,
    presets=("shaw", "full", "banded12", "halo1d"),
)
