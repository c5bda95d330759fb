"""Where a network runs: integers go there and probabilities come back."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import local
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepconsensus_py.models.interface import Arrays

_CUDA_LANES = 2
"""Batches in work on a GPU at a time: while one is computed, another is copied."""

Network = Callable[[Mapping[str, Tensor]], Tensor]


class Device:
    """A device, and how batches get there and back.

    A batch is padded with zeros: libraries choose their code by shapes, and what becomes of an item must not depend on
    how many others there are. A GPU always gets a full batch. On a processor only products of very few rows differ
    (oneMKL: up to 3), but oneDNN compiles code for each number of rows and keeps it: 4 ms and 2 MB in the run network.

    Args:
        name: ``"cpu"``, ``"cuda"``, ``"cuda:0"``…
        batch: items of a full batch.
        step: what a batch is padded to a multiple of on a processor.
    """

    def __init__(self, name: str, batch: int, step: int) -> None:
        self.torch = torch.device(name)
        self._cuda = self.torch.type == "cuda"
        self.lanes = _CUDA_LANES if self._cuda else 1
        self._step = batch if self._cuda else step
        self._own = local()

    def run(self, network: Network, inputs: Arrays) -> NDArray[np.float32]:
        """Send a batch, run a network on it, and fetch the result; from several threads at a time, where wanted.

        Args:
            network: on this device.
            inputs: arrays whose first axis is the item.

        Returns:
            ``float32[items, ...]``.
        """
        items = len(next(iter(inputs.values())))
        padding = -items % self._step
        with torch.inference_mode(), self._stream():
            result = network({name: self._sent(_padded(values, padding)) for name, values in inputs.items()})
            return self._fetched(result[:items].float())

    @contextmanager
    def _stream(self) -> Iterator[None]:
        """A stream of this thread's own, so that its copies do not wait for others' computing."""
        if not self._cuda:
            yield
            return
        if not hasattr(self._own, "stream"):
            self._own.stream = torch.cuda.Stream(self.torch)  # type: ignore[no-untyped-call]
        with torch.cuda.stream(self._own.stream):
            yield

    def _sent(self, values: NDArray[Any]) -> Tensor:
        tensor = torch.from_numpy(values)
        return tensor.pin_memory().to(self.torch, non_blocking=True) if self._cuda else tensor

    def _fetched(self, result: Tensor) -> NDArray[np.float32]:
        if self._cuda:
            fetched = torch.empty(result.shape, dtype=result.dtype, pin_memory=True)
            fetched.copy_(result, non_blocking=True)
            self._own.stream.synchronize()
            result = fetched
        values: NDArray[np.float32] = result.numpy()
        return values


def _padded(values: NDArray[Any], items: int) -> NDArray[Any]:
    """With so many items of zeros behind."""
    return np.pad(values, ((0, items), *((0, 0),) * (values.ndim - 1))) if items else values
