"""Read types: files with another type of reads than needed are refused, naming the type that they have.

The type comes from the read groups (``READTYPE`` in ``DS``: PacBio BAM format, section "BAM header"), or, without them
as in FASTQ, from the form of the read names.
"""

import re
from contextlib import suppress
from pathlib import Path

import pysam

from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.pacbio.bam_record import Record
from deepconsensus_py.pacbio.header_text import header_lines
from deepconsensus_py.pacbio.names import parse_ccs, parse_subread

SUBREAD, CCS = "SUBREAD", "CCS"

_SORTS = {
    SUBREAD: "subreads",
    CCS: "HiFi (CCS) reads",
    "SCRAP": "scraps",
    "POLYMERASE": "polymerase reads",
    "HQREGION": "HQ-region reads",
    "ZMW": "ZMW reads",
    "SEGMENT": "segmented reads",
    "TRANSCRIPT": "transcripts",
}
"""Names of read types, by ``READTYPE``. Reads of unknown types are accepted."""

_NEEDED = {SUBREAD: "subreads", CCS: "CCS reads"}

_REMEDIES = {
    ("SEGMENT", CCS): "polish the HiFi reads before skera",
    ("TRANSCRIPT", CCS): "polish the HiFi reads before isoseq",
    ("SCRAP", SUBREAD): "give MOVIE.subreads.bam",
}

_MADE_FROM = frozenset({CCS, "SEGMENT", "TRANSCRIPT"})
"""Types of reads that are made from subreads."""

_TYPE = re.compile(r"\bREADTYPE=(\w+)")
_FORMS = {
    "SEGMENT": re.compile(r"[^/\s]+/\d+/ccs(?:/fwd|/rev)?/\d+_\d+", re.ASCII),
    "TRANSCRIPT": re.compile(r"(?:[^/\s]+/)?transcript/\d+(?:/.*)?", re.ASCII),
}
"""Name patterns of read types that have names of their own."""

_ARCHIVE = re.compile(r"[DES]RR\d+(?:[./]\d+)*", re.ASCII)


class ReadTypes:
    """The read types of a file's read groups.

    Attributes:
        all_others: whether all read groups are of other types.
    """

    def __init__(self, header: pysam.AlignmentHeader, path: Path, needed: str) -> None:
        """Parse a header.

        Args:
            header: of the file.
            path: the file, for messages.
            needed: ``SUBREAD`` or ``CCS``.
        """
        self._path, self._needed = path, needed
        types = dict(map(_read_group, (line for line in header_lines(header) if line.startswith("@RG"))))
        self._others = {group: kind for group, kind in types.items() if kind != needed and kind in _SORTS}
        self.all_others = bool(types) and len(self._others) == len(types)

    def require(self, record: Record) -> None:
        """Refuse a read of another type.

        Raises:
            InputError: its read group has another type.
        """
        if not self._others:
            return
        if self.all_others:
            kind = next(iter(self._others.values()))
            raise InputError(refusal(self._path, kind, record.name, self._needed))
        group = ""
        with suppress(MoleculeError):
            group = str(next((value for tag, value, _ in record.read_tags() if tag == "RG"), ""))
        if kind := self._others.get(group, ""):
            name = f"{record.name} of read group {group}, among others"
            raise InputError(refusal(self._path, kind, name, self._needed))


def _read_group(line: str) -> tuple[str, str]:
    fields = dict(field.split(":", 1) for field in line.split("\t")[1:])
    found = _TYPE.search(fields.get("DS", ""))
    return fields.get("ID", ""), found[1] if found else ""


def refusal(path: Path, kind: str, name: str, needed: str) -> str:
    """The message about a file with reads of another type.

    Args:
        path: the file.
        kind: their ``READTYPE``.
        name: of one of them.
        needed: ``SUBREAD`` or ``CCS``.
    """
    made = needed == SUBREAD and kind in _MADE_FROM
    remedy = f"give the {_NEEDED[needed]}{' that they were made from' if made else ''}"
    remedy = _REMEDIES.get((kind, needed), remedy)
    return f"{path}: contains {_SORTS[kind]} ({name}), but {_NEEDED[needed]} are needed; {remedy}"


def require_form(path: Path, name: str, needed: str) -> None:
    """Refuse a file if a read name has the form of another read type.

    Args:
        path: the file.
        name: of its first read.
        needed: ``SUBREAD`` or ``CCS``.

    Raises:
        InputError: it is the name of another read type; names of unknown forms are left to the caller.
    """
    kind = SUBREAD if parse_subread(name) else CCS if parse_ccs(name) else ""
    kind = kind or next((kind for kind, form in _FORMS.items() if form.fullmatch(name)), "")
    if kind and kind != needed:
        raise InputError(refusal(path, kind, name, needed))
    form = {SUBREAD: "movie/zmw/qStart_qEnd", CCS: "movie/zmw/ccs"}[needed]
    if _ARCHIVE.fullmatch(name):
        raise InputError(
            f"{path}: its reads were renamed by an archive ({name}), which loses their ZMWs; give the file as it was "
            f"submitted, with names {form}"
        )
    if not kind and parse_ccs(name.lower()) and needed == CCS:
        raise InputError(f"{path}: read names of CCS reads must be {form}, in lower case, not {name}; rename them")
