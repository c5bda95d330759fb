"""The files of a run while it lasts: reads, failed reads and rows of molecules, each grown by pieces."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pysam

from deepconsensus_py.files import flush_to_disk, writing
from deepconsensus_py.pacbio.writers import ReadWriter
from deepconsensus_py.polishing.partial_files import GrowingFile, GrowingReads, Stored, stored
from deepconsensus_py.polishing.report import COLUMNS, MOLECULES, REPORT, side_file, side_stream, table_row, write_json

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
