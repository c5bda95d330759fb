"""Where encoded molecules come from: reads that are encoded on the way, or feature shards."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pysam

from deepconsensus_py.align.to_file import draft_header
from deepconsensus_py.corrector import Method
from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.draft_parts import DraftPart
from deepconsensus_py.pacbio.header_text import make_header
from deepconsensus_py.pacbio.headers import Program, extended_header, joined_header, polished_header
from deepconsensus_py.pacbio.index import MoleculeNumbers
from deepconsensus_py.pacbio.inputs import require_once
from deepconsensus_py.pacbio.names import parse_ccs
from deepconsensus_py.pacbio.zmws import Molecule, match, read_zmws
from deepconsensus_py.polishing.encode import encode_zmws
from deepconsensus_py.polishing.outcomes import MIN_FULL_PASSES, Outcome
from deepconsensus_py.polishing.progress import StageClock, Stop
from deepconsensus_py.polishing.read import Encoded
from deepconsensus_py.polishing.shards import ShardInfo, first_names, read_shard


@dataclass(frozen=True, slots=True)
class Reads:
    """Subreads with their drafts.

    Attributes:
        subreads: BAM files, raw or aligned to the drafts, or files of file names.
        drafts: CCS reads (BAM, FASTQ or FASTA), or files of file names, read one after the other; None makes drafts
            from the subreads.
        chunk: (i, n) takes only the i-th of n parts of the drafts.
        limit: take only so many molecules.
        skip: pass over so many of the chosen molecules, the first ones: an earlier run has done them.
        min_passes: full passes that a molecule needs.
    """

    subreads: tuple[Path, ...]
    drafts: Path | tuple[Path, ...] | None
    chunk: tuple[int, int] | None = None
    limit: int | None = None
    skip: int = 0
    min_passes: int = MIN_FULL_PASSES


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A stream of encoded molecules.

    Attributes:
        molecules: in the order of the output.
        header: of the polished reads.
        total: how many they are, without skipped ones, or None where nobody has counted.
    """

    molecules: Iterator[Encoded]
    header: pysam.AlignmentHeader
    total: int | None


def encoded_reads(
    reads: Reads,
    method: Method,
    program: Program,
    threads: int,
    clock: StageClock,
    *,
    stop: Stop | None = None,
) -> Source:
    """Read, align where needed, and encode, until it is asked to stop.

    Raises:
        InputError: a file cannot be used.
    """
    molecules: Iterator[Molecule]
    if reads.drafts is None:
        if reads.chunk is not None:
            raise InputError("a chunk is a part of the drafts file: give --ccs, or make drafts first ('draft')")
        total = None if reads.limit is None else max(reads.limit - reads.skip, 0)
        molecules = read_zmws(reads.subreads, limit=reads.limit, skip=reads.skip)
        header = draft_header(reads.subreads, program)
    else:
        drafts = DraftPart(reads.drafts, chunk=reads.chunk, limit=reads.limit, skip=reads.skip)
        molecules = match(reads.subreads, drafts, undrafted=True, skip=reads.skip)
        header, total = polished_header(reads.drafts, program), len(drafts)
    begun = clock.timed("read", (stop or Stop()).before(molecules))
    encoded = encode_zmws(begun, method, threads=threads, clock=clock, min_passes=reads.min_passes)
    return Source(encoded, header, total)


def encoded_shards(
    paths: Sequence[Path],
    method: Method,
    program: Program,
    clock: StageClock,
    *,
    skip: int = 0,
    stop: Stop | None = None,
) -> Source:
    """Read feature shards, one after the other, without the first ``skip`` molecules of them all, until asked to stop.

    Raises:
        InputError: a shard cannot be used.
        ModelError: a shard was encoded for another model.
    """
    require_once(paths)
    infos = [read_shard(path)[0] for path in paths]
    for info in infos:
        info.require_fit(method)
    header = extended_header(joined_header(make_header(info.header) for info in infos), program)
    begun = (stop or Stop()).before(_of_shards(infos, skip))
    return Source(clock.timed("read", begun), header, max(sum(info.molecules for info in infos) - skip, 0))


def _of_shards(infos: Sequence[ShardInfo], skip: int) -> Iterator[Encoded]:
    """The molecules of shards but for the first ones; one that an earlier shard has encoded is a fault."""
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
                reason = f"{name}: is in {infos[earlier].path} and again in {info.path}"
                yield Encoded(molecule.draft, None, Outcome.ERROR, reason)
            else:
                yield molecule


def _noted(known: MoleculeNumbers, name: str, shard: int) -> int:
    """The shard that has a molecule first."""
    molecule = parse_ccs(name)
    earlier = None if molecule is None else known.note(molecule, shard)
    return shard if earlier is None else earlier
