"""Augment molecules with known truth: opposite strand, fewer passes, other drafts, added errors."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.align.cigar import left_normalise, reversed_alignment
from deepconsensus_py.align.draft import MIN_PASSES, draft_zmw, unpolished_draft
from deepconsensus_py.align.passes import align_passes, align_zmw, oriented
from deepconsensus_py.edits.aligned_pass import align_pass, carried
from deepconsensus_py.edits.classes import Edit, Edits, apply_edits
from deepconsensus_py.edits.repeats import find_homopolymers
from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.examples.example import Example
from deepconsensus_py.pacbio.molecule import Alignment, Draft, N, Pass, Truth, Zmw, reverse_complement
from deepconsensus_py.pacbio.molecule import reverse_complement as reversed_bases
from deepconsensus_py.pacbio.names import MoleculeId, parse_ccs


def reverse_zmw(zmw: Zmw) -> Zmw:
    """The reverse complement of a molecule with aligned passes.

    Alignments are reversed as they are: left-normalised gaps become right-normalised. Within each homopolymer, the
    draft's qualities keep their order, because ccs puts the low quality of an uncertain homopolymer on its first base
    in read direction.
    """
    length = len(zmw.draft.bases)
    return Zmw(_reverse_draft(zmw.draft), tuple(_reverse_pass(p, length) for p in zmw.passes))


def _reverse_draft(draft: Draft) -> Draft:
    bases, qualities = reverse_complement(draft.bases), draft.qualities
    if qualities is not None:
        homopolymers = find_homopolymers(bases)
        first_and_last = np.repeat(homopolymers.start + homopolymers.stop - 1, homopolymers.length)
        qualities = qualities[::-1][first_and_last - np.arange(len(bases))]
    return replace(draft, bases=bases, qualities=qualities)


def _reverse_pass(p: Pass, draft_length: int) -> Pass:
    turned = oriented(p, reverse=True)
    if p.alignment is None:
        return turned
    return replace(turned, alignment=reversed_alignment(p.alignment, draft_length))


ONE_STRAND = 0.2
"""Share of redrafts from passes of one strand, if there are enough."""

FEW = 0.04
"""Share of redrafts from one or two passes, one of them the draft, if the truth is the draft from all passes. Nearly
all of their homopolymers are undecided: a larger share would crowd out the others, and held-out losses too."""

MOST_OF_ITS_OWN = 0.5
"""Largest share of the passes to use if the truth is the draft from all of them, whose errors are theirs."""

MOST_PASSES_OF_ITS_OWN = 10
"""Most passes to use then."""

_LEAST_LENGTH = 1 / 3
"""Shortest pass to choose, as a share of the draft."""


def redrafted(example: Example, rng: np.random.Generator) -> Example | None:
    """Redraft a molecule from some of its passes, in random orientation, with the truth aligned to it.

    Args:
        example: the molecule; its passes are aligned.
        rng: source of randomness.

    Returns:
        the redrafted molecule, or None if too few passes are usable or the truth does not align.
    """
    name = parse_ccs(example.name)
    assert name
    few = is_its_own_truth(example) and rng.random() < FEW
    least = int(rng.integers(1, MIN_PASSES)) if few else MIN_PASSES
    chosen = [_raw(p) for p in _choose(example, rng, least)]
    try:
        zmw = align_zmw(_drafted(name.zmw, chosen, least))
    except MoleculeError:
        return None
    if rng.random() < 0.5:
        zmw = reverse_zmw(zmw)
    truth = example.truth
    (aligned,) = align_passes(Draft("truth", zmw.draft.bases, None), [Pass("truth", truth.bases, None, None, None)])
    if aligned is None or aligned.alignment is None or len(zmw.passes) < least:
        return None
    return Example(zmw, replace(truth, bases=aligned.bases, alignment=aligned.alignment))


def is_its_own_truth(example: Example) -> bool:
    """Whether the truth is the draft itself, where it is known: it can label only drafts of fewer passes."""
    draft, truth = example.zmw.draft.bases, example.truth.bases
    return len(draft) == len(truth) and bool(((draft == truth) | (truth == N)).all())


def _drafted(molecule: MoleculeId, passes: list[Pass], least: int) -> Zmw:
    """The draft of some passes; where they are too few for a consensus, one of them."""
    if passes and least < MIN_PASSES:
        return Zmw(unpolished_draft(molecule, passes), tuple(passes))
    return draft_zmw(molecule, passes)


def _choose(example: Example, rng: np.random.Generator, least: int) -> list[Pass]:
    """At least so many passes, exactly so many if these make no consensus; none if the molecule has too few."""
    zmw = example.zmw
    candidates = [p for p in zmw.passes if len(p.bases) > _LEAST_LENGTH * len(zmw.draft.bases)]
    most = len(zmw.passes) if least == MIN_PASSES else least
    if is_its_own_truth(example):
        most = min(most, int(MOST_OF_ITS_OWN * len(zmw.passes)), MOST_PASSES_OF_ITS_OWN)
        if most < least:
            return []
    count = int(rng.integers(least, max(most, least), endpoint=True))
    if rng.random() < ONE_STRAND:
        reverse = rng.random() < 0.5
        strand = [p for p in candidates if p.reverse == reverse]
        candidates = strand if len(strand) >= least else candidates
    count = min(count, len(candidates))
    return [candidates[i] for i in np.sort(rng.choice(len(candidates), count, replace=False))]


def _raw(p: Pass) -> Pass:
    """A pass as sequenced."""
    return replace(oriented(p, reverse=p.reverse), alignment=None, reverse=False)


FEWEST_PASSES = 3
"""Least passes of a subset."""

LOW_QUALITIES = (2, 20)
"""Phred, lowest and highest, of the first base of a corrupted homopolymer, where ccs puts low qualities."""


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Augmentation of a molecule.

    Attributes:
        reverse: probability of the reverse complement.
        some_passes: probability of using a random subset of the passes.
        no_kinetics: probability of dropping pulse widths and inter-pulse durations.
        no_qualities: probability of dropping the draft's base qualities.
        corrupted: probability that a homopolymer of the draft gains or loses a base.
        crop: length of a random stretch of the draft to keep, bp; 0 keeps all.
    """

    reverse: float = 0.0
    some_passes: float = 0.0
    no_kinetics: float = 0.0
    no_qualities: float = 0.0
    corrupted: float = 0.0
    crop: int = 0

    def __post_init__(self) -> None:
        for name in ("reverse", "some_passes", "no_kinetics", "no_qualities", "corrupted"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} must be a probability, not {getattr(self, name)}")
        if self.crop < 0:
            raise InputError(f"crop must be 0 or more, not {self.crop}")


