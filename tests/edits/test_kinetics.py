"""Kinetics of a pass at a homopolymer: its bases and neighbours in the order of sequencing, relative to the pass."""

from dataclasses import replace

import numpy as np
import pytest
from edit_toys import equal_pass, random_evidence
from hypothesis import given
from hypothesis import strategies as st

from deepconsensus_py.align.cigar import DELETION, EQUAL, INSERTION, SOFT_CLIP
from deepconsensus_py.edits.aligned_pass import AlignedPass, align_pass
from deepconsensus_py.edits.kinetics import KINETIC_STEP, REACH, Kinetics
from deepconsensus_py.edits.repeats import find_homopolymers
from deepconsensus_py.edits.tokens import COVERED, KINETICS, homopolymer_tokens
from deepconsensus_py.pacbio.codec import codes_to_frames
from deepconsensus_py.pacbio.molecule import Alignment, Pass, encode_bases

DRAFT = encode_bases("CATCGTGAAATCGCATGC")
AAA = 7
"""The homopolymer AAA of the draft, its bases 7 to 9."""

LONGER = ((SOFT_CLIP, 1), (EQUAL, 7), (INSERTION, 1), (EQUAL, 11))
LACKING = ((SOFT_CLIP, 1), (EQUAL, 7), (DELETION, 3), (EQUAL, 8))
LACKING_MORE = ((SOFT_CLIP, 1), (EQUAL, 6), (DELETION, 5), (EQUAL, 7))


def toy_pass(operations: tuple[tuple[int, int], ...], *, reverse: bool = False) -> AlignedPass:
    """A pass whose bases have the codes 1, 2, 3, … for pulse widths and 70, 71, … for inter-pulse durations."""
    kinds, lengths = np.array(operations).T
    letters, column = ["C"], 0
    for kind, length in operations[1:]:
        if kind == EQUAL:
            letters += [" ATCGN"[code] for code in DRAFT[column : column + length]]
        letters += ["A"] * (length if kind == INSERTION else 0)
        column += length if kind != INSERTION else 0
    bases = encode_bases("".join(letters))
    widths = np.arange(1, len(bases) + 1, dtype=np.uint8)
    alignment = Alignment(0, kinds.astype(np.uint8), lengths.astype(np.int32))
    return align_pass(Pass("toy/1/0_1", bases, widths, widths + np.uint8(69), None, alignment, reverse), DRAFT)


def described(p: AlignedPass, homopolymer: int = AAA) -> np.ndarray:
    kinetics = Kinetics(find_homopolymers(DRAFT), (p,))
    return kinetics.fields(np.array([homopolymer]), 32)[0, 0]


def expected(p: AlignedPass, bases: list[int], before: list[int], after: list[int]) -> np.ndarray:
    """Fields from positions in the pass, each in the order of sequencing; -1 is beyond an end."""
    steps, means = [], []
    for codes in (p.source.pulse_widths, p.source.inter_pulse_durations):
        logs = np.log1p(codes_to_frames(codes).astype(float))
        steps.append((logs - logs.mean()) / KINETIC_STEP)
        means.append(steps[-1][bases].mean() if bases else 0)
    widths, durations = (np.append(values, 0) for values in steps)
    own = widths[bases] if bases else np.zeros(1)
    ends = durations[[bases[0], bases[-1]]] if bases else np.zeros(2)
    around = before + after
    return np.array([1, 1, means[0], own.min(), own.max(), *widths[around], *ends, means[1], *durations[around]])


def same(one: np.ndarray, other: np.ndarray) -> bool:
    """Equal but for rounding."""
    return bool(np.abs(one - other).max() < 0.51)


def test_the_fields_of_a_pass_of_the_drafts_strand() -> None:
    p = toy_pass(LONGER)
    assert same(described(p), expected(p, [8, 9, 10, 11], [3, 4, 5, 6, 7], [12, 13, 14, 15, 16]))


def test_the_fields_of_a_pass_of_the_other_strand_are_in_the_order_of_sequencing() -> None:
    p = toy_pass(LONGER, reverse=True)
    assert same(described(p), expected(p, [11, 10, 9, 8], [16, 15, 14, 13, 12], [7, 6, 5, 4, 3]))


