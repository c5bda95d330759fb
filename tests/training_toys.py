"""A task that trains in milliseconds, for tests of the loop."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from deepconsensus_py.training.config import Stage, TrainConfig
from deepconsensus_py.training.task import Batch


class Line:
    """Fits a small network to a fixed function of three numbers."""

    def __init__(self, *, held_out: bool = True, items: int = 8, seed: int = 0, kill_at: int | None = None) -> None:
        torch.manual_seed(seed)
        self.network: nn.Module = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.1), nn.Tanh(), nn.Linear(8, 1))
        self._held_out, self._items, self._left = held_out, items, kill_at

    def batch(self, rng: np.random.Generator) -> Batch:
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise KeyboardInterrupt
        return _examples(rng, self._items)

    def held_out(self) -> Iterator[Batch]:
        if self._held_out:
            yield from (_examples(np.random.default_rng(seed), 5) for seed in (1, 2, 3))

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, int]:
        predicted = network(batch["x"]).squeeze(-1).float()
        return (predicted - batch["y"]).square().sum(), len(predicted)

    def save(self, network: nn.Module, path: Path, card: str) -> None:
        save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, path, {"card": card})


def _examples(rng: np.random.Generator, items: int) -> dict[str, Tensor]:
    x = torch.from_numpy(rng.normal(size=(items, 3)).astype(np.float32))
    return {"x": x, "y": torch.sin(x).sum(-1)}


STAGES = (
    Stage(name="first", steps=10, learning_rate=0.02, warm_up=3, every=4),
    Stage(name="second", steps=6, learning_rate=0.01, schedule="linear", every=3, keep="last"),
)
CONFIG = TrainConfig(task="line", name="line", stages=STAGES, average=0.9)
