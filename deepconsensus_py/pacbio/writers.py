"""Writing reads as BAM, SAM, FASTQ or compressed FASTQ, by the file name's extension."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from gzip import GzipFile
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import pysam
from numpy.typing import NDArray

from deepconsensus_py.errors import OutputError
from deepconsensus_py.files import STDOUT, atomic_path, shown, writing
from deepconsensus_py.pacbio.header_text import prepare_htslib
from deepconsensus_py.pacbio.molecule import decode_bases
from deepconsensus_py.pacbio.records import unaligned_record

_MODE_OF_SUFFIX = {".bam": "wb", ".sam": "w"}
_FASTQ_SUFFIXES = (".fastq", ".fq", ".fastq.gz", ".fq.gz")
_PHRED_OFFSET = 33
_HIGHEST_PHRED = 93
_DISK_BLOCK = 1 << 20
_COMPRESSION = 6


class ReadWriter(Protocol):
    """A writer of polished reads."""

    def write_read(
        self,
        name: str,
        bases: NDArray[np.uint8],
        qualities: NDArray[np.uint8] | None,
        tags: Iterable[tuple[str, Any, str]] = (),
    ) -> None:
        """Write one read.

        Args:
            name: read name.
            bases: ``uint8[n]`` base codes without gaps.
            qualities: ``uint8[n]`` Phred; None writes none (FASTQ: 0).
            tags: BAM tags as (tag, value, type code); ignored in FASTQ.

        Raises:
            OutputError: the file cannot be written.
        """
        ...


class RecordWriter:
    """A BAM or SAM file being written.

    Attributes:
        header: its header, for records made elsewhere.
    """

    def __init__(self, target: Path, name: str, header: pysam.AlignmentHeader, mode: str, threads: int) -> None:
        """Begin a file.

        Args:
            target: the file, ``-`` for standard output.
            name: its name in error messages.
            header: written at once.
            mode: ``wb`` BAM, ``w`` SAM.
            threads: for compression.
        """
        self._name = name
        self.header = header
        prepare_htslib()
        with writing(name):
            self._file = pysam.AlignmentFile(str(target), mode, header=header, threads=threads)

    def write(self, record: pysam.AlignedSegment) -> None:
        """Write one record.

        Raises:
            OutputError: the file cannot be written.
        """
        with writing(self._name):
            self._file.write(record)

    def write_read(
        self,
        name: str,
        bases: NDArray[np.uint8],
        qualities: NDArray[np.uint8] | None,
        tags: Iterable[tuple[str, Any, str]] = (),
    ) -> None:
        """Write one unaligned read; see ``ReadWriter``."""
        self.write(unaligned_record(name, bases, qualities, tags, self.header))

    def close(self) -> None:
        """End the file.

        Raises:
            OutputError: the last of it cannot be written.
        """
        with writing(self._name):
            self._file.close()


class FastqWriter:
    """A FASTQ file being written, compressed where its name ends in ``.gz``."""

    def __init__(self, target: Path, name: str, *, compressed: bool) -> None:
        """Begin a file.

        Args:
            target: the file.
            name: its name in error messages.
            compressed: whether to compress it.
        """
        self._name = name
        with writing(name):
            # No modification time in the file, so that equal runs write equal bytes.
            self._file = GzipFile(target, "wb", _COMPRESSION, mtime=0) if compressed else target.open("wb", _DISK_BLOCK)

    def write_read(
        self,
        name: str,
        bases: NDArray[np.uint8],
        qualities: NDArray[np.uint8] | None,
        tags: Iterable[tuple[str, Any, str]] = (),  # noqa: ARG002 - FASTQ has no place for them
    ) -> None:
        """Write one read; see ``ReadWriter``."""
        with writing(self._name):
            self._file.write(fastq_record(name, bases, qualities).encode("utf-8", "surrogateescape"))

    def close(self) -> None:
        """End the file.

        Raises:
            OutputError: the last of it cannot be written.
        """
        with writing(self._name):
            self._file.close()


def fastq_record(name: str, bases: NDArray[np.uint8], qualities: NDArray[np.uint8] | None) -> str:
    """The four lines of a read; arguments as for ``ReadWriter.write_read``."""
    phred = np.zeros(len(bases), np.uint8) if qualities is None else np.minimum(qualities, _HIGHEST_PHRED)
    quality = (phred.astype(np.uint8) + _PHRED_OFFSET).tobytes().decode("ascii")
    return f"@{name}\n{decode_bases(bases)}\n+\n{quality}\n"


_Writer = TypeVar("_Writer", RecordWriter, FastqWriter)


def is_fastq(path: Path) -> bool:
    """Whether a file is written as FASTQ, by its name."""
    return path.name.endswith(_FASTQ_SUFFIXES)


@contextmanager
def open_reads(path: Path, header: pysam.AlignmentHeader, *, threads: int = 1) -> Iterator[ReadWriter]:
    """Open a file of reads, which gets its name if the block succeeds, and is removed if it fails.

    Args:
        path: ``.bam``, ``.sam``, ``.fastq`` or ``.fq``, the last two also ``.gz``; ``-`` is standard output, as BAM,
            which loses nothing (``| samtools fastq``). Existing non-regular files, such as ``/dev/null``, get BAM too.
        header: of the BAM or SAM file.
        threads: for compression of BAM.

    Raises:
        OutputError: the extension is unknown, or the file cannot be written.
    """
    with atomic_path(path) as target, reads_at(target, path, header, threads=threads) as writer:
        yield writer


@contextmanager
def reads_at(target: Path, path: Path, header: pysam.AlignmentHeader, *, threads: int = 1) -> Iterator[ReadWriter]:
    """``open_reads`` without the final renaming, for files that must all be complete before any gets its name.

    Args:
        target: the temporary file, from ``files.atomic_path(path)``.
        path: the final name, which decides the format; see ``open_reads``.
        header: of the BAM or SAM file.
        threads: for compression of BAM.

    Raises:
        OutputError: as ``open_reads``.
    """
    if is_fastq(path):
        with _closed(FastqWriter(target, str(path), compressed=path.suffix == ".gz")) as fastq:
            yield fastq
    else:
        mode = _record_mode(path, (*_MODE_OF_SUFFIX, *_FASTQ_SUFFIXES))
        with _closed(RecordWriter(target, shown(path), header, mode, threads)) as records:
            yield records


@contextmanager
def open_records(path: Path, header: pysam.AlignmentHeader, *, threads: int = 1) -> Iterator[RecordWriter]:
    """Open a BAM or SAM file, which gets its name if the block succeeds, and is removed if it fails.

    Args:
        path: ``.bam`` or ``.sam``; ``-`` is standard output, in BAM.
        header: of the file.
        threads: for compression.

    Raises:
        OutputError: the extension is unknown, or the file cannot be written.
    """
    mode = _record_mode(path, tuple(_MODE_OF_SUFFIX))
    with atomic_path(path) as target, _closed(RecordWriter(target, shown(path), header, mode, threads)) as writer:
        yield writer


def _record_mode(path: Path, known: Sequence[str]) -> str:
    if path.suffix in _MODE_OF_SUFFIX:
        return _MODE_OF_SUFFIX[path.suffix]
    if str(path) == STDOUT and sys.stdout.isatty():
        raise OutputError("standard output is a terminal; BAM is binary: pipe it, or give a file name")
    if str(path) == STDOUT or (path.exists() and not path.is_file() and not path.is_dir()):
        return "wb"
    raise OutputError(f"{path}: unknown file name extension; use one of {', '.join(known)}")


@contextmanager
def _closed(writer: _Writer) -> Iterator[_Writer]:
    try:
        yield writer
    except BaseException:
        # The error of the block matters; on a full disk closing would raise another one.
        with suppress(OutputError):
            writer.close()
        raise
    writer.close()
