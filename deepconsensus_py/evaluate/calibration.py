"""Count matches and mismatches by base quality, as input of a quality calibration."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pysam
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError
from deepconsensus_py.evaluate.calibration_counts import HEADER, QUALITIES, mapped_qualities
from deepconsensus_py.pacbio.inputs import Kind, kind_of, reading
from deepconsensus_py.pacbio.molecule import GAP, N, encode_bases
from deepconsensus_py.pacbio.names import whole_number
from deepconsensus_py.pacbio.pipes import require_rereadable
from deepconsensus_py.pacbio.record_file import RecordFile
from deepconsensus_py.polishing.qualities import Calibration

log = logging.getLogger(__name__)

# SAM specification, section 1.4.6: operations that consume the read, and those that consume the reference.
_CONSUMES_READ = np.array([1, 1, 0, 0, 1, 0, 0, 1, 1, 0], bool)
_CONSUMES_REFERENCE = np.array([1, 0, 1, 1, 0, 0, 0, 1, 1, 0], bool)


@dataclass(frozen=True, slots=True)
class Region:
    """A region of a reference sequence, 0-based and half-open (as in BED).

    Attributes:
        contig: name of the sequence.
        start: first position.
        stop: the position after the last.
    """

    contig: str
    start: int
    stop: int

    @classmethod
    def parse(cls, text: str, reference: pysam.FastaFile) -> "Region":
        """Read ``contig`` or ``contig:start-stop``.

        Raises:
            InputError: the text is neither, or the reference has no such place.
        """
        contig, colon, interval = text.partition(":")
        if contig not in reference.references:
            raise InputError(f"the reference has no sequence {contig!r} (region {text!r})")
        length = reference.get_reference_length(contig)
        start, dash, stop = interval.partition("-") if colon else ("0", "-", str(length))
        first, end = whole_number(start), whole_number(stop)
        if first is None or end is None or first >= end or not dash:
            raise InputError(f"region {text!r} is neither 'contig' nor 'contig:start-stop' with start < stop")
        return cls(contig, first, min(end, length))


@dataclass(frozen=True, slots=True, eq=False)
class _AlignedBases:
    """The bases of one aligned read.

    Attributes:
        position: ``int64[n]`` reference position; that of the next aligned base for inserted and clipped ones.
        aligned: ``bool[n]`` whether the base is aligned to a reference base.
    """

    position: NDArray[np.int64]
    aligned: NDArray[np.bool_]


def _place(read: pysam.AlignedSegment) -> _AlignedBases:
    operations, lengths = np.array(read.cigartuples).T
    in_read, in_reference = _CONSUMES_READ[operations], _CONSUMES_REFERENCE[operations]
    ends = read.reference_start + np.cumsum(lengths * in_reference)
    kept = lengths[in_read]
    aligned = np.repeat(in_reference[in_read], kept)
    # Aligned bases count up to the end of their operation; others are placed at that end.
    left = np.repeat(np.cumsum(kept), kept) - np.arange(kept.sum())
    return _AlignedBases(np.repeat(ends[in_read], kept) - left * aligned, aligned)


def _is_whole(read: pysam.AlignedSegment) -> bool:
    known = all(operation < len(_CONSUMES_READ) for operation, _ in read.cigartuples or ())
    return known and read.infer_query_length() == read.query_length


def _usable(read: pysam.AlignedSegment, min_mapq: int) -> bool:
    if read.cigartuples and not _is_whole(read):
        log.warning("%s: is passed over, its CIGAR does not fit its bases", read.query_name)
        return False
    excluded = read.is_unmapped or read.is_secondary or read.is_supplementary or read.is_duplicate or read.is_qcfail
    return not excluded and read.mapping_quality >= min_mapq and read.query_qualities is not None


def _truth(read: pysam.AlignedSegment, reference: pysam.FastaFile) -> NDArray[np.uint8]:
    """The reference at a read; N where the read was aligned to a longer reference than this one."""
    truth = np.full(read.reference_length or 0, N, np.uint8)
    known = encode_bases(reference.fetch(read.reference_name, read.reference_start, read.reference_end))
    truth[: len(known)] = known
    return truth


def _tally_read(read: pysam.AlignedSegment, reference: pysam.FastaFile, region: Region) -> NDArray[np.int64]:
    """Counts ``[2, QUALITIES]`` of matches and mismatches by quality."""
    place = _place(read)
    bases = encode_bases(read.query_sequence or "")
    expected = np.full(len(bases), GAP, np.uint8)
    expected[place.aligned] = _truth(read, reference)[place.position[place.aligned] - read.reference_start]
    # A reference N is uninformative.
    counted = (place.position >= region.start) & (place.position < region.stop) & (expected != N)
    qualities = np.minimum(np.asarray(read.query_qualities, np.int64), QUALITIES - 1)[counted]
    wrong = (bases != expected)[counted]
    return np.bincount(qualities + QUALITIES * wrong, minlength=2 * QUALITIES).reshape(2, QUALITIES)


def count_bases(bam: Path, fasta: Path, *, region: str | None = None, min_mapq: int = 60) -> NDArray[np.int64]:
    """Count matching and mismatching bases of a file by their quality.

    Args:
        bam: alignments; where there is an index, only those of the region are read.
        fasta: the reference; its index ``.fai`` is used where it lies beside it.
        region: ``contig`` or ``contig:start-stop``; None for every sequence that both files have.
        min_mapq: minimal mapping quality.

    Returns:
        ``int64[2, QUALITIES]``: matches and mismatches at each quality.

    Raises:
        InputError: a file cannot be used, or has no such region.
    """
    require_rereadable(bam)
    with RecordFile(bam) as file:
        known = set(file.header.references)
    if not known:
        raise InputError(f"{bam}: its reads are not aligned; align them to {fasta} first, with pbmm2 or minimap2")
    with _reference(fasta) as reference:
        names = [name for name in reference.references if name in known]
        if not names:
            raise InputError(
                f"{bam} and {fasta} have no sequence in common; give the FASTA that the reads were aligned to"
            )
        if region is None:
            return tally(_alignments(bam), reference, [Region.parse(name, reference) for name in names], min_mapq)
        place = Region.parse(region, reference)
        if place.contig not in known:
            raise InputError(f"{bam}: no sequence {place.contig!r} (region {region!r})")
        return tally(_alignments(bam, place), reference, [place], min_mapq)


@contextmanager
def _reference(fasta: Path) -> Iterator[pysam.FastaFile]:
    require_rereadable(fasta)
    if kind_of(fasta) is not Kind.FASTA:
        raise InputError(f"{fasta}: is not a FASTA file")
    with TemporaryDirectory() as folder:
        file = fasta
        if not fasta.with_name(f"{fasta.name}.fai").exists():
            # htslib writes the index next to the file, which would leave it behind, or fail.
            file = Path(folder, fasta.name)
            file.symlink_to(fasta.resolve())
        with reading(fasta):
            reference = pysam.FastaFile(str(file))
        with reference:
            yield reference


def _alignments(bam: Path, region: Region | None = None) -> Iterator[pysam.AlignedSegment]:
    """All records or, with an index, those that overlap the region; tags are never read."""
    with reading(bam), pysam.AlignmentFile(str(bam), check_sq=False) as file:
        if region is not None and file.has_index():
            yield from file.fetch(region.contig, region.start, region.stop)
        else:
            yield from file.fetch(until_eof=True)


def tally(
    reads: Iterable[pysam.AlignedSegment], reference: pysam.FastaFile, regions: Iterable[Region], min_mapq: int = 60
) -> NDArray[np.int64]:
    """Count matches and mismatches by base quality.

    Clipped and inserted bases count as mismatches, deleted ones are not counted; neither are duplicate, failed,
    secondary, supplementary and unmapped records, nor bases on a reference base other than A, C, G, T.

    Args:
        reads: alignments; those to other sequences than the regions' are passed over.
        reference: what they are aligned to.
        regions: the parts of the reference that are counted, at most one of each sequence.
        min_mapq: minimal mapping quality.

    Returns:
        ``int64[2, QUALITIES]``: matches and mismatches at each quality.
    """
    region_of = {region.contig: region for region in regions}
    counts = np.zeros((2, QUALITIES), np.int64)
    for read in reads:
        if read.reference_name in region_of and _usable(read, min_mapq):
            counts += _tally_read(read, reference, region_of[read.reference_name])
    return counts


def recalibrate(counts: NDArray[np.int64], calibration: Calibration) -> NDArray[np.int64]:
    """The counts after a calibration of the qualities.

    Args:
        counts: ``int64[2, QUALITIES]``, as ``tally`` gives them.
        calibration: the map to try.
    """
    to = mapped_qualities(calibration)
    return np.stack([np.bincount(to, row, QUALITIES) for row in counts]).astype(np.int64)


def as_csv(counts: NDArray[np.int64]) -> str:
    """The counts in DeepConsensus's format."""
    rows = [f"{quality},{matches},{mismatches}\n" for quality, (matches, mismatches) in enumerate(counts.T)]
    return "".join([f"{HEADER}\n", *rows])
