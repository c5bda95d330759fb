"""Passes of molecules of every kind find their place on the draft."""

import time
from dataclasses import replace

import numpy as np
import pytest

from deepconsensus_py.align import cigar
from deepconsensus_py.align.passes import align_passes, align_zmw, unaligned
from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw, reverse_complement


def random_bases(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.integers(1, 5, n).astype(np.uint8)


def read(rng: np.random.Generator, bases: np.ndarray, error: float = 0.04) -> np.ndarray:
    """A noisy copy: as many insertions as deletions, and a quarter as many substitutions."""
    out = np.where(rng.random(len(bases)) < error / 4, random_bases(rng, len(bases)), bases)
    copies = np.ones(len(bases), int) - (rng.random(len(bases)) < error) + (rng.random(len(bases)) < error)
    return np.repeat(out, copies)


def a_pass(bases: np.ndarray, name: str = "m/1/0_1") -> Pass:
    ramp = (np.arange(len(bases)) % 251).astype(np.uint8)
    return Pass(name, bases, ramp, ramp[::-1].copy(), np.ones(4, np.float32), tags=(("cx", 3, "C"),))


def draft_of(bases: np.ndarray, name: str = "m/1/ccs") -> Draft:
    return Draft(name, bases, None)


def align_one(draft: np.ndarray, bases: np.ndarray, name: str = "m/1/ccs") -> Pass | None:
    return align_passes(draft_of(draft, name), [a_pass(bases)])[0]


def span(p: Pass) -> tuple[int, int]:
    """First and one past the last draft position."""
    _, on_draft = cigar.paired_positions(p.alignment)
    return int(on_draft[0]), int(on_draft[-1]) + 1


@pytest.mark.parametrize("n", [30, 50, 200, 2_000, 60_000])
def test_full_passes_of_either_strand_align_end_to_end(n: int) -> None:
    rng = np.random.default_rng(n)
    draft = random_bases(rng, n)
    forward, backward = align_passes(
        draft_of(draft), [a_pass(read(rng, draft)), a_pass(reverse_complement(read(rng, draft)))]
    )
    assert (forward.reverse, backward.reverse) == (False, True)
    for p in (forward, backward):
        first, end = span(p)
        assert first <= 8
        assert end >= n - 8
        assert cigar.identity(p.alignment) > 0.8


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("n", [40, 400])
def test_passes_without_a_shared_seed_align(n: int, reverse: bool) -> None:
    rng = np.random.default_rng(n)
    draft = random_bases(rng, n)
    bases = draft.copy()
    bases[7::8] = bases[7::8] % 4 + 1
    aligned = align_one(draft, reverse_complement(bases) if reverse else bases)
    assert aligned.reverse == reverse
    assert cigar.counts(aligned.alignment)[cigar.EQUAL] >= 0.8 * n


def test_alignments_reach_over_errors_near_the_ends() -> None:
    rng = np.random.default_rng(11)
    draft = random_bases(rng, 1_000)
    wrong = np.array([2, 5, 8, 991, 994, 997])
    bases = draft.copy()
    bases[wrong] = bases[wrong] % 4 + 1
    for turned in (bases, reverse_complement(bases)):
        alignment = align_one(draft, turned).alignment
        assert alignment.start == 0
        assert cigar.counts(alignment)[[cigar.EQUAL, cigar.DIFFERENT]].tolist() == [994, 6]


def test_an_aligned_pass_is_the_pass_in_draft_orientation() -> None:
    rng = np.random.default_rng(1)
    draft = random_bases(rng, 500)
    original = a_pass(reverse_complement(read(rng, draft)))
    (aligned,) = align_passes(draft_of(draft), [original])
    assert np.array_equal(aligned.bases, reverse_complement(original.bases))
    assert np.array_equal(aligned.pulse_widths, original.pulse_widths[::-1])
    assert np.array_equal(aligned.inter_pulse_durations, original.inter_pulse_durations[::-1])
    assert (aligned.name, aligned.tags) == (original.name, original.tags)
    assert aligned.snr is original.snr


@pytest.mark.parametrize("reverse", [False, True])
def test_operations_spell_pass_and_draft(reverse: bool) -> None:
    rng = np.random.default_rng(2)
    draft = random_bases(rng, 3_000)
    bases = np.concatenate((random_bases(rng, 400), read(rng, draft[700:])))
    aligned = align_one(draft, reverse_complement(bases) if reverse else bases)
    operations, lengths = aligned.alignment.operations, aligned.alignment.lengths
    assert lengths @ cigar.ON_PASS[operations] == len(bases)
    in_pass, in_draft = cigar.paired_positions(aligned.alignment)
    equal = np.repeat(operations == cigar.EQUAL, lengths)[np.repeat(np.isin(operations, (7, 8)), lengths)]
    assert np.array_equal(aligned.bases[in_pass] == draft[in_draft], equal)
    assert abs(aligned.alignment.start - 700) < 10


def test_passes_agree_on_the_place_of_a_gap_on_either_strand() -> None:
    rng = np.random.default_rng(3)
    draft = np.concatenate((random_bases(rng, 300), [1] * 6, random_bases(rng, 300))).astype(np.uint8)
    longer = np.insert(draft, 303, 1)
    copies = align_passes(draft_of(draft), [a_pass(longer), a_pass(reverse_complement(longer))])
    assert copies[0].alignment.operations.tolist() == copies[1].alignment.operations.tolist()
    assert copies[0].alignment.lengths.tolist() == copies[1].alignment.lengths.tolist()


def test_one_half_of_a_read_through_a_missed_adapter_is_aligned() -> None:
    rng = np.random.default_rng(4)
    draft = random_bases(rng, 4_000)
    halves = read(rng, draft), random_bases(rng, 45), reverse_complement(read(rng, draft))
    aligned = align_one(draft, np.concatenate(halves))
    first, end = span(aligned)
    assert end - first > 3_950
    assert 3_900 < cigar.counts(aligned.alignment)[cigar.SOFT_CLIP] < 4_300


@pytest.mark.parametrize("lengths", [(300, 300), (3_000, 3_000), (1_000, 8_000), (8_000, 1_000)])
def test_a_foreign_pass_does_not_align(lengths: tuple[int, int]) -> None:
    rng = np.random.default_rng(5)
    assert align_one(random_bases(rng, lengths[0]), random_bases(rng, lengths[1])) is None


@pytest.mark.parametrize("unit", [2, 5, 171])
def test_tandem_repeats_align_end_to_end(unit: int) -> None:
    rng = np.random.default_rng(unit)
    repeats = np.tile(random_bases(rng, unit), 4_000 // unit)
    draft = np.concatenate((random_bases(rng, 150), repeats, random_bases(rng, 150)))
    first, end = span(align_one(draft, reverse_complement(read(rng, draft))))
    assert first <= 8
    assert end >= len(draft) - 8


@pytest.mark.parametrize("unit", [1, 2, 5])
def test_long_tandem_repeats_take_no_longer_than_other_sequence(unit: int) -> None:
    rng = np.random.default_rng(unit)
    repeats = np.tile(np.array([1, 3, 1, 4, 2], np.uint8)[:unit], 2_500 // unit)
    draft = np.concatenate((random_bases(rng, 1_000), repeats, random_bases(rng, 1_000)))
    passes = [a_pass(read(rng, draft, 0.01)) for _ in range(3)]
    start = time.process_time()
    aligned = align_passes(draft_of(draft), passes)
    assert time.process_time() - start < 1
    assert all(span(p)[1] - span(p)[0] >= len(draft) - 10 for p in aligned)


def test_a_draft_of_one_strand_takes_the_passes_of_that_strand_only() -> None:
    rng = np.random.default_rng(6)
    draft = random_bases(rng, 1_000)
    own, other = read(rng, draft), reverse_complement(read(rng, draft))
    for name in ("m/1/ccs/fwd", "m/1/ccs/rev"):
        assert align_one(draft, own, name).reverse is False
        assert align_one(draft, other, name) is None
        both = align_one(draft, np.concatenate((other, random_bases(rng, 45), own)), name)
        assert both.reverse is False
        assert cigar.counts(both.alignment)[cigar.EQUAL] > 900


def test_letters_that_are_no_base_are_kept_and_aligned() -> None:
    rng = np.random.default_rng(7)
    draft = random_bases(rng, 800)
    bases = draft.copy()
    bases[[100, 400, 401]] = 5
    aligned = align_one(draft, bases)
    assert aligned.alignment.operations.tolist() == [7, 8, 7, 8, 7]
    assert np.array_equal(aligned.bases, bases)


def test_a_molecule_keeps_its_aligned_passes_in_order() -> None:
    rng = np.random.default_rng(8)
    draft = random_bases(rng, 1_500)
    reads = [read(rng, draft), random_bases(rng, 1_500), reverse_complement(read(rng, draft)), random_bases(rng, 0)]
    before = Zmw(draft_of(draft), tuple(a_pass(bases, f"m/1/{i}_{i}") for i, bases in enumerate(reads)))
    after = align_zmw(before)
    assert after.aligned
    assert [p.name for p in after.passes] == ["m/1/0_0", "m/1/2_2"]
    assert unaligned(before, after) == ("m/1/1_1", "m/1/3_3")
    assert after.draft is before.draft


def test_missing_kinetics_stay_missing() -> None:
    rng = np.random.default_rng(9)
    draft = random_bases(rng, 300)
    bare = replace(a_pass(reverse_complement(draft)), pulse_widths=None, inter_pulse_durations=None)
    (aligned,) = align_passes(draft_of(draft), [bare])
    assert aligned.pulse_widths is None
    assert aligned.inter_pulse_durations is None


def test_refuses_a_pass_that_is_aligned_already() -> None:
    rng = np.random.default_rng(10)
    draft = draft_of(random_bases(rng, 300))
    aligned = align_passes(draft, [a_pass(draft.bases)])
    with pytest.raises(ValueError, match="already aligned"):
        align_passes(draft, aligned)