@pytest.mark.parametrize(("operations", "before", "after"), [(LACKING, 7, 8), (LACKING_MORE, 6, 7)])
def test_a_pass_without_the_homopolymer_has_its_neighbours(
    operations: tuple[tuple[int, int], ...], before: int, after: int
) -> None:
    p = toy_pass(operations)
    expect = expected(p, [], list(range(before - 4, before + 1)), list(range(after, after + 5)))
    assert same(described(p), expect)


@pytest.mark.parametrize("reverse", [False, True])
def test_beyond_the_ends_of_a_pass_is_nothing(reverse: bool) -> None:
    p, last = toy_pass(LONGER, reverse=reverse), len(find_homopolymers(DRAFT)) - 2
    # The second homopolymer, base 2 of the pass after a clipped base; the one before the last.
    near, far = [-1, -1, -1, 0, 1], [3, 4, 5, 6, 7]
    if reverse:
        near, far = far[::-1], near[::-1]
    assert same(described(p, 1), expected(p, [2], near, far))
    assert not described(p, 0).any()
    assert not described(p, last + 1).any()
    assert described(p, last)[:2].all()


def test_a_pass_that_does_not_span_the_homopolymer_has_none() -> None:
    half = Alignment(0, np.array([EQUAL, SOFT_CLIP], np.uint8), np.array([9, 9], np.int32))
    whole = toy_pass(LONGER).source
    codes = np.arange(18, dtype=np.uint8)
    p = align_pass(replace(whole, bases=DRAFT, pulse_widths=codes, inter_pulse_durations=codes, alignment=half), DRAFT)
    assert not described(p).any()
    assert described(p, AAA - 1).any()


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("missing", ["pulse_widths", "inter_pulse_durations"])
def test_one_kind_of_kinetics_is_described_without_the_other(missing: str, *, reverse: bool) -> None:
    p = toy_pass(LONGER, reverse=reverse)
    whole, part = described(p), described(replace(p, source=replace(p.source, **{missing: None})))
    kind = ("pulse_widths", "inter_pulse_durations").index(missing)
    start, size = 2 + kind * (3 + 2 * REACH), 3 + 2 * REACH
    without = whole.copy()
    without[[kind, *range(start, start + size)]] = 0
    assert np.array_equal(part, without)
    assert whole[start : start + size].any()


def test_values_that_are_too_long_are_clipped() -> None:
    p = toy_pass(LONGER)
    codes = np.zeros(len(p.source.bases), np.uint8)
    codes[9] = 255
    p = replace(p, source=replace(p.source, pulse_widths=codes))
    assert 100 < described(p)[4] <= 127


@given(st.integers(0, 2**32))
def test_dropped_kinetics_are_the_tokens_of_passes_without(seed: int) -> None:
    evidence = random_evidence(seed)
    bare = tuple(
        replace(p, source=replace(p.source, pulse_widths=None, inter_pulse_durations=None))
        for p in evidence.kinetics.passes
    )
    chosen = np.arange(60)
    tokens = homopolymer_tokens(evidence, chosen)["passes"]
    without = homopolymer_tokens(replace(evidence, kinetics=replace(evidence.kinetics, passes=bare)), chosen)["passes"]
    inner = tokens[1:-1]
    assert np.array_equal(inner[:, :, KINETICS.start] > 0, inner[:, :, COVERED] > 0)
    assert not without[..., KINETICS].any()
    tokens[..., KINETICS] = 0
    assert np.array_equal(tokens, without)


@pytest.mark.parametrize("reverse", [False, True])
def test_the_reverse_complement_of_a_molecule_has_the_same_kinetics(*, reverse: bool) -> None:
    """A pass turned with its draft was still sequenced in the order in which it was."""
    rng = np.random.default_rng(5)
    p = equal_pass(DRAFT, rng, reverse=reverse)
    turned = replace(
        p.source,
        pulse_widths=p.source.pulse_widths[::-1],
        inter_pulse_durations=p.source.inter_pulse_durations[::-1],
        reverse=not reverse,
    )
    homopolymers = find_homopolymers(DRAFT)
    backwards = replace(
        homopolymers,
        start=(len(DRAFT) - homopolymers.stop)[::-1],
        length=homopolymers.length[::-1],
        base=homopolymers.base[::-1],
    )
    last = len(homopolymers) - 1 - AAA
    other = Kinetics(backwards, (replace(p, source=turned),)).fields(np.array([last]), 32)[0, 0]
    assert np.array_equal(other, described(p))
