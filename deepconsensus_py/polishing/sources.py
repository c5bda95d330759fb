"""Sources of encoded ZMWs: reads that are encoded on the way, or feature shards."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pysam

from deepconsensus_py.align.zmw_filter import ZmwFilter
from deepconsensus_py.corrector import Method
from deepconsensus_py.options import AUTO, OFF, ON
from deepconsensus_py.pacbio.draft_parts import DraftPart, chunk_bounds
from deepconsensus_py.pacbio.header_text import make_header
from deepconsensus_py.pacbio.headers import (
    Program,
    extended_header,
    header_without_drafts,
    joined_header,
    names_kinetics,
    polished_header,
    with_kinetics,
    with_strands,
)
from deepconsensus_py.pacbio.index import MoleculeNumbers
from deepconsensus_py.pacbio.indexed_subreads import open_subreads
from deepconsensus_py.pacbio.inputs import require_once
from deepconsensus_py.pacbio.names import parse_ccs
from deepconsensus_py.pacbio.zmws import Molecule, count_molecules, match, read_zmws
from deepconsensus_py.polishing.encode import StandIn, encode_zmws
from deepconsensus_py.polishing.kinetics import ccs_kinetics
from deepconsensus_py.polishing.progress import StageClock, Stop
from deepconsensus_py.polishing.read import Encoded
from deepconsensus_py.polishing.shards import ShardInfo, first_names, read_shard
from deepconsensus_py.polishing.strands import StrandOptions
from deepconsensus_py.reports.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Reads:
    """Subreads with their drafts.

    Attributes:
        subreads: BAM files, raw or aligned to the drafts, or files of file names.
        drafts: CCS reads (BAM, FASTQ or FASTA), or files of file names, read one after the other; None builds draft
            consensus reads from the subreads.
        chunk: (i, n) takes only the i-th of n chunks of the drafts, or of the ZMWs where there are none.
        limit: take only the first ZMWs.
        skip: skip the first of these, which an earlier run has finished.
        filter: which ZMWs are polished, and with which of their passes.
        strands: which ZMWs become a read for each strand.
    """

    subreads: tuple[Path, ...]
    drafts: Path | tuple[Path, ...] | None
    chunk: tuple[int, int] | None = None
    limit: int | None = None
    skip: int = 0
    filter: ZmwFilter = field(default_factory=ZmwFilter)
    strands: StrandOptions = field(default_factory=StrandOptions)


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A stream of encoded ZMWs.

    Attributes:
        molecules: in the order of the output.
        header: of the polished reads.
        total: number of ZMWs without skipped ones, or None if unknown.
        kinetics: which reads get kinetics, one of ``options.KINETICS``; ``off`` if no CCS read has any to follow.
    """

    molecules: Iterator[Encoded]
    header: pysam.AlignmentHeader
    total: int | None
    kinetics: str = OFF


def count_zmws(reads: Reads) -> int:
    """Number of drafts, or of ZMWs where there are none, that would be encoded; from indexes where there are any.

    Raises:
        InputError: a file cannot be used.
    """
    if reads.drafts is not None:
        open_subreads(reads.subreads).close()
        return len(DraftPart(reads.drafts, chunk=reads.chunk, limit=reads.limit, skip=reads.skip))
    start, stop = chunk_bounds(count_molecules(reads.subreads), reads.chunk or (1, 1))
    wanted = stop - start if reads.limit is None else min(stop - start, reads.limit)
    return max(wanted - reads.skip, 0)


def count_encoded(paths: Sequence[Path], method: Method) -> int:
    """Number of ZMWs in feature shards.

    Raises:
        InputError: a shard cannot be used.
        ModelError: a shard was encoded for another model.
    """
    return sum(info.molecules for info in _fitting(paths, method))


