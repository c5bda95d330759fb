"""Reading BAM, SAM and CRAM files record by record.

BAM records are parsed by ``bam_record``. SAM and CRAM are parsed by htslib, which checks them; we copy its fields.

Source: SAM specification, section 4.1 (BGZF) and 4.2 (BAM).
"""

import gzip
import io
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
import pysam

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.bam_record import SMALLEST, Origin, Record, parse_name, parse_record
from deepconsensus_py.pacbio.bam_tags import Tags, encode_tags
from deepconsensus_py.pacbio.header_text import checked_header, decode_text, prepare_htslib
from deepconsensus_py.pacbio.inputs import RECORD_KINDS, Kind, kind_of, reading
from deepconsensus_py.pacbio.pipes import Pipe, called, named, pipe_at

BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
"""The empty block at the end of a BAM file (SAM specification, section 4.1.2)."""

_GZIP = b"\x1f\x8b"
_NO_END = "its end is missing"
_BGZF_FIELD = slice(12, 14)
_INT = struct.Struct("<i")
_BLOCK = 1 << 20
"""Bytes read at a time, so that a damaged size does not allocate more memory than the file has bytes."""

_LARGEST_RECORD = 1 << 28
"""Bytes; a subread of a million bases with kinetics has 5 million."""

_HEADER_ALWAYS, _HEADER_RATIO, _LARGEST_HEADER = 64 << 20, 64, 1 << 30
"""Bytes of a header that are accepted from any file, per byte of the file, and at most.

References for four million drafts take 200 MB, which BGZF compresses ten to twenty times. A header that compresses a
thousand times is not genuine, and would fill the memory.
"""

_SMALLEST_REFERENCE = 9
"""Bytes of a reference with an empty name."""

_NIBBLE_OF_LETTER = bytes(max("=ACMGRSVTWYHKDBN".find(chr(byte).upper()), 0) or 15 for byte in range(256))


class _Reader(Protocol):
    """A file that yields records."""

    header: pysam.AlignmentHeader

    def next(self) -> Record | None: ...
    def tell(self) -> int: ...
    def seek(self, offset: int) -> None: ...
    def close(self) -> None: ...


class RecordFile:
    """A BAM, SAM or CRAM file, read record by record.

    Attributes:
        path: the file.
        header: its header.
        seekable: whether ``tell`` and ``seek`` work (BAM files only).
    """

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            InputError: missing, of another kind, or truncated.
        """
        self.path = path
        pipe = pipe_at(path)
        begun = pipe and pipe.reader
        self._reader: _Reader = begun or _new_reader(path)
        self.seekable = pipe is None and isinstance(self._reader, _BamReader)
        self.header = self._reader.header
        if pipe:
            pipe.header, pipe.reader = self.header, None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._reader.close()

    def __iter__(self) -> Iterator[Record]:
        """The records from the current position on; a damaged one has a ``fault``.

        Raises:
            InputError: the file is truncated or damaged.
        """
        with reading(self.path):
            while (record := self._reader.next()) is not None:
                yield record

    def tell(self) -> int:
        """The BGZF virtual offset of the next record; 0 if the file is not seekable."""
        return self._reader.tell() if self.seekable else 0

    def seek(self, offset: int) -> None:
        """Go to the record at a virtual offset.

        Raises:
            InputError: the file is damaged.
        """
        with reading(self.path):
            self._reader.seek(offset)


def header_of(path: Path) -> pysam.AlignmentHeader:
    """The header of a file; of a pipe too, whose records are left to whoever opens it.

    Raises:
        InputError: as ``RecordFile``.
    """
    pipe = pipe_at(path)
    if pipe is None:
        with RecordFile(path) as file:
            return file.header
    if pipe.header is None:
        pipe.reader = _new_reader(path)
        pipe.header = pipe.reader.header
    header: pysam.AlignmentHeader = pipe.header
    return header


def _new_reader(path: Path) -> _Reader:
    kind = kind_of(path)
    if kind not in RECORD_KINDS:
        raise InputError(f"{called(path)}: is a {kind.value} file where a BAM file is needed")
    prepare_htslib()
    return _BamReader(path) if kind is Kind.BAM else _SamReader(path)


class _BamReader:
    """A BAM file as bytes."""

    def __init__(self, path: Path) -> None:
        self._path, self._pipe = path, pipe_at(path)
        with reading(path):
            self._file = _content(path, self._pipe)
        try:
            with reading(path):
                self.header, self._origin = self._read_header()
        except InputError:
            self.close()
            raise

    def _read_header(self) -> tuple[pysam.AlignmentHeader, Origin]:
        size = _LARGEST_HEADER if self._pipe else self._path.stat().st_size
        left = min(max(_HEADER_ALWAYS, _HEADER_RATIO * size), _LARGEST_HEADER)
        self._read(len(b"BAM\1"))
        (text_size,) = _INT.unpack(self._read(_INT.size))
        self._require_header(text_size, left)
        text = decode_text(self._read(text_size), self._path)
        (n_references,) = _INT.unpack(self._read(_INT.size))
        self._require_header(n_references * _SMALLEST_REFERENCE, left - text_size)
        names, lengths = self._read_references(n_references, left - text_size)
        return checked_header(text, names, lengths, self._path), Origin(self._path, names, lengths)

    def _require_header(self, size: int, most: int) -> None:
        if size < 0:
            raise ValueError("its header has a size below 0")
        if size > most:
            raise InputError(
                f"{self._path}: the header takes {size >> 20} MB or more, which is implausible for a file of this "
                "size; replace the header (samtools reheader)"
            )

    def _read_references(self, count: int, most: int) -> tuple[Sequence[str], Sequence[int]]:
        names: list[str] = []
        lengths: list[int] = []
        data = b""
        size = 1
        while len(names) < count:
            # The least that is still to come; more once the sizes of the names are known.
            wanted = _SMALLEST_REFERENCE * (count - len(names)) + size - 1
            data += self._read(wanted - len(data))
            at = 0
            while len(data) - at >= _INT.size and len(names) < count:
                (size,) = _INT.unpack_from(data, at)
                self._require_header(size - 1, most)
                end = at + _INT.size + size
                if end + _INT.size > len(data):
                    break
                names.append(data[at + _INT.size : end].rstrip(b"\0").decode("utf-8", "surrogateescape"))
                lengths.append(_INT.unpack_from(data, end)[0])
                at, size = end + _INT.size, 1
            most -= at
            data = data[at:]
        return names, lengths

    def _read(self, size: int) -> bytes:
        data: bytes = self._file.read(min(size, _BLOCK))
        if len(data) < size:
            blocks = [data]
            while blocks[-1] and (size := size - len(blocks[-1])):
                blocks.append(self._file.read(min(size, _BLOCK)))
            data = b"".join(blocks)
            if size:
                raise EOFError("it ends inside its header or a record")
        return data

    def next(self) -> Record | None:
        """The next record; None at the end."""
        start = self._file.read(_INT.size)
        if len(start) < _INT.size:
            if start:
                raise EOFError("it ends inside a record")
            if self._pipe and self._pipe.start.startswith(_GZIP) and self._pipe.tail != BGZF_END:
                raise EOFError(_NO_END)
            return None
        (size,) = _INT.unpack(start)
        if not SMALLEST <= size <= _LARGEST_RECORD:
            raise ValueError(f"a record of {size} bytes")
        return parse_record(self._read(size), self._origin)

    def tell(self) -> int:
        """The virtual offset of the next record."""
        return int(self._file.tell())

    def seek(self, offset: int) -> None:
        """Go to a virtual offset."""
        self._file.seek(offset)

    def close(self) -> None:
        """Close the file."""
        # Closing a damaged file raises again; the damage has been reported already.
        with suppress(OSError):
            self._file.close()


def _content(path: Path, pipe: Pipe | None) -> Any:
    """The unpacked content of a BAM file; of a pipe not by htslib, which holds Python's lock while it waits."""
    if pipe is None:
        _require_whole(path)
        return pysam.BGZFile(str(path), "rb", None)
    _require_bgzf(path, pipe.start)
    source = io.BufferedReader(pipe.take(), _BLOCK)
    return gzip.GzipFile(fileobj=source) if pipe.start.startswith(_GZIP) else source


