"""Where encoded molecules come from: reads that are encoded on the way, or feature shards."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import pysam

from deepconsensus_py.align.draft_files import draft_header
from deepconsensus_py.errors import InputError
from deepconsensus_py.models.interface import Corrector
from deepconsensus_py.pacbio.drafts import count_drafts
from deepconsensus_py.pacbio.headers import Program, extended_header, polished_header
from deepconsensus_py.pacbio.zmws import read_subreads, read_zmws
from deepconsensus_py.polishing.clock import StageClock
from deepconsensus_py.polishing.encode import Molecule, Undrafted, encode_zmws
from deepconsensus_py.polishing.encoded import Encoded
from deepconsensus_py.polishing.shards import read_shard


@dataclass(frozen=True, slots=True)
class Reads:
    """Subreads with their drafts.

    Attributes:
        subreads: BAM files, raw or aligned to the drafts, or files of file names.
        drafts: CCS reads (BAM, FASTQ or FASTA); None makes drafts from the subreads.
        chunk: (i, n) takes only the i-th of n parts of the drafts.
        limit: take only so many molecules.
    """

    subreads: tuple[Path, ...]
    drafts: Path | None
    chunk: tuple[int, int] | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A stream of encoded molecules.

    Attributes:
        molecules: in the order of the output.
        header: of the polished reads.
        total: how many molecules there are, or None where nobody has counted.
    """

    molecules: Iterator[Encoded]
    header: pysam.AlignmentHeader
    total: int | None


def encoded_reads(reads: Reads, corrector: Corrector, program: Program, threads: int, clock: StageClock) -> Source:
    """Read, align where needed, and encode.

    Raises:
        InputError: a file cannot be used.
    """
    molecules: Iterator[Molecule]
    if reads.drafts is None:
        if reads.chunk is not None:
            raise InputError("a chunk is a part of the drafts file: give --ccs, or make drafts first ('draft')")
        molecules = (Undrafted(*found) for found in islice(read_subreads(reads.subreads), reads.limit))
        header, total = draft_header(reads.subreads, program), reads.limit
    else:
        molecules = read_zmws(reads.subreads, reads.drafts, chunk=reads.chunk, limit=reads.limit)
        header, total = polished_header(reads.drafts, program), _total(reads.drafts, reads.chunk, reads.limit)
    encoded = encode_zmws(clock.timed("read", molecules), corrector, threads=threads, clock=clock)
    return Source(encoded, header, total)


def encoded_shards(paths: Sequence[Path], corrector: Corrector, program: Program, clock: StageClock) -> Source:
    """Read feature shards, one after the other.

    Raises:
        InputError: a shard cannot be used.
        ModelError: a shard was encoded for another model.
    """
    shards = [read_shard(path) for path in paths]
    for info, _ in shards:
        info.require_fit(corrector)
    molecules = chain.from_iterable(molecules for _, molecules in shards)
    header = extended_header(pysam.AlignmentHeader.from_text(shards[0][0].header), program)
    return Source(clock.timed("read", molecules), header, sum(info.molecules for info, _ in shards))


def _total(drafts: Path, chunk: tuple[int, int] | None, limit: int | None) -> int:
    total = count_drafts(drafts)
    if chunk is not None:
        number, chunks = chunk
        total = total * number // chunks - total * (number - 1) // chunks
    return total if limit is None else min(total, limit)
