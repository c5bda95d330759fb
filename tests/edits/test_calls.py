"""Reads from homopolymer edits: edits where there is coverage, error probabilities on the right bases."""

import numpy as np
import pytest
from edit_tools import LAST, apply_classes
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from deepconsensus_py.align.disagreement import NO_DISAGREEMENT
from deepconsensus_py.edits.calls import call_edits, layout_of
from deepconsensus_py.edits.classes import CHANGE, NAMES
from deepconsensus_py.edits.expected_errors import STEP, UndecidedErrors, errors_of, expected_errors_of
from deepconsensus_py.edits.refine import refine
from deepconsensus_py.edits.repeats import find_homopolymers
from deepconsensus_py.edits.segments import no_segments
from deepconsensus_py.pacbio.molecule import Zmw, decode_bases, encode_bases

FLOOR = 1e-4
MANY = np.uint16(20)
AS_IT_IS = UndecidedErrors()


def layout(draft: str, covered: NDArray[np.bool_] | None = None, quality: int = 10) -> dict[str, np.ndarray]:
    """A refined draft of which every fourth base is new."""
    bases = encode_bases(draft)
    index = np.arange(len(bases), dtype=np.int32)
    phred = -10 * np.log10(FLOOR * find_homopolymers(bases).length)
    return {
        **NO_DISAGREEMENT.layout(),
        **no_segments(0).layout(),
        "depth": MANY
        * (np.ones(len(find_homopolymers(bases)), np.uint16) if covered is None else covered.astype(np.uint16)),
        "expected_errors": np.rint(phred / STEP).astype(np.uint8),
        "draft": bases,
        "draft_index": np.where(index % 4 == 3, -1, index).astype(np.int32),
        "draft_quality": np.full(len(bases), quality, np.uint8),
    }


def sure(classes: NDArray[np.integer], probability: float = 0.9) -> NDArray[np.float32]:
    """Probabilities with these the highest; the rest is spread over other edits, none at last bases."""
    others = np.tile(LAST == 0, (len(classes), 1))
    others[np.arange(len(classes)), classes] = False
    rows = others * (1 - probability) / others.sum(axis=1, keepdims=True)
    rows[np.arange(len(classes)), classes] = probability
    return rows.astype(np.float32)


def test_no_edit_leaves_the_draft() -> None:
    given_layout = layout("CCAAATTGC")
    calls = call_edits(given_layout, sure(np.zeros(5, int), 1.0), AS_IT_IS)
    assert decode_bases(calls.bases) == "CCAAATTGC"
    assert np.array_equal(calls.draft_index, given_layout["draft_index"])
    assert calls.error_probability == pytest.approx(FLOOR, rel=0.03)
    assert calls.from_model.all()


