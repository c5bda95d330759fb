"""Scores against likelihoods of edited drafts computed from scratch."""

from dataclasses import replace

import numpy as np
import pytest
from edit_tools import FIRST, INSERTS, LAST, all_ratios, class_of_bases, score_edits
from hmm_reference import Codes, log_likelihood, random_draft, random_model, random_pass
from numpy.typing import NDArray
from support import alignment_of

from deepconsensus_py.align import cigar
from deepconsensus_py.edits.classes import CHANGE
from deepconsensus_py.edits.error_rates import PassModel
from deepconsensus_py.edits.evidence import UNIT_CHANGE, EditScores, pooled
from deepconsensus_py.edits.repeats import find_homopolymers
from deepconsensus_py.pacbio.molecule import Alignment, N, Pass, encode_bases, reverse_complement

TOLERANCE = 0.005
"""Nats, and share of a ratio: float32, and paths outside the band, which matter for unlikely edits."""

SEEDS = range(6)
SEEDS_OF_LONGER_PASSES = (0, 1, 2, 3, 6, 7)
"""In passes 4 and 5 lie so many insertions together that paths leave the band: differences of 0.2 nats."""

COMPLEMENT = [0, 2, 1, 4, 3, 5]
Changed = tuple[Codes, Codes]


def scored(draft: Codes, p: Pass, model: PassModel) -> EditScores:
    return score_edits(draft, [p], (model, model))


def edited(draft: Codes, at: int, *, remove: int = 0, put_in: tuple[int, ...] = (), class_in: int = 0) -> Changed:
    """An edited draft and the homopolymer classes of its bases: all keep the class that they had."""
    classes = class_of_bases(draft)
    return (
        np.concatenate((draft[:at], put_in, draft[at + remove :])).astype(np.uint8),
        np.concatenate((classes[:at], [class_in] * len(put_in), classes[at + remove :])).astype(np.uint8),
    )


def replaced(draft: Codes, at: int, letter: int) -> Changed:
    """A different base; its length class is that of a homopolymer that it extends, else that of length 1."""
    classes = class_of_bases(draft)
    class_in = 0
    for like in (at - 1, at + 1):
        class_in = int(classes[like]) if draft[like] == letter else class_in
    return edited(draft, at, remove=1, put_in=(letter,), class_in=class_in)


def expected_ratios(draft: Codes, p: Pass, model: PassModel, homopolymer: int) -> NDArray[np.float64]:
    """Log-likelihood ratios of all edits of a homopolymer; NaN for impossible edits."""
    homopolymers = find_homopolymers(draft)
    start, length, base = (
        int(homopolymers.start[homopolymer]),
        int(homopolymers.length[homopolymer]),
        int(homopolymers.base[homopolymer]),
    )
    own_class = int(class_of_bases(draft)[start])
    unedited = log_likelihood(draft, class_of_bases(draft), p, model)
    ratios = np.full(len(CHANGE) - 1, np.nan)
    for edit, (change, letter) in enumerate(zip(CHANGE[1:].tolist(), INSERTS[1:].tolist(), strict=True)):
        first, last = int(FIRST[1:][edit]), int(LAST[1:][edit])
        if first or last:
            new, at = first or last, start if first else start + length - 1
            if new != base and (first or length > 1):
                ratios[edit] = log_likelihood(*replaced(draft, at, new), p, model) - unedited
            continue
        if -change > length or letter in (base, draft[start - 1]):
            continue
        if letter:
            changed = edited(draft, start, put_in=(letter,))
        elif change < 0:
            changed = edited(draft, start, remove=-change)
        else:
            changed = edited(draft, start, put_in=(base,) * change, class_in=own_class)
        ratios[edit] = log_likelihood(*changed, p, model) - unedited
    return ratios


