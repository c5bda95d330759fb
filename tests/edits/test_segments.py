"""Evidence for edits of any size: planted errors are found, scored and mended, and right drafts are left alone."""

import edlib
import numpy as np
import pytest

from deepconsensus_py.align.passes import align_passes, align_zmw
from deepconsensus_py.edits.classes import NONE, SEGMENT, Edit
from deepconsensus_py.edits.evidence import reading_of, template_of
from deepconsensus_py.edits.labels import label_homopolymers
from deepconsensus_py.edits.proposals import Proposal
from deepconsensus_py.edits.refine import SHARE, first_state, refine
from deepconsensus_py.edits.segments import Segments, chosen_edits, find_segments
from deepconsensus_py.edits.stretch_likelihood import log_likelihood
from deepconsensus_py.edits.tokens import edit_evidence
from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw, decode_bases, encode_bases, reverse_complement

RNG = np.random.default_rng(11)
LETTERS = list("ACGT")
LEFT, RIGHT, UNIT = ("".join(RNG.choice(LETTERS, size)) for size in (300, 300, 171))


def noisy(truth: str, seed: int) -> str:
    """A pass with 2 % mismatches, 5 % insertions, 3 % deletions."""
    rng, read = np.random.default_rng(seed), []
    for letter in truth:
        kind = rng.random()
        read += [str(rng.choice(LETTERS))] if kind < 0.02 else [letter] * (kind >= 0.05)
        read += [str(rng.choice(LETTERS))] * (rng.random() < 0.05)
    return "".join(read)


def molecule(draft: str, truth: str, passes: int, seed: int = 0) -> Zmw:
    """Passes of a truth, of both strands, aligned to a draft."""
    reads = [encode_bases(noisy(truth, 100 * seed + n)) for n in range(passes)]
    turned = [reverse_complement(read) if n % 2 else read for n, read in enumerate(reads)]
    own = tuple(Pass(f"m/1/{n}_{n}", read, None, None, None) for n, read in enumerate(turned))
    return align_zmw(Zmw(Draft("m/1/ccs", encode_bases(draft), None), own))


def distance(bases: np.ndarray, truth: str) -> int:
    return int(edlib.align(decode_bases(bases), truth)["editDistance"])


@pytest.mark.parametrize(
    ("draft", "truth"),
    [("TAAC", "TACAC"), ("CAAAC", "CATAC"), ("CAC", "CATGTAC"), ("CATGTAC", "CAC"), ("CAC", f"CA{'TGACCTAG' * 4}C")],
)
@pytest.mark.parametrize("passes", [8, 20])
def test_planted_errors_are_mended(draft: str, truth: str, passes: int) -> None:
    truth = f"{LEFT}{truth}{RIGHT}"
    refined = refine(molecule(f"{LEFT}{draft}{RIGHT}", truth, passes))
    assert truth[270:-270] in decode_bases(refined.bases)


@pytest.mark.parametrize(("unit", "copies"), [("AC", 15), ("AAC", 10), ("ACGTTC", 6), (UNIT[:33], 8), (UNIT, 4)])
@pytest.mark.parametrize("change", [-1, 0, 1])
def test_copies_of_repeats_are_mended_and_right_ones_stay(unit: str, copies: int, change: int) -> None:
    truth, draft = (f"{LEFT}{unit * number}{RIGHT}" for number in (copies, copies + change))
    refined = refine(molecule(draft, truth, 20))
    assert distance(refined.bases, truth) == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_long_right_repeat_is_left_alone(seed: int) -> None:
    truth = f"{LEFT}{'AC' * 250}{RIGHT}"
    assert distance(refine(molecule(truth, truth, 8, seed)).bases, truth) == 0


