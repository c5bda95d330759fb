"""The files of a run while they grow, piece by piece, with what is stored of each for good."""

import os
import shutil
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pysam

from deepconsensus_py.errors import InputError
from deepconsensus_py.files import flush_to_disk, writing
from deepconsensus_py.pacbio.inputs import reading
from deepconsensus_py.pacbio.writers import ReadWriter, reads_at
from deepconsensus_py.polishing.report import COLUMNS, MOLECULES, REPORT, side_file, side_stream, table_row, write_json

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Stored:
    """The start of a file, or all of it.

    Attributes:
        size: bytes.
        crc: CRC-32 of them (RFC 1952, section 8); it grows with the file, so that nothing is read again to store more.
    """

    size: int = 0
    crc: int = 0

    def after(self, data: bytes | memoryview) -> "Stored":
        """What is stored once data has been appended."""
        return Stored(self.size + len(data), zlib.crc32(data, self.crc))

    def require(self, path: Path) -> None:
        """Read the start of a file, and refuse it where it is not what was written.

        Raises:
            InputError: it is missing, shorter, or its checksum is another.
        """
        found = stored(path, self.size) if path.exists() else None
        if found is None:
            fault = "is missing"
        elif found.size < self.size:
            fault = f"holds {found.size} of the {self.size} bytes that were written"
        elif found != self:
            fault = f"is damaged: its checksum is {found.crc:08x}, and {self.crc:08x} was written"
        else:
            return
        raise InputError(f"{path}: {fault}; delete {path.parent} to start over")


def stored(path: Path, size: int | None = None) -> Stored:
    """What a file holds, or at most its first bytes.

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


class GrowingFile:
    """A file that is only appended to.

    Attributes:
        path: the file.
        name: what errors call it.
        stored: its size and checksum.
    """

    def __init__(self, path: Path, name: str, stored: Stored) -> None:
        """Open a file, or make it.

        Args:
            path: the file.
            name: what errors call it.
            stored: what an earlier run has stored of it and is still there; what follows is cut off.

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
        """Wait until all is stored.

        Raises:
            OutputError: it cannot be.
        """
        with writing(self.name):
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class GrowingReads:
    """A file of reads, in the format that its final name says.

    Args:
        file: where they stand, without the format's end.
        name: the final name.
        header: of BAM and SAM; where the file has one already it stays.
        threads: for compression of BAM.

    Raises:
        OutputError: the name has an unknown ending, or the file cannot be written.
    """

    def __init__(self, file: GrowingFile, name: Path, header: pysam.AlignmentHeader, threads: int = 1) -> None:
        self.file = file
        self._name, self._header, self._threads = name, header, threads
        self._scratch = file.path.with_name(f"piece-{file.path.name}")
        with self._writer():
            pass
        self._empty = self._written()
        self._end = BGZF_END if self._empty.endswith(BGZF_END) else b""
        # Nothing needs to stand before gzip members.
        self._start = b"" if name.suffix == ".gz" else self._empty.removesuffix(self._end)
        if not file.stored.size:
            file.append(self._start)

    @contextmanager
    def piece(self) -> Iterator[ReadWriter]:
        """A writer whose reads are appended when the block ends well; else nothing is.

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
        """Append what a file of this format ends with."""
        self.file.append(self._end if self.file.stored.size else self._empty)

    @contextmanager
    def _writer(self) -> Iterator[ReadWriter]:
        with reads_at(self._scratch, self._name, self._header, threads=self._threads) as writer:
            yield writer

    def _written(self) -> bytes:
        with writing(self.file.name):
            return self._scratch.read_bytes()


ROWS = "molecules.tsv"
TABLE, SUMMARY = f"molecules{MOLECULES}", f"report{REPORT}"


@dataclass(frozen=True, slots=True)
class Targets:
    """Where a run's files go in the end.

    Attributes:
        output: reads; beside them the two side files.
        failed: reads that the filters drop, or None.
    """

    output: Path
    failed: Path | None

    def finals(self) -> dict[str, Path]:
        """Names of the finished files in the folder, and the names that they take; the reads last."""
        failed = {} if self.failed is None else {f"failed{ending(self.failed)}": self.failed}
        sides = {SUMMARY: side_file(self.output, REPORT), TABLE: side_file(self.output, MOLECULES)}
        return sides | failed | {f"reads{ending(self.output)}": self.output}

    def places(self) -> dict[str, str]:
        """``finals`` as a journal keeps them: seen from the folder of the reads, so that all may be moved together."""
        folder = Path(os.path.realpath(self.output)).parent
        return {name: os.path.relpath(os.path.realpath(path), folder) for name, path in self.finals().items()}


def ending(path: Path) -> str:
    """``.bam``, ``.fastq.gz``; empty where the name has none."""
    return "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix


class Pieces:
    """A run's growing files.

    Args:
        folder: where they lie.
        targets: what they are to become.
        earlier: what is stored of each, by name; one without is begun.
        header: of the reads, where they have none yet.
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
        self._grown: list[GrowingFile] = []

        def grow(name: str) -> GrowingFile:
            file = GrowingFile(folder / name, str(targets.output), earlier.get(name, Stored()))
            self._files.callback(file.close)
            self._grown.append(file)
            return file

        def grow_reads(name: str, path: Path, threads: int) -> GrowingReads:
            return GrowingReads(grow(f"{name}{ending(path)}"), path, header, threads)

        with self._files:
            self._reads = grow_reads("reads", targets.output, threads)
            self._failed = None if targets.failed is None else grow_reads("failed", targets.failed, 1)
            self._rows = grow(ROWS)
            if not self._rows.stored.size:
                self._rows.append(table_row(COLUMNS).encode())
            self._files = self._files.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    @contextmanager
    def piece(self) -> Iterator[tuple[ReadWriter, ReadWriter | None]]:
        """Writers of reads and of failed ones (where they are wanted); a block that fails leaves nothing of them.

        Raises:
            OutputError: they cannot be written.
        """
        with ExitStack() as writers:
            reads = writers.enter_context(self._reads.piece())
            yield reads, writers.enter_context(self._failed.piece()) if self._failed else None

    def store(self, rows: str = "") -> dict[str, Stored]:
        """Wait until all that was written is stored.

        Args:
            rows: lines that the table of molecules is to have besides.

        Returns:
            What is stored of each file, by name.

        Raises:
            OutputError: it cannot be stored.
        """
        self._rows.append(rows.encode())
        for file in self._grown:
            file.sync()
        return {file.path.name: file.stored for file in self._grown}

    def finish(self, report: Mapping[str, Any]) -> dict[str, Stored]:
        """End the files, and write the two that stand beside the reads.

        Args:
            report: of the whole run.

        Returns:
            What is stored of each file, by name.

        Raises:
            OutputError: they cannot be written.
        """
        self._reads.finish()
        if self._failed:
            self._failed.finish()
        table, summary = (self._rows.path.with_name(name) for name in (TABLE, SUMMARY))
        with writing(self._targets.output):
            with side_stream(table, table) as packed, self._rows.path.open(encoding="utf-8") as rows:
                shutil.copyfileobj(rows, packed)
            with side_stream(summary, summary) as stream:
                write_json(dict(report), stream)
            for path in (table, summary):
                flush_to_disk(path)
        return self.store() | {path.name: stored(path) for path in (table, summary)}