def assert_scores_are_right(draft: Codes, p: Pass, model: PassModel, least_homopolymers: int = 10) -> None:
    scores = scored(draft, p, model)
    whole = log_likelihood(draft, class_of_bases(draft), p, model)
    assert scores.log_likelihoods[0] == pytest.approx(whole, abs=TOLERANCE)
    assert scores.covered.sum() >= least_homopolymers
    for homopolymer in np.flatnonzero(scores.covered[0]):
        expected = expected_ratios(draft, p, model, homopolymer)
        none = np.isnan(expected)
        assert np.all(all_ratios(scores)[0, homopolymer, none] == 0)
        bounded = np.clip(expected[~none], np.log(1e-9), -np.log(1e-9))
        np.testing.assert_allclose(all_ratios(scores)[0, homopolymer, ~none], bounded, atol=TOLERANCE, rtol=TOLERANCE)


@pytest.mark.parametrize("kinetics", [True, False], ids=["kinetics", "bases only"])
@pytest.mark.parametrize("seed", SEEDS)
def test_scores_are_ratios_of_likelihoods(seed: int, kinetics: bool) -> None:
    rng = np.random.default_rng(seed)
    draft, model = random_draft(50, rng), random_model(rng)
    assert_scores_are_right(draft, random_pass(draft, rng, kinetics=kinetics), model)


@pytest.mark.parametrize("where", ["draft", "pass"])
def test_unknown_bases_have_likelihoods_too(where: str) -> None:
    rng = np.random.default_rng(7)
    draft, model = random_draft(50, rng), random_model(rng)
    p = random_pass(draft, rng)
    (draft if where == "draft" else p.bases)[[12, 20, 21, 30]] = N
    assert_scores_are_right(draft, p, model)


def test_passes_longer_than_the_band_lose_no_paths() -> None:
    rng = np.random.default_rng(3)
    draft, model = random_draft(150, rng), random_model(rng)
    p = random_pass(draft, rng)
    scores = scored(draft, p, model)
    whole = log_likelihood(draft, class_of_bases(draft), p, model)
    assert scores.log_likelihoods[0] == pytest.approx(whole, abs=TOLERANCE)
    for homopolymer in np.flatnonzero(scores.covered[0])[::25]:
        expected = np.nan_to_num(expected_ratios(draft, p, model, homopolymer)).clip(-20.72, 20.72)
        np.testing.assert_allclose(all_ratios(scores)[0, homopolymer], expected, atol=TOLERANCE, rtol=TOLERANCE)


@pytest.mark.parametrize("unit", ["AT", "ACG", "AAC"])
def test_scores_of_repeat_units_are_ratios_of_likelihoods(unit: str) -> None:
    rng = np.random.default_rng(len(unit))
    draft = encode_bases("GATTACAGTC" + unit * 4 + "GGTCATAGCA")
    model, p = random_model(rng), random_pass(draft, rng)
    scores = scored(draft, p, model)
    (repeat,) = np.flatnonzero(scores.tandem_repeats.stop - scores.tandem_repeats.start >= 4 * len(unit))
    end = int(scores.tandem_repeats.stop[repeat])
    copy = slice(end - len(unit), end)
    classes = class_of_bases(draft)
    unedited = log_likelihood(draft, classes, p, model)
    less = [np.delete(a, copy) for a in (draft, classes)]
    more = [np.insert(a, end, a[copy]) for a in (draft, classes)]
    expected = [log_likelihood(*changed, p, model) - unedited for changed in (less, more)]
    assert UNIT_CHANGE.tolist() == [-1, 1]
    np.testing.assert_allclose(scores.tandem_ratios[0, repeat], expected, atol=TOLERANCE)


