"""The training loop."""

import copy
import logging
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from deepconsensus_py.errors import DeepConsensusError, OutputError
from deepconsensus_py.training import checkpoint
from deepconsensus_py.training.checkpoint import (
    LogLine,
    Progress,
    TensorState,
    in_words,
    model_card,
    write_curve,
    write_log,
)
from deepconsensus_py.training.config import Stage, TrainConfig, plain
from deepconsensus_py.training.distributed import Workers
from deepconsensus_py.training.optimizers import learning_rate, make_optimizer
from deepconsensus_py.training.task import Batch, Task

Place = tuple[int, ...]
"""Key of a batch: seed, stage, step, number. It determines all randomness of the batch."""


def drawn_batches(task: Task, places: Iterable[Place], loaders: int) -> Iterator[tuple[int, Batch]]:
    """The batches of some places, in order, each with its dropout seed.

    Args:
        task: draws them.
        places: of the batches.
        loaders: processes that draw batches; 0 draws them here on demand.
    """
    return iter(DataLoader(_Drawn(task), batch_size=None, sampler=places, num_workers=loaders))


class _Drawn(Dataset[tuple[int, Batch]]):
    """All possible batches, by place."""

    def __init__(self, task: Task) -> None:
        self._task = task

    def __getitem__(self, place: Place) -> tuple[int, Batch]:
        examples, dropout = np.random.SeedSequence(place).spawn(2)
        return int(dropout.generate_state(1)[0]), self._task.batch(np.random.default_rng(examples))


LOG, CURVE = "log.csv", "curve.svg"
SUFFIX = ".safetensors"

_log = logging.getLogger(__name__)


def train(
    tasks: Sequence[Task],
    config: TrainConfig,
    folder: Path,
    *,
    resume: bool = False,
    workers: Workers | None = None,
    loaders: int = 0,
) -> Path:
    """Train a network through all stages.

    The folder gets ``log.csv``, ``curve.svg`` (if matplotlib is installed) and a checkpoint, all written atomically,
    and in the end the model file.
    The same configuration gives the same weights on the same type of CPU, interrupted or not.

    Args:
        tasks: one for each stage; they share one network.
        config: the recipe.
        folder: for the files; created if missing.
        resume: from the folder's checkpoint, if there is one.
        workers: this process among those that train; None for a single one on the CPU.
        loaders: processes that draw batches ahead; 0 draws them on demand.

    Returns:
        the model file.

    Raises:
        InputError: the folder's checkpoint is of a different training.
        OutputError: the folder contains a training and ``resume`` is not set, or it cannot be written.
        DeepConsensusError: the loss is no longer finite, or the processes cannot share the batches.
    """
    workers = workers or Workers(torch.device("cpu"))
    for stage in config.stages:
        if stage.batches % workers.count:
            raise DeepConsensusError(
                f"{stage.batches} batches per step cannot be shared by {workers.count} processes; set 'batches' "
                f"of stage {stage.name!r} to a multiple of {workers.count}"
            )
    return _Training(tasks, config, folder, workers, loaders).run(resume=resume)


