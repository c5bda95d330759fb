"""Every error that a model leaves in polished reads, with what all passes say there, as text.

    python benchmarks/remaining_errors.py [--shared DIR] [--model pairhmm] [--zmws 4194384 4194381] [--brief]

Errors at most ``JOINED`` bases apart are one place. At each place stand the truth, the draft, the read and the passes,
in the columns of their alignments to the read, gaps as far left as they go. "to truth" is the evidence of the passes
for putting the place right, "to draft" that for what the draft had there, where the model edited it: log-likelihoods
under the pair hidden Markov model (``edits.evidence``) of the edited read less those of the read, nats, pooled over
passes as ``pairhmm`` does. A pass takes sides where its part of "to truth", which stands after it, is beyond
``DECIDED``.
``--brief`` leaves the passes out.
"""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from reads import SHARED, KnownMolecule, known_molecules, polished

from deepconsensus_py.align.cigar import left_normalise
from deepconsensus_py.align.passes import align_passes
from deepconsensus_py.edits.aligned_pass import AlignedPass, align_pass, carried
from deepconsensus_py.edits.classes import Edit, Edits, apply_edits
from deepconsensus_py.edits.error_rates import PassModel, estimate
from deepconsensus_py.edits.evidence import pooled, score_edits
from deepconsensus_py.edits.repeats import find_homopolymers, find_repeats, find_short_tandem_repeats
from deepconsensus_py.evaluate.alignment import GAP, align_read
from deepconsensus_py.evaluate.reads import Read
from deepconsensus_py.methods import DEFAULT
from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw, decode_bases, encode_bases
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.pileup.pileup import build_pileup

JOINED = 4
AROUND = 12
"""Read bases that are shown on either side, and over which read and draft are compared."""

UNCERTAIN = -10.0
"""Nats: so much evidence against the truth that it may be wrong."""

DECIDED = 0.5
"""Nats by which a pass takes sides."""

BROKEN = "right in the draft"