@pytest.mark.parametrize("seed", SEEDS_OF_LONGER_PASSES)
def test_the_other_strand_gives_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    draft, model = random_draft(400, rng), random_model(rng)
    p = random_pass(draft, rng)
    forward = scored(draft, p, model)
    turned = scored(reverse_complement(draft), _turned(p, len(draft)), _complement(model))
    assert forward.log_likelihoods == pytest.approx(turned.log_likelihoods, abs=TOLERANCE)
    np.testing.assert_array_equal(forward.covered, turned.covered[:, ::-1])
    # Where deleting a homopolymer joins its neighbours, insertions between them count for the second.
    homopolymers = forward.homopolymers
    merging = np.zeros(len(homopolymers.base), bool)
    merging[1:-1] = homopolymers.base[:-2] == homopolymers.base[2:]
    same = ~(merging[:, None] & (-CHANGE[1:5] == homopolymers.length[:, None]))
    ours, theirs = all_ratios(forward)[0, :, :4], all_ratios(turned)[0, ::-1, :4]
    np.testing.assert_allclose(ours[same], theirs[same], atol=0.05, rtol=0.05)
    # In front of a homopolymer is behind the one before, and both must be covered.
    both = forward.covered[0, 1:] & forward.covered[0, :-1]
    complements = [4 + COMPLEMENT[code] - 1 for code in range(1, 5)]
    behind = all_ratios(turned)[0, ::-1][:-1, complements]
    np.testing.assert_allclose(all_ratios(forward)[0, 1:, 4:8][both], behind[both], atol=0.05, rtol=0.05)
    # The first base of a homopolymer is the last on the other strand; of length 1 it is the first on both.
    single = (homopolymers.length == 1)[:, None]
    firsts, lasts = (start + np.array(COMPLEMENT[1:5]) - 1 for start in (8, 12))
    there = all_ratios(turned)[0, ::-1]
    ours, theirs = all_ratios(forward)[0, :, 8:12], np.where(single, there[:, firsts], there[:, lasts])
    # A letter equal to both neighbours has the rates of the one behind it.
    np.testing.assert_allclose(ours[~merging], theirs[~merging], atol=0.05, rtol=0.05)


def test_a_part_of_the_draft_is_scored_as_if_it_were_all() -> None:
    rng = np.random.default_rng(5)
    draft, model = random_draft(200, rng), random_model(rng)
    start = int(find_homopolymers(draft).start[40])
    p = random_pass(draft, rng, start=start)
    partial, alone = scored(draft, p, model), scored(draft[start:], _shifted(p, -start), model)
    assert not partial.covered[0, :40].any()
    assert not all_ratios(partial)[0, ~partial.covered[0]].any()
    np.testing.assert_allclose(all_ratios(partial)[:, 40:], all_ratios(alone), atol=1e-5)
    assert partial.log_likelihoods == pytest.approx(alone.log_likelihoods)


def test_a_long_insertion_disturbs_only_its_neighbours() -> None:
    rng = np.random.default_rng(11)
    draft, model = random_draft(200, rng), random_model(rng)
    p = random_pass(draft, rng, kinetics=False)
    columns = np.repeat(p.alignment.operations, p.alignment.lengths)
    at = int(np.flatnonzero(columns == cigar.EQUAL)[80])
    in_pass = int(np.cumsum(cigar.ON_PASS[columns])[at])
    longer = np.insert(p.bases, in_pass, rng.integers(1, 5, 3000).astype(np.uint8))
    alignment = alignment_of(np.insert(columns, at + 1, [cigar.INSERTION] * 3000), start=0)
    inserted = Pass("m/1/0_1", longer, None, None, None, alignment)
    plain, disturbed = (scored(draft, q, model) for q in (p, inserted))
    assert np.isfinite(disturbed.log_likelihoods[0])
    position = int(np.cumsum(cigar.ON_DRAFT[columns])[at])
    far = np.abs(plain.homopolymers.start - position) > 30
    np.testing.assert_allclose(all_ratios(plain)[:, far], all_ratios(disturbed)[:, far], atol=0.05)


