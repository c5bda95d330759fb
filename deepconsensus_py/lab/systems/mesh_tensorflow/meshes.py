"""Train a trunk on meshes of processes with every layout, and count parameters and all-reduces of a process."""

import json
import math
import multiprocessing
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor
from torch.utils._python_dispatch import TorchDispatchMode

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.attention.parallel import Layout, average_gradients, parallelize, share
from deepconsensus_py.attention.sublayers import FeedForward
from deepconsensus_py.attention.tokens import Tokens

CONFIG = TrunkConfig(layers=2, d=64, heads=4, ff=128, attention=preset("banded12") + preset("halo1d"), norm="layer")
STEPS, BATCH, LENGTH = 5, 8, 40
FFN_SHAPE = (280, 2048)
PATIENCE = timedelta(minutes=2)
"""Time-out of a process that waits for the others."""

DATA: Layout = {"batch": "data"}
MODEL: Layout = {"heads": "model", "ff": "model"}
BOTH: Layout = {**DATA, **MODEL}

MESHES: Mapping[str, tuple[tuple[int, int], Layout]] = {
    "2 processes, data": ((2, 1), DATA),
    "2 processes, model": ((1, 2), MODEL),
    "4 processes, data": ((4, 1), DATA),
    "4 processes, model": ((1, 4), MODEL),
    "4 processes, data and model": ((2, 2), BOTH),
}
"""Names to the mesh's (data, model) processes and the layout on it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the first process of a mesh measured.

    Attributes:
        losses: of the whole batch, at each step.
        parameters: held by the process.
        forward: all-reduces of a forward pass.
        step: all-reduces of a training step.
    """

    losses: tuple[float, ...]
    parameters: int
    forward: int
    step: int


@dataclass(frozen=True, slots=True)
class SeenFfn:
    """A feed-forward sublayer whose inner width is split in two; errors are largest differences to one process."""

    forward_error: float
    gradient_error: float
    forward: int
    parameters: int


def on_one_process(seed: int) -> Seen:
    """Train in this process alone."""
    trunk = _trunk(seed)
    return Seen(_train(trunk, seed, None, {}), count(trunk), 0, 0)


def spread(seed: int, processes: int) -> tuple[dict[str, Seen], SeenFfn]:
    """Train on all ``MESHES`` of up to this many processes, which are started here and end here."""
    with tempfile.TemporaryDirectory() as folder:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        started = [context.Process(target=_process, args=(rank, folder, seed, processes)) for rank in range(processes)]
        for process in started:
            process.start()
        for process in started:
            process.join()
        if any(process.exitcode for process in started):
            raise RuntimeError(f"one of the {processes} processes of a mesh failed; its error is printed above")
        found = json.loads((Path(folder) / "seen.json").read_text())
    ffn = SeenFfn(**found.pop("ffn"))
    return {name: Seen(**{**seen, "losses": tuple(seen["losses"])}) for name, seen in found.items()}, ffn


def count(module: nn.Module) -> int:
    """Number of parameters that this process holds."""
    return sum(_local(weight.detach()).numel() for weight in module.parameters())


