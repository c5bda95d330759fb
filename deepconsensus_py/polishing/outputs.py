"""The output files of a run while it is written, and how much of each is safely on disk.

Files are only appended to, so that a run that was killed is resumed by cutting them back to the last checkpoint, and
nothing has to be joined or copied at the end. BAM and gzip allow that: both are sequences of independent blocks.
"""

import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path
from typing import Any, Self

import pysam

from deepconsensus_py.errors import InputError
from deepconsensus_py.files import flush_to_disk, writing
from deepconsensus_py.pacbio.headers import with_kinetics
from deepconsensus_py.pacbio.inputs import reading
from deepconsensus_py.pacbio.writers import ReadWriter, reads_at
from deepconsensus_py.reports.run_reports import SUFFIXES, write_reports
from deepconsensus_py.reports.side_files import side_file
from deepconsensus_py.reports.statistics import ZmwLines

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Stored:
    """Size and checksum of a file, or of its first bytes.

    Attributes:
        size: bytes.
        crc: CRC-32 of them (RFC 1952, section 8). It can be continued, so that appending reads nothing again.
    """

    size: int = 0
    crc: int = 0

    def after(self, data: bytes | memoryview) -> "Stored":
        """Size and checksum after appending data."""
        return Stored(self.size + len(data), zlib.crc32(data, self.crc))

    def require(self, path: Path) -> None:
        """Check that the start of a file is what was written.

        Raises:
            InputError: it is missing, shorter, or has a different checksum.
        """
        found = stored(path, self.size) if path.exists() else None
        if found is None:
            fault = "is missing"
        elif found.size < self.size:
            fault = f"is truncated ({found.size} of {self.size} bytes)"
        elif found != self:
            fault = f"is damaged (checksum {found.crc:08x}, expected {self.crc:08x})"
        else:
            return
        raise InputError(f"{path}: {fault}; delete {path.parent} to start over")


def stored(path: Path, size: int | None = None) -> Stored:
    """Size and checksum of a file, or of at most its first ``size`` bytes.

    Raises:
        InputError: it cannot be read.
    """
    found = Stored()
    with reading(path), path.open("rb") as file:
        while data := file.read(_CHUNK if size is None else min(_CHUNK, size - found.size)):
            found = found.after(data)
    return found


BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
"""The empty block at the end of a BAM file (SAM specification, section 4.1.2)."""


class AppendOnlyFile:
    """A file that is only appended to.

    Attributes:
        path: the file.
        name: its name in error messages.
        stored: its size and checksum.
    """

    def __init__(self, path: Path, name: str, stored: Stored) -> None:
        """Open or create a file.

        Args:
            path: the file.
            name: its name in error messages.
            stored: what an earlier run wrote up to its last checkpoint; anything after that is cut off.

        Raises:
            OutputError: it cannot be written.
        """
        self.path, self.name, self.stored = path, name, stored
        with writing(name):
            self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0)
            self._file.truncate(stored.size)
            self._file.seek(stored.size)

    def append(self, data: bytes | memoryview) -> None:
        """Write at the end.

        Raises:
            OutputError: it cannot be written.
        """
        rest = memoryview(data)
        with writing(self.name):
            while rest:
                rest = rest[self._file.write(rest) :]
        self.stored = self.stored.after(data)

    def sync(self) -> None:
        """Flush the file to disk.

        Raises:
            OutputError: it cannot be written.
        """
        with writing(self.name):
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class AppendOnlyReads:
    """A file of reads, in the format of its final name.

    Args:
        file: the reads so far, without the format's end-of-file marker.
        name: the final name.
        header: BAM and SAM header; ignored if the file already has one.
        threads: for compression of BAM.

    Raises:
        OutputError: the name has an unknown extension, or the file cannot be written.
    """

    def __init__(self, file: AppendOnlyFile, name: Path, header: pysam.AlignmentHeader, threads: int = 1) -> None:
        self.file = file
        self._name, self._header, self._threads = name, header, threads
        self._scratch = file.path.with_name(f"piece-{file.path.name}")
        with self._writer():
            pass
        self._empty = self._written()
        self._end = BGZF_END if self._empty.endswith(BGZF_END) else b""
        # A compressed FASTQ needs no header: each checkpoint is a gzip member of its own.
        self._start = b"" if name.suffix == ".gz" else self._empty.removesuffix(self._end)
        if not file.stored.size:
            file.append(self._start)

    @contextmanager
    def checkpoint(self) -> Iterator[ReadWriter]:
        """A writer whose reads are appended if the block succeeds, and discarded if it fails.

        Raises:
            OutputError: they cannot be written.
        """
        with self._writer() as writer:
            yield writer
        written = self._written()
        assert written.startswith(self._start)
        assert written.endswith(self._end)
        self.file.append(memoryview(written)[len(self._start) : len(written) - len(self._end)])

    def finish(self) -> None:
        """Append the end-of-file marker of the format."""
        self.file.append(self._end if self.file.stored.size else self._empty)

    @contextmanager
    def _writer(self) -> Iterator[ReadWriter]:
        with reads_at(self._scratch, self._name, self._header, threads=self._threads) as writer:
            yield writer

    def _written(self) -> bytes:
        with writing(self.file.name):
            return self._scratch.read_bytes()


