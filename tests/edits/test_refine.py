"""Refined drafts of simulated molecules."""

from dataclasses import replace

import edlib
import numpy as np
import pytest
from edit_tools import all_ratios, apply_each
from support import alignment_of

from deepconsensus_py.align import cigar
from deepconsensus_py.align.passes import align_zmw
from deepconsensus_py.edits import refine as refine_module
from deepconsensus_py.edits.classes import EDITED, Edit
from deepconsensus_py.edits.proposals import Proposal
from deepconsensus_py.edits.refine import refine
from deepconsensus_py.edits.repeats import find_homopolymers, find_short_tandem_repeats
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import (
    Alignment,
    Draft,
    N,
    Pass,
    Zmw,
    decode_bases,
    encode_bases,
    reverse_complement,
)
from deepconsensus_py.simulate.molecules import simulate_molecule
from deepconsensus_py.simulate.profile import load_profile
from deepconsensus_py.simulate.templates import random_template

Codes = np.ndarray
PROFILE = load_profile()
# Molecules of average error rates: those of a very noisy one would hide what is tested.
AVERAGE = replace(PROFILE, passes=replace(PROFILE.passes, molecules=np.zeros((7, 7)), strands=np.zeros(3)))


def distance(a: Codes, b: Codes) -> int:
    return int(edlib.align(decode_bases(a), decode_bases(b))["editDistance"])


def simulated(seed: int, length: int = 3000, passes: int = 10) -> tuple[Codes, Zmw]:
    """A truth and its unaligned passes; the draft is the truth."""
    rng = np.random.default_rng(seed)
    truth = random_template(length, PROFILE.passes.homopolymer_share, rng)
    molecule = simulate_molecule(
        truth, movie="m1", hole=seed, full_passes=passes, profile=AVERAGE, rng=rng, partial_ends=True
    )
    return truth, replace(molecule.zmw, draft=Draft(f"m1/{seed}/ccs", truth, None))


def with_draft(zmw: Zmw, draft: Codes) -> Zmw:
    return align_zmw(replace(zmw, draft=Draft(zmw.name, draft, None)))


def planted(truth: Codes, count: int) -> Codes:
    """A draft with errors: indels in homopolymers, short homopolymers deleted, mismatches, repeat units more and
    less."""
    homopolymers, tandem_repeats = find_homopolymers(truth), find_short_tandem_repeats(truth)
    # One copy of a unit is no tandem repeat, so that a lost copy can be missed only where two are left.
    two = tandem_repeats.start[(tandem_repeats.unit == 2) & (tandem_repeats.stop - tandem_repeats.start >= 6)]
    edits = {}
    for number, position in enumerate(np.linspace(60, len(truth) - 80, count).astype(int).tolist()):
        long_homopolymer = np.flatnonzero((homopolymers.start >= position) & (homopolymers.length >= 2))[0]
        short_homopolymer = np.flatnonzero((homopolymers.start >= position) & (homopolymers.length == 1))[0]
        at, base = int(homopolymers.start[long_homopolymer]), homopolymers.base[[long_homopolymer]]
        kinds = [
            Edit(at, 1, base[:0]),
            Edit(at, 0, base),
            Edit(int(homopolymers.start[short_homopolymer]), 1, base[:0]),
            Edit(at, 0, np.repeat(base, 2)),
            Edit(at, 0, (1 + (base + number % 2) % 4).astype(np.uint8)),
        ]
        if len(two):
            unit = int(two[np.searchsorted(two, position) % len(two)])
            kinds += [Edit(unit, 0, truth[unit : unit + 2]), Edit(unit, 2, base[:0])]
        edits[kinds[number % len(kinds)].start] = kinds[number % len(kinds)]
    return apply_each(truth, list(edits.values()))[0]


@pytest.mark.parametrize("seed", range(3))
def test_planted_errors_go(seed: int) -> None:
    truth, zmw = simulated(seed)
    draft = planted(truth, 20)
    assert distance(draft, truth) >= 24
    assert distance(refine(with_draft(zmw, draft)).bases, truth) <= 5


