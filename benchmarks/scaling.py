"""What more cores would bring: CPU time of ``polish`` by process and thread, and what follows from it.

    python benchmarks/scaling.py SUBREADS.bam [--ccs CCS.bam] [--threads 2] [--cores 2 4 8 16]

Worker processes share nothing but caches and memory, so that their time is divided by the cores. The threads of the
main process hold Python's lock while they work, but for the network's: its compiled layers let go of it, and NumPy
does where arrays are large. So a ZMW takes at least the time of these threads, however many cores there are, and at
most that and what the network does outside of its layers.
"""

import argparse
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from numpy.typing import NDArray

from deepconsensus_py.edits import inference
from deepconsensus_py.polishing.prepare import prepare_workers
from deepconsensus_py.polishing.run import PolishRun, polish_files
from deepconsensus_py.polishing.sources import Reads

SAMPLE_SECONDS = 0.02

ROLES = {
    "reader": "reading, grouping",
    "ThreadPoolExecutor": "sending to workers",
    "encoded": "taking results, choosing items",
    "network": "network",
    "MainThread": "calling, writing",
}
"""Threads of the main process by their names, and what they do."""

LAYERS = ("linear", "scores", "mix", "layer_norm")


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds of a run.

    Attributes:
        zmws: that were read.
        seconds: from start to end.
        workers: CPU seconds of the worker processes.
        threads: CPU seconds of the main process, by thread.
        layers: CPU seconds of these in compiled layers of the network.
    """

    zmws: int
    seconds: float
    workers: float
    threads: Mapping[str, float]
    layers: float

    @property
    def total(self) -> float:
        """All processes."""
        return self.workers + sum(self.threads.values())

    @property
    def locked(self) -> float:
        """Threads that hold Python's lock."""
        return sum(spent for name, spent in self.threads.items() if name != ROLES["network"])

    def speed_up(self, cores: int) -> tuple[float, float]:
        """Times as fast as on one core, at most: if the network holds Python's lock between its layers, and if not."""
        between = self.threads.get(ROLES["network"], 0.0) - self.layers
        slow, fast = (self.total / max(self.total / cores, held) for held in (self.locked + between, self.locked))
        return slow, fast


@contextmanager
def threads_watched() -> Iterator[Counter[str]]:
    """CPU seconds of this process's threads in the block, by what they do, sampled; filled when it ends."""
    spent: dict[int, tuple[str, float]] = {}
    begun = _times()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(SAMPLE_SECONDS):
            names = {thread.native_id: thread.name for thread in threading.enumerate()}
            for number, seconds in _times().items():
                if number in names:
                    spent[number] = (names[number], seconds - begun.get(number, 0.0))

    watcher = threading.Thread(target=watch, name="watcher")
    watcher.start()
    found: Counter[str] = Counter()
    try:
        yield found
    finally:
        over.set()
        watcher.join()
        for name, seconds in spent.values():
            role = next((role for start, role in ROLES.items() if name.startswith(start)), "")
            found[role] += seconds if role else 0.0


def _times() -> dict[int, float]:
    """CPU seconds of each thread of this process, by its number."""
    found = {}
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):
            found[int(task.name)] = int((task / "schedstat").read_text().split()[0]) / 1e9
    return found


@contextmanager
def layers_watched() -> Iterator[list[float]]:
    """CPU seconds of all calls of compiled layers in the block."""
    spent: list[float] = []

    def timed(layer: Callable[..., None]) -> Callable[..., None]:
        def call(*arrays: NDArray[Any]) -> None:
            start = time.thread_time()
            layer(*arrays)
            # Another thread loads them, with a blank item.
            if threading.current_thread().name == "network":
                spent.append(time.thread_time() - start)

        return call

    with ExitStack() as stack:
        for name in LAYERS:
            stack.enter_context(patch.object(inference, name, timed(getattr(inference, name))))
        yield spent


def measured(subreads: Path, ccs: Path | None, threads: int) -> Cost:
    """Polish the reads."""
    with tempfile.TemporaryDirectory() as folder:
        job = PolishRun(Reads((subreads,), ccs), (), Path(folder) / "polished.bam", threads=threads)
        start = time.perf_counter()
        with threads_watched() as spent, layers_watched() as layers:
            cpu = time.process_time()
            report = polish_files(job)
            own = time.process_time() - cpu
    workers = report["cpu_seconds"] - own
    known = {role: seconds for role, seconds in spent.items() if role}
    return Cost(report["counts"]["zmws"], time.perf_counter() - start, workers, known, sum(layers))


def tables(cost: Cost, cores: Sequence[int]) -> str:
    """Where the time goes, and what more cores would bring."""
    ms = 1000 / cost.zmws
    lines = ["| | CPU ms for a ZMW |", "|---|---|", f"| workers | {cost.workers * ms:.1f} |"]
    lines += [f"| main process: {name} | {spent * ms:.1f} |" for name, spent in sorted(cost.threads.items())]
    lines += [f"| of the network, in compiled layers | {cost.layers * ms:.1f} |"]
    lines += [f"| all | {cost.total * ms:.1f} |", "", "| cores | times as fast as one, at most |", "|---|---|"]
    for number in cores:
        least, most = cost.speed_up(number)
        bounds = f"{most:.1f}" if most - least < 0.05 else f"{least:.1f} to {most:.1f}"
        lines.append(f"| {number} | {bounds} |")
    return "\n".join(lines)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subreads", type=Path)
    parser.add_argument("--ccs", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cores", type=int, nargs="+", default=[2, 4, 8, 16])
    args = parser.parse_args()
    prepare_workers("edits")
    cost = measured(args.subreads, args.ccs, args.threads)
    print(tables(cost, args.cores))
    print(f"\n{cost.zmws} ZMWs in {cost.seconds:.0f} s; load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
