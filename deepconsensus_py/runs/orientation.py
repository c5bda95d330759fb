"""The reverse complement of a molecule, and the way back for what is predicted on it."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.align.passes import oriented
from deepconsensus_py.pacbio.molecule import Alignment, Draft, Pass, Zmw, reverse_complement
from deepconsensus_py.runs.edits import INSERTS, NONE
from deepconsensus_py.runs.homopolymers import find_runs

_LENGTH_CLASSES = np.flatnonzero(INSERTS == 0)
_INSERT_CLASSES = np.flatnonzero(INSERTS)
_COMPLEMENT_CLASSES = _INSERT_CLASSES[np.argsort(reverse_complement(INSERTS[_INSERT_CLASSES][::-1]))]


def reverse_zmw(zmw: Zmw) -> Zmw:
    """The reverse complement of a molecule with aligned passes.

    The alignments are turned as they are: gaps that were as far left as can be are then as far right. Within each run,
    the draft's qualities keep their order, for ccs marks a doubtful run on its first base, in reading direction.
    """
    length = len(zmw.draft.bases)
    return Zmw(_reverse_draft(zmw.draft), tuple(_reverse_pass(p, length) for p in zmw.passes))


def _reverse_draft(draft: Draft) -> Draft:
    bases, qualities = reverse_complement(draft.bases), draft.qualities
    if qualities is not None:
        runs = find_runs(bases)
        first_and_last = np.repeat(runs.start + runs.stop - 1, runs.length)
        qualities = qualities[::-1][first_and_last - np.arange(len(bases))]
    return replace(draft, bases=bases, qualities=qualities)


def _reverse_pass(p: Pass, draft_length: int) -> Pass:
    turned = oriented(p, reverse=True)
    if p.alignment is None:
        return turned
    return replace(turned, alignment=reverse_alignment(p.alignment, draft_length))


def reverse_alignment(alignment: Alignment, draft_length: int) -> Alignment:
    """The alignment of the reverse complements of both sequences."""
    operations, lengths = alignment.operations, alignment.lengths
    stop = alignment.start + int(lengths @ cigar.ON_DRAFT[operations])
    return Alignment(draft_length - stop, operations[::-1], lengths[::-1])


def reverse_classes(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring probabilities of edits from the reverse complement of a molecule to the molecule's own runs.

    What is in front of a run there is behind it here, so in front of the next one. What is in front of the first run
    there has no place here; it goes to no edit.

    Args:
        probabilities: ``float32[runs, classes]`` of ``edits.EDITS``, for the runs of the reverse complement.

    Returns:
        ``float32[runs, classes]`` for the runs of the molecule; each row sums to 1.
    """
    turned = np.zeros_like(probabilities)
    turned[:, _LENGTH_CLASSES] = probabilities[::-1, _LENGTH_CLASSES]
    turned[1:, _INSERT_CLASSES] = probabilities[:0:-1][:, _COMPLEMENT_CLASSES]
    turned[:, NONE] = 0
    edited = turned.sum(axis=1, keepdims=True)
    turned[:, NONE] = np.maximum(1 - edited[:, 0], 0)
    turned /= np.maximum(edited, 1)
    return turned