def _require_whole(path: Path) -> None:
    """Refuse plain gzip, which has no random access, and BGZF without its end-of-file block (a truncated file)."""
    with path.open("rb") as file:
        start = file.read(_BGZF_FIELD.stop)
        if not start.startswith(_GZIP):
            return
        _require_bgzf(path, start)
        file.seek(max(path.stat().st_size - len(BGZF_END), 0))
        if file.read() != BGZF_END:
            raise EOFError(_NO_END)


def _require_bgzf(path: Path, start: bytes) -> None:
    if start.startswith(_GZIP) and start[_BGZF_FIELD] != b"BC":
        raise InputError(
            f"{called(path)}: is compressed by gzip, and BAM must be by bgzip; write it again (samtools view -b, or "
            "gunzip and bgzip)"
        )


class _SamReader:
    """A SAM or CRAM file through htslib."""

    def __init__(self, path: Path) -> None:
        with reading(path), named(path) as name:
            self._file = pysam.AlignmentFile(name, check_sq=False)
            header = self._file.header
            names, lengths = header.references, header.lengths
            self.header = checked_header(str(header), names, lengths, path)
            self._records = self._file.fetch(until_eof=True)
        self._origin = Origin(path, names, lengths)

    def next(self) -> Record | None:
        """The next record; None at the end."""
        segment = next(self._records, None)
        return None if segment is None else _record_of(segment, self._origin)

    def tell(self) -> int:
        """Not supported: always 0."""
        return 0

    def seek(self, offset: int) -> None:  # noqa: ARG002 - as other readers have it
        """Not supported.

        Raises:
            InputError: always.
        """
        raise InputError(
            f"{self._origin.path}: only BAM files can be read out of order; convert it to BAM (samtools view -b)"
        )

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):
            self._file.close()


def _record_of(segment: pysam.AlignedSegment, origin: Origin) -> Record:
    phred = segment.query_qualities
    letters = (segment.query_sequence or "").encode("ascii", "replace")
    nibbles = np.frombuffer(letters.translate(_NIBBLE_OF_LETTER) + b"\0" * (len(letters) % 2), np.uint8)
    cigar = np.array([length << 4 | operation for operation, length in segment.cigartuples or ()], "<u4")
    name, fault = parse_name((segment.query_name or "").encode("utf-8", "surrogateescape") + b"\0")
    return Record(
        origin,
        name,
        segment.flag,
        segment.reference_id,
        segment.reference_start,
        segment.mapping_quality,
        (segment.next_reference_id, segment.next_reference_start, segment.template_length),
        cigar.tobytes(),
        len(letters),
        (nibbles[::2] << 4 | nibbles[1::2]).tobytes(),
        b"" if phred is None else bytes(phred),
        encode_tags(_repaired(segment.get_tags(with_value_type=True))),
        fault,
    )


def _repaired(tags: Sequence[tuple[str, object, str]]) -> Tags:
    """Undo an error of pysam, which returns unsigned 32-bit tags as signed numbers."""
    return tuple(
        (tag, value & 0xFFFFFFFF if code == "I" and isinstance(value, int) else value, code)
        for tag, value, code in tags
    )