def augment(example: Example, rng: np.random.Generator, settings: Augmentation) -> Example:
    """Augment a molecule at random.

    Args:
        example: the molecule and its truth.
        rng: source of randomness.
        settings: probabilities.
    """
    reverse, some, kinetics, qualities = rng.random(4)
    if settings.crop:
        start = int(rng.integers(max(len(example.zmw.draft.bases) - settings.crop, 0), endpoint=True))
        example = crop(example, start, start + settings.crop) or example
    if some < settings.some_passes:
        example = replace(example, zmw=choose_passes(example.zmw, rng))
    if settings.corrupted:
        example = corrupt_draft(example, settings.corrupted, rng)
    if reverse < settings.reverse:
        example = other_strand(example)
    if kinetics < settings.no_kinetics:
        example = replace(example, zmw=without_kinetics(example.zmw))
    if qualities < settings.no_qualities:
        example = replace(example, zmw=without_qualities(example.zmw))
    return example


def choose_passes(zmw: Zmw, rng: np.random.Generator) -> Zmw:
    """A random subset of a molecule's passes, in order; all if there are no more than ``FEWEST_PASSES``."""
    if len(zmw.passes) <= FEWEST_PASSES:
        return zmw
    count = rng.integers(FEWEST_PASSES, len(zmw.passes), endpoint=True)
    chosen = np.sort(rng.choice(len(zmw.passes), count, replace=False))
    return replace(zmw, passes=tuple(zmw.passes[i] for i in chosen))


def without_kinetics(zmw: Zmw) -> Zmw:
    """A molecule without pulse widths and inter-pulse durations."""
    bare = (replace(p, pulse_widths=None, inter_pulse_durations=None) for p in zmw.passes)
    return replace(zmw, passes=tuple(bare))


def without_qualities(zmw: Zmw) -> Zmw:
    """A molecule without draft base qualities."""
    return replace(zmw, draft=replace(zmw.draft, qualities=None))


def other_strand(example: Example) -> Example:
    """The opposite strand of a molecule and its truth, gaps left-normalised again.

    The contig range of the truth is kept.
    """
    turned, truth = reverse_zmw(example.zmw), example.truth
    draft, bases = turned.draft.bases, reversed_bases(truth.bases)
    passes = (replace(p, alignment=left_normalise(_aligned(p), p.bases, draft)) for p in turned.passes)
    alignment = left_normalise(reversed_alignment(truth.alignment, len(draft)), bases, draft)
    return Example(replace(turned, passes=tuple(passes)), replace(truth, bases=bases, alignment=alignment))


