"""The cost of attention: parameters, operations, pairs, bytes and time.

Operations are those of allowed pairs; a dense backend computes all. One multiply-add is 2 FLOPs.
"""

import timeit
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from deepconsensus_py.attention.patterns import Edges
from deepconsensus_py.attention.routing import AnyPattern, PerHead, Routing


@dataclass(frozen=True, slots=True)
class LayerCost:
    """One layer of attention and feed-forward over the tokens of one item; FLOPs are per token.

    Attributes:
        tokens: tokens of the item.
        pairs: allowed pairs, of a head on average.
        gemm: FLOPs of the linear layers.
        attention: FLOPs of scores and mixed values.
        extra: FLOPs of relative tables and of centroids.
    """

    tokens: int
    pairs: float
    gemm: int
    attention: float
    extra: int


def layer_cost(
    pattern: AnyPattern,
    shape: Sequence[int],
    *,
    d: int,
    ff: int,
    d_kv: int = 0,
    rows: int = 0,
    edges: Tensor | None = None,
) -> LayerCost:
    """Count a layer of width ``d`` and inner width ``ff`` whose tokens fill a grid of this shape.

    ``d_kv`` is the width of all keys where heads share them, ``rows`` are those of the bias (``Relative.rows``), edges
    those of one item, ``int64[1, e, 3]``.
    """
    tokens = int(torch.Size(shape).numel())
    parts = pattern.parts if isinstance(pattern, PerHead) else (pattern,)
    counts = [part.pairs(shape, edges) if isinstance(part, Edges) else part.pairs(shape) for part in parts]
    pairs = sum(counts) / len(parts)
    clusters = sum(part.centroids.shape[1] for part in parts if isinstance(part, Routing)) / len(parts)
    extra = round(2 * d * rows + 4 * clusters * d)
    return LayerCost(tokens, pairs, 4 * d * (d + (d_kv or d) + ff), 4 * d * pairs / tokens, extra)


@dataclass(frozen=True, slots=True)
class Cost:
    """A row of the cost table; FLOPs and pairs are for one item and all layers, ms is that of the fastest run."""

    parameters: int
    trainable: int
    weight_bytes: int
    gemm: float
    attention: float
    pairs: float
    largest_bytes: int
    ms: float
    per_second: float


def cost(run: Callable[[], Any], module: nn.Module, layers: Sequence[LayerCost], *, items: int, repeats: int) -> Cost:
    """Count a module and time ``run``, which processes ``items`` items, ``repeats`` times."""
    weights = list(module.parameters())
    seconds = min(timeit.repeat(run, number=1, repeat=repeats))
    return Cost(
        parameters=sum(weight.numel() for weight in weights),
        trainable=sum(weight.numel() for weight in weights if weight.requires_grad),
        weight_bytes=sum(weight.nbytes for weight in weights),
        gemm=sum(layer.tokens * layer.gemm for layer in layers),
        attention=sum(layer.tokens * (layer.attention + layer.extra) for layer in layers),
        pairs=sum(layer.pairs for layer in layers),
        largest_bytes=largest_tensor(run),
        ms=seconds * 1000,
        per_second=items / seconds,
    )


def flop_counter() -> FlopCounterMode:
    """Torch's counter of executed FLOPs, masked pairs included, which also knows the fused kernel of a CPU."""
    kernel = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu

    def counted(q: Sequence[int], k: Sequence[int], v: Sequence[int], *_: Any, **__: Any) -> int:
        return int(torch.Size(q[:3]).numel()) * k[2] * 2 * (q[3] + v[3])

    return FlopCounterMode(display=False, custom_mapping={kernel: counted})


def largest_tensor(run: Callable[[], Any]) -> int:
    """Bytes of the largest tensor created during a call."""
    with _Largest() as seen:  # type: ignore[no-untyped-call]
        run()
    return int(seen.most)


class _Largest(TorchDispatchMode):  # type: ignore[no-untyped-call]
    most: int = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        made = [x for x in (result if isinstance(result, tuple | list) else [result]) if isinstance(x, Tensor)]
        self.most = max([self.most, *(x.untyped_storage().nbytes() for x in made)])
        return result
