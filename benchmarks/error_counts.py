"""Homopolymers of polished reads with what is known of them and their errors, as data to fit expected errors to."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from reads import (
    KnownMolecule,
    corrector_of,
    full_passes,
    known_molecules,
    labelled_molecules,
    lambda_molecules,
    parts,
    redrafted,
    strands,
    with_supported_truth,
)

from deepconsensus_py.align import cigar
from deepconsensus_py.align.cigar import left_normalise
from deepconsensus_py.align.passes import align_passes, align_zmw
from deepconsensus_py.corrector import Calls, Corrector, Features
from deepconsensus_py.edits.expected_errors import readings_of
from deepconsensus_py.edits.labels import Spans, homopolymer_spans
from deepconsensus_py.edits.refine import TemplateState, refine
from deepconsensus_py.edits.repeats import Homopolymers, find_homopolymers
from deepconsensus_py.edits.support import unknown
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import Alignment, Draft, Pass

SIZES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30)
SUBSETS = 2
"""Numbers of passes in the parts of a molecule, and parts of each."""

END = 50
"""Draft bases at either end where the truth may begin or end."""

MOST_ERRORS = 3
"""Of a homopolymer: more are a stretch that aligns badly."""


class Task(NamedTuple):
    """A molecule or part of one; its set, and its number of passes, negative for those of one strand, 0 for all."""

    kind: str
    size: int
    known: KnownMolecule


class Items(NamedTuple):
    """Homopolymers of refined drafts, and errors after the edits of a model.

    ``terms`` are those of ``edits.expected_errors.Readings``; ``wrong`` is the model's probability that its edit is
    wrong, 0 where it was not asked.
    """

    kind: NDArray[np.str_]
    hole: NDArray[np.str_]
    size: NDArray[np.int16]
    length: NDArray[np.float64]
    depth: NDArray[np.int16]
    scored: NDArray[np.bool_]
    terms: dict[str, NDArray[np.float32]]
    undecided: NDArray[np.bool_]
    wrong: NDArray[np.float32]
    errors: NDArray[np.float64]

    def of(self, chosen: NDArray[np.bool_]) -> "Items":
        """Some of them."""
        terms = {name: values[chosen] for name, values in self.terms.items()}
        return self._replace(terms=terms, **{n: getattr(self, n)[chosen] for n in self._fields if n != "terms"})


def joined(items: Sequence[Items]) -> Items:
    """All of them."""
    terms = {name: np.concatenate([part.terms[name] for part in items]) for name in items[0].terms}
    rest = {n: np.concatenate([getattr(part, n) for part in items]) for n in Items._fields if n != "terms"}
    return Items(terms=terms, **rest)


def tasks(shared: Path, seed: int) -> Iterator[Task]:
    """Every molecule with truth: whole where the draft is not the truth, and in parts."""
    rng = np.random.default_rng(seed)
    for kind in ("human_1m", "human_bases_only", "sequel2", "lambda_sequel", "lambda_rs2"):
        for given in _molecules(kind, shared):
            known = with_supported_truth(given)
            if kind != "sequel2":
                yield Task(kind, 0, known)
            if full_passes(known.zmw):
                yield from (Task(kind, size, part) for size, part in parts(known, SIZES, SUBSETS, rng))
            yield from (Task(kind, -len(part.zmw.passes), part) for _, part in strands(known))


def _molecules(kind: str, shared: Path) -> Iterator[KnownMolecule]:
    if kind == "sequel2":
        return labelled_molecules(shared)
    return lambda_molecules(kind, shared) if kind.startswith("lambda") else known_molecules(kind, shared)


def count(task: Task, model: str) -> Items | None:
    """Polish a molecule and count the errors of its homopolymers; None if it does not align."""
    zmw = task.known.zmw if task.size == 0 else redrafted(task.known.zmw, task.known.zmw.passes)
    try:
        aligned = align_zmw(zmw)
        state, corrector = refine(aligned), corrector_of(model.replace("{zmw}", task.known.hole))
        features = corrector.method.encode(aligned)
        wrong, calls = _called(features, corrector)
        undecided = wrong > 0
        errors, known = _errors(state, undecided, calls, task.known.truth)
    except MoleculeError as fault:
        print(fault)
        return None
    readings = readings_of(state)
    n = len(errors)
    return Items(
        kind=np.full(n, task.kind),
        hole=np.full(n, task.known.hole),
        size=np.full(n, task.size, np.int16),
        length=readings.length,
        depth=readings.depth.astype(np.int16),
        scored=readings.scored,
        terms={name: values.astype(np.float32) for name, values in readings.terms.items()},
        undecided=undecided,
        wrong=wrong,
        errors=np.minimum(errors, MOST_ERRORS).astype(np.float64),
    ).of(known & (readings.depth > 0))


def _called(features: Features, corrector: Corrector) -> tuple[NDArray[np.float32], Calls]:
    """Probability that the edit of each homopolymer is wrong, and the read, indexed by the refined draft."""
    layout = features.layout
    selected = np.ones(features.items, np.bool_)
    probabilities = corrector.network.forward(features.inputs) if features.items else np.ones((0, 1), np.float32)
    wrong = np.zeros(len(layout["depth"]), np.float32)
    wrong[layout.get("undecided", slice(None))] = 1 - probabilities.max(axis=1, initial=0)
    own = {**layout, "draft_index": np.arange(len(layout["draft"]), dtype=np.int32)}
    return wrong, corrector.method.call(replace(features, layout=own), selected, probabilities)


def _errors(
    state: TemplateState, undecided: NDArray[np.bool_], calls: Calls, truth: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Errors of the read at each homopolymer of the refined draft, and where they are known."""
    (aligned,) = align_passes(Draft("truth", calls.bases, None), [Pass("truth", truth, None, None, None)])
    if aligned is None or aligned.alignment is None:
        raise MoleculeError("the truth does not align to the read")
    homopolymers = find_homopolymers(calls.bases)
    alignment = left_normalise(aligned.alignment, aligned.bases, calls.bases)
    spans = homopolymer_spans(alignment, homopolymers)
    begin, end = _stretch(alignment)
    known = spans.covered & ~unknown(aligned.bases, alignment, homopolymers)
    known &= (homopolymers.start >= begin + END) & (homopolymers.stop <= end - END)
    errors = _differences(aligned.bases, spans, homopolymers)
    owner = _owners(state.repeats.homopolymer_of, undecided, calls.draft_index, homopolymers.start)
    count = len(undecided)
    summed = np.bincount(owner, errors * known, minlength=count).astype(np.int64)
    seen = np.bincount(owner, minlength=count)
    return summed, (seen > 0) & (np.bincount(owner, known, minlength=count) == seen)