@given(st.text("AATCG", min_size=1, max_size=30), st.integers(0, 2**32))
def test_edits_are_applied_to_covered_homopolymers(draft: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    homopolymers = find_homopolymers(encode_bases(draft))
    covered = rng.random(len(homopolymers)) < 0.7
    classes = rng.integers(0, len(NAMES), len(homopolymers))
    # One homopolymer at least stays, as it does in real drafts: their ends are not covered.
    covered[0] = False
    where = layout(draft, covered)
    calls = call_edits(where, sure(classes), AS_IT_IS)
    wanted, index = apply_classes(where["draft"], np.where(covered, classes, 0))
    assert np.array_equal(calls.bases, wanted)
    assert len(calls.bases) == len(calls.error_probability) == len(calls.draft_index) == len(calls.from_model)
    assert (calls.error_probability >= np.float32(0.97 * FLOOR)).all()
    assert (calls.error_probability <= 1).all()
    kept = calls.draft_index[calls.draft_index >= 0]
    assert (np.diff(kept) > 0).all()
    assert np.array_equal(calls.draft_index < 0, (index < 0) | (where["draft_index"][index] < 0))


@pytest.mark.parametrize("edit", range(len(NAMES)))
def test_errors_go_on_the_first_base_or_on_a_replaced_last_base(edit: int) -> None:
    draft, homopolymer, probability = "CCAAATTGC", 1, 0.8
    classes = np.zeros(5, int)
    if NAMES[edit] in {"A", "C"}:
        homopolymer = 3
    classes[homopolymer] = edit
    probabilities = sure(np.zeros(5, int), 1.0)
    probabilities[homopolymer] = sure(classes, probability)[homopolymer]
    calls = call_edits(layout(draft), probabilities, AS_IT_IS)
    uncertain = np.flatnonzero(calls.error_probability > 2 * FLOOR)
    # A deleted homopolymer passes its error on to the base after it.
    homopolymers = find_homopolymers(encode_bases(draft))
    assert uncertain.tolist() == [homopolymers.stop[homopolymer] - 1 if LAST[edit] else homopolymers.start[homopolymer]]
    assert calls.error_probability[uncertain] == pytest.approx(1 - probability)
    assert len(calls.bases) == len(draft) + max(CHANGE[edit], -3 if homopolymer == 1 else -1) + (NAMES[edit] in "ATCG")


def test_the_error_of_a_last_base_stays_there() -> None:
    probabilities = sure(np.zeros(5, int), 1.0)
    probabilities[1, [0, NAMES.index("-1"), NAMES.index("last G"), NAMES.index("last T")]] = 0.7, 0.1, 0.15, 0.05
    calls = call_edits(layout("CCAAATTGC"), probabilities, AS_IT_IS)
    assert calls.error_probability[[2, 4]] == pytest.approx([0.1, 0.2])
    assert calls.error_probability[3] == pytest.approx(FLOOR, rel=0.03)


def test_deletions_are_no_longer_than_the_homopolymer() -> None:
    classes = np.array([0, NAMES.index("-2"), 0, 0])
    probabilities = sure(classes, 1.0)
    probabilities[3] = sure(classes, 0.6)[3]
    calls = call_edits(layout("CCAGGTT"), probabilities, AS_IT_IS)
    assert decode_bases(calls.bases) == "CCGGTT"
    assert np.flatnonzero(calls.error_probability > 2 * FLOOR).tolist() == [4]


def test_a_deleted_last_homopolymer_passes_its_error_to_the_last_base() -> None:
    calls = call_edits(layout("CCA"), sure(np.array([0, NAMES.index("-1")]), 0.7), AS_IT_IS)
    assert decode_bases(calls.bases) == "CC"
    assert calls.error_probability[-1] == pytest.approx(0.3)


def test_uncovered_bases_keep_their_quality() -> None:
    covered = np.array([False, True, False])
    calls = call_edits(layout("AATTGG", covered, quality=20), sure(np.array([1, 0, 3]), 1.0), AS_IT_IS)
    assert decode_bases(calls.bases) == "AATTGG"
    assert calls.error_probability == pytest.approx([0.01, 0.01, FLOOR, FLOOR, 0.01, 0.01], rel=0.03)


def test_expected_errors_are_shared_by_the_bases_of_a_homopolymer() -> None:
    where = layout("AAATGG")
    where["expected_errors"] = np.array([80, 200, 120], np.uint8)
    errors = call_edits(where, sure(np.zeros(3, int), 1.0), AS_IT_IS).error_probability
    assert errors == pytest.approx([0.01 / 3] * 3 + [1e-5] + [0.0005] * 2)


@pytest.mark.parametrize(("depth", "bounded"), [(1, True), (2, True), (3, False)])
def test_few_passes_are_no_better_than_the_draft(depth: int, bounded: bool) -> None:
    where = layout("AATTGG", quality=20)
    where["depth"][:] = depth
    errors = call_edits(where, sure(np.zeros(3, int), 1.0), AS_IT_IS).error_probability
    # The fourth base is new.
    given = 0.01 if bounded else FLOOR
    assert errors == pytest.approx([given, given, given, FLOOR, given, given], rel=0.03)


def test_edits_of_the_model_are_wrong_as_often_as_was_counted() -> None:
    classes = np.array([0, NAMES.index("-1"), 0, 0])
    probabilities = sure(np.zeros(4, int), 1.0)
    probabilities[1] = sure(classes, 0.9)[1]
    doubled = UndecidedErrors(constant=float(np.log((0.2 / 0.8) / (0.1 / 0.9))))
    errors = call_edits(layout("CCAGGTT"), probabilities, doubled).error_probability
    assert errors[2] == pytest.approx(0.2, rel=1e-4)
    assert np.delete(errors, 2) == pytest.approx(FLOOR, rel=0.03)


def test_a_share_of_the_errors_lies_beside_the_edit() -> None:
    probabilities = sure(np.zeros(4, int), 1.0)
    probabilities[1] = sure(np.array([0, NAMES.index("-1"), 0, 0]), 0.6)[1]
    spread = UndecidedErrors(spread=0.1)
    errors = call_edits(layout("CCAAGGTT"), probabilities, spread).error_probability
    # The homopolymer has one base now; a tenth of 0.4 lies on it and on the one on either side.
    assert errors[2] == pytest.approx(0.9 * 0.4, rel=1e-3)
    assert errors[[1, 3]] == pytest.approx(0.1 * 0.4 / 3 + FLOOR, rel=1e-2)
    assert np.delete(errors, [1, 2, 3]) == pytest.approx(FLOOR, rel=0.03)
    assert errors.sum() == pytest.approx(0.4, rel=0.05)


def test_the_layout_of_a_refined_molecule(molecules: list[Zmw]) -> None:
    zmw = molecules[1]
    refined = refine(zmw)
    where = layout_of(zmw, refined)
    assert len(where["depth"]) == len(find_homopolymers(where["draft"]))
    assert np.array_equal(where["depth"], refined.scores.covered.sum(axis=0))
    assert np.array_equal(where["expected_errors"], expected_errors_of(refined))
    assert (errors_of(where["expected_errors"]) > 0).all()
    kept = where["draft_index"] >= 0
    assert np.array_equal(where["draft_quality"][kept], zmw.draft.qualities[where["draft_index"][kept]])
    assert not where["draft_quality"][~kept].any()
    assert where["draft_quality"].dtype == np.uint8
