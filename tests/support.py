"""Running commands in the test's own process, and making faulty files out of sound ones."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pysam
import pytest
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.align.disagreement import find_disagreement, with_disagreement
from deepconsensus_py.cli.main import main
from deepconsensus_py.corrector import Features
from deepconsensus_py.pacbio.drafts import draft_entries
from deepconsensus_py.pacbio.molecule import Alignment, Draft, Zmw
from deepconsensus_py.pacbio.zmws import Fault
from deepconsensus_py.pileup.features import FeatureSpec, row_count, row_slices
from deepconsensus_py.pileup.method import encode_columns
from deepconsensus_py.pileup.windows import Windows
from deepconsensus_py.polishing.read import PolishedRead

Edit = Callable[[list[pysam.AlignedSegment]], Iterable[pysam.AlignedSegment]]


class Result(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def errors(self) -> list[str]:
        """What is wrong, in its own words: the lines that say so."""
        return [line.partition(": error: ")[2] for line in self.err.splitlines() if ": error: " in line]


class Commands:
    """Runs commands: ``run("polish", …)``."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *args: object) -> Result:
        self._capture.readouterr()
        try:
            status = main([str(arg) for arg in args])
        except SystemExit as stop:
            status = int(stop.code or 0)
        out, err = self._capture.readouterr()
        return Result(status, out, err)


def alignment_of(columns: NDArray[np.uint8], *, start: int, head: int = 0, tail: int = 0) -> Alignment:
    """An alignment from one operation per column.

    Args:
        columns: ``uint8[columns]`` CIGAR codes.
        start: 0-based draft position of the first column.
        head: soft-clipped bases before the first column.
        tail: soft-clipped bases after the last column.
    """
    edges = np.flatnonzero(columns[1:] != columns[:-1]) + 1
    operations = columns[np.concatenate(([0], edges))]
    lengths = np.diff(np.concatenate(([0], edges, [len(columns)])))
    clips = [n > 0 for n in (head, tail)]
    operations = np.concatenate(([cigar.SOFT_CLIP] * clips[0], operations, [cigar.SOFT_CLIP] * clips[1]))
    lengths = np.concatenate(([head] * clips[0], lengths, [tail] * clips[1]))
    return Alignment(int(start), operations.astype(np.uint8), lengths.astype(np.int32))


def read_drafts(*paths: Path) -> list[Draft]:
    """The drafts of files, in file order."""
    return [entry.read() for entry in draft_entries(paths)]


def feature_rows(windows: Windows, spec: FeatureSpec) -> NDArray[np.float32]:
    """The tensor ``float32[n, rows, width]`` of the windows as the original stores it, not clipped."""
    rows = np.zeros((len(windows), row_count(spec), spec.width), np.float32)
    for name, part in row_slices(spec).items():
        values = getattr(windows, name)
        if name in ("strands", "snr"):
            values = values[:, :, None]
        elif values.ndim == 2:
            values = values[:, None]
        rows[:, part] = values
    return rows


def records(path: Path) -> list[pysam.AlignedSegment]:
    with pysam.AlignmentFile(str(path), check_sq=False) as reader:
        return list(reader)


def record_lines(path: Path) -> list[str]:
    """The records of a BAM file as text; the header, which holds the command line, is left out."""
    return [record.to_string() for record in records(path)]


def edited(source: Path, target: Path, edit: Edit) -> Path:
    """A copy of a BAM file with other records."""
    found = records(source)
    with (
        pysam.AlignmentFile(str(source), check_sq=False) as reader,
        pysam.AlignmentFile(str(target), "wb", header=reader.header) as writer,
    ):
        for record in edit(found):
            writer.write(record)
    return target


def content(items: Iterable[Zmw | Fault]) -> list[tuple[Any, ...]]:
    """All that is in molecules."""
    return [
        (item.name, item.reason)
        if isinstance(item, Fault)
        else (item.name, item.draft.bases.tobytes(), *((p.name, p.bases.tobytes(), p.tags) for p in item.passes))
        for item in items
    ]


def wait_until(done: Callable[[], object]) -> None:
    """For what others do: however busy the machine is, it comes, or the test fails in the end."""
    patience = time.monotonic() + 300
    while not done():
        assert time.monotonic() < patience
        time.sleep(0.005)


# Work for other processes, which cannot import test modules.


def double(number: int) -> int:
    return 2 * number


def process_of(_: int) -> int:
    return os.getpid()


def die(status: int) -> None:
    os._exit(status)


def kill_self(number: int) -> int:
    """Dies of it where the number is odd."""
    if number % 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die_once(marker: Path) -> str:
    """Dies unless it has done so before."""
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return marker.name


def refuse(number: int) -> int:
    raise ValueError(f"{number} is not wanted")


def unsendable(_: int) -> Callable[[], None]:
    return lambda: None


def squares(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of an array that it writes to."""
    numbers *= numbers
    return numbers


class DeadlyToLoad:
    """Work that kills the process which unpickles it."""

    def __reduce__(self) -> tuple[Callable[[int], None], tuple[int]]:
        return os._exit, (7,)

    def __call__(self, number: int) -> int:
        return number


DEADLY = 2
"""Molecule of testdata that kills its process."""


def deadly_encoder(zmw: Zmw) -> Features:
    if zmw.name.endswith(f"/{4194369 + DEADLY}/ccs"):
        os.kill(os.getpid(), signal.SIGSEGV)
    return encode_columns(zmw, spec=FeatureSpec(required=()))


def has_modules(names: list[str]) -> list[bool]:
    return [name in sys.modules for name in names]


def lowered_by_passes(zmw: Zmw, read: PolishedRead) -> NDArray[np.bool_]:
    """Bases of a read of a column model whose quality shows that passes disagree, which the original's does not."""
    found = find_disagreement(zmw.draft.bases, zmw.passes)
    return with_disagreement(np.zeros(len(read.bases), np.float32), read.bases, read.draft_index, found) > 0


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A parser and those of its commands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from parsers(inner)