def test_the_refined_molecule_fits_together() -> None:
    truth, zmw = simulated(3, length=1500)
    aligned = with_draft(zmw, _neighbours_longer(planted(truth, 10), 200))
    refined = refine(aligned)
    once = refine(aligned, rounds=1)
    assert len(once.bases) == len(refined.bases) + 1  # errors in neighbouring homopolymers take two rounds
    kept = refined.draft_index >= 0
    assert np.array_equal(refined.bases[kept], aligned.draft.bases[refined.draft_index[kept]])
    assert (np.diff(refined.draft_index[kept]) > 0).all()
    assert not kept.all()
    assert refined.repeats.homopolymers.length.sum() == len(refined.bases)
    assert all_ratios(refined.scores).shape == (len(refined.passes), len(refined.repeats.homopolymers), EDITED)
    assert [p.source.name for p in refined.passes] == [p.name for p in aligned.passes]
    for p in (aligned.source for aligned in refined.passes):
        assert p.alignment is not None
        in_pass, in_draft = cigar.paired_positions(p.alignment)
        assert (p.bases[in_pass] == refined.bases[in_draft]).mean() > 0.9


@pytest.mark.parametrize("where", ["single", "first", "last"])
def test_a_wrong_base_is_mended_in_one_round(where: str) -> None:
    truth, zmw = simulated(7, length=800)
    homopolymers = find_homopolymers(truth)
    lengths = homopolymers.length == 1 if where == "single" else homopolymers.length >= 2
    # Where neighbours are alike, a wrong base may be in the middle of a homopolymer, which is no edit.
    unlike = np.roll(homopolymers.base, 1) != np.roll(homopolymers.base, -1)
    homopolymer = int(np.flatnonzero(lengths & unlike & (homopolymers.start > 200))[0])
    at = int(homopolymers.stop[homopolymer] - 1 if where == "last" else homopolymers.start[homopolymer])
    for letter in {1, 2, 3, 4} - {int(truth[at])}:
        draft = truth.copy()
        draft[at] = letter
        refined = refine(with_draft(zmw, draft), rounds=1)
        assert decode_bases(truth[at - 12 : at + 13]) in decode_bases(refined.bases)


def test_nothing_happens_a_second_time() -> None:
    truth, zmw = simulated(4, length=1500)
    first = refine(with_draft(zmw, planted(truth, 10)), rounds=10)
    again = refine(Zmw(Draft("m1/4/ccs", first.bases, None), tuple(p.source for p in first.passes)))
    assert np.array_equal(first.bases, again.bases)
    # Error rates that were counted before the last edits stay in what was not scored again.
    both = first.scores.scored & again.scores.scored
    differences = np.abs(all_ratios(first.scores)[:, both] - all_ratios(again.scores)[:, both])
    assert both.sum() > 0.9 * again.scores.scored.sum()
    assert np.quantile(differences, 0.99) < 1


