"""True sequences of molecules: aligned to the drafts, with their places in the genome, or just as sequences.

Aligned ones come in files as the original's preprocessing takes them: a BED file of contig, begin, end and draft name;
a BAM of the truth aligned to the drafts, sorted and indexed; a table of contig and chromosome. Chromosomes decide the
split.
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
"""The split to learn from."""

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
        splits: table of contig and chromosome; its path must hold ``chm13``, ``hg00`` or ``human``, which says whose
            chromosomes they are. None takes all molecules for training.

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
            MoleculeError: it has none that can be used. The outcomes are those that the original counts:
                ``missing_truth_range``, ``no_label_alignment``, ``truth_label_supp_alignment`` (the first alignment is
                a supplementary one) and ``missing_contig_split``.
        """
        if draft not in self._ranges:
            raise MoleculeError(f"{draft}: the BED file has no truth range for it", outcome="missing_truth_range")
        contig, begin, end = self._ranges[draft]
        record = self._first_alignment(draft)
        if record is None or record.query_sequence is None or record.cigartuples is None:
            raise MoleculeError(f"{draft}: no true sequence is aligned to it", outcome="no_label_alignment")
        if record.is_supplementary:
            raise MoleculeError(f"{draft}: its truth aligns in pieces", outcome="truth_label_supp_alignment")
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
                f"{self._path}: is damaged, or its index is that of another file ({error}); index it again"
            ) from error


@dataclass(frozen=True, slots=True, eq=False)
class TrueSequence:
    """A true sequence that nobody has aligned yet.

    Attributes:
        name: its own, in its file.
        bases: ``uint8[n]`` base codes.
    """

    name: str
    bases: NDArray[np.uint8]


class TrueSequences:
    """The true sequence of each molecule; they are held in memory, a byte for each base.

    Args:
        path: FASTA file; sequences are named by molecule: ``movie/zmw``, with ``/truth`` or the rest of the draft's
            name behind it.

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
                raise InputError(f"{path}: {read.name} does not name a molecule; name it movie/zmw{_SUFFIX}")
            if molecule in self._sequences:
                raise InputError(f"{path}: has two sequences for {molecule}; give one")
            try:
                self._sequences[molecule] = TrueSequence(read.name, encode_bases(read.letters()))
            except MoleculeError as error:
                raise InputError(str(error)) from error

    def of(self, draft: str) -> TrueSequence:
        """The true sequence of one molecule; of a by-strand draft its strand's, or else its molecule's.

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
            raise InputError(f"{path}, line {number}: not contig, begin, end and draft name between tabs") from error
    return ranges


def _read_splits(path: Path) -> dict[str, str]:
    if not any(name in str(path) for name in _HUMAN_NAMES):
        raise InputError(f"{path}: cannot tell whose chromosomes these are; its path must hold {_HUMAN_NAMES}")
    splits = {}
    for number, line in enumerate(_lines(path), 1):
        try:
            contig, chromosome = line.split()
        except ValueError as error:
            raise InputError(f"{path}, line {number}: not a contig and a chromosome") from error
        split = _HUMAN_SPLITS.get(chromosome.removeprefix("chr"))
        if split:
            splits[contig] = split
    return splits


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}; give a text file") from error
