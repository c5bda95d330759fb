"""Correction of whole files of HiFi reads."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.files import require_apart
from deepconsensus_py.overlaps.correction import correct_reads
from deepconsensus_py.overlaps.coverage import MIN_COVERAGE
from deepconsensus_py.pacbio.drafts import draft_entries
from deepconsensus_py.pacbio.headers import Program, polished_header
from deepconsensus_py.pacbio.inputs import expand_paths
from deepconsensus_py.pacbio.molecule import Draft
from deepconsensus_py.pacbio.writers import open_reads
from deepconsensus_py.polishing.progress import with_progress

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Counts:
    """What a run did.

    Attributes:
        reads: that were written.
        alone: of them, those that too few reads of their haplotype overlap with to correct any base.
        changed: of them, those with other bases than before.
        faulty: that are damaged and were not written, or could not be corrected and were written as they are.
    """

    reads: int = 0
    alone: int = 0
    changed: int = 0
    faulty: int = 0


def correct_files(
    paths: Sequence[Path], output: Path, program: Program, *, min_coverage: int = MIN_COVERAGE, threads: int = 1
) -> Counts:
    """Correct the reads of files by each other; all are held in memory.

    Args:
        paths: HiFi reads with base qualities (BAM or FASTQ).
        output: BAM, SAM or FASTQ, by its extension; it gets its name when it is complete.
        program: for its header.
        min_coverage: fewest reads of a haplotype that correct each other.
        threads: CPU cores.

    Raises:
        InputError: a file is missing or damaged, or its reads have no base qualities.
        OutputError: the output cannot be written.
    """
    require_apart([output], expand_paths(paths))
    counts = Counts()
    reads = list(_sound(paths, counts))
    with open_reads(output, polished_header(paths, program), threads=threads) as writer:
        corrected = correct_reads(reads, min_coverage=min_coverage, threads=threads)
        # Before the first one, all have been through the other rounds.
        first = list(islice(corrected, 1))
        for read in with_progress(chain(first, corrected), len(reads), "read"):
            if read.reason:
                log.warning("%s is written as it is", read.reason)
            counts.faulty += bool(read.reason)
            counts.reads += 1
            counts.alone += read.passes < 2
            counts.changed += read.bases.tobytes() != read.draft.bases.tobytes()
            writer.write_read(read.name, read.bases, read.qualities, read.tags)
    return counts


def _sound(paths: Sequence[Path], counts: Counts) -> Iterator[Draft]:
    """The reads; damaged ones are reported and counted."""
    for entry in draft_entries(paths):
        try:
            read = entry.read()
        except MoleculeError as fault:
            log.warning("%s", fault)
            counts.faulty += 1
            continue
        if read.qualities is None:
            raise InputError(f"{read.name}: has no base qualities; give HiFi reads with them (BAM or FASTQ)")
        yield read