def corrupt_draft(example: Example, rate: float, rng: np.random.Generator) -> Example:
    """Lengthen and shorten homopolymers of the draft by one base, and transfer passes and truth to the new draft.

    The first base of a changed homopolymer, or the base after a deleted one, gets a low quality.

    Args:
        example: the molecule and its truth.
        rate: probability that a homopolymer is changed.
        rng: source of randomness.
    """
    draft = example.zmw.draft
    homopolymers = find_homopolymers(draft.bases)
    # The first and last homopolymer stay, so that no alignment loses its end.
    chosen = np.flatnonzero(rng.random(len(homopolymers))[1:-1] < rate) + 1
    longer = rng.random(len(chosen)) < 0.5
    low = rng.integers(*LOW_QUALITIES, len(chosen), endpoint=True).astype(np.uint8)
    edits = [
        Edit(int(homopolymers.start[homopolymer]), int(not more), homopolymers.base[homopolymer : homopolymer + more])
        for homopolymer, more in zip(chosen, longer, strict=True)
    ]
    bases, index = apply_edits(draft.bases, Edits.of(edits))
    change = np.where(longer, 1, -1)
    at = homopolymers.start[chosen] + np.cumsum(change) - change  # positions in the new draft
    qualities = None if draft.qualities is None else draft.qualities[np.maximum(index, 0)]
    if qualities is not None:
        qualities[at] = low
    return _laid_on(example, replace(draft, bases=bases, qualities=qualities, tags=_general(draft)), index) or example


def crop(example: Example, start: int, stop: int) -> Example | None:
    """The part of a molecule on a stretch of its draft, gaps left-normalised.

    Args:
        example: the molecule and its truth.
        start: first draft base.
        stop: one past the last.

    Returns:
        The part, or None if the truth does not cover it.
    """
    draft = example.zmw.draft
    qualities = None if draft.qualities is None else draft.qualities[start:stop]
    cut = replace(draft, bases=draft.bases[start:stop], qualities=qualities, tags=_general(draft))
    index = np.arange(len(draft.bases), dtype=np.int32)[start:stop]
    laid = _laid_on(example, cut, index)
    if laid is None:
        return None
    zmw = replace(laid.zmw, passes=tuple(map(_unclipped, laid.zmw.passes)))
    return Example(zmw, _unclipped_truth(laid.truth, example.truth))


def _laid_on(example: Example, draft: Draft, index: NDArray[np.int32]) -> Example | None:
    """A molecule with a new draft, ``index`` the position of its bases in the old one; None if the truth is lost."""
    before = example.zmw.draft.bases
    truth = carried(align_pass(_as_pass(example.truth), before), draft.bases, index)
    if truth is None:
        return None
    moved = (carried(align_pass(p, before), draft.bases, index) for p in example.zmw.passes)
    passes = tuple(p.source for p in moved if p is not None)
    return Example(Zmw(draft, passes), replace(example.truth, alignment=_aligned(truth.source)))


def _as_pass(truth: Truth) -> Pass:
    return Pass(truth.name, truth.bases, None, None, None, truth.alignment)


def _aligned(p: Pass) -> Alignment:
    assert p.alignment is not None
    return p.alignment


def _general(draft: Draft) -> tuple[tuple[str, Any, str], ...]:
    """The draft's tags except window widths, which depend on its bases."""
    return tuple(tag for tag in draft.tags if tag[0] != "wl")


def _unclipped(p: Pass) -> Pass:
    """A pass without clipped bases."""
    head, kept, alignment = _clips(_aligned(p))
    bases = slice(head, head + kept)
    return replace(
        p,
        bases=p.bases[bases],
        pulse_widths=None if p.pulse_widths is None else p.pulse_widths[bases],
        inter_pulse_durations=None if p.inter_pulse_durations is None else p.inter_pulse_durations[bases],
        alignment=alignment,
    )


def _unclipped_truth(truth: Truth, before: Truth) -> Truth:
    """A truth without clipped bases; ``before`` is the whole, with its contig range."""
    head, kept, alignment = _clips(truth.alignment)
    begin = before.begin + head - _clips(before.alignment)[0]
    return replace(truth, begin=begin, end=begin + kept, bases=truth.bases[head : head + kept], alignment=alignment)


def _clips(alignment: Alignment) -> tuple[int, int, Alignment]:
    """Number of bases clipped at the start, number not clipped, and the alignment of these."""
    operations, lengths = alignment.operations, alignment.lengths
    clipped = operations == cigar.SOFT_CLIP
    head = int(lengths[0]) if clipped[0] else 0
    kept = int(lengths[~clipped] @ cigar.ON_PASS[operations[~clipped]])
    return head, kept, Alignment(alignment.start, operations[~clipped], lengths[~clipped])