ROWS, METRIC_LINES = "molecules.tsv", "molecules.jsonl"
"""The table of ZMWs without its header, and a JSON object for each ZMW."""

REPORTS = {suffix: f"report{suffix}" for suffix in SUFFIXES}
"""Names of the files beside the reads in the work folder, by the end of their final names."""


@dataclass(frozen=True, slots=True)
class Targets:
    """Final paths of a run's files.

    Attributes:
        output: reads; the reports go beside them.
        failed: reads that fail the filters, or None.
    """

    output: Path
    failed: Path | None

    def finals(self) -> dict[str, Path]:
        """Final path of each file in the work folder, by its name there; the reads come last."""
        failed = {} if self.failed is None else {f"failed{ending(self.failed)}": self.failed}
        sides = {name: side_file(self.output, suffix) for suffix, name in REPORTS.items()}
        return sides | failed | {f"reads{ending(self.output)}": self.output}

    def places(self) -> dict[str, str]:
        """``finals`` for the journal: relative to the folder of the reads, so that a run can be moved and resumed."""
        folder = Path(os.path.realpath(self.output)).parent
        return {name: os.path.relpath(os.path.realpath(path), folder) for name, path in self.finals().items()}


def ending(path: Path) -> str:
    """File name extension: ``.bam``, ``.fastq.gz``; empty if there is none."""
    return "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix


class RunFiles:
    """All output files of a run while it is written.

    Args:
        folder: the work folder.
        targets: their final paths.
        earlier: what an earlier run stored of each, by name; the others are created.
        header: BAM header of the reads, for files that have none yet.
        threads: for compression of BAM.

    Raises:
        OutputError: a file cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        targets: Targets,
        earlier: Mapping[str, Stored],
        header: pysam.AlignmentHeader,
        *,
        threads: int,
    ) -> None:
        self._targets, self._files = targets, ExitStack()
        self._all: list[AppendOnlyFile] = []

        def open_file(name: str) -> AppendOnlyFile:
            file = AppendOnlyFile(folder / name, str(targets.output), earlier.get(name, Stored()))
            self._files.callback(file.close)
            self._all.append(file)
            return file

        def open_reads_file(name: str, path: Path, head: pysam.AlignmentHeader, threads: int) -> AppendOnlyReads:
            return AppendOnlyReads(open_file(f"{name}{ending(path)}"), path, head, threads)

        with self._files:
            self._reads = open_reads_file("reads", targets.output, header, threads)
            self._failed = None
            if targets.failed is not None:
                # Full passes of ZMWs without a read keep their kinetics, whatever the reads have.
                head = with_kinetics(header, kinetics=True)
                self._failed = open_reads_file("failed", targets.failed, head, 1)
            self._rows, self._metrics = open_file(ROWS), open_file(METRIC_LINES)
            self._files = self._files.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    @contextmanager
    def checkpoint(self) -> Iterator[tuple[ReadWriter, ReadWriter | None]]:
        """Writers for the reads and, if asked for, the failed reads; if the block fails, nothing is kept.

        Raises:
            OutputError: they cannot be written.
        """
        with ExitStack() as writers:
            reads = writers.enter_context(self._reads.checkpoint())
            yield reads, writers.enter_context(self._failed.checkpoint()) if self._failed else None

    def store(self, rows: str = "", metrics: str = "") -> dict[str, Stored]:
        """Flush all files to disk.

        Args:
            rows: lines to append to the table of ZMWs first.
            metrics: lines to append to the metrics.

        Returns:
            Size and checksum of each file, by name.

        Raises:
            OutputError: a file cannot be written.
        """
        self._rows.append(rows.encode())
        self._metrics.append(metrics.encode())
        for file in self._all:
            file.sync()
        return {file.path.name: file.stored for file in self._all}

    def finish(self, report: Mapping[str, Any]) -> dict[str, Stored]:
        """Finish the files, and write the reports.

        Args:
            report: of the whole run.

        Returns:
            Size and checksum of each file, by name.

        Raises:
            OutputError: they cannot be written.
        """
        self._reads.finish()
        if self._failed:
            self._failed.finish()
        places = {suffix: self._rows.path.with_name(name) for suffix, name in REPORTS.items()}
        with (
            writing(self._targets.output),
            self._rows.path.open(encoding="utf-8") as rows,
            self._metrics.path.open(encoding="utf-8") as metrics,
        ):
            write_reports(places, starmap(ZmwLines.read, zip(rows, metrics, strict=True)), report)
            for path in places.values():
                flush_to_disk(path)
        return self.store() | {path.name: stored(path) for path in places.values()}