def encoded_reads(
    reads: Reads,
    method: Method,
    program: Program,
    threads: int,
    clock: StageClock,
    *,
    kinetics: str = AUTO,
    stand_in: StandIn | None = None,
    stop: Stop | None = None,
) -> Source:
    """Read, align if needed, and encode, until asked to stop.

    Args:
        reads: what is read.
        method: encodes it.
        program: for the header.
        threads: worker processes.
        clock: times the stages.
        kinetics: which reads get kinetics, one of ``options.KINETICS``.
        stand_in: see ``encode_zmws``.
        stop: the request to end early.

    Raises:
        InputError: a file cannot be used.
    """
    molecules: Iterator[Molecule]
    if reads.drafts is None:
        total = None if reads.limit is None else max(reads.limit - reads.skip, 0)
        molecules = read_zmws(reads.subreads, chunk=reads.chunk, limit=reads.limit, skip=reads.skip)
        kinetics = ON if kinetics == ON else OFF
        header = header_without_drafts(reads.subreads, program, kinetics=kinetics == ON)
    else:
        drafts = DraftPart(reads.drafts, chunk=reads.chunk, limit=reads.limit, skip=reads.skip)
        molecules = match(reads.subreads, drafts, undrafted=True, skip=reads.skip)
        kinetics = OFF if kinetics == AUTO and not ccs_kinetics(reads.drafts) else kinetics
        header = polished_header(reads.drafts, program, reads.subreads, kinetics=kinetics != OFF)
        total = len(drafts)
    if not reads.strands.one_read_each:
        header = with_strands(header)
    begun = clock.timed("read", (stop or Stop()).before(molecules))
    encoded = encode_zmws(
        begun,
        method,
        threads=threads,
        clock=clock,
        kinetics=kinetics,
        zmw_filter=reads.filter,
        strands=reads.strands,
        stand_in=stand_in,
    )
    return Source(encoded, header, total, kinetics)


def encoded_shards(
    paths: Sequence[Path],
    method: Method,
    program: Program,
    clock: StageClock,
    *,
    skip: int = 0,
    kinetics: str = AUTO,
    stop: Stop | None = None,
) -> Source:
    """Read feature shards, one after the other, skipping the first ``skip`` ZMWs of them all, until asked to stop.

    Raises:
        InputError: a shard cannot be used.
        ModelError: a shard was encoded for another model.
    """
    infos = _fitting(paths, method)
    joined = joined_header(make_header(info.header) for info in infos)
    kinetics = kinetics if names_kinetics(joined) else OFF
    header = extended_header(with_kinetics(joined, kinetics=kinetics != OFF), program)
    begun = clock.timed("read", (stop or Stop()).before(_of_shards(infos, skip)))
    return Source(begun, header, max(sum(info.molecules for info in infos) - skip, 0), kinetics)


def _fitting(paths: Sequence[Path], method: Method) -> list[ShardInfo]:
    require_once(paths)
    infos = [read_shard(path)[0] for path in paths]
    for info in infos:
        info.require_fit(method)
    return infos


def _of_shards(infos: Sequence[ShardInfo], skip: int) -> Iterator[Encoded]:
    """The ZMWs of shards after the first ``skip``; one that was in an earlier shard already is an error."""
    known = MoleculeNumbers()
    for number, info in enumerate(infos):
        skipped = min(skip, info.molecules)
        skip -= skipped
        for name in first_names(info.path, skipped):
            _noted(known, name, number)
        for molecule in read_shard(info.path, skip=skipped)[1]:
            name = molecule.draft.name
            earlier = number if molecule.features is None else _noted(known, name, number)
            if earlier != number:
                reason = f"{name}: is in both {infos[earlier].path} and {info.path}"
                yield Encoded(molecule.draft, None, Outcome.ERROR, reason)
            else:
                yield molecule


def _noted(known: MoleculeNumbers, name: str, shard: int) -> int:
    """The number of the first shard that has a ZMW."""
    molecule = parse_ccs(name)
    earlier = None if molecule is None else known.note(molecule, shard)
    return shard if earlier is None else earlier
