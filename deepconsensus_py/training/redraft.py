"""Molecules with known truth as if they had been read otherwise: from the other strand, or with fewer passes."""

from dataclasses import replace

import numpy as np

from deepconsensus_py.align import cigar
from deepconsensus_py.align.draft import MIN_PASSES, draft_zmw
from deepconsensus_py.align.passes import align_passes, align_zmw, oriented
from deepconsensus_py.edits.repeats import find_runs
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.examples.example import Example
from deepconsensus_py.pacbio.molecule import Alignment, Draft, Pass, Zmw, reverse_complement
from deepconsensus_py.pacbio.names import parse_ccs


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


ONE_STRAND = 0.2
"""Share of the new drafts that are made of passes of one strand, where there are enough."""

MOST_OF_ITS_OWN = 0.6
"""Share of the passes that are taken, at most, where the truth is the draft that all of them made."""

_LEAST_LENGTH = 1 / 3
"""Of the draft, for a pass to be chosen."""


def redrafted(example: Example, rng: np.random.Generator) -> Example | None:
    """Some passes of a molecule, a draft of theirs in a random direction, and the truth on it.

    Args:
        example: the molecule; its passes are aligned.
        rng: source of randomness.

    Returns:
        the molecule anew, or None where too few passes are alike or the truth does not align.
    """
    name = parse_ccs(example.name)
    assert name
    chosen = [_raw(p) for p in _choose(example, rng)]
    try:
        zmw = align_zmw(draft_zmw(name.zmw, chosen))
    except MoleculeError:
        return None
    if rng.random() < 0.5:
        zmw = reverse_zmw(zmw)
    truth = example.truth
    (aligned,) = align_passes(Draft("truth", zmw.draft.bases, None), [Pass("truth", truth.bases, None, None, None)])
    if aligned is None or aligned.alignment is None or len(zmw.passes) < MIN_PASSES:
        return None
    return Example(zmw, replace(truth, bases=aligned.bases, alignment=aligned.alignment))


def is_its_own_truth(example: Example) -> bool:
    """Whether the truth is the draft itself: no label for it, but for drafts of fewer passes."""
    return np.array_equal(example.zmw.draft.bases, example.truth.bases)


def _choose(example: Example, rng: np.random.Generator) -> list[Pass]:
    zmw = example.zmw
    candidates = [p for p in zmw.passes if len(p.bases) > _LEAST_LENGTH * len(zmw.draft.bases)]
    most = len(zmw.passes)
    if is_its_own_truth(example):
        most = max(int(MOST_OF_ITS_OWN * most), MIN_PASSES)
    count = int(rng.integers(MIN_PASSES, max(most, MIN_PASSES), endpoint=True))
    if rng.random() < ONE_STRAND:
        reverse = rng.random() < 0.5
        strand = [p for p in candidates if p.reverse == reverse]
        candidates = strand if len(strand) >= MIN_PASSES else candidates
    count = min(count, len(candidates))
    return [candidates[i] for i in np.sort(rng.choice(len(candidates), count, replace=False))]


def _raw(p: Pass) -> Pass:
    """A pass as the instrument read it."""
    return replace(oriented(p, reverse=p.reverse), alignment=None, reverse=False)
