"""What ``speed.py`` measured, and the figures that follow from it.

All are medians over the rounds. *Warm* is what each further copy of the molecules costs, from the difference between
the longer input and the short one: start-up, loading and the end of the run are taken off, of either program. Windows
are the original's, as it cuts them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

STAGES = ("read", "align", "encode", "network", "call", "write")
ONE_SHARD, TWO_SHARDS = "one shard", "two shards"
SHARDED = 5
"""Times the longer input that is cut into shards: they must be long beside their start-up."""
IDLE = 0.1
"""Cores that others may keep busy on a machine that counts as idle."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """A program with its settings.

    Attributes:
        key: names it in files.
        title: names it in tables.
        beside: key of the original's configuration that it is compared with; empty for the original itself.
        skip: mean quality above which windows keep the draft.
        reads: ``aligned`` or ``raw`` subreads.
        same_weights: runs the original's weights; otherwise the bundled model.
        device: where the network runs.
        precision: what it computes in.
    """

    key: str
    title: str
    beside: str
    skip: int
    reads: str = "aligned"
    same_weights: bool = False
    device: str = "cpu"
    precision: str = "auto"

    @property
    def original(self) -> bool:
        """Whether this is the original program."""
        return not self.beside


CONFIGURATIONS = (
    Configuration("original-0", "original, every window", "", 0),
    Configuration("same-0", "same weights, every window", "original-0", 0, same_weights=True),
    Configuration(
        "same-0-bf16", "same weights in bfloat16, every window", "original-0", 0, same_weights=True, precision="bf16"
    ),
    Configuration("original-45", "original, its defaults", "", 45),
    Configuration("same-45", "same weights, its defaults", "original-45", 45, same_weights=True),
    Configuration("bundled", "bundled model, defaults", "original-45", 45),
    Configuration("bundled-raw", "bundled model, subreads not aligned", "original-45", 45, reads="raw"),
    Configuration("bundled-gpu", "bundled model, GPU", "original-45", 45, device="cuda"),
)
FIRST = ("original-45", "same-45", "bundled")
"""Configurations whose start-up is measured, on the shortest molecule."""


class Results:
    """What ``speed.py`` wrote.

    Attributes:
        copies: times over that the longer input has the molecules.
        missing: what could not be run, and why.
        machine: ``processor``, ``cores``, ``load`` (average before the start).
        kernels: CPU milliseconds for one molecule.
    """

    def __init__(self, content: dict[str, Any]) -> None:
        self.copies: int = content["copies"]
        self.repeats: int = content["repeats"]
        self.missing: dict[str, str] = content["missing"]
        self.machine: dict[str, Any] = content["machine"]
        self.kernels: dict[str, float] = content["kernels"]
        self.runs: list[dict[str, Any]] = content["runs"]

    def of(self, what: str, copies: int | None = None) -> list[dict[str, Any]]:
        """The runs of a configuration, on one input or on all."""
        return [run for run in self.runs if run["what"] == what and copies in (None, run["copies"])]

    def measured(self) -> list[Configuration]:
        """The configurations that were run."""
        return [configuration for configuration in CONFIGURATIONS if self.of(configuration.key)]

    def seconds(self, what: str, copies: int | None) -> float:
        """Of the whole run."""
        return median(run["seconds"] for run in self.of(what, copies))

    def stage(self, what: str, stage: str, copies: int) -> float:
        """Seconds of a stage over the whole run."""
        return median(run["stages"].get(stage, 0.0) for run in self.of(what, copies))

    def peak(self, what: str, copies: int) -> float:
        """Bytes of memory of the process tree: the largest of all rounds."""
        return max(run["peak_bytes"] for run in self.of(what, copies))

    def warm(self, what: str) -> float:
        """Seconds that each further copy of the molecules takes."""
        return self._each_copy(lambda copies: self.seconds(what, copies))

    def warm_cpu(self, what: str) -> float:
        """Processor seconds that each further copy of the molecules takes; others at work change them little."""
        return self._each_copy(lambda copies: median(run["cpu_seconds"] for run in self.of(what, copies)))

    def warm_stage(self, what: str, stage: str) -> float:
        """Seconds of a stage for each further copy of the molecules."""
        return self._each_copy(lambda copies: self.stage(what, stage, copies))

    def _each_copy(self, value: Callable[[int], float]) -> float:
        return max((value(self.copies) - value(1)) / (self.copies - 1), 0.0)

    def counts(self, what: str) -> dict[str, int]:
        """Counts of a run on the short input."""
        return self.of(what, 1)[0]["counts"]

    @property
    def molecules(self) -> dict[str, int]:
        """Molecules, windows and draft bases of the short input, as a column network cuts it."""
        counts = self.counts("same-0")
        return {key: counts[key] for key in ("molecules", "windows", "bases_in")}

    def windows_run(self, configuration: Configuration) -> int:
        """Windows of the short input that the network decides: all of them where it works in other units."""
        columns = configuration.original or configuration.same_weights
        return self.counts(configuration.key)["windows_corrected"] if columns else self.molecules["windows"]

    def disturbed(self, what: str) -> bool:
        """Whether others worked meanwhile."""
        return any(run["other_cores"] > IDLE for run in self.of(what))
