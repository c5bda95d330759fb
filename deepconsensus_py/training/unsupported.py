"""Parts of a truth that no pass of its molecule shows, which are no labels."""

from dataclasses import replace

from deepconsensus_py.align.cigar import left_normalise
from deepconsensus_py.edits.labels import homopolymer_spans
from deepconsensus_py.edits.repeats import find_homopolymers
from deepconsensus_py.edits.support import unsupported
from deepconsensus_py.examples.example import Example
from deepconsensus_py.pacbio.molecule import N


def without_unsupported_truth(example: Example) -> Example:
    """A molecule whose truth is N where none of its passes shows it (``edits.support.unsupported``).

    Args:
        example: the molecule, passes and truth aligned to its draft.
    """
    truth, draft = example.truth, example.zmw.draft.bases
    homopolymers = find_homopolymers(draft)
    alignment = left_normalise(truth.alignment, truth.bases, draft)
    wrong = unsupported(draft, homopolymers, (truth.bases, alignment), example.zmw.passes)
    begin, _, end = homopolymer_spans(alignment, homopolymers).positions[wrong].T
    bases = truth.bases.copy()
    for first, last in zip(begin, end, strict=True):
        # Of bases that the truth lacks, only those beside them can be marked.
        lacking = first == last
        bases[first - lacking : last + lacking] = N
    return replace(example, truth=replace(truth, bases=bases, alignment=alignment))