def test_without_a_band_likelihoods_are_those_of_the_band() -> None:
    """On a pass that strays little from its template, a band of 16 cells holds all the likelihood."""
    state = first_state(molecule(LEFT, LEFT, 2), SHARE)
    scores, passes = state.scores, state.passes
    for p, wanted in zip(passes, scores.log_likelihoods, strict=True):
        bases = np.zeros(len(state.bases), np.bool_)
        bases[p.start : p.stop] = True
        reading = reading_of(p, p.bases, state.rates[p.reverse])
        template = template_of(state.repeats, bases, state.rates[p.reverse])
        assert log_likelihood(reading, template) == pytest.approx(wanted, abs=0.2)


def test_an_impossible_alignment_has_no_likelihood() -> None:
    state = first_state(molecule(LEFT, LEFT, 1), SHARE)
    template = template_of(state.repeats, np.zeros(len(state.bases), np.bool_), state.rates[0])
    assert (
        log_likelihood(reading_of(state.passes[0], np.arange(3, dtype=np.int32), state.rates[0]), template) == -np.inf
    )


def test_evidence_is_for_the_truth_and_in_the_tokens() -> None:
    """Passes of two kinds, so that the edit stays undecided."""
    draft, other = f"{LEFT}TAAC{RIGHT}", f"{LEFT}TACAC{RIGHT}"
    both = [*molecule(draft, draft, 8).passes[:3], *molecule(draft, other, 8).passes[3:]]
    state = refine(Zmw(Draft("m/1/ccs", encode_bases(draft), None), tuple(both)), rounds=0)
    (proposal,) = [p for p in state.segments.proposals if abs(p.edit.start - 302) < 3]
    number = state.segments.proposals.index(proposal)
    supporting = state.segments.ratios[:, number] > 0
    assert supporting.tolist() == [False] * 3 + [True] * 5
    evidence = edit_evidence(state)
    row = state.segments.first[number]
    assert (evidence.ratios[:, row, SEGMENT - 1] > 0).tolist() == supporting.tolist()
    without = np.setdiff1d(np.arange(len(evidence.base)), state.segments.first)
    assert (evidence.pooled[without, SEGMENT - 1] < -15000).all()
    truth = encode_bases(other)
    (aligned,) = align_passes(Draft("t", state.bases, None), [Pass("t", truth, None, None, None)])
    labels = label_homopolymers(state.bases, state.repeats.homopolymers, truth, aligned.alignment, state.segments)
    assert labels.classes[row] == SEGMENT
    assert labels.exact[row]
    assert not labels.exact[[row - 1, row + 1]].any()


def layout(edits: list[Edit], spans: list[tuple[int, int]]) -> dict[str, np.ndarray]:
    first, last = np.array(spans, np.int32).T
    count = len(edits)
    return dict(
        Segments(
            tuple(Proposal(edit) for edit in edits), first, last, np.zeros((1, count), np.float32), np.zeros(count)
        ).layout()
    )


def test_of_overlapping_edits_the_surest_is_made() -> None:
    new = encode_bases("GG")
    where = layout([Edit(3, 4, new), Edit(5, 3, new), Edit(20, 0, new)], [(2, 5), (4, 6), (9, 9)])
    classes = np.full(12, NONE)
    classes[[2, 4, 9]] = SEGMENT
    classes[[5, 6, 7, 11]] = 1
    certainty = np.full(12, 0.5)
    certainty[4] = 0.9
    settled, edits = chosen_edits(where, classes, certainty)
    assert settled.tolist() == [0, 0, 0, 0, SEGMENT, 0, 0, 1, 0, SEGMENT, 0, 1]
    assert edits.start.tolist() == [5, 20]
    assert decode_bases(edits.letters) == "GGGG"


def test_no_edit_is_proposed_where_passes_agree() -> None:
    state = first_state(molecule(LEFT, LEFT, 12), SHARE)
    segments, _ = find_segments(state.repeats, state.passes, state.rates)
    assert len(segments) == 0


@pytest.mark.parametrize("change", [-3, 3])
def test_many_copies_of_a_long_unit_are_mended(change: int) -> None:
    """513 bases: more than minimap2 puts into one gap."""
    truth, draft = (f"{LEFT}{UNIT * number}{RIGHT}" for number in (4, 4 + change))
    assert distance(refine(molecule(draft, truth, 12)).bases, truth) == 0
