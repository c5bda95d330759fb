"""Reads of a random genome."""

from array import array
from pathlib import Path

import numpy as np
import pysam

from deepconsensus_py.align import cigar
from deepconsensus_py.align.mapping import end_to_end
from deepconsensus_py.pacbio.molecule import Pass, decode_bases, reverse_complement

Array = np.ndarray

DELETED = 6
"""Beside the base codes 1 to 5."""


def genome(length: int, seed: int) -> Array:
    """Base codes ``uint8[length]``."""
    return np.random.default_rng(seed).integers(1, 5, length).astype(np.uint8)


def tiled(bases: Array, length: int, step: int) -> list[Array]:
    """Reads of a length that begin every so many bases."""
    return [bases[start : start + length] for start in range(0, len(bases) - length + 1, step)]


def with_errors(bases: Array, errors: int, rng: np.random.Generator) -> Array:
    """A read with so many errors, each another base, a base too many or one too few."""
    read = bases
    for kind in rng.integers(3, size=errors):
        at = int(rng.integers(50, len(read) - 50))
        if kind == 0:
            read = np.concatenate([read[:at], [read[at] % 4 + 1], read[at + 1 :]])
        else:
            read = np.insert(read, at, read[at]) if kind == 1 else np.delete(read, at)
    return read.astype(np.uint8)


HEADER = {
    "HD": {"VN": "1.6", "SO": "unknown", "pb": "5.0.0"},
    "RG": [{"ID": "abcd1234", "PL": "PACBIO", "PU": "movie", "DS": "READTYPE=CCS"}],
}


def write_reads(path: Path, reads: list[Array], truths: list[tuple[Array, int]] | None = None) -> None:
    """Write reads as BAM, every third one reverse-complemented.

    Args:
        path: the file.
        reads: base codes of each, in the direction of the genome.
        truths: what each should be, and where in the genome; with them, the reads are aligned to it in that order.
    """
    header = HEADER | ({} if truths is None else {"SQ": [{"SN": "chr1", "LN": 10_000_000}]})
    with pysam.AlignmentFile(str(path), "wb", header=header) as file:
        for number, bases in enumerate(reads):
            reverse = number % 3 == 2
            record = pysam.AlignedSegment(file.header)
            record.query_name, record.flag = f"movie/{number}/ccs", 4
            record.query_sequence = decode_bases(reverse_complement(bases) if reverse and truths is None else bases)
            record.query_qualities = array("B", [30] * len(bases))
            if truths is not None:
                truth, start = truths[number]
                record.flag, record.reference_id, record.reference_start = 16 * reverse, 0, start
                record.mapping_quality, record.cigartuples = 60, end_to_end(bases, truth)
            record.set_tag("RG", "abcd1234")
            record.set_tag("zm", number, "i")
            record.set_tag("rq", 0.999, "f")
            file.write(record)


def simulated(path: Path, *, length: int = 16_000, aligned: bool = False, seed: int = 1) -> None:
    """Reads of 3,000 bases with 6 errors every 400 bases of a random genome."""
    rng, bases = np.random.default_rng(seed), genome(length, seed)
    truths = tiled(bases, 3000, 400)
    reads = [with_errors(truth, 6, rng) for truth in truths]
    places = list(zip(truths, range(0, length, 400), strict=False)) if aligned else None
    order = np.arange(len(reads)) if aligned else rng.permutation(len(reads))
    write_reads(path, [reads[number] for number in order], places)


def letters(p: Pass, length: int) -> Array:
    """What an aligned pass has at each base of its draft: a base code, ``DELETED``, or 0 where it does not reach."""
    assert p.alignment is not None
    operations, lengths = p.alignment.operations, p.alignment.lengths
    on_pass, on_draft = cigar.ON_PASS[operations], cigar.ON_DRAFT[operations]
    paired = np.repeat(on_pass & on_draft, lengths)
    found = np.zeros(length, np.uint8)
    columns = np.repeat(on_draft, lengths)
    at = p.alignment.start + np.cumsum(columns) - columns
    of_pass = np.cumsum(np.repeat(on_pass, lengths)) - 1
    deleted = columns & ~paired
    found[at[paired]] = p.bases[of_pass[paired]]
    found[at[deleted]] = DELETED
    return found
