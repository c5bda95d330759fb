"""Subreads to a file of drafts."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pysam

from deepconsensus_py.align.draft import draft_zmw
from deepconsensus_py.align.parallel import ordered_map
from deepconsensus_py.align.passes import require_raw
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.header_text import header_lines, make_header
from deepconsensus_py.pacbio.headers import Program, extended_header
from deepconsensus_py.pacbio.inputs import expand_paths
from deepconsensus_py.pacbio.molecule import Draft, Pass
from deepconsensus_py.pacbio.names import MoleculeId, read_group_id
from deepconsensus_py.pacbio.record_file import RecordFile
from deepconsensus_py.pacbio.writers import open_reads
from deepconsensus_py.pacbio.zmws import read_subreads

log = logging.getLogger(__name__)

_OF_SUBREADS = ("READTYPE=", "Ipd:", "PulseWidth:")
"""Items of a read group's description that do not hold of drafts."""


@dataclass(slots=True)
class DraftCounts:
    """What became of molecules.

    Attributes:
        molecules: read.
        drafts: written.
        outcomes: molecules without a draft, by outcome (``too_few_passes``, ``error``).
    """

    molecules: int = 0
    drafts: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)


def draft_files(subreads: Sequence[Path], output: Path, program: Program, *, cores: int = 1) -> DraftCounts:
    """Make a draft of every molecule that has enough passes.

    Args:
        subreads: raw subreads, BAM files or files of file names.
        output: BAM, SAM or FASTQ(.gz) file; ``-`` is standard output.
        program: for the header.
        cores: processor cores.

    Raises:
        InputError: a file cannot be used, or the subreads are aligned.
        OutputError: the output cannot be written.
    """
    counts = DraftCounts()
    drafts = ordered_map(_draft, read_subreads(subreads), cores, processes=True, lost=_lost)
    with open_reads(output, draft_header(subreads, program), threads=cores) as writer:
        for draft in drafts:
            counts.molecules += 1
            if isinstance(draft, MoleculeError):
                counts.outcomes[draft.outcome] += 1
                # Molecules with too few passes are no fault, and there may be millions.
                if draft.outcome == "error":
                    log.warning("%s", draft)
                continue
            counts.drafts += 1
            writer.write_read(draft.name, draft.bases, draft.qualities, draft.tags)
    return counts


def draft_header(subreads: Sequence[Path], program: Program) -> pysam.AlignmentHeader:
    """The header of drafts: the subreads' read groups as those of CCS reads, our ``@PG``.

    Raises:
        InputError: a file cannot be read.
    """
    lines: list[str] = []
    for path in expand_paths(subreads):
        with RecordFile(path) as file:
            lines += _ccs_lines(file.header)
    return extended_header(make_header("".join(f"{line}\n" for line in lines)), program)


def _ccs_lines(header: pysam.AlignmentHeader) -> Iterator[str]:
    for line in header_lines(header):
        if line.startswith("@RG"):
            yield _ccs_read_group(line)
        elif not line.startswith("@SQ"):
            yield line


def _ccs_read_group(line: str) -> str:
    fields = dict(field.split(":", 1) for field in line.split("\t")[1:])
    kept = [item for item in fields.get("DS", "").split(";") if item and not item.startswith(_OF_SUBREADS)]
    fields["ID"] = read_group_id(MoleculeId(fields.get("PU", ""), 0))
    fields["DS"] = ";".join(["READTYPE=CCS", *kept])
    return "\t".join(["@RG", *(f"{tag}:{value}" for tag, value in fields.items())])


_Read = tuple[MoleculeId, tuple[Pass, ...] | MoleculeError]


def _draft(molecule: _Read) -> Draft | MoleculeError:
    name, passes = molecule
    if isinstance(passes, MoleculeError):
        return passes
    require_raw(str(name), passes)
    try:
        return draft_zmw(name, passes).draft
    except MoleculeError as error:
        return error


def _lost(molecule: _Read, how: str) -> MoleculeError:
    return MoleculeError(f"{molecule[0]}: {how}")
