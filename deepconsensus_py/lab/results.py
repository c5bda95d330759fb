"""Results of claims as files, one for each, so that claims run and resume one by one."""

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch

from deepconsensus_py._version import __version__
from deepconsensus_py.errors import InputError
from deepconsensus_py.files import atomic_path
from deepconsensus_py.lab.claim import Claim, Shown, Size

_FILE_VERSION = 1


@dataclass(frozen=True, slots=True)
class Result:
    """What a run of a claim showed, when and where.

    Attributes:
        id: of the claim.
        fast: whether only exact figures were judged.
        seeds: of the training runs.
        shown: figures, costs, curves and notes.
        seconds: wall-clock time.
        date: of the run, ISO 8601.
        machine: processor, threads and versions.
    """

    id: str
    fast: bool
    seeds: tuple[int, ...]
    shown: Shown
    seconds: float
    date: str
    machine: str

    @property
    def missed(self) -> list[str]:
        """Names of the figures that missed their target."""
        return [figure.name for figure in self.shown.figures if figure.holds is False]

    @property
    def judged(self) -> int:
        """How many figures have a target and were judged."""
        return sum(figure.holds is not None for figure in self.shown.figures)


def show(claim: Claim, *, fast: bool) -> Result:
    """Run a claim; leaves the state of torch's random generator as it was."""
    started, state = time.perf_counter(), torch.get_rng_state()
    try:
        seeds = claim.seeds[:1] if fast else claim.seeds
        shown = claim.run(Size(fast, seeds))
    finally:
        torch.set_rng_state(state)
    date = datetime.now(UTC).date().isoformat()
    return Result(claim.id, fast, seeds, shown, time.perf_counter() - started, date, machine())


def write_result(path: Path, result: Result) -> None:
    """Write a result as JSON."""
    write_text(path, json.dumps({"version": _FILE_VERSION, **asdict(result)}, indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a file that appears under its name only when it is complete."""
    with atomic_path(path) as target:
        target.write_text(text, encoding="utf-8")


def read_result(path: Path) -> Result:
    """Read what ``write_result`` wrote.

    Raises:
        InputError: the file is not a result.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values.pop("version") != _FILE_VERSION:
            raise ValueError("of another version")
        return Result(**{**values, "seeds": tuple(values["seeds"]), "shown": Shown.from_dict(values["shown"])})
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise InputError(
            f"{path}: not a result of the claims command ({error}); delete it to run the claim again"
        ) from error


def kept(path: Path, claim: Claim, *, fast: bool) -> Result | None:
    """The result of an earlier run of the same claim, size and seeds, or None."""
    if not path.exists():
        return None
    result = read_result(path)
    wanted: Sequence[int] = claim.seeds[:1] if fast else claim.seeds
    return result if (result.fast, result.seeds) == (fast, tuple(wanted)) else None


def machine() -> str:
    """Processor, cores, threads and versions; not the name of the machine."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")] or [platform.machine()]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = torch.get_num_threads()
    used = f"{cores} cores, {threads} thread{'s' * (threads > 1)}"
    return f"{names[0]}, {used}, torch {torch.__version__}, deepconsensus-py {__version__}"