def test_edits_that_lead_in_a_circle_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of two drafts may have evidence for the edit that leads to the other."""
    truth, zmw = simulated(6, length=400)
    aligned = align_zmw(zmw)
    at, made = int(find_homopolymers(truth).start[50]), []

    def other_draft(state: refine_module.TemplateState, threshold: float) -> list[Proposal]:
        longer = len(state.bases) > len(truth)
        return [Proposal(Edit(at, 1, truth[:0]) if longer else Edit(at, 0, truth[[at]]))]

    def counted(*given: object, **named: object) -> refine_module.TemplateState:
        made.append(given)
        return next_state(*given, **named)

    next_state = refine_module.next_state
    monkeypatch.setattr(refine_module, "choose_edits", other_draft)
    monkeypatch.setattr(refine_module, "next_state", counted)
    assert len(refine(aligned, rounds=10).bases) == len(truth) + 1
    assert len(made) == 1


def test_no_rounds_keep_the_draft_and_give_its_evidence() -> None:
    truth, zmw = simulated(5, length=800)
    draft = planted(truth, 5)
    refined = refine(with_draft(zmw, draft), rounds=0)
    assert np.array_equal(refined.bases, draft)
    assert all_ratios(refined.scores).max() > 1


def test_a_threshold_that_nothing_reaches_keeps_the_draft() -> None:
    truth, zmw = simulated(5, length=800)
    draft = planted(truth, 5)
    assert np.array_equal(refine(with_draft(zmw, draft), threshold=1e6).bases, draft)


@pytest.mark.parametrize("seed", range(2))
def test_the_other_strand_gives_the_same(seed: int) -> None:
    """Alignments of the two orientations place gaps on opposite sides; the refined drafts do not depend on it."""
    truth, zmw = simulated(seed + 10, length=2000, passes=12)
    draft = planted(truth, 15)
    forward = refine(with_draft(zmw, draft)).bases
    backward = refine(with_draft(zmw, reverse_complement(draft))).bases
    assert distance(forward, reverse_complement(backward)) <= 1


def test_partial_passes_count_where_they_align() -> None:
    truth, zmw = simulated(6, length=2000, passes=12)
    draft = planted(truth, 12)
    aligned = with_draft(zmw, draft)
    halves = tuple(_clipped(p, keep_first=number % 2 == 0) for number, p in enumerate(aligned.passes))
    refined = refine(replace(aligned, passes=halves))
    assert distance(refined.bases, truth) <= 6


def test_kinetics_may_be_missing() -> None:
    truth, zmw = simulated(7, length=2000, passes=12)
    draft = planted(truth, 12)
    bare = [replace(p, pulse_widths=None, inter_pulse_durations=None) for p in with_draft(zmw, draft).passes]
    refined = refine(Zmw(Draft("m1/7/ccs", draft, None), tuple(bare)))
    assert distance(refined.bases, truth) <= 4


def test_unknown_bases_stay_without_evidence() -> None:
    truth, zmw = simulated(8, length=1000, passes=6)
    draft = truth.copy()
    draft[[300, 301, 600]] = N
    refined = refine(with_draft(zmw, draft))
    assert distance(refined.bases, truth) <= 8


def test_one_pass_changes_little() -> None:
    """One pass cannot outvote a draft: its evidence is bounded, but more than the threshold where it is clear."""
    truth, zmw = simulated(9, length=1000, passes=3)
    aligned = with_draft(zmw, truth)
    longest = max(aligned.passes, key=lambda p: len(p.bases))
    refined = refine(replace(aligned, passes=(longest,)))
    assert all_ratios(refined.scores).shape[0] == 1
    assert len(refined.bases) == pytest.approx(len(truth), rel=0.1)


@pytest.mark.parametrize("length", [1, 2, 7, 8, 50])
def test_short_drafts(length: int) -> None:
    truth, zmw = simulated(20, length=200, passes=5)
    bases = truth[:length]
    whole = Alignment(0, np.array([cigar.EQUAL], np.uint8), np.array([length], np.int32))
    p = replace(zmw.passes[0], bases=bases, pulse_widths=None, inter_pulse_durations=None, alignment=whole)
    refined = refine(Zmw(Draft("m1/20/ccs", bases, None), (p, p, p)))
    assert np.array_equal(refined.bases, bases)


def test_molecules_that_cannot_be_refined_give_the_reason() -> None:
    p = Pass("m1/1/0_4", encode_bases("ACGT"), None, None, None, Alignment(0, np.array([7], np.uint8), np.array([4])))
    draft = Draft("m1/1/ccs", encode_bases("ACGT"), None)
    with pytest.raises(MoleculeError, match="the draft is empty"):
        refine(Zmw(replace(draft, bases=draft.bases[:0]), (p,)))
    with pytest.raises(MoleculeError, match="no pass") as no_pass:
        refine(Zmw(draft, ()))
    assert no_pass.value.outcome == "no_aligned_pass"
    with pytest.raises(MoleculeError, match="not aligned"):
        refine(Zmw(draft, (replace(p, alignment=None),)))
    for start, length in ((1, 4), (0, 3), (-1, 4)):
        wrong = Alignment(start, np.array([7], np.uint8), np.array([length], np.int32))
        with pytest.raises(MoleculeError, match="does not fit"):
            refine(Zmw(draft, (replace(p, alignment=wrong),)))


def _neighbours_longer(draft: Codes, homopolymer: int) -> Codes:
    """A draft with a base too many in two neighbouring homopolymers."""
    homopolymers = find_homopolymers(draft)
    return apply_each(
        draft, [Edit(int(homopolymers.start[r]), 0, homopolymers.base[[r]]) for r in (homopolymer, homopolymer + 1)]
    )[0]


def _clipped(p: Pass, *, keep_first: bool) -> Pass:
    """The first or the last two thirds of a pass, by its alignment."""
    assert p.alignment is not None
    columns = np.repeat(p.alignment.operations, p.alignment.lengths)
    clips = columns == cigar.SOFT_CLIP
    first, last = np.flatnonzero(~clips)[[0, -1]]
    third = (last - first) // 3
    equal = columns == cigar.EQUAL
    begin, end = (first, last - third + 1) if keep_first else (first + third, last + 1)
    begin = int(np.flatnonzero(equal & (np.arange(len(columns)) >= begin))[0])
    end = int(np.flatnonzero(equal & (np.arange(len(columns)) < end))[-1]) + 1
    on_pass, on_draft = cigar.ON_PASS[columns], cigar.ON_DRAFT[columns]
    head, tail = int(on_pass[:begin].sum()), int(on_pass[end:].sum())
    start = p.alignment.start + int(on_draft[:begin].sum())
    return replace(p, alignment=alignment_of(columns[begin:end], start=start, head=head, tail=tail))
