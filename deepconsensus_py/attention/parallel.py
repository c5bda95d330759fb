"""Trunks laid out on a mesh of processes: named dimensions of tensors cut along named dimensions of the mesh.

A layout such as ``{"batch": "data", "heads": "model", "ff": "model"}`` is all that is needed (Shazeer et al. 2018,
Mesh-TensorFlow); torch's DTensor does the rest: one all-reduce per sublayer and forward pass.
"""

from collections.abc import Mapping

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed import _functional_collectives as functional
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor
from torch.distributed.tensor.parallel import ColwiseParallel, ParallelStyle, RowwiseParallel, parallelize_module

from deepconsensus_py.attention.multihead import MultiHead
from deepconsensus_py.attention.position import Alibi, EdgeType
from deepconsensus_py.attention.relative import Relative
from deepconsensus_py.attention.routing import PerHead, Routing
from deepconsensus_py.attention.sublayers import FeedForward

DIMENSIONS = ("batch", "heads", "ff")

Layout = Mapping[str, str]
"""``DIMENSIONS`` of tensors to dimensions of the mesh; what is not named is whole."""


def cutting(module: nn.Module, dimension: str) -> dict[str, ParallelStyle]:
    """How torch should split the linear layers of a module along ``heads`` or ``ff``, by name."""
    column, row = (("query", "key", "value"), "out") if dimension == "heads" else (("widen",), "narrow")
    kind = MultiHead if dimension == "heads" else FeedForward
    cut: dict[str, ParallelStyle] = {}
    for name in (name for name, layer in module.named_modules() if isinstance(layer, kind)):
        # Heads meet as ordinary tensors; widened tokens stay DTensors, on which the ReLU may work in place.
        style = ColwiseParallel(use_local_output=dimension == "heads")
        cut.update({f"{name}.{projection}".lstrip("."): style for projection in column})
        cut[f"{name}.{row}".lstrip(".")] = RowwiseParallel()
    return cut


def parallelize(module: nn.Module, mesh: DeviceMesh, layout: Layout) -> None:
    """Split the weights of a trunk in place; each process keeps its share.

    Args:
        module: the trunk, or a module with trunks, the same in all processes.
        mesh: processes, with named dimensions.
        layout: what is split along which of them.

    Raises:
        ValueError: a name is not known, the batch and weights would be cut along one dimension, heads or inner
            width do not divide, or something is learned for each head that only whole layers have.
    """
    _check(mesh, layout)
    for dimension in (name for name in ("heads", "ff") if _size(mesh, layout, name) > 1):
        size = _size(mesh, layout, dimension)
        for layer in module.modules():
            if isinstance(layer, MultiHead) and dimension == "heads":
                _cut_heads(layer, size, mesh[layout["heads"]])
            elif isinstance(layer, FeedForward) and dimension == "ff" and layer.widen.out_features % size:
                raise ValueError(f"an inner width of {layer.widen.out_features} cannot be shared by {size} processes")
        parallelize_module(module, mesh[layout[dimension]], cutting(module, dimension))


def share(batch: Tensor, mesh: DeviceMesh, layout: Layout) -> Tensor:
    """The rows of a batch ``[B, ...]`` that are this process's own."""
    size = _size(mesh, layout, "batch")
    return batch.chunk(size)[mesh.get_local_rank(layout["batch"])] if size > 1 else batch


def average_gradients(module: nn.Module, mesh: DeviceMesh, layout: Layout) -> None:
    """Give all processes the mean gradient over the parts of the batch, by one all-reduce."""
    if (size := _size(mesh, layout, "batch")) == 1:
        return
    grads = [weight.grad for weight in module.parameters() if weight.grad is not None]
    own = [grad.to_local() if isinstance(grad, DTensor) else grad for grad in grads]
    flat = torch.cat([grad.flatten() for grad in own])
    dist.all_reduce(flat, group=mesh.get_group(layout["batch"]))
    for grad, mean in zip(own, torch.split(flat / size, [grad.numel() for grad in own]), strict=True):
        grad.copy_(mean.view_as(grad))


def _check(mesh: DeviceMesh, layout: Layout) -> None:
    if not set(layout) <= set(DIMENSIONS) or not set(layout.values()) <= set(mesh.mesh_dim_names or ()):
        raise ValueError(f"a layout is from {DIMENSIONS} to {mesh.mesh_dim_names}, not {dict(layout)}")
    if layout.get("batch") in {layout.get("heads", ""), layout.get("ff", "")}:
        raise ValueError(f"{dict(layout)} cuts the batch and weights along the same dimension of the mesh")


def _size(mesh: DeviceMesh, layout: Layout, dimension: str) -> int:
    return mesh[layout[dimension]].size() if dimension in layout else 1


def _cut_heads(layer: MultiHead, size: int, mesh: DeviceMesh) -> None:
    by_head = isinstance(layer.pattern, PerHead | Routing) or isinstance(layer.bias, EdgeType | Alibi)
    if layer.heads % size or layer.kv_heads % size or by_head:
        raise ValueError(f"{layer.heads} heads of {layer.attention} cannot be shared by {size} processes")
    layer.heads //= size
    layer.kv_heads //= size
    for table in layer.bias.parameters() if isinstance(layer.bias, Relative) else ():
        # Every process has all of the table, but its gradient from its own heads only.
        table.register_hook(lambda grad: functional.all_reduce(grad, "sum", (mesh, 0)))  # type: ignore[no-untyped-call]
