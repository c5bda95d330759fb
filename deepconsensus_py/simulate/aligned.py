"""Align passes to their known template: the class of every base, in read orientation."""

from dataclasses import dataclass

import edlib
import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.align.cigar import left_normalise
from deepconsensus_py.pacbio.molecule import Alignment, Pass, decode_bases, reverse_complement
from deepconsensus_py.simulate.profile import BaseClass

PROBE = 300  # bases of a pass that tell its strand
_CODES = {"=": cigar.EQUAL, "X": cigar.DIFFERENT, "I": cigar.INSERTION, "D": cigar.DELETION}


@dataclass(frozen=True, slots=True, eq=False)
class PassColumns:
    """A pass aligned to its template at unit cost, gaps left-normalised; one entry per alignment column.

    Attributes:
        reading: the pass, in read orientation.
        template: ``uint8[n]`` the molecule in that orientation.
        reverse: the template is the opposite strand of the molecule's given sequence.
        columns: ``uint8[c]`` CIGAR codes ``=``, ``X``, ``I``, ``D``.
        on_read: ``int64[c]`` read base of the column; the next one in a deletion.
        on_template: ``int64[c]`` template base of the column; the next one in an insertion.
    """

    reading: Pass
    template: NDArray[np.uint8]
    reverse: bool
    columns: NDArray[np.uint8]
    on_read: NDArray[np.int64]
    on_template: NDArray[np.int64]

    @property
    def span(self) -> tuple[int, int]:
        """First template base, and one past the last."""
        return int(self.on_template[0]), int(self.on_template[-1]) + 1

    def insertions(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Insertion events: first inserted read base, number of inserted bases, template base after them."""
        inserted = np.append(self.columns == cigar.INSERTION, False).astype(np.int8)
        edges = np.diff(inserted, prepend=0)
        starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        return self.on_read[starts], stops - starts, self.on_template[starts]

    def reading_index(self, first: NDArray[np.int64], length: NDArray[np.int64]) -> NDArray[np.int64]:
        """Concatenated read bases of events, given the start and length of each."""
        ends = np.cumsum(length)
        index: NDArray[np.int64] = np.repeat(first - ends + length, length) + np.arange(length.sum())
        return index

    def classes(self) -> NDArray[np.uint8]:
        """``BaseClass`` of each read base that is aligned, ``uint8[bases]``."""
        columns = self.columns
        classes: NDArray[np.uint8] = np.full(len(columns), BaseClass.MATCH, np.uint8)
        classes[columns == cigar.DIFFERENT] = BaseClass.MISMATCH
        after = np.flatnonzero((columns[1:] == cigar.EQUAL) & (columns[:-1] == cigar.DELETION)) + 1
        classes[after] = BaseClass.MATCH_AFTER_DELETION
        classes = classes[columns != cigar.DELETION]
        first, length, behind = self.insertions()
        base = self.reading.bases[first]
        cognate = (base == self.template[behind]) | (base == self.template[behind - 1])
        kind = np.where(cognate, BaseClass.INSERTION_COGNATE, BaseClass.INSERTION_NONCOGNATE)
        kind[length > 1] = BaseClass.INSERTION_MULTI
        classes[self.reading_index(first, length) - self.on_read[0]] = np.repeat(kind, length)
        return classes


def align_to_template(one: Pass, truth: NDArray[np.uint8]) -> PassColumns:
    """Align a pass to its molecule, on either strand.

    Args:
        one: a pass in read orientation.
        truth: ``uint8[n]`` the molecule's base codes.
    """
    strands = (truth, reverse_complement(truth))
    middle = max(len(one.bases) - PROBE, 0) // 2
    probe = decode_bases(one.bases[middle : middle + PROBE])
    forward, reverse = (edlib.align(probe, decode_bases(strand), mode="HW")["editDistance"] for strand in strands)
    template = strands[int(reverse < forward)]
    found = edlib.align(decode_bases(one.bases), decode_bases(template), mode="HW", task="path")
    text = np.frombuffer(found["cigar"].encode(), np.uint8)
    letters = text > ord("9")
    operations = np.array([_CODES[chr(letter)] for letter in text[letters]], np.uint8)
    lengths = np.array("".join(chr(c) if c <= ord("9") else " " for c in text).split(), np.int32)
    raw = Alignment(int(found["locations"][0][0]), operations, lengths)
    return aligned_columns(one, template, bool(reverse < forward), left_normalise(raw, one.bases, template))


def aligned_columns(one: Pass, template: NDArray[np.uint8], reverse: bool, alignment: Alignment) -> PassColumns:
    """Columns of an alignment.

    Args:
        one: a pass in read orientation.
        template: ``uint8[n]`` base codes in that orientation.
        reverse: whether the template is the opposite strand.
        alignment: of the pass to the template.
    """
    operations, lengths = alignment.operations, alignment.lengths.astype(np.int64)
    clipped = operations == cigar.SOFT_CLIP
    head = int(lengths[0]) if clipped[0] else 0
    columns = np.repeat(operations[~clipped], lengths[~clipped])
    on_read, on_template = cigar.ON_PASS[columns], cigar.ON_DRAFT[columns]
    return PassColumns(
        one,
        template,
        reverse,
        columns,
        head + np.cumsum(on_read) - on_read,
        alignment.start + np.cumsum(on_template) - on_template,
    )
