"""Headers of output files: read groups are kept, and one ``@PG`` line is added at the end of the chain.

Source: SAM specification, section 1.3; PacBio BAM format, section "BAM header".
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pysam

from deepconsensus_py.pacbio.drafts import placed_entries
from deepconsensus_py.pacbio.header_text import header_lines, make_header
from deepconsensus_py.pacbio.inputs import RECORD_KINDS, Paths, expand_paths, kind_of
from deepconsensus_py.pacbio.names import MoleculeId, Strand, parse_ccs, read_group_id
from deepconsensus_py.pacbio.record_file import header_of

_STRAND_NAME = {Strand.FORWARD: "FORWARD", Strand.REVERSE: "REVERSE"}
_PLAIN_HEADER = "@HD\tVN:1.6\tSO:unknown\tpb:5.0.0"

_OF_KINETICS = ("Ipd:", "PulseWidth:")
"""Items of a read group's description that name its kinetics tags."""


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


def polished_header(drafts: Paths, program: Program) -> pysam.AlignmentHeader:
    """The header of polished reads: that of the drafts, unaligned and without kinetics, with our ``@PG``.

    Args:
        drafts: CCS files; FASTQ and FASTA files are read for their read groups.
        program: what made the reads.

    Raises:
        InputError: a file cannot be read.
    """
    return extended_header(drafts_header(drafts), program)


def drafts_header(drafts: Paths) -> pysam.AlignmentHeader:
    """The joint header of CCS files, without references and kinetics; for FASTQ and FASTA made from the read names.

    Raises:
        InputError: a file cannot be read.
    """
    lines = [line for path in expand_paths(drafts) for line in _draft_lines(path) if not line.startswith("@SQ")]
    lines = [_without_kinetics(line) if line.startswith("@RG") else line for line in lines]
    return make_header(_text(_first_of_each(lines)))


def read_groups_header(read_groups: Iterable[tuple[str, str]], program: Program) -> pysam.AlignmentHeader:
    """A header made from reads alone: a read group for each movie, our ``@PG``.

    Args:
        read_groups: name and read group (tag ``RG``) of each read; reads without a PacBio name are ignored.
        program: what made the reads.
    """
    molecules = ((parse_ccs(name), group) for name, group in read_groups)
    groups = dict.fromkeys(_read_group(molecule, group) for molecule, group in molecules if molecule)
    return extended_header(make_header(_text(_first_of_each([_PLAIN_HEADER, *groups]))), program)


def _draft_lines(path: Path) -> list[str]:
    if kind_of(path) in RECORD_KINDS:
        return _lines(header_of(path))
    molecules = (parse_ccs(entry.name) for _, entry in placed_entries([path]))
    return [_PLAIN_HEADER, *dict.fromkeys(_read_group(m) for m in molecules if m)]


def joined_header(headers: Iterable[pysam.AlignmentHeader]) -> pysam.AlignmentHeader:
    """One header for the reads of several files: each line once; of read groups and programs, the first of each id."""
    return make_header(_text(_first_of_each(line for header in headers for line in _lines(header))))


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
        lines.insert(0, _PLAIN_HEADER)
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


def _read_group(molecule: MoleculeId, name: str = "") -> str:
    strand = f";STRAND={_STRAND_NAME[molecule.strand]}" if molecule.strand else ""
    return f"@RG\tID:{name or read_group_id(molecule)}\tPL:PACBIO\tDS:READTYPE=CCS{strand}\tPU:{molecule.movie}"


def _without_kinetics(line: str) -> str:
    """A read group line without kinetics tags in its description: polished reads have none."""
    fields = line.split("\t")
    for i, field in enumerate(fields):
        if field.startswith("DS:"):
            items = field.removeprefix("DS:").split(";")
            fields[i] = "DS:" + ";".join(item for item in items if not item.startswith(_OF_KINETICS))
    return "\t".join(fields)


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
