"""Headers of output files: read groups follow from those of the input, and our ``@PG`` line ends its chain.

Source: SAM specification, section 1.3; PacBio BAM format, section "BAM header".
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pysam

from deepconsensus_py.pacbio.drafts import placed_entries
from deepconsensus_py.pacbio.header_text import header_lines, make_header
from deepconsensus_py.pacbio.inputs import RECORD_KINDS, Paths, expand_paths, kind_of
from deepconsensus_py.pacbio.names import parse_ccs
from deepconsensus_py.pacbio.read_groups import (
    ccs_read_group,
    read_group_of_name,
    read_group_of_subreads,
    strand_read_groups,
)
from deepconsensus_py.pacbio.record_file import header_of

_HIFI = "@HD\tVN:1.6\tSO:unknown\tpb:5.0.0"
"""First line of the header of HiFi reads, as in ``ccs`` 6.4 and later."""


@dataclass(frozen=True, slots=True)
class Program:
    """The content of the ``@PG`` line.

    Attributes:
        version: of the program.
        command_line: as it was given.
        description: e.g. the model; may be empty.
        name: of the program.
    """

    version: str
    command_line: str
    description: str = ""
    name: str = "deepconsensus-py"


def polished_header(
    drafts: Paths, program: Program, subreads: Paths = (), *, kinetics: bool = False
) -> pysam.AlignmentHeader:
    """The header of reads polished from CCS reads: see ``drafts_header``, with our ``@PG``.

    Raises:
        InputError: a file cannot be read.
    """
    return extended_header(drafts_header(drafts, subreads, kinetics=kinetics), program)


def drafts_header(drafts: Paths, subreads: Paths = (), *, kinetics: bool = False) -> pysam.AlignmentHeader:
    """The joint header of CCS files as that of HiFi reads, without references.

    Args:
        drafts: CCS files; FASTQ and FASTA files are read for their read groups, which follow from the read names.
        subreads: files whose read groups tell more of those, e.g. kits and sample.
        kinetics: whether the reads have kinetics.

    Raises:
        InputError: a file cannot be read.
    """
    lines = [_HIFI]
    for path in expand_paths(drafts):
        if kind_of(path) in RECORD_KINDS:
            lines += (_replaced(line, ccs_read_group, kinetics) for line in _without_order(path))
        else:
            lines += _groups_of_names(path, subreads, kinetics=kinetics)
    return make_header(_text(_first_of_each(lines)))


def header_without_drafts(subreads: Paths, program: Program, *, kinetics: bool = False) -> pysam.AlignmentHeader:
    """The header of HiFi reads that are made from subreads alone: their read groups as CCS, their ``@PG`` and ours.

    Args:
        subreads: subreads files.
        program: what made the reads.
        kinetics: whether the reads have kinetics.

    Raises:
        InputError: a file cannot be read.
    """
    lines = [_HIFI]
    for path in expand_paths(subreads, pipes=True):
        lines += (_replaced(line, read_group_of_subreads, kinetics) for line in _without_order(path))
    return extended_header(make_header(_text(_first_of_each(lines))), program)


def read_groups_header(
    read_groups: Iterable[tuple[str, str]], program: Program, *, kinetics: bool = False
) -> pysam.AlignmentHeader:
    """A header made from reads alone: a read group for each movie, our ``@PG``.

    Args:
        read_groups: name and read group (tag ``RG``) of each read; reads without a PacBio name are ignored.
        program: what made the reads.
        kinetics: whether the reads have kinetics.
    """
    molecules = ((parse_ccs(name), group) for name, group in read_groups)
    groups = (read_group_of_name(one, name=group, kinetics=kinetics) for one, group in molecules if one)
    return extended_header(make_header(_text(_first_of_each([_HIFI, *dict.fromkeys(groups)]))), program)


def names_kinetics(header: pysam.AlignmentHeader) -> bool:
    """Whether a read group of a header says that its reads have kinetics."""
    return any(map(_names_kinetics, header_lines(header)))


def with_kinetics(header: pysam.AlignmentHeader, *, kinetics: bool) -> pysam.AlignmentHeader:
    """A header of HiFi reads whose read groups say that the reads have kinetics, or do not say so."""
    return make_header(_text([_replaced(line, ccs_read_group, kinetics) for line in header_lines(header)]))


def with_strands(header: pysam.AlignmentHeader) -> pysam.AlignmentHeader:
    """A header of HiFi reads with two more read groups beside each: for the reads of either strand."""
    lines = [own for line in header_lines(header) for own in (line, *_groups_of_strands(line))]
    return make_header(_text(_first_of_each(lines)))


def _groups_of_strands(line: str) -> list[str]:
    return strand_read_groups(line, kinetics=_names_kinetics(line)) if line.startswith("@RG") else []


def _names_kinetics(line: str) -> bool:
    return line.startswith("@RG") and "Ipd:" in line


def _without_order(path: Path) -> list[str]:
    """The lines of a file's header that do not tell of versions, order or references."""
    return [line for line in header_lines(header_of(path)) if not line.startswith(("@HD", "@SQ"))]