SPLIT = 0.3
"""Share of the passes that take sides."""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where read and truth differ.

    Attributes:
        read: first and last (excluded) base of the read; equal for bases that it lacks.
        truth: the same of the truth.
    """

    read: tuple[int, int]
    truth: tuple[int, int]

    @property
    def bases(self) -> int:
        """Wrong ones."""
        return max(self.read[1] - self.read[0], self.truth[1] - self.truth[0])


class Bench:
    """A polished read with its passes aligned to it, on which edits are tried.

    Args:
        read: the read.
        known: its molecule.
    """

    def __init__(self, read: Read, known: KnownMolecule) -> None:
        self.read, self.bases = read.bases, encode_bases(read.bases)
        self.truth, self.draft = decode_bases(known.truth), decode_bases(known.zmw.draft.bases)
        self.passes = self._aligned(known.zmw.passes)
        self.models: tuple[PassModel, PassModel] = estimate(find_repeats(self.bases), self.passes)
        self._on_draft = align_read(Read("read", self.read), self.draft)
        self._given = self._log_likelihoods(self.bases, self.passes)
        references = [Pass("", codes, None, None, None) for codes in (known.truth, known.zmw.draft.bases)]
        shown = [p.source for p in (*self._aligned(references), *self.passes)]
        spec = FeatureSpec(required=(), max_passes=len(shown), insertion_trim=1000)
        self.pileup = build_pileup(Zmw(Draft(read.name, self.bases, None), tuple(shown)), spec)
        self._spans = [_span(p) for p in shown]

    def _aligned(self, passes: Sequence[Pass]) -> list[AlignedPass]:
        found = [p for p in align_passes(Draft("read", self.bases, None), passes) if p is not None]
        normal = (replace(p, alignment=left_normalise(p.alignment, p.bases, self.bases)) for p in found)
        return [align_pass(p, self.bases) for p in normal]

    def _log_likelihoods(self, bases: NDArray[np.uint8], passes: list[AlignedPass]) -> NDArray[np.float64]:
        repeats = find_repeats(bases)
        wanted = np.zeros(len(repeats.homopolymers), np.bool_)
        return score_edits(repeats, passes, self.models, wanted=wanted).log_likelihoods

    def places(self) -> list[Place]:
        """Where the read is wrong."""
        aligned = align_read(Read("read", self.read), self.truth)
        assert not aligned.reversed
        from_read, from_truth = aligned.read_span[0], aligned.truth_span[0]
        return [
            Place((r + from_read, s + from_read), (t + from_truth, u + from_truth))
            for r, s, t, u in _differences(aligned.rows)
        ]

    def drafted(self, place: Place) -> tuple[int, int, str]:
        """The stretch of the read around a place, its homopolymers whole, and what the draft has there."""
        homopolymers = find_homopolymers(self.bases)
        first, last = np.searchsorted(homopolymers.start, [max(place.read[0] - 1, 0), place.read[1]], side="right") - 1
        start, stop = int(homopolymers.start[first]), int(homopolymers.stop[last])
        read_row, draft_row = self._on_draft.rows
        position = self._on_draft.read_span[0] + np.cumsum(read_row != GAP) - 1
        letters = draft_row[(position >= start) & (position < stop)]
        return start, stop, letters[letters != GAP].tobytes().decode()

    def righted(self, place: Place, start: int, stop: int) -> str:
        """A stretch of the read with the place put right."""
        return self.read[start : place.read[0]] + self.truth[slice(*place.truth)] + self.read[place.read[1] : stop]

    def evidence(self, start: int, stop: int, letters: str) -> NDArray[np.float64]:
        """What each pass says ``float64[passes]`` (nats) about other letters in a stretch of the read."""
        edited, index = apply_edits(self.bases, Edits.of([Edit(start, stop - start, encode_bases(letters))]))
        moved = [carried(p, edited, index) for p in self.passes]
        kept = [number for number, p in enumerate(moved) if p is not None]
        gains = np.zeros(len(self.passes))
        gains[kept] = self._log_likelihoods(edited, [moved[i] for i in kept]) - self._given[kept]
        return np.nan_to_num(gains, posinf=0, neginf=0)

    def rows(self, place: Place) -> tuple[list[str], list[str]]:
        """Truth, draft and read around a place, and the passes, "" for one that does not reach over it."""
        start, stop = max(place.read[0] - AROUND, 0), min(place.read[1] + AROUND, len(self.read))
        at = self.pileup.draft_columns
        window = slice(int(at[start]), int(at[stop - 1]) + 1)
        texts = [decode_bases(bases[window]).replace(" ", "-") for bases in self.pileup.bases]
        read = decode_bases(self.pileup.draft[window]).replace(" ", "-")
        reaching = [
            text if first <= start and last >= stop else ""
            for text, (first, last) in zip(texts, self._spans, strict=True)
        ]
        return [*texts[:2], read], reaching[2:]


def _span(p: Pass) -> tuple[int, int]:
    """First and last (excluded) base of the read that a pass reaches."""
    assert p.alignment is not None
    on_draft = np.isin(p.alignment.operations, (2, 7, 8))
    return p.alignment.start, p.alignment.start + int(p.alignment.lengths[on_draft].sum())


def _differences(rows: NDArray[np.uint8]) -> Iterator[tuple[int, int, int, int]]:
    """Stretches of columns that differ, as positions in both rows; those close to each other are one."""
    differs = np.flatnonzero(rows[0] != rows[1])
    before = np.concatenate([np.zeros((2, 1), np.int64), np.cumsum(rows != GAP, axis=1)], axis=1)
    for group in np.split(differs, np.flatnonzero(np.diff(differs) > JOINED) + 1):
        if len(group):
            first, last = group[0], group[-1] + 1
            yield before[0, first], before[0, last], before[1, first], before[1, last]


def what_is_wrong(bench: Bench, place: Place) -> str:
    """The error, in words."""
    read, truth = bench.read[slice(*place.read)], bench.truth[slice(*place.truth)]
    if read and truth:
        return f"{truth} is {read}"
    what = f"lacks {truth}" if truth else f"has {read} too many"
    changed = truth or read
    homopolymers = find_homopolymers(encode_bases(bench.truth))
    beside = range(max(place.truth[0] - 1, 0), min(place.truth[0] + 1, len(bench.truth)))
    numbers = [np.searchsorted(homopolymers.start, p, side="right") - 1 for p in beside if bench.truth[p] == changed[0]]
    if len(set(changed)) > 1 or not numbers:
        return what
    return f"{what}, homopolymer of {max(int(homopolymers.length[number]) for number in numbers)}"


def in_repeat(bench: Bench, place: Place) -> bool:
    """Whether whole units of a repeat of 2 or 3 bases are missing or too many."""
    change = abs((place.read[1] - place.read[0]) - (place.truth[1] - place.truth[0]))
    tandem_repeats = find_short_tandem_repeats(encode_bases(bench.truth))
    near = (tandem_repeats.start <= place.truth[1]) & (tandem_repeats.stop >= place.truth[0])
    return change > 0 and bool((change % tandem_repeats.unit[near] == 0).any())


def why_it_is_there(to_truth: float, sides: NDArray[np.int64], *, repeat: bool) -> str:
    """The class of an error.

    Args:
        to_truth: evidence for putting it right, nats.
        sides: ``int64[2, 2]`` passes for the truth and against it, of either strand.
        repeat: it is of whole repeat units.
    """
    for_truth, against = sides.sum(axis=0)
    if to_truth < UNCERTAIN and for_truth < SPLIT * against:
        return "truth uncertain: the passes agree on the read"
    if repeat:
        return "tandem repeat"
    if to_truth > 0:
        return "signal, but less than the model wants"
    if sides[0].argmax() != sides[1].argmax() and sides.max(axis=1).min() > 1 and (sides[:, 0] != sides[:, 1]).all():
        return "strands disagree"
    if for_truth >= SPLIT * (for_truth + against):
        return "passes split"
    return "no signal in the passes"


def describe(known: KnownMolecule, model: str, *, brief: bool) -> Counter[str]:
    """Print the errors of one read; wrong bases of each class."""
    read = polished(known, model)
    bench = Bench(read, known)
    assert read.qualities is not None
    classes: Counter[str] = Counter()
    print(f"\n{known.hole}: {len(bench.passes)} passes, {len(bench.read)} bases, {Path(model).stem}")
    for number, place in enumerate(bench.places(), 1):
        by_pass = bench.evidence(*place.read, bench.truth[slice(*place.truth)])
        start, stop, drafted = bench.drafted(place)
        made = (
            ""
            if drafted == bench.read[start:stop]
            else f", to draft {together(bench.evidence(start, stop, drafted)):+.1f}"
        )
        if drafted == bench.righted(place, start, stop):
            made += " (it was right)"
            classes[BROKEN] += place.bases
        reverse = np.array([p.reverse for p in bench.passes])
        parts = [by_pass[~reverse], by_pass[reverse]]
        sides = np.array([[(part > DECIDED).sum(), (part < -DECIDED).sum()] for part in parts])
        to_truth = together(by_pass)
        why = why_it_is_there(to_truth, sides, repeat=in_repeat(bench, place))
        classes[why] += place.bases
        lowest = read.qualities[max(place.read[0] - 1, 0) : place.read[1] + 1].min()
        print(f"\n{number}. truth {place.truth[0]}, read {place.read[0]}, Q{lowest:.0f}: {what_is_wrong(bench, place)}")
        strands = ", ".join(f"{sign} {a}:{b}" for sign, (a, b) in zip("+-", sides, strict=True))
        print(f"   to truth {to_truth:+.1f}{made}; passes for it and against: {strands}; {why}")
        known_rows, pass_rows = bench.rows(place)
        for label, text in zip(("truth", "draft", "read"), known_rows, strict=True):
            print(f"   {label:5} {text}")
        for text, gain, backward in zip(pass_rows, by_pass, reverse, strict=True):
            if text and not brief:
                print(f"   {'-' if backward else '+':5} {text}  {gain:+.1f}")
    return classes


def together(by_pass: NDArray[np.float64]) -> float:
    """Evidence of all passes, nats."""
    return float(pooled(by_pass[:, None, None].astype(np.float32))[0, 0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--model", default=DEFAULT, metavar="NAME|FILE")
    parser.add_argument("--zmws", nargs="+", default=["4194384", "4194381"], metavar="N")
    parser.add_argument("--brief", action="store_true")
    args = parser.parse_args()
    classes: Counter[str] = Counter()
    for name in ("human_1m", "human_bases_only"):
        for known in known_molecules(name, args.shared):
            if known.hole in args.zmws:
                classes += describe(known, args.model, brief=args.brief)
    broken = classes.pop(BROKEN, 0)
    print(f"\n{sum(classes.values())} wrong bases, {broken} of them right in the draft")
    for why, count in classes.most_common():
        print(f"{count:5} {why}")


if __name__ == "__main__":
    main()
