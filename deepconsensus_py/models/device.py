"""Where networks run and in which precision: integers go there, probabilities come back."""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import local
from typing import Any, TypeVar

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor, nn

from deepconsensus_py.attention.sublayers import FeedForward
from deepconsensus_py.corrector import Arrays
from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.network import CorrectionNetwork
from deepconsensus_py.options import AUTO, BF16, FP32

_CUDA_LANES = 2
"""Batches in work on a GPU at a time: while one is computed, another is copied."""


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

    def run(self, network: Callable[[Mapping[str, Tensor]], Tensor], inputs: Arrays) -> NDArray[np.float32]:
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


DTYPES = {FP32: torch.float32, BF16: torch.bfloat16}

MOST_CHANGED = 1e-4
"""The guard: changed bases per base that a lower precision may have, against float32."""

LEAST_WITHIN_ONE = 0.99
"""The guard: share of the other bases whose qualities must differ by 1 at most (Phred)."""

_ROWS = 1600
"""Rows (windows times columns) that weights are laid out for; any number may come."""

_Network = TypeVar("_Network", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How the reads of a lower precision agree with those of float32; a model's file keeps it.

    Attributes:
        bases: of the reads in float32.
        changed: bases replaced, left out or put in.
        within_one: share of the others whose quality differs by 1 at most (Phred).
    """

    bases: int
    changed: int
    within_one: float

    @property
    def holds(self) -> bool:
        """Whether it passes the guard."""
        return self.changed <= MOST_CHANGED * self.bases and self.within_one >= LEAST_WITHIN_ONE

    def __str__(self) -> str:
        return (
            f"{self.changed} of {self.bases:,} bases changed, {100 * self.within_one:.2f} % of qualities within 1: "
            f"{'allowed' if self.holds else 'not allowed'}"
        )


def choose_precision(asked: str, measured: Mapping[str, Agreement], device: torch.device) -> str:
    """The precision that a network is run in.

    Args:
        asked: one of ``names.PRECISIONS``; ``auto`` takes bfloat16 where the device is made for it and the model has
            been measured to agree with float32.
        measured: what the model's file says of each precision but float32.
        device: where it runs.

    Raises:
        ModelError: bfloat16 is asked for where the device has no such arithmetic.
    """
    if asked == AUTO:
        allowed = BF16 in measured and measured[BF16].holds
        return BF16 if allowed and has_bf16(device) else FP32
    if asked == BF16 and not has_bf16(device):
        raise ModelError(f"device {str(device)!r} has no bfloat16 arithmetic; leave --precision out, or make it {FP32}")
    return asked


def has_bf16(device: torch.device) -> bool:
    """Whether matrix products in bfloat16 are faster there than in float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # Versions of torch that cannot tell are taken not to have it: elsewhere bfloat16 is emulated, and slow.
    processor: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(processor.get("avx512_bf16") or processor.get("amx_bf16"))


class LaidLinear(nn.Module):
    """A linear layer, and a ReLU where wanted, for inference.

    On a processor its weights are kept as oneDNN wants them, which torch uses for bfloat16 anyway; the library that it
    takes for float32 leaves half of an AMD processor idle.

    Args:
        layer: the layer, on the device that is to run it.
        dtype: of weights, products and result; what comes in is brought to it.
        relu: whether a ReLU follows.
    """

    def __init__(self, layer: nn.Linear, dtype: torch.dtype, *, relu: bool = False) -> None:
        super().__init__()
        self.dtype, self.relu = dtype, relu
        self.weight = layer.weight.detach().to(dtype)
        self.bias = None if layer.bias is None else layer.bias.detach().to(dtype)
        self.packed = self.weight.device.type == "cpu" and hasattr(torch.ops.mkldnn, "_linear_pointwise")
        if self.packed:
            self.weight = torch.ops.mkldnn._reorder_linear_weight(self.weight, _ROWS)

    def forward(self, x: Tensor) -> Tensor:
        """``[..., inputs]`` to ``[..., outputs]``."""
        x = x.to(self.dtype)
        if self.packed:
            then = "relu" if self.relu else "none"
            packed: Tensor = torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, then, [], "")
            return packed
        result = F.linear(x, self.weight, self.bias)
        return result.relu_() if self.relu else result


def for_inference(network: _Network, precision: str) -> _Network:
    """A copy of a network for inference, with the linear layers of its ``trunk`` in a precision.

    Args:
        network: on the device that is to run it.
        precision: ``fp32`` or ``bf16``.
    """
    laid = copy.deepcopy(network).eval()
    inside = set(laid.get_submodule("trunk").modules())
    for module in list(laid.modules()):
        dtype = DTYPES[precision] if module in inside else torch.float32
        for name, child in module.named_children():
            if isinstance(child, FeedForward):
                both = LaidLinear(child.widen, dtype, relu=True), LaidLinear(child.narrow, dtype)
                setattr(module, name, nn.Sequential(*both))
            elif isinstance(child, nn.Linear) and not isinstance(module, FeedForward):
                setattr(module, name, LaidLinear(child, dtype))
    return laid


class DeviceNetwork:
    """A network with its weights on a device: a ``corrector.Network``.

    Args:
        network: the network; it is copied there.
        device: ``"cpu"``, ``"cuda"``, ``"cuda:0"``…
        precision: what it computes in, one of ``options.PRECISIONS``.
        agreement: of lower precisions with float32, by their names, where it has been measured.

    Raises:
        ModelError: the device cannot compute in this precision.
    """

    def __init__(
        self,
        network: CorrectionNetwork,
        *,
        device: str = "cpu",
        precision: str = AUTO,
        agreement: Mapping[str, Agreement] | None = None,
    ) -> None:
        self.batch = network.cpu_batch if device == "cpu" else network.gpu_batch
        self._arranged, self._device = network.arranged, Device(device, self.batch, network.step)
        self.lanes = self._device.lanes
        self.precision = choose_precision(precision, agreement or {}, self._device.torch)
        self._network = for_inference(network.to(device), self.precision)

    def forward(self, inputs: Arrays) -> NDArray[np.float32]:
        """Probabilities ``float32[items, ..., classes]`` of a batch."""
        return self._device.run(self._probabilities, self._arranged(inputs))

    def _probabilities(self, tensors: Mapping[str, Tensor]) -> Tensor:
        scores: Tensor = self._network(tensors)
        return scores.log_softmax(-1).exp()
