from collections.abc import Callable
from dataclasses import replace

import edlib
import numpy as np
import pytest
from edit_molecules import make_zmw
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.align.cigar import left_normalise
from deepconsensus_py.errors import InputError
from deepconsensus_py.examples.example import Example
from deepconsensus_py.examples.windows import window_examples
from deepconsensus_py.pacbio.molecule import Alignment, Truth, decode_bases
from deepconsensus_py.pacbio.molecule import reverse_complement as reversed_bases
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.training import augment
from deepconsensus_py.training.augment import FEWEST_PASSES, LOW_QUALITIES, Augmentation

ANY = FeatureSpec(required=())
KINETICS = ("pulse_widths", "inter_pulse_durations")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def require_fitting(example: Example) -> None:
    """Every alignment takes just the bases there are, and ``=`` and ``X`` say what is so."""
    draft = example.zmw.draft.bases
    for p in (*example.zmw.passes, example.truth):
        assert p.alignment is not None
        counts = cigar.counts(p.alignment)
        assert counts @ cigar.ON_PASS == len(p.bases)
        assert p.alignment.start >= 0
        assert p.alignment.start + counts @ cigar.ON_DRAFT <= len(draft)
        in_pass, in_draft = cigar.paired_positions(p.alignment)
        assert (p.bases[in_pass] == draft[in_draft]).sum() == counts[cigar.EQUAL]
    for p in example.zmw.passes:
        assert all(len(getattr(p, name)) == len(p.bases) for name in KINETICS)


def true_bases(truth: Truth) -> NDArray[np.uint8]:
    """Without those that are clipped."""
    in_truth, _ = cigar.paired_positions(truth.alignment)
    return truth.bases[in_truth[0] : in_truth[-1] + 1]


def labelled_bases(example: Example) -> str:
    """The labels of all windows, without gaps."""
    labels = window_examples(example, ANY).labels
    return decode_bases(labels[labels > 0])


def errors(alignment: Alignment) -> int:
    counts = cigar.counts(alignment)
    return int(counts[cigar.INSERTION] + counts[cigar.DELETION] + counts[cigar.DIFFERENT])


def same_alignment(a: Alignment, b: Alignment) -> bool:
    return (a.start, a.operations.tolist(), a.lengths.tolist()) == (b.start, b.operations.tolist(), b.lengths.tolist())


def normalised(example: Example) -> Example:
    draft, truth = example.zmw.draft.bases, example.truth
    passes = tuple(replace(p, alignment=left_normalise(p.alignment, p.bases, draft)) for p in example.zmw.passes)
    alignment = left_normalise(truth.alignment, truth.bases, draft)
    return Example(replace(example.zmw, passes=passes), replace(truth, alignment=alignment))


def require_same(a: Example, b: Example) -> None:
    assert decode_bases(a.zmw.draft.bases) == decode_bases(b.zmw.draft.bases)
    assert (a.zmw.draft.qualities == b.zmw.draft.qualities).all()
    for p, q in zip((*a.zmw.passes, a.truth), (*b.zmw.passes, b.truth), strict=True):
        assert decode_bases(p.bases) == decode_bases(q.bases)
        assert same_alignment(p.alignment, q.alignment)
    for p, q in zip(a.zmw.passes, b.zmw.passes, strict=True):
        assert p.reverse == q.reverse
        assert all((getattr(p, name) == getattr(q, name)).all() for name in KINETICS)


@pytest.mark.parametrize("number", range(6))
def test_the_reverse_complement_twice_is_the_molecule(examples: list[Example], number: int) -> None:
    example = normalised(examples[number])
    other = augment.other_strand(example)
    require_fitting(other)
    require_same(other, normalised(other))
    again = augment.other_strand(other)
    assert decode_bases(again.zmw.draft.bases) == decode_bases(example.zmw.draft.bases)
    differing = [
        not same_alignment(p.alignment, q.alignment) for p, q in zip(again.zmw.passes, example.zmw.passes, strict=True)
    ]
    # In a burst, gaps that met while they were moved to the other side have become one and stay it.
    assert sum(differing) <= 1
    require_same(augment.other_strand(augment.other_strand(again)), again)


