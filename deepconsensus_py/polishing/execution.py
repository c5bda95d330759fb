"""One execution of a command: when it began, what it cost, and the report of a run that says so."""

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deepconsensus_py._version import __version__
from deepconsensus_py.corrector import Method
from deepconsensus_py.polishing.journal import model_facts
from deepconsensus_py.polishing.progress import StageClock
from deepconsensus_py.workers.resources import peak_resident


class Execution:
    """An execution, which begins when this object is made.

    Attributes:
        clock: seconds of each stage, and the workers' CPU time and memory.

    Args:
        command: the command line.
        clock: as the attribute.
    """

    def __init__(self, command: str, clock: StageClock) -> None:
        self.clock, self._command = clock, command
        self._started, self._cpu_before = time.time(), time.process_time()

    def report(
        self,
        method: Method,
        *,
        parameters: Mapping[str, Any],
        inputs: Iterable[Path],
        output: Path,
        counts: Mapping[str, Any],
        resumed: bool,
    ) -> dict[str, Any]:
        """The run so far, as ``report.json`` has it (docs/reports.md); times are of this execution alone.

        Args:
            method: of the model.
            parameters: options in use.
            inputs: files.
            output: file of the reads.
            counts: of ZMWs or reads (``reports.table.MoleculeTable.counts``).
            resumed: whether it goes on from a checkpoint.
        """
        return {
            "tool": "deepconsensus-py",
            "version": __version__,
            "command": self._command,
            "started": datetime.fromtimestamp(self._started, UTC).isoformat(timespec="seconds"),
            "seconds": round(time.time() - self._started, 3),
            "cpu_seconds": round(time.process_time() - self._cpu_before + sum(self.clock.cpu.values()), 3),
            "resumed": int(resumed),
            "model": model_facts(method),
            "parameters": dict(parameters),
            "inputs": [str(path) for path in inputs],
            "output": str(output),
            "stages": {stage: round(seconds, 3) for stage, seconds in self.clock.seconds.items()},
            "counts": dict(counts),
            "peak_memory_bytes": peak_resident() + sum(self.clock.peaks.values()),
        }
