"""Subreads and drafts to a file of aligned subreads, as actc makes it."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from deepconsensus_py.align.parallel import ordered_map
from deepconsensus_py.align.passes import align_zmw, require_raw, unaligned
from deepconsensus_py.pacbio.draft_parts import DraftPart
from deepconsensus_py.pacbio.drafts import draft_entries
from deepconsensus_py.pacbio.headers import Program, aligned_header
from deepconsensus_py.pacbio.inputs import Paths
from deepconsensus_py.pacbio.molecule import Zmw
from deepconsensus_py.pacbio.records import pass_record
from deepconsensus_py.pacbio.writers import RecordWriter, open_records
from deepconsensus_py.pacbio.zmws import Fault, match

log = logging.getLogger(__name__)


@dataclass(slots=True)
class AlignCounts:
    """What became of molecules and passes.

    Attributes:
        molecules: drafts read.
        faulty: molecules whose records cannot be read.
        empty: other molecules without an aligned pass: none in the subreads, or none that aligns.
        passes: passes read.
        aligned: passes of them written.
    """

    molecules: int = 0
    faulty: int = 0
    empty: int = 0
    passes: int = 0
    aligned: int = 0


def align_files(
    subreads: Sequence[Path],
    drafts: Paths,
    output: Path,
    program: Program,
    *,
    threads: int = 1,
    chunk: tuple[int, int] | None = None,
) -> AlignCounts:
    """Align the passes of all molecules to their drafts.

    The output has one reference for each draft, of the chunk where one is chosen, and the passes of a molecule
    together: molecules in the order of the drafts, passes in the order of the subreads.

    Args:
        subreads: raw subreads, BAM files or files of file names.
        drafts: CCS reads: BAM, FASTQ or FASTA, or files of file names.
        output: BAM or SAM file; ``-`` is standard output.
        program: for the header.
        threads: processor cores.
        chunk: (i, n) aligns only the i-th of n parts of the drafts.

    Raises:
        InputError: a file cannot be used, or the subreads are aligned already.
        OutputError: the output cannot be written.
    """
    part = DraftPart(drafts, chunk=chunk)
    molecules = ordered_map(_aligned, match(subreads, part), threads)
    counts = AlignCounts()
    with open_records(output, aligned_header(subreads, _references(part), program), threads=threads) as writer:
        for before, after in molecules:
            _count(before, after, counts)
            for sentence in _remarks(before, after):
                log.warning("%s", sentence)
            if after:
                _write(after, writer)
    return counts


def _references(part: DraftPart) -> dict[str, int]:
    """Names and lengths of the chosen drafts; of one draft where none is, so that the file is one of alignments."""
    chosen = {draft.entry.name: draft.entry.length for draft in part}
    return chosen or {entry.name: entry.length for entry in islice(draft_entries(part.paths), 1)}


def _aligned(molecule: Zmw | Fault) -> tuple[Zmw | Fault, Zmw | None]:
    if isinstance(molecule, Fault):
        return molecule, None
    require_raw(molecule.name, molecule.passes)
    return molecule, align_zmw(molecule)


def _count(before: Zmw | Fault, after: Zmw | None, counts: AlignCounts) -> None:
    counts.molecules += 1
    if isinstance(before, Fault) or after is None:
        counts.faulty += 1
        return
    counts.passes += len(before.passes)
    counts.aligned += len(after.passes)
    counts.empty += not after.passes


def _remarks(before: Zmw | Fault, after: Zmw | None) -> Iterator[str]:
    """Why a molecule has fewer aligned passes than passes."""
    if isinstance(before, Fault):
        yield before.reason
    elif not before.passes:
        yield f"{before.name}: the subreads file has no pass of it"
    elif after and (names := unaligned(before, after)):
        yield f"{before.name}: {len(names)} of {len(before.passes)} passes do not align: {', '.join(names)}"


def _write(zmw: Zmw, writer: RecordWriter) -> None:
    reference = writer.header.get_tid(zmw.name)
    for p in zmw.passes:
        writer.write(pass_record(p, writer.header, reference))