def test_the_reverse_complement_is_of_the_other_strand(examples: list[Example]) -> None:
    example = examples[0]
    other = augment.other_strand(example)
    assert decode_bases(other.zmw.draft.bases) == decode_bases(reversed_bases(example.zmw.draft.bases))
    for p, q in zip(example.zmw.passes, other.zmw.passes, strict=True):
        assert p.reverse != q.reverse
        assert (p.pulse_widths[::-1] == q.pulse_widths).all()
        left = left_normalise(p.alignment, p.bases, example.zmw.draft.bases)
        assert (cigar.counts(left) == cigar.counts(q.alignment)).all()
    true = decode_bases(reversed_bases(true_bases(example.truth)))
    assert decode_bases(true_bases(other.truth)) == true
    # Truth between two windows is in neither label.
    assert edlib.align(labelled_bases(other), true)["editDistance"] <= 3


@pytest.mark.parametrize("number", range(6))
def test_corruption_changes_homopolymers_of_the_draft_alone(examples: list[Example], number: int) -> None:
    example = normalised(examples[number])
    corrupted = augment.corrupt_draft(example, 0.03, rng(number))
    require_fitting(corrupted)
    before, after = example.zmw.draft, corrupted.zmw.draft
    changed = edlib.align(decode_bases(before.bases), decode_bases(after.bases))["editDistance"]
    homopolymers = 1 + (np.diff(before.bases) != 0).sum()
    assert 0.015 * homopolymers < changed < 0.05 * homopolymers
    for p, q in zip((*example.zmw.passes, example.truth), (*corrupted.zmw.passes, corrupted.truth), strict=True):
        assert p.bases is q.bases
        # A base lost beside one won is one mismatch of the drafts, but two gaps of a carried alignment.
        assert errors(q.alignment) <= errors(p.alignment) + 1.1 * changed + 2
    true = decode_bases(true_bases(corrupted.truth))
    assert errors(corrupted.truth.alignment) > errors(example.truth.alignment)
    assert edlib.align(labelled_bases(corrupted), true)["editDistance"] <= 3


@pytest.mark.parametrize("seed", range(8))
def test_corruption_marks_the_first_base_of_what_it_changes(seed: int) -> None:
    qualities = np.full(8, 60, np.uint8)
    zmw = make_zmw("AACCGGTT", "AACCGGTT", qualities=qualities)
    truth = Truth("m/1/ccs", "chr1", 0, 8, "train", zmw.draft.bases, zmw.passes[0].alignment)
    draft = augment.corrupt_draft(Example(zmw, truth), 1.0, rng(seed)).zmw.draft
    text = decode_bases(draft.bases)
    c, g = text.count("C"), text.count("G")
    assert {c, g} <= {1, 3}
    assert text == "AA" + c * "C" + g * "G" + "TT"
    assert np.flatnonzero(draft.qualities != 60).tolist() == [2, 2 + c]
    low = draft.qualities[[2, 2 + c]]
    assert (low >= LOW_QUALITIES[0]).all()
    assert (low <= LOW_QUALITIES[1]).all()


def test_no_corruption_is_none(examples: list[Example]) -> None:
    example = normalised(examples[1])
    require_same(augment.corrupt_draft(example, 0.0, rng()), example)


@pytest.mark.parametrize(("start", "stop"), [(0, 400), (313, 700), (600, 10**6)])
def test_a_crop_is_a_part_of_everything(examples: list[Example], start: int, stop: int) -> None:
    example = normalised(examples[2])
    part = augment.crop(example, start, stop)
    assert part is not None
    require_fitting(part)
    draft, cut = example.zmw.draft, part.zmw.draft
    assert (cut.bases == draft.bases[start:stop]).all()
    assert (cut.qualities == draft.qualities[start:stop]).all()
    by_name = {p.name: p for p in example.zmw.passes}
    for p in part.zmw.passes:
        whole = by_name[p.name]
        at = decode_bases(whole.bases).find(decode_bases(p.bases))
        assert at >= 0
        assert (whole.pulse_widths[at : at + len(p.bases)] == p.pulse_widths).all()
        pairs = set(zip(*cigar.paired_positions(whole.alignment), strict=True))
        inside = {(i - at, j - start) for i, j in pairs if start <= j < stop}
        assert len(inside ^ set(zip(*cigar.paired_positions(p.alignment), strict=True))) <= 0.02 * len(inside)
    truth = true_bases(example.truth)[part.truth.begin - example.truth.begin : part.truth.end - example.truth.begin]
    assert (truth == part.truth.bases).all()
    assert edlib.align(labelled_bases(part), decode_bases(truth))["editDistance"] <= 1


