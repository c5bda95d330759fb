"""The processes of one training: a single one, or one per device, started by ``torchrun``."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from deepconsensus_py.errors import DeepConsensusError


@dataclass(frozen=True, slots=True)
class Workers:
    """This process among those of its training.

    Attributes:
        device: of its network.
        rank: its index.
        count: of processes.
    """

    device: torch.device
    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def sum(self, tensors: Iterable[Tensor]) -> None:
        """Replace tensors of one type by their sums over all processes, in one message."""
        if self.count == 1:
            return
        tensors = list(tensors)
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        dist.all_reduce(flat)
        for tensor, part in zip(tensors, torch.split(flat, [tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def wait(self) -> None:
        """Wait for all processes."""
        if self.count > 1:
            dist.barrier()


@contextmanager
def started(device: str) -> Iterator[Workers]:
    """Join the processes started by ``torchrun``, or run alone.

    Args:
        device: ``"cpu"`` or ``"cuda"``; with several processes each uses the device of its local rank.

    Raises:
        DeepConsensusError: there is no such device.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if device == "cuda" and count > 1:
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise DeepConsensusError(f"device {device!r} cannot be used ({error}); use --device cpu") from error
    if count == 1:
        yield Workers(torch.device(device))
        return
    dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        if device.startswith("cuda"):
            torch.cuda.set_device(device)
        yield Workers(torch.device(device), dist.get_rank(), count)
    finally:
        dist.destroy_process_group()
