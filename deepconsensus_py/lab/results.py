"""Results of claims as files, one for each, so that claims run and resume one by one."""

import json
import os
import platform
import resource
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch

from deepconsensus_py._version import __version__
from deepconsensus_py.errors import InputError
from deepconsensus_py.files import atomic_path
from deepconsensus_py.lab.claim import HOLDS, MISSES, TIE, Claim, Figure, Shown, Size
from deepconsensus_py.lab.code import Code, code_of

_FILE_VERSION = 2


@dataclass(frozen=True, slots=True)
class Result:
    """What a run of a claim showed, when and where.

    Attributes:
        id: of the claim.
        fast: whether only exact figures were judged.
        seeds: of the training runs.
        shown: figures, arms, costs, curves and notes.
        seconds: of the processor, over all processes; they hardly depend on what else the machine does.
        date: of the run, ISO 8601.
        machine: processor, threads and versions.
        code: what made it; None of results from before there were hashes and intervals.
    """

    id: str
    fast: bool
    seeds: tuple[int, ...]
    shown: Shown
    seconds: float
    date: str
    machine: str
    code: Code | None

    @property
    def exact(self) -> list[Figure]:
        """The figures with a target that no training goes into."""
        return [figure for figure in self.shown.figures if figure.verdict in {HOLDS, MISSES} and not figure.trained]

    @property
    def missed_exact(self) -> list[str]:
        """Names of the exact figures that missed their target: a fault of the code."""
        return [figure.name for figure in self.exact if figure.verdict == MISSES]

    @property
    def trained(self) -> list[Figure]:
        """The figures with a verdict that was trained for."""
        return [figure for figure in self.shown.figures if figure.verdict and figure.trained]

    @property
    def verdict(self) -> str:
        """``misses`` if any trained figure misses, else ``tie`` if any is one, else ``holds``; empty without any."""
        found = {figure.verdict for figure in self.trained}
        return next((word for word in (MISSES, TIE, HOLDS) if word in found), "")


def show(claim: Claim, *, fast: bool) -> Result:
    """Run a claim; leaves the state of torch's random generator as it was."""
    code, started, state = code_of_claim(claim), _seconds(), torch.get_rng_state()
    try:
        seeds = claim.seeds[:1] if fast else claim.seeds
        shown = claim.run(Size(fast, seeds))
    finally:
        torch.set_rng_state(state)
    date = datetime.now(UTC).date().isoformat()
    return Result(claim.id, fast, seeds, shown, _seconds() - started, date, machine(), code)


def code_of_claim(claim: Claim) -> Code:
    """The code of a claim as it is now."""
    return code_of(claim.run.__module__.removesuffix(".claim"))


def _seconds() -> float:
    """Of the processor, of this process and of those that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


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
        code = None if values["code"] is None else Code(**values["code"])
        shown = Shown.from_dict(values["shown"])
        return Result(**{**values, "seeds": tuple(values["seeds"]), "shown": shown, "code": code})
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise InputError(
            f"{path}: not a result of the claims command ({error}); delete it to run the claim again"
        ) from error


def kept(path: Path, claim: Claim, *, fast: bool) -> Result | None:
    """The result of an earlier run of the same claim, size, seeds and code, or None."""
    if not path.exists():
        return None
    result = read_result(path)
    wanted: Sequence[int] = claim.seeds[:1] if fast else claim.seeds
    same = (result.fast, result.seeds, result.code) == (fast, tuple(wanted), code_of_claim(claim))
    return result if same else None


def machine() -> str:
    """Processor, cores, threads and versions; not the name of the machine."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")] or [platform.machine()]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = torch.get_num_threads()
    used = f"{cores} cores, {threads} thread{'s' * (threads > 1)}"
    return f"{names[0]}, {used}, torch {torch.__version__}, deepconsensus-py {__version__}"
