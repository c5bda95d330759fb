"""Devices and numeric precision: integers go in, probabilities come back."""

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

_CUDA_STREAMS = 2
"""Concurrent batches on a GPU: one is copied while another is computed."""


class Device:
    """A device, and the transfer of batches to and from it.

    Batches are padded with zeros: libraries select kernels by shape, and the result for an item must not depend on the
    batch size. A GPU always gets a full batch. On a CPU only products of very few rows differ (oneMKL: up to 3), but
    oneDNN compiles and keeps a kernel for each number of rows: 4 ms and 2 MB in the edit network.

    Args:
        name: ``"cpu"``, ``"cuda"``, ``"cuda:0"``…
        batch: items of a full batch.
        step: CPU batches are padded to a multiple of this.
    """

    def __init__(self, name: str, batch: int, step: int) -> None:
        self.torch = torch.device(name)
        self._cuda = self.torch.type == "cuda"
        self.streams = _CUDA_STREAMS if self._cuda else 1
        self._step = batch if self._cuda else step
        self._own = local()

    def run(self, network: Callable[[Mapping[str, Tensor]], Tensor], inputs: Arrays) -> NDArray[np.float32]:
        """Send a batch, run a network on it, and fetch the result; safe to call from several threads.

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
        """A stream per thread, so that copies do not wait for other threads' computation."""
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
    """Append this many items of zeros."""
    return np.pad(values, ((0, items), *((0, 0),) * (values.ndim - 1))) if items else values


DTYPES = {FP32: torch.float32, BF16: torch.bfloat16}

MOST_CHANGED = 1e-4
"""Limit for a lower precision: changed bases per base, relative to float32."""

LEAST_WITHIN_ONE = 0.99
"""Limit for a lower precision: share of the other bases whose qualities differ by at most 1 (Phred)."""

_ROWS = 1600
"""Rows (windows times columns) that the weight layout is optimised for; any number works."""

_Network = TypeVar("_Network", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of reads in a lower precision with those in float32; stored in the model file.

    Attributes:
        bases: number of bases of the reads in float32.
        changed: mismatches, deletions and insertions.
        within_one: share of the others whose quality differs by at most 1 (Phred).
    """

    bases: int
    changed: int
    within_one: float

    @property
    def holds(self) -> bool:
        """Whether it is within the limits."""
        return self.changed <= MOST_CHANGED * self.bases and self.within_one >= LEAST_WITHIN_ONE

    def __str__(self) -> str:
        return (
            f"{self.changed} of {self.bases:,} bases changed, {100 * self.within_one:.2f} % of qualities within 1: "
            f"{'allowed' if self.holds else 'not allowed'}"
        )


def choose_precision(asked: str, measured: Mapping[str, Agreement], device: torch.device) -> str:
    """The precision to run a network in.

    Args:
        asked: one of ``options.PRECISIONS``; ``auto`` uses bfloat16 where the device supports it and the model was
            validated for it.
        measured: agreement of each lower precision, from the model file.
        device: to run on.

    Raises:
        ModelError: bfloat16 is requested but the device does not support it.
    """
    if asked == AUTO:
        allowed = BF16 in measured and measured[BF16].holds
        return BF16 if allowed and has_bf16(device) else FP32
    if asked == BF16 and not has_bf16(device):
        raise ModelError(f"device {str(device)!r} does not support bfloat16; use --precision {FP32} or {AUTO}")
    return asked


def has_bf16(device: torch.device) -> bool:
    """Whether the device has bfloat16 arithmetic."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # Without a capability query in torch, assume none: emulated bfloat16 is slow.
    processor: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(processor.get("avx512_bf16") or processor.get("amx_bf16"))


class LaidLinear(nn.Module):
    """A linear layer for inference, optionally followed by a ReLU.

    On a CPU the weights are stored in oneDNN's layout, which torch uses for bfloat16 anyway; its float32 library (MKL)
    leaves half of an AMD CPU idle.

    Args:
        layer: on the device that runs it.
        dtype: of weights, products and result; inputs are converted.
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
    """A copy of a network for inference, with the linear layers of each ``trunk`` in the given precision.

    Args:
        network: on the device that runs it.
        precision: ``fp32`` or ``bf16``.
    """
    laid = copy.deepcopy(network).eval()
    # An ensemble has a trunk in each member.
    inside = {module for name, module in laid.named_modules() if "trunk" in name.split(".")}
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
        network: is copied to the device.
        device: ``"cpu"``, ``"cuda"``, ``"cuda:0"``…
        precision: one of ``options.PRECISIONS``.
        agreement: of lower precisions with float32, by name, if measured.

    Raises:
        ModelError: the device does not support this precision.
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
        self.streams = self._device.streams
        self.precision = choose_precision(precision, agreement or {}, self._device.torch)
        self._network = for_inference(network.to(device), self.precision)

    def forward(self, inputs: Arrays) -> NDArray[np.float32]:
        """Probabilities ``float32[items, ..., classes]`` of a batch."""
        return self._device.run(self._probabilities, self._arranged(inputs))

    def _probabilities(self, tensors: Mapping[str, Tensor]) -> Tensor:
        scores: Tensor = self._network(tensors)
        return scores.log_softmax(-1).exp()
