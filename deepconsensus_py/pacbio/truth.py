"""True sequences of molecules: aligned to the drafts, with their genome positions, or as plain sequences.

Aligned ones come in the files that the preprocessing of DeepConsensus takes: a BED file of contig, begin, end and draft
name; a BAM of the truth aligned to the drafts, sorted and indexed; a table of contig and chromosome. The chromosome
decides the split.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pysam
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.pacbio.header_text import prepare_htslib
from deepconsensus_py.pacbio.inputs import Kind, kind_of
from deepconsensus_py.pacbio.molecule import Alignment, Truth, encode_bases
from deepconsensus_py.pacbio.names import MoleculeId, parse_ccs
from deepconsensus_py.pacbio.pipes import require_rereadable
from deepconsensus_py.pacbio.text_reads import text_reads

TRAIN = "train"
"""The training split."""

_SUFFIX = "/truth"
_HUMAN_NAMES = ("chm13", "hg00", "human")
_HUMAN_SPLITS = (
    {str(i): TRAIN for i in (*range(1, 19), "X", "Y")}
    | dict.fromkeys(("21", "22"), "eval")
    | dict.fromkeys(("19", "20"), "test")
)


class Truths:
    """The truth of each molecule, by draft name.

    Args:
        alignments: BAM of the true sequences aligned to the drafts, with its index.
        ranges: BED file of contig, begin, end, draft name.
        splits: table of contig and chromosome; its path must contain ``chm13``, ``hg00`` or ``human``, to tell the
            species. None uses all molecules for training.

    Raises:
        InputError: a file cannot be used.
    """

    def __init__(self, alignments: Path, ranges: Path, splits: Path | None) -> None:
        self._ranges = _read_ranges(ranges)
        self._splits = None if splits is None else _read_splits(splits)
        self._path = alignments
        prepare_htslib()
        try:
            self._alignments = pysam.AlignmentFile(str(alignments), require_index=True)
        except (OSError, ValueError) as error:
            raise InputError(f"{alignments}: {error}; give a sorted BAM with its index beside it") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing a damaged file fails again; its damage has been reported.
        with suppress(OSError):
            self._alignments.close()

    def of(self, draft: str) -> Truth:
        """The truth of one molecule.

        Args:
            draft: the draft's name.

        Raises:
            InputError: the BAM or its index is damaged.
            MoleculeError: it has none that can be used. The outcomes are those that DeepConsensus counts:
                ``missing_truth_range``, ``no_label_alignment``, ``truth_label_supp_alignment`` (the first alignment is
                a supplementary one) and ``missing_contig_split``.
        """
        if draft not in self._ranges:
            raise MoleculeError(f"{draft}: the BED file has no truth range for it", outcome="missing_truth_range")
        contig, begin, end = self._ranges[draft]
        record = self._first_alignment(draft)
        if record is None or record.query_sequence is None or record.cigartuples is None:
            raise MoleculeError(f"{draft}: no true sequence aligned to it", outcome="no_label_alignment")
        if record.is_supplementary:
            raise MoleculeError(f"{draft}: the alignment of its truth is split", outcome="truth_label_supp_alignment")
        if self._splits is not None and contig not in self._splits:
            raise MoleculeError(f"{draft}: contig {contig} has no split", outcome="missing_contig_split")
        cigar = np.array(record.cigartuples, np.int32)
        return Truth(
            name=draft,
            contig=contig,
            begin=begin + record.query_alignment_start,
            end=end - (len(record.query_sequence) - record.query_alignment_end),
            split=TRAIN if self._splits is None else self._splits[contig],
            bases=encode_bases(record.query_sequence),
            alignment=Alignment(record.reference_start, cigar[:, 0].astype(np.uint8), cigar[:, 1].copy()),
        )

    def _first_alignment(self, draft: str) -> pysam.AlignedSegment | None:
        try:
            return next(self._alignments.fetch(draft), None)
        except ValueError:  # the BAM has no such reference
            return None
        except OSError as error:
            raise InputError(
                f"{self._path}: is damaged, or its index belongs to another file ({error}); index it again"
            ) from error


@dataclass(frozen=True, slots=True, eq=False)
class TrueSequence:
    """A true sequence that is not aligned.

    Attributes:
        name: its name in the file.
        bases: ``uint8[n]`` base codes.
    """

    name: str
    bases: NDArray[np.uint8]


class TrueSequences:
    """The true sequence of each molecule, held in memory (one byte per base).

    Args:
        path: FASTA file with sequences named ``movie/zmw``, ``movie/zmw/truth`` or like the draft.

    Raises:
        InputError: the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._sequences: dict[MoleculeId, TrueSequence] = {}
        require_rereadable(path)
        if kind_of(path) is not Kind.FASTA:
            raise InputError(f"{path}: is not a FASTA file")
        for read in text_reads(path):
            molecule = _molecule(read.name)
            if molecule is None:
                raise InputError(f"{path}: sequence name {read.name} has no ZMW; name it movie/zmw{_SUFFIX}")
            if molecule in self._sequences:
                raise InputError(f"{path}: has two sequences for {molecule}; give one")
            try:
                self._sequences[molecule] = TrueSequence(read.name, encode_bases(read.letters()))
            except MoleculeError as error:
                raise InputError(str(error)) from error

    def of(self, draft: str) -> TrueSequence:
        """The true sequence of one molecule; for a by-strand draft that of the strand, or else of the ZMW.

        Args:
            draft: the draft's name.

        Raises:
            MoleculeError: it has none, outcome ``missing_truth``.
        """
        molecule = parse_ccs(draft)
        found = molecule and (self._sequences.get(molecule) or self._sequences.get(molecule.zmw))
        if not found or not len(found.bases):
            raise MoleculeError(f"{draft}: the truth file has no sequence for it", outcome="missing_truth")
        return found


def _molecule(name: str) -> MoleculeId | None:
    """``movie/zmw/truth`` and the like."""
    stem = name.removesuffix(_SUFFIX)
    return parse_ccs(stem) or parse_ccs(f"{stem}/ccs")


def _read_ranges(path: Path) -> dict[str, tuple[str, int, int]]:
    ranges = {}
    for number, line in enumerate(_lines(path), 1):
        try:
            contig, begin, end, draft = line.split("\t")[:4]
            ranges[draft] = contig, int(begin), int(end)
        except ValueError as error:
            raise InputError(
                f"{path}, line {number}: must be contig, begin, end and draft name, separated by tabs"
            ) from error
    return ranges


def _read_splits(path: Path) -> dict[str, str]:
    if not any(name in str(path) for name in _HUMAN_NAMES):
        raise InputError(f"{path}: unknown species; the path must contain one of {', '.join(_HUMAN_NAMES)}")
    splits = {}
    for number, line in enumerate(_lines(path), 1):
        try:
            contig, chromosome = line.split()
        except ValueError as error:
            raise InputError(f"{path}, line {number}: must be a contig and a chromosome") from error
        split = _HUMAN_SPLITS.get(chromosome.removeprefix("chr"))
        if split:
            splits[contig] = split
    return splits


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}; give a text file") from error
