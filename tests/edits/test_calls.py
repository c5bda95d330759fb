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
from deepconsensus_py.edits.refine import refine
from deepconsensus_py.edits.repeats import find_homopolymers
from deepconsensus_py.edits.segments import no_segments
from deepconsensus_py.pacbio.molecule import Zmw, decode_bases, encode_bases

FLOOR = 1e-4
MANY = np.uint16(20)


def layout(draft: str, covered: NDArray[np.bool_] | None = None, quality: int = 10) -> dict[str, np.ndarray]:
    """A refined draft of which every fourth base is new."""
    bases = encode_bases(draft)
    index = np.arange(len(bases), dtype=np.int32)
    return {
        **NO_DISAGREEMENT.layout(),
        **no_segments(0).layout(),
        "depth": MANY
        * (np.ones(len(find_homopolymers(bases)), np.uint16) if covered is None else covered.astype(np.uint16)),
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
    calls = call_edits(given_layout, sure(np.zeros(5, int), 1.0), FLOOR)
    assert decode_bases(calls.bases) == "CCAAATTGC"
    assert np.array_equal(calls.draft_index, given_layout["draft_index"])
    assert calls.error_probability == pytest.approx(FLOOR)
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
    calls = call_edits(where, sure(classes), FLOOR)
    wanted, index = apply_classes(where["draft"], np.where(covered, classes, 0))
    assert np.array_equal(calls.bases, wanted)
    assert len(calls.bases) == len(calls.error_probability) == len(calls.draft_index) == len(calls.from_model)
    assert (calls.error_probability >= np.float32(FLOOR)).all()
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
    calls = call_edits(layout(draft), probabilities, FLOOR)
    uncertain = np.flatnonzero(calls.error_probability > 2 * FLOOR)
    # A deleted homopolymer passes its error on to the base after it.
    homopolymers = find_homopolymers(encode_bases(draft))
    assert uncertain.tolist() == [homopolymers.stop[homopolymer] - 1 if LAST[edit] else homopolymers.start[homopolymer]]
    assert calls.error_probability[uncertain] == pytest.approx(1 - probability)
    assert len(calls.bases) == len(draft) + max(CHANGE[edit], -3 if homopolymer == 1 else -1) + (NAMES[edit] in "ATCG")


def test_the_error_of_a_last_base_stays_there() -> None:
    probabilities = sure(np.zeros(5, int), 1.0)
    probabilities[1, [0, NAMES.index("-1"), NAMES.index("last G"), NAMES.index("last T")]] = 0.7, 0.1, 0.15, 0.05
    calls = call_edits(layout("CCAAATTGC"), probabilities, FLOOR)
    assert calls.error_probability[[2, 4]] == pytest.approx([0.1, 0.2])
    assert calls.error_probability[3] == pytest.approx(FLOOR)


def test_deletions_are_no_longer_than_the_homopolymer() -> None:
    classes = np.array([0, NAMES.index("-2"), 0, 0])
    probabilities = sure(classes, 1.0)
    probabilities[3] = sure(classes, 0.6)[3]
    calls = call_edits(layout("CCAGGTT"), probabilities, FLOOR)
    assert decode_bases(calls.bases) == "CCGGTT"
    assert np.flatnonzero(calls.error_probability > 2 * FLOOR).tolist() == [4]


def test_a_deleted_last_homopolymer_passes_its_error_to_the_last_base() -> None:
    calls = call_edits(layout("CCA"), sure(np.array([0, NAMES.index("-1")]), 0.7), FLOOR)
    assert decode_bases(calls.bases) == "CC"
    assert calls.error_probability[-1] == pytest.approx(0.3)


def test_uncovered_bases_keep_their_quality() -> None:
    covered = np.array([False, True, False])
    calls = call_edits(layout("AATTGG", covered, quality=20), sure(np.array([1, 0, 3]), 1.0), FLOOR)
    assert decode_bases(calls.bases) == "AATTGG"
    assert calls.error_probability == pytest.approx([0.01, 0.01, FLOOR, FLOOR, 0.01, 0.01])


def test_agreement_of_few_passes_has_a_lower_quality() -> None:
    where = layout("AATTGG")
    errors = []
    for depth in (1, 3, 4, 6, 8, 9, 40):
        where["depth"][:] = depth
        errors.append(call_edits(where, sure(np.zeros(3, int), 1.0), FLOOR).error_probability)
        assert np.ptp(errors[-1]) == 0
    assert [e[0] for e in errors] == pytest.approx([0.006, 0.0013, 0.00031, 0.00025, 0.00011, FLOOR, FLOOR])


def test_the_layout_of_a_refined_molecule(molecules: list[Zmw]) -> None:
    zmw = molecules[1]
    refined = refine(zmw)
    where = layout_of(zmw, refined)
    assert len(where["depth"]) == len(find_homopolymers(where["draft"]))
    assert np.array_equal(where["depth"], refined.scores.covered.sum(axis=0))
    kept = where["draft_index"] >= 0
    assert np.array_equal(where["draft_quality"][kept], zmw.draft.qualities[where["draft_index"][kept]])
    assert not where["draft_quality"][~kept].any()
    assert where["draft_quality"].dtype == np.uint8