def _differences(truth: NDArray[np.uint8], spans: Spans, homopolymers: Homopolymers) -> NDArray[np.int64]:
    """Errors of each homopolymer: bases of others, bases too many or too few."""
    begin, _, end = spans.positions.T
    owner = np.repeat(np.arange(len(homopolymers)), end - begin)
    # Covered homopolymers are contiguous, and so are their bases.
    bases = truth[np.arange(len(owner)) + begin[spans.covered].min(initial=len(truth))]
    own = np.bincount(owner[bases == homopolymers.base[owner]], minlength=len(homopolymers))
    change = own - homopolymers.length
    errors: NDArray[np.int64] = np.maximum(np.maximum(-change, 0), end - begin - own) + np.maximum(change, 0)
    return errors


def _stretch(alignment: Alignment) -> tuple[int, int]:
    return alignment.start, alignment.start + int(alignment.lengths @ cigar.ON_DRAFT[alignment.operations])


def _owners(
    homopolymer_of: NDArray[np.int32],
    undecided: NDArray[np.bool_],
    index: NDArray[np.int32],
    start: NDArray[np.int32],
) -> NDArray[np.int64]:
    """The homopolymer of the draft that answers for each homopolymer of a read.

    That is the first one of its bases, or else an undecided one of its bases or of those deleted in front of them.

    Args:
        homopolymer_of: ``int32[n]`` of the bases of the draft.
        undecided: ``bool[homopolymers]`` of the draft.
        index: ``int32[m]`` position of the read's bases in the draft, -1 for inserted ones.
        start: ``int32[k]`` first base of the read's homopolymers.
    """
    kept = np.where(index < 0, len(homopolymer_of) - 1, index)
    # An inserted base belongs to the homopolymer after it.
    owner = homopolymer_of[np.minimum.accumulate(kept[::-1])[::-1]].astype(np.int64)
    deleted = np.where(np.diff(owner, prepend=-1) > 1, owner - 1, 0)
    asked = np.where(undecided[owner], owner, np.where(undecided[deleted], deleted, -1))
    best = np.maximum.reduceat(asked, start)
    answers: NDArray[np.int64] = np.where(best >= 0, best, owner[start])
    return answers
