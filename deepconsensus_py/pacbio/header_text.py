"""The text of SAM headers: which lines are kept, and which headers are refused.

Bytes that are not UTF-8 are kept unchanged (as surrogate escapes in strings).

Source: SAM specification, section 1.3 (header lines) and 4.2 (the header of a BAM file).
"""

import logging
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pysam

from deepconsensus_py.errors import InputError

log = logging.getLogger(__name__)

_ESCAPES = "surrogateescape"
_LINE = re.compile(r"@CO\t.*|@[A-Za-z]{2}(?:\t[A-Za-z][A-Za-z0-9]:[^\t]*)+", re.DOTALL)
_NEEDED = {"@SQ": ("\tSN:", "\tLN:"), "@RG": ("\tID:", ""), "@PG": ("\tID:", "")}


def prepare_htslib() -> None:
    """Silence htslib, whose errors we report ourselves, and let it accept any byte in text."""
    pysam.set_verbosity(0)
    pysam.set_encoding_error_handler(_ESCAPES)


def decode_text(data: bytes, path: Path) -> str:
    """The header text of a BAM file.

    Args:
        data: as in the file; NUL bytes after the text are padding.
        path: the file, for messages.

    Raises:
        InputError: there is a NUL byte within the text.
    """
    text = data.rstrip(b"\0")
    if b"\0" in text:
        line = text.count(b"\n", 0, text.index(b"\0")) + 1
        raise InputError(
            f"{path}: line {line} of the header contains a NUL byte; replace the header (samtools reheader)"
        )
    return text.decode("utf-8", _ESCAPES)


def header_lines(header: pysam.AlignmentHeader) -> list[str]:
    """The lines of a header, split at line feeds only (not at other Unicode line ends)."""
    return [line for line in str(header).split("\n") if line]


def make_header(text: str) -> pysam.AlignmentHeader:
    """A header from its text; escaped bytes are kept.

    Raises:
        ValueError: an ``@SQ`` line has no name or no valid length.
    """
    prepare_htslib()
    try:
        return pysam.AlignmentHeader.from_text(text)
    except (KeyError, OverflowError) as error:
        raise ValueError(f"its @SQ lines are damaged: {error}") from error


def checked_header(text: str, names: Sequence[str], lengths: Sequence[int], path: Path) -> pysam.AlignmentHeader:
    """The header of a file; invalid lines are dropped with a warning, as other programs could not read our outputs.

    Args:
        text: of the header.
        names: of the references, as listed after the text.
        lengths: of the references, bases.
        path: the file, for messages.

    Raises:
        InputError: two references have the same name, or the ``@SQ`` lines do not fit the list.
    """
    lines = []
    for number, line in enumerate(text.split("\n"), 1):
        if _is_sound(line):
            lines.append(line)
        elif line:
            _warn(f"{path}: line {number} of the header is not a SAM header line and is ignored: {line[:80]!a}")
    if len(set(names)) < len(names):
        twice = Counter(names).most_common(1)[0][0]
        raise InputError(f"{path}: the header has two references named {twice!a}; make the file again")
    sequences = [line for line in lines if line.startswith("@SQ")]
    listed = [(f"\tSN:{name}\t", f"\tLN:{length}\t") for name, length in zip(names, lengths, strict=True)]
    if not sequences:
        lines += ["@SQ" + name + length[1:-1] for name, length in listed]
    elif len(sequences) != len(listed) or not all(map(_names, sequences, listed)):
        raise InputError(
            f"{path}: the @SQ lines of the header do not match its {len(listed)} references; replace the header "
            "(samtools reheader)"
        )
    kept = "".join(f"{line}\n" for line in lines)
    prepare_htslib()
    return pysam.AlignmentHeader.from_references(names, lengths, text=kept, add_sq_text=False)


def _is_sound(line: str) -> bool:
    if _LINE.fullmatch(line) is None:
        return False
    needed = _NEEDED.get(line[:3])
    return needed is None or (needed[0] in line and needed[1] in line)


def _names(line: str, fields: tuple[str, str]) -> bool:
    line = f"{line}\t"
    return fields[0] in line and fields[1] in line


@cache
def _warn(sentence: str) -> None:
    """Log a warning once, however often the file is opened."""
    log.warning("%s", sentence)