class _Training:
    """A training in progress."""

    def __init__(
        self, tasks: Sequence[Task], config: TrainConfig, folder: Path, workers: Workers, loaders: int
    ) -> None:
        assert len(tasks) == len(config.stages)
        assert all(task.network is tasks[0].network for task in tasks)
        self.tasks, self.config, self.folder, self.workers = tasks, config, folder, workers
        self.loaders = loaders
        self.network = tasks[0].network.to(workers.device)
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.best: TensorState = _copied(self.average)
        self.progress = Progress()
        self.weights = [weight for weight in self.network.parameters() if weight.requires_grad]
        self.optimizer = make_optimizer(self.network, config)
        self._draws = find_spec("matplotlib") is not None

    def run(self, *, resume: bool) -> Path:
        """Run the remaining stages and write the model."""
        if self.workers.first and not self._draws:
            _log.info("%s is not drawn: matplotlib not installed; pip install 'deepconsensus-py[report]'", CURVE)
        self._prepare(resume=resume)
        while self.progress.stage < len(self.config.stages):
            self._run_stage(self.tasks[self.progress.stage], self.config.stages[self.progress.stage])
        path = self.folder / f"{self.config.name}{SUFFIX}"
        if self.workers.first:
            self.tasks[-1].save(self.average, path, model_card(self.config, self.progress.rows))
        self.workers.wait()
        return path

    def _prepare(self, *, resume: bool) -> None:
        path = self.folder / checkpoint.NAME
        if not path.exists():
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError(f"{self.folder}: cannot be created ({error.strerror}); use another folder") from error
            # No process may write a checkpoint before all have found that there is none.
            self.workers.wait()
            return
        if not resume:
            raise OutputError(f"{self.folder}: contains a training; use --resume to continue it, or another folder")
        if self.workers.first:
            for remains in self.folder.glob(".*.part"):  # left by a training that was killed
                remains.unlink()
        self.progress, states = checkpoint.read_checkpoint(path, plain(self.config))
        self.network.load_state_dict(states["network"])
        self.average.load_state_dict(states["average"])
        self.best = {name: tensor.to(self.workers.device) for name, tensor in states["best"].items()}
        checkpoint.load_optimizer_state(self.optimizer, states.get("optimizer", {}))
        self.workers.wait()

    def _run_stage(self, task: Task, stage: Stage) -> None:
        """Run the rest of a stage; each iteration ends with a line of the log."""
        places = (
            (self.config.seed, self.progress.stage, step, number)
            for step in range(self.progress.step, stage.steps)
            for number in range(self.workers.rank, stage.batches, self.workers.count)
        )
        drawn = drawn_batches(task, places, self.loaders)
        stopped = False
        while not stopped:
            began, first = time.monotonic(), self.progress.step
            last = min(stage.steps, first - first % stage.every + stage.every)
            sums = torch.zeros(2, dtype=torch.float64)
            for step in range(first, last):
                sums += self._step(task, stage, step, drawn)
            trained = time.monotonic() - began
            self.progress.step = last
            held_out = self._held_out_loss(task)
            self._keep(held_out)
            self.progress.seconds += time.monotonic() - began
            loss, items = sums.tolist()
            rate = learning_rate(stage, last - 1)
            row = LogLine(stage.name, last, self.progress.seconds, loss / items, held_out, rate, items / trained)
            self.progress.rows.append(row)
            stopped = last == stage.steps or 0 < stage.patience <= self.progress.stale
            if stopped:
                self._end_stage(stage)
            self._write(row)

    def _step(self, task: Task, stage: Stage, step: int, drawn: Iterator[tuple[int, Batch]]) -> Tensor:
        """Update the weights once, from the next batches of this process.

        Returns:
            ``float64[2]`` summed loss and number of items of all processes.
        """
        self.network.train()
        self.optimizer.zero_grad()
        sums = torch.zeros(2, dtype=torch.float64, device=self.workers.device)
        for _ in range(stage.batches // self.workers.count):
            sums += self._add_gradients(task, *next(drawn))
        gradients = [weight.grad for weight in self.weights if weight.grad is not None]
        self.workers.sum([sums])
        self.workers.sum(gradients)
        loss, items = sums.tolist()
        if not math.isfinite(loss):
            where = f"at step {step} of stage {stage.name!r}"
            raise DeepConsensusError(f"the loss is {loss} {where}; lower its learning_rate or lengthen its warm_up")
        for gradient in gradients:
            # The mean over the items of all processes, not of each: their number then does not affect the step.
            gradient.div_(items)
        if self.config.clip:
            nn.utils.clip_grad_norm_(self.weights, self.config.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(stage, step)
        self.optimizer.step()
        self._follow(step)
        return sums.cpu()

    def _add_gradients(self, task: Task, dropout_seed: int, batch: Batch) -> Tensor:
        """Add the gradients of the summed loss of one batch."""
        # Dropout follows from the place of the batch, so that a resumed training draws the same.
        torch.manual_seed(dropout_seed)
        batch = self._moved(batch)
        with self._autocast():
            loss, items = task.loss(self.network, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        for weight in self.weights:
            if weight.grad is None:  # all processes must sum the same tensors
                weight.grad = torch.zeros_like(weight)
        return torch.stack([loss.detach().double(), loss.new_tensor(items, dtype=torch.float64)])

    def _follow(self, step: int) -> None:
        """Update the averaged weights; faster at first, so that the initial weights fade."""
        decay = min(self.config.average, (1 + step) / (10 + step))
        with torch.no_grad():
            for mean, new in zip(self.average.parameters(), self.network.parameters(), strict=True):
                mean.lerp_(new, 1 - decay)
            for kept, now in zip(self.average.buffers(), self.network.buffers(), strict=True):
                kept.copy_(now)

    def _held_out_loss(self, task: Task) -> float | None:
        """Mean loss per held-out item with the averaged weights."""
        sums = torch.zeros(2, dtype=torch.float64, device=self.workers.device)
        with torch.no_grad(), self._autocast():
            for number, batch in enumerate(task.held_out()):
                if number % self.workers.count == self.workers.rank:
                    loss, items = task.loss(self.average, self._moved(batch))
                    sums += torch.stack([loss.double(), loss.new_tensor(items, dtype=torch.float64)])
        self.workers.sum([sums])
        loss_sum, items_sum = sums.tolist()
        return loss_sum / items_sum if items_sum else None

    def _keep(self, held_out: float | None) -> None:
        """Remember the best weights; without held-out items these are the last."""
        progress = self.progress
        if held_out is None or progress.best_loss is None or held_out < progress.best_loss:
            self.best, progress.best_loss, progress.stale = _copied(self.average), held_out, 0
        else:
            progress.stale += 1

    def _end_stage(self, stage: Stage) -> None:
        """Set the final weights of the stage and start the next."""
        kept = self.best if stage.keep == "best" else _copied(self.average)
        self.network.load_state_dict(kept)
        self.average.load_state_dict(kept)
        self.optimizer = make_optimizer(self.network, self.config)
        rows = self.progress.rows
        self.progress = Progress(stage=self.progress.stage + 1, seconds=self.progress.seconds, rows=rows)

    def _write(self, row: LogLine) -> None:
        """Write log and checkpoint."""
        if not self.workers.first:
            return
        _log.info("%s", in_words(row))
        states: Mapping[str, Mapping[str, Tensor]] = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "best": self.best,
            "optimizer": checkpoint.optimizer_state(self.optimizer),
        }
        checkpoint.write_checkpoint(self.folder / checkpoint.NAME, plain(self.config), self.progress, states)
        write_log(self.folder / LOG, self.progress.rows)
        if self._draws:
            write_curve(self.folder / CURVE, self.progress.rows)

    def _moved(self, batch: Batch) -> Batch:
        return {name: tensor.to(self.workers.device, non_blocking=True) for name, tensor in batch.items()}

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.workers.device.type, torch.bfloat16, enabled=self.config.precision == "bf16")


def _copied(network: nn.Module) -> TensorState:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
