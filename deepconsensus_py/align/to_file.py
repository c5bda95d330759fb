"""Files made from subreads: aligned subreads, as actc writes them, or draft consensus reads."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from deepconsensus_py.align.draft import draft_zmw
from deepconsensus_py.align.pass_tags import with_pass_tags
from deepconsensus_py.align.passes import align_zmw, require_raw, unaligned
from deepconsensus_py.align.zmw_filter import ZmwFilter
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.draft_parts import DraftPart
from deepconsensus_py.pacbio.drafts import draft_entries
from deepconsensus_py.pacbio.headers import Program, aligned_header, header_without_drafts
from deepconsensus_py.pacbio.inputs import Paths
from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw
from deepconsensus_py.pacbio.names import MoleculeId, ccs_name
from deepconsensus_py.pacbio.records import pass_record
from deepconsensus_py.pacbio.writers import RecordWriter, open_reads, open_records
from deepconsensus_py.pacbio.zmws import Fault, match, read_subreads
from deepconsensus_py.workers.ordered import ordered_map

log = logging.getLogger(__name__)


@dataclass(slots=True)
class AlignCounts:
    """Counts of ZMWs and passes.

    Attributes:
        molecules: drafts read.
        faulty: ZMWs whose records cannot be read.
        empty: other ZMWs without an aligned pass.
        passes: passes read.
        aligned: passes aligned and written.
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
    """Align the passes of all ZMWs to their drafts.

    The output has one reference for each draft (of the chunk) and is grouped by ZMW: ZMWs in the order of the drafts,
    passes in the order of the subreads.

    Args:
        subreads: raw subreads, BAM files or files of file names.
        drafts: CCS reads: BAM, FASTQ or FASTA, or files of file names.
        output: BAM or SAM file; ``-`` is standard output.
        program: for the header.
        threads: CPU cores.
        chunk: (i, n) aligns only the i-th of n chunks of the drafts.

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
    """Names and lengths of the chosen drafts; for an empty chunk of the first draft, to mark the file as aligned."""
    chosen = {draft.entry.name: draft.entry.length for draft in part}
    return chosen or {entry.name: entry.length for entry in islice(draft_entries(part.given), 1)}


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
    """Warnings about passes that are missing in the output."""
    if isinstance(before, Fault):
        yield before.reason
    elif not before.passes:
        yield f"{before.name}: no subreads found"
    elif after and (names := unaligned(before, after)):
        yield f"{before.name}: {len(names)} of {len(before.passes)} subreads do not align: {', '.join(names)}"


def _write(zmw: Zmw, writer: RecordWriter) -> None:
    reference = writer.header.get_tid(zmw.name)
    for p in zmw.passes:
        writer.write(pass_record(p, writer.header, reference))


@dataclass(slots=True)
class DraftCounts:
    """Counts of ZMWs.

    Attributes:
        molecules: read.
        drafts: written.
        outcomes: ZMWs without a draft, by outcome, such as ``too_few_passes`` or ``error``.
    """

    molecules: int = 0
    drafts: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)


def draft_files(
    subreads: Sequence[Path], output: Path, program: Program, zmw_filter: ZmwFilter, *, cores: int = 1
) -> DraftCounts:
    """Build a draft of every ZMW that passes the filters.

    Args:
        subreads: raw subreads, BAM files or files of file names.
        output: BAM, SAM or FASTQ(.gz) file; ``-`` is standard output.
        program: for the header.
        zmw_filter: which ZMWs get a draft, and from which of their passes.
        cores: CPU cores.

    Raises:
        InputError: a file cannot be used, or the subreads are aligned.
        OutputError: the output cannot be written.
    """
    counts = DraftCounts()
    work, refused = partial(_draft, zmw_filter=zmw_filter), partial(_refused, zmw_filter=zmw_filter)
    drafts = ordered_map(work, read_subreads(subreads), cores, processes=True, lost=_lost, early=refused)
    with open_reads(output, header_without_drafts(subreads, program), threads=cores) as writer:
        for draft in drafts:
            counts.molecules += 1
            if isinstance(draft, MoleculeError):
                counts.outcomes[draft.outcome] += 1
                # ZMWs with too few passes are not errors, and there may be millions.
                if draft.outcome == "error":
                    log.warning("%s", draft)
                continue
            counts.drafts += 1
            writer.write_read(draft.name, draft.bases, draft.qualities, draft.tags)
    return counts


_Read = tuple[MoleculeId, tuple[Pass, ...] | MoleculeError]


def _draft(molecule: _Read, zmw_filter: ZmwFilter) -> Draft | MoleculeError:
    try:
        zmw = draft_zmw(molecule[0], _used_passes(molecule, zmw_filter))
        zmw_filter.require_length(zmw.draft)
        return with_pass_tags(align_zmw(zmw))
    except MoleculeError as error:
        return error


def _refused(molecule: _Read, zmw_filter: ZmwFilter) -> MoleculeError | None:
    """Why no draft is tried to be built; None if it is."""
    try:
        _used_passes(molecule, zmw_filter)
    except MoleculeError as error:
        return error
    return None


def _used_passes(molecule: _Read, zmw_filter: ZmwFilter) -> tuple[Pass, ...]:
    name, passes = molecule
    if isinstance(passes, MoleculeError):
        raise passes
    require_raw(str(name), passes)
    return zmw_filter.used_passes(ccs_name(name), passes)


def _lost(molecule: _Read, how: str) -> MoleculeError:
    return MoleculeError(f"{molecule[0]}: {how}")