def _replaced(line: str, read_group: Callable[..., str], kinetics: bool) -> str:
    return read_group(line, kinetics=kinetics) if line.startswith("@RG") else line


def _groups_of_names(path: Path, subreads: Paths, *, kinetics: bool) -> list[str]:
    """The read groups of the reads of a FASTQ or FASTA file, from their names."""
    headers = map(header_of, expand_paths(subreads, pipes=True))
    known = [line for header in headers for line in header_lines(header) if line.startswith("@RG")]
    molecules = (parse_ccs(entry.name) for _, entry in placed_entries([path]))
    groups = {(m.movie, m.strand): m for m in molecules if m}
    return [read_group_of_name(m, subreads=known, kinetics=kinetics) for m in groups.values()]


def joined_header(headers: Iterable[pysam.AlignmentHeader]) -> pysam.AlignmentHeader:
    """One header for the reads of several files: each line once; of read groups and programs, the first of each id.

    Of read groups, one that says that its reads have kinetics comes first.
    """
    lines = [line for header in headers for line in _lines(header)]
    named = {_identity(line): line for line in reversed(lines) if _names_kinetics(line)}
    return make_header(_text([named.get(_identity(line), line) for line in _first_of_each(lines)]))


def extended_header(header: pysam.AlignmentHeader, program: Program) -> pysam.AlignmentHeader:
    """A header with our ``@PG`` at the end of its chain."""
    lines = _lines(header)
    return make_header(_text([*lines, _program_line(program, lines)]))


def aligned_header(subreads: Sequence[Path], references: Mapping[str, int], program: Program) -> pysam.AlignmentHeader:
    """The header of subreads aligned to drafts: one ``@SQ`` for each draft, the subreads' read groups, our ``@PG``.

    Args:
        subreads: the subreads files, or files of file names.
        references: names and lengths of the drafts.
        program: what made the alignments.

    Raises:
        InputError: a file cannot be read.
    """
    lines: list[str] = []
    for path in expand_paths(subreads, pipes=True):
        lines += [line for line in _lines(header_of(path)) if not line.startswith("@SQ")]
    lines = _first_of_each([_codec_v1(line) for line in lines])
    sequences = [f"@SQ\tSN:{name}\tLN:{length}" for name, length in references.items()]
    top = [line for line in lines if line.startswith("@HD")]
    rest = [line for line in lines if not line.startswith("@HD")]
    return make_header(_text([*top, *sequences, *rest, _program_line(program, rest)]))


def _lines(header: pysam.AlignmentHeader) -> list[str]:
    """A header's lines, each once (some merged files repeat them), marked as unsorted."""
    lines = _first_of_each(header_lines(header))
    if not lines or not lines[0].startswith("@HD"):
        lines.insert(0, _HIFI)
    lines[0] = re.sub(r"\tSO:\w+", "\tSO:unknown", lines[0])
    return lines


def _first_of_each(lines: Iterable[str]) -> list[str]:
    """The first line of each kind and id, in order."""
    first: dict[str, str] = {}
    for line in lines:
        first.setdefault(_identity(line), line)
    return list(first.values())


def _identity(line: str) -> str:
    sort = line[:3]
    if sort == "@HD":
        return sort
    return f"{sort}{_field(line, 'ID')}" if sort in {"@RG", "@PG"} else line


def _field(line: str, tag: str) -> str:
    return next((part[3:] for part in line.split("\t")[1:] if part.startswith(f"{tag}:")), "")


def _codec_v1(line: str) -> str:
    """A read group line of subreads as we write them: raw frames are converted to codes on reading."""
    return line.replace("Ipd:Frames=ip", "Ipd:CodecV1=ip").replace("PulseWidth:Frames=pw", "PulseWidth:CodecV1=pw")


def _program_line(program: Program, lines: list[str]) -> str:
    earlier = [line for line in lines if line.startswith("@PG")]
    ids = {_field(line, "ID") for line in earlier}
    followed = {_field(line, "PP") for line in earlier}
    # The last program that no other one follows: there may be several chains.
    previous = next((_field(line, "ID") for line in reversed(earlier) if _field(line, "ID") not in followed), "")
    # CL comes last: pysam takes everything after it as part of it.
    fields = {
        "ID": _free_id(program.name, ids),
        "PN": program.name,
        "PP": previous,
        "VN": program.version,
        "DS": program.description,
        "CL": program.command_line,
    }
    return "\t".join(["@PG", *(f"{tag}:{' '.join(value.split())}" for tag, value in fields.items() if value)])


def _free_id(name: str, taken: set[str]) -> str:
    number = 0
    while (candidate := f"{name}.{number}" if number else name) in taken:
        number += 1
    return candidate


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