def test_a_pass_without_a_path_gives_no_evidence() -> None:
    """Bases that cannot be read, or 200 of them against one of the draft."""
    rng = np.random.default_rng(2)
    draft, model = random_draft(60, rng), random_model(rng)
    p = random_pass(draft, rng, kinetics=False)
    p.bases[30] = 0
    scores = scored(draft, p, model)
    assert scores.log_likelihoods[0] == -np.inf
    assert not scores.covered.any()
    assert not all_ratios(scores).any()


def test_only_wanted_homopolymers_are_scored() -> None:
    rng = np.random.default_rng(4)
    draft, model = random_draft(100, rng), random_model(rng)
    p = random_pass(draft, rng)
    wanted = rng.random(len(find_homopolymers(draft))) < 0.3
    some = score_edits(draft, [p], (model, model), wanted=wanted)
    all_of_them = scored(draft, p, model)
    np.testing.assert_array_equal(some.scored, wanted)
    np.testing.assert_array_equal(some.covered, all_of_them.covered)
    np.testing.assert_array_equal(all_ratios(some)[0, wanted], all_ratios(all_of_them)[0, wanted])
    assert not all_ratios(some)[0, ~wanted].any()


def test_any_number_of_homopolymers_is_scored_alike() -> None:
    """Homopolymers do not affect each other."""
    rng = np.random.default_rng(6)
    draft, model = random_draft(1500, rng), random_model(rng)
    p = random_pass(draft, rng)
    scores = scored(draft, p, model)
    thirds = np.arange(len(scores.homopolymers)) % 3
    assert len(thirds) > 700
    for third in range(3):
        wanted = thirds == third
        some = score_edits(draft, [p], (model, model), wanted=wanted)
        np.testing.assert_allclose(all_ratios(some)[0, wanted], all_ratios(scores)[0, wanted], atol=1e-6)


def test_passes_are_scored_by_the_rates_of_their_strand() -> None:
    rng = np.random.default_rng(9)
    draft, models = random_draft(100, rng), (random_model(rng), random_model(rng))
    passes = [replace(random_pass(draft, rng), reverse=reverse) for reverse in (False, True, False)]
    scores = score_edits(draft, passes, models)
    assert scores.reverse.tolist() == [False, True, False]
    for number, p in enumerate(passes):
        alone = scored(draft, replace(p, reverse=False), models[p.reverse])
        np.testing.assert_array_equal(all_ratios(scores)[number], all_ratios(alone)[0])
        np.testing.assert_array_equal(scores.tandem_ratios[number], alone.tandem_ratios[0])
        assert scores.log_likelihoods[number] == alone.log_likelihoods[0]


def test_the_evidence_of_one_pass_is_bounded() -> None:
    ratios = np.array([[[-20.0, 20.0, 0.1]], [[-1.0, 1.0, 0.0]]], np.float32)
    evidence = pooled(ratios)
    assert evidence.shape == (1, 3)
    assert evidence[0] == pytest.approx([-5.56, 5.56, 0.1], abs=0.05)
    assert pooled(ratios[:0]).tolist() == [[0.0, 0.0, 0.0]]


def _turned(p: Pass, draft_length: int) -> Pass:
    a = p.alignment
    assert a is not None
    start = draft_length - a.start - int(a.lengths @ cigar.ON_DRAFT[a.operations])
    alignment = Alignment(start, a.operations[::-1].copy(), a.lengths[::-1].copy())
    return Pass(p.name, reverse_complement(p.bases), p.pulse_widths[::-1], None, None, alignment)


def _complement(model: PassModel) -> PassModel:
    by_base = (model.deletion[COMPLEMENT], model.cognate[COMPLEMENT], model.foreign[COMPLEMENT])
    return PassModel(model.emission[np.ix_(COMPLEMENT, COMPLEMENT)], *by_base)


def _shifted(p: Pass, by: int) -> Pass:
    a = p.alignment
    assert a is not None
    return Pass(p.name, p.bases, p.pulse_widths, None, None, Alignment(a.start + by, a.operations, a.lengths))