def expected(module: nn.Module, model: int) -> int:
    """Parameters of a process if ``model`` processes share heads and inner width: sharded ones and replicated ones."""
    cut = {"query.weight", "key.weight", "value.weight", "out.weight", "widen.weight", "widen.bias", "narrow.weight"}
    sizes = [(weight.numel(), ".".join(name.split(".")[-2:]) in cut) for name, weight in module.named_parameters()]
    return sum(size // model if is_cut else size for size, is_cut in sizes)


def _process(rank: int, folder: str, seed: int, processes: int) -> None:
    torch.set_num_threads(1)
    meet = f"file://{folder}/meet"
    dist.init_process_group("gloo", init_method=meet, rank=rank, world_size=processes, timeout=PATIENCE)
    found: dict[str, Any] = {}
    for name, (shape, layout) in MESHES.items():
        if math.prod(shape) <= processes and (mesh := _mesh(shape)).get_coordinate() is not None:
            found[name] = asdict(_seen(mesh, layout, seed))
    found["ffn"] = asdict(_ffn(_mesh((processes // 2, 2))))
    if rank == 0:
        (Path(folder) / "seen.json").write_text(json.dumps(found))
    dist.destroy_process_group()


def _mesh(shape: tuple[int, int]) -> DeviceMesh:
    ranks = torch.arange(math.prod(shape)).reshape(shape)
    return DeviceMesh("cpu", ranks, mesh_dim_names=("data", "model"))


def _seen(mesh: DeviceMesh, layout: Layout, seed: int) -> Seen:
    trunk = _trunk(seed)
    parallelize(trunk, mesh, layout)
    inputs, target = (share(part, mesh, layout) for part in _batch(seed, 0))
    with _AllReduces() as forward, torch.no_grad():
        trunk(Tokens(inputs))
    with _AllReduces() as step:
        nn.functional.mse_loss(trunk(Tokens(inputs)), target).backward()  # type: ignore[no-untyped-call]
        average_gradients(trunk, mesh, layout)
    trunk.zero_grad()
    losses = _train(trunk, seed, mesh, layout)
    return Seen(losses, count(trunk), forward.count, step.count)


def _train(trunk: Trunk, seed: int, mesh: DeviceMesh | None, layout: Layout) -> tuple[float, ...]:
    optimizer = torch.optim.Adam(trunk.parameters(), lr=1e-3, foreach=False)
    losses = []
    for step in range(STEPS):
        inputs, target = _batch(seed, step)
        if mesh is not None:
            inputs, target = share(inputs, mesh, layout), share(target, mesh, layout)
        loss = nn.functional.mse_loss(trunk(Tokens(inputs)), target)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        whole = loss.detach().clone()
        if mesh is not None:
            average_gradients(trunk, mesh, layout)
            dist.all_reduce(whole, group=mesh.get_group("data"))
            whole /= mesh["data"].size()
        optimizer.step()
        losses.append(float(whole))
    return tuple(losses)


def _ffn(mesh: DeviceMesh) -> SeenFfn:
    torch.manual_seed(0)
    whole, cut = FeedForward(d=FFN_SHAPE[0], ff=FFN_SHAPE[1]), FeedForward(d=FFN_SHAPE[0], ff=FFN_SHAPE[1])
    cut.load_state_dict(whole.state_dict())
    parallelize(cut, mesh, BOTH)
    batch = torch.randn(BATCH, LENGTH, FFN_SHAPE[0])
    right = whole(batch)
    right.square().mean().backward()
    with _AllReduces() as forward, torch.no_grad():
        ours = cut(share(batch, mesh, BOTH))
    cut(share(batch, mesh, BOTH)).square().mean().backward()
    average_gradients(cut, mesh, BOTH)
    error = max(
        float((_full(a.grad) - b.grad).abs().max())
        for a, b in zip(cut.parameters(), whole.parameters(), strict=True)
        if b.grad is not None
    )
    off = float((ours - share(right, mesh, BOTH)).detach().abs().max())
    return SeenFfn(off, error, forward.count, count(cut))


def _trunk(seed: int) -> Trunk:
    torch.manual_seed(seed)
    return Trunk(CONFIG)


def _batch(seed: int, step: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1000 * seed + step)
    inputs, target = torch.randn(2, BATCH, LENGTH, CONFIG.d, generator=generator)
    return inputs, target


def _local(value: Tensor) -> Tensor:
    return value.to_local() if isinstance(value, DTensor) else value


def _full(value: Tensor | None) -> Tensor:
    assert value is not None
    return value.full_tensor() if isinstance(value, DTensor) else value


class _AllReduces(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts all-reduces; torch's own counter hooks modules, which does not work with operations in place."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if any(issubclass(kind, DTensor) for kind in types):
            return NotImplemented
        self.count += func.__name__.split(".")[0] in {"all_reduce", "allreduce_"}
        return func(*args, **(kwargs or {}))