def test_a_crop_beyond_the_truth_is_none(examples: list[Example]) -> None:
    example = examples[0]
    short = replace(
        example.truth,
        bases=example.zmw.draft.bases[:100],
        alignment=Alignment(0, np.array([7], np.uint8), np.array([100], np.int32)),
    )
    assert augment.crop(replace(example, truth=short), 200, 400) is None


def test_some_passes_are_a_subset_in_order(examples: list[Example]) -> None:
    zmw = max((example.zmw for example in examples), key=lambda zmw: len(zmw.passes))
    names = [p.name for p in zmw.passes]
    sizes = set()
    for seed in range(200):
        chosen = [p.name for p in augment.choose_passes(zmw, rng(seed)).passes]
        assert chosen == [name for name in names if name in chosen]
        sizes.add(len(chosen))
    assert sizes == set(range(FEWEST_PASSES, len(names) + 1))
    few = replace(zmw, passes=zmw.passes[:FEWEST_PASSES])
    assert augment.choose_passes(few, rng()) is few


def test_what_is_dropped_is_absent(examples: list[Example]) -> None:
    zmw = examples[0].zmw
    assert all(p.pulse_widths is None is p.inter_pulse_durations for p in augment.without_kinetics(zmw).passes)
    assert augment.without_qualities(zmw).draft.qualities is None
    assert zmw.draft.qualities is not None
    assert (
        window_examples(replace(examples[0], zmw=augment.without_kinetics(zmw)), ANY).inputs["pulse_widths"].max() == 0
    )


def turned(a: Example, b: Example) -> bool:
    return decode_bases(a.zmw.draft.bases) == decode_bases(reversed_bases(b.zmw.draft.bases))


CASES: dict[str, tuple[Augmentation, Callable[[Example, Example], bool]]] = {
    "reverse": (
        Augmentation(reverse=0.5),
        lambda a, b: a.zmw.draft.bases[:9].tolist() != b.zmw.draft.bases[:9].tolist(),
    ),
    "some_passes": (Augmentation(some_passes=0.5), lambda a, b: len(a.zmw.passes) > len(b.zmw.passes)),
    "no_kinetics": (Augmentation(no_kinetics=0.5), lambda a, b: b.zmw.passes[0].pulse_widths is None),
    "no_qualities": (Augmentation(no_qualities=0.5), lambda a, b: b.zmw.draft.qualities is None),
}


@pytest.mark.parametrize("case", CASES)
def test_every_probability_is_its_own(examples: list[Example], case: str) -> None:
    settings, happened = CASES[case]
    example = max(examples, key=lambda example: len(example.zmw.passes))
    results = [augment.augment(example, rng(seed), settings) for seed in range(60)]
    count = sum(happened(example, result) for result in results)
    # Of 60 tries one in two; a subset may be all passes.
    assert 15 <= count <= 45
    for other, (_, also) in CASES.items():
        if other != case:
            assert not any(also(example, result) for result in results)


def test_everything_at_once_still_fits(examples: list[Example]) -> None:
    settings = Augmentation(reverse=0.5, some_passes=0.5, corrupted=0.01, crop=500)
    for seed, example in enumerate(examples * 3):
        result = augment.augment(example, rng(seed), settings)
        require_fitting(result)
        assert abs(len(result.zmw.draft.bases) - 500) < 40
        again = augment.augment(example, rng(seed), settings)
        require_same(result, again)
        assert edlib.align(labelled_bases(result), decode_bases(true_bases(result.truth)))["editDistance"] <= 4


def test_nothing_is_done_where_nothing_is_asked(examples: list[Example]) -> None:
    assert augment.augment(examples[0], rng(), Augmentation()) is examples[0]


@pytest.mark.parametrize("wrong", [{"reverse": 1.5}, {"crop": -1}])
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        Augmentation(**wrong)
