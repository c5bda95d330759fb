"""How the original is run, what it says of its run, and how far two runs give the same reads."""

import csv
import gzip
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

STAGES = {"preprocess": "encode", "run_model": "network", "stitch_and_write_fastq": "call"}
"""Its stages under our names: it reads while it encodes, and writes while it calls."""

QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": ""}
"""Environment: no notes of TensorFlow, no GPU."""

_NETWORK_DONE = re.compile(r"Example summary: ran model=(\d+)")


class Inputs(NamedTuple):
    """Aligned subreads and their drafts."""

    subreads: Path
    ccs: Path


def program(environment: Path) -> Path:
    """The command of an environment that ``make.py`` made."""
    return environment / "bin" / "deepconsensus"


def command(environment: Path, inputs: Inputs, checkpoint: Path, output: Path, *, skip: int, cpus: int) -> list[str]:
    """A whole run that keeps every read.

    Args:
        environment: what ``make.py`` made.
        inputs: aligned subreads and drafts.
        checkpoint: folder with ``checkpoint-1`` and ``params.json``.
        output: FASTQ to write.
        skip: keep the draft in windows above this mean quality, Phred; 0 never does.
        cpus: processes that preprocess; TensorFlow takes all cores. Batch sizes are the program's defaults.
    """
    options = {
        "subreads_to_ccs": inputs.subreads,
        "ccs_bam": inputs.ccs,
        "checkpoint": checkpoint / "checkpoint-1",
        "output": output,
        "min_quality": 0,
        "skip_windows_above": skip,
        "cpus": cpus,
    }
    return [str(program(environment)), "run", *(f"--{name}={value}" for name, value in options.items())]


def stage_seconds(output: Path) -> dict[str, float]:
    """Seconds of each stage, under our names, from ``OUTPUT.runtime.csv``: a row for each stage of each batch."""
    seconds: Counter[str] = Counter()
    with output.with_name(output.name + ".runtime.csv").open() as rows:
        for row in csv.DictReader(rows):
            seconds[STAGES[row["stage"]]] += float(row["runtime"])
    return dict(seconds)


def windows_run(log: Iterable[tuple[float, str]]) -> int:
    """Windows that went through the network, from the program's log."""
    return sum(int(found[1]) for _, line in log if (found := _NETWORK_DONE.search(line)))


def first_windows(log: Iterable[tuple[float, str]]) -> float | None:
    """Seconds until the network had done its first windows; None where it never ran."""
    return next((seconds for seconds, line in log if _NETWORK_DONE.search(line)), None)


class Agreement(NamedTuple):
    """How far two runs say the same; bases and qualities count where the reads are equally long.

    Attributes:
        reads: that both have.
        expected_reads: of the reference.
        bases: of the reference.
        same: equal bases.
        close: qualities within 1.
    """

    reads: int
    expected_reads: int
    bases: int
    same: int
    close: int

    @property
    def changed(self) -> float:
        """Share of the bases that are not the reference's."""
        return 1 - self.same / self.bases

    def __str__(self) -> str:
        return (
            f"{self.reads} of {self.expected_reads} reads, {self.bases - self.same} of {self.bases} bases differ, "
            f"{100 * self.close / self.bases:.2f} % of qualities within 1"
        )


def agreement(output: Path, reference: Path) -> Agreement:
    """Compare two FASTQ files."""
    expected, found = read_fastq(reference), read_fastq(output)
    bases = same = close = 0
    for name, (sequence, qualities) in expected.items():
        own_sequence, own_qualities = found.get(name, ("", ""))
        bases += len(sequence)
        if len(sequence) == len(own_sequence):
            same += sum(a == b for a, b in zip(sequence, own_sequence, strict=True))
            close += sum(abs(ord(a) - ord(b)) <= 1 for a, b in zip(qualities, own_qualities, strict=True))
    return Agreement(len(expected.keys() & found.keys()), len(expected), bases, same, close)


def read_fastq(path: Path) -> dict[str, tuple[str, str]]:
    """Name to sequence and qualities."""
    content = path.read_bytes()
    lines = (gzip.decompress(content) if path.suffix == ".gz" else content).decode().splitlines()
    return {lines[i][1:]: (lines[i + 1], lines[i + 3]) for i in range(0, len(lines), 4)}
