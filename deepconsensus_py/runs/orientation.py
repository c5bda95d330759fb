"""The reverse complement of a molecule."""

from dataclasses import replace

import numpy as np

from deepconsensus_py.align import cigar
from deepconsensus_py.align.passes import oriented
from deepconsensus_py.pacbio.molecule import Alignment, Draft, Pass, Zmw, reverse_complement
from deepconsensus_py.runs.homopolymers import find_runs


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
