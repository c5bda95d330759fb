"""Reads from edits of runs: the edits are made where passes cover them, and doubt lies where it belongs."""

import numpy as np
import pytest
from edit_tools import LAST, apply_classes
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from deepconsensus_py.align.disagreement import NO_DISAGREEMENT
from deepconsensus_py.edits.calls import call_runs, layout_of
from deepconsensus_py.edits.classes import CHANGE, NAMES
from deepconsensus_py.edits.refine import refine
from deepconsensus_py.edits.repeats import find_runs
from deepconsensus_py.pacbio.molecule import Zmw, decode_bases, encode_bases

FLOOR = 1e-4
MANY = np.uint16(20)


def layout(draft: str, covered: NDArray[np.bool_] | None = None, quality: int = 10) -> dict[str, np.ndarray]:
    """A refined draft of which every fourth base is new."""
    bases = encode_bases(draft)
    index = np.arange(len(bases), dtype=np.int32)
    return {
        **NO_DISAGREEMENT.layout(),
        "depth": MANY * (np.ones(len(find_runs(bases)), np.uint16) if covered is None else covered.astype(np.uint16)),
        "draft": bases,
        "draft_index": np.where(index % 4 == 3, -1, index).astype(np.int32),
        "draft_quality": np.full(len(bases), quality, np.uint8),
    }


def sure(classes: NDArray[np.integer], probability: float = 0.9) -> NDArray[np.float32]:
    """Probabilities of which these are the highest; what is left is of other edits, none of them of last bases."""
    others = np.tile(LAST == 0, (len(classes), 1))
    others[np.arange(len(classes)), classes] = False
    rows = others * (1 - probability) / others.sum(axis=1, keepdims=True)
    rows[np.arange(len(classes)), classes] = probability
    return rows.astype(np.float32)


def test_no_edit_leaves_the_draft() -> None:
    given_layout = layout("CCAAATTGC")
    calls = call_runs(given_layout, sure(np.zeros(5, int), 1.0), FLOOR)
    assert decode_bases(calls.bases) == "CCAAATTGC"
    assert np.array_equal(calls.draft_index, given_layout["draft_index"])
    assert calls.error_probability == pytest.approx(FLOOR)
    assert calls.from_model.all()


@given(st.text("AATCG", min_size=1, max_size=30), st.integers(0, 2**32))
def test_edits_are_made_where_passes_cover_the_run(draft: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    runs = find_runs(encode_bases(draft))
    covered = rng.random(len(runs)) < 0.7
    classes = rng.integers(0, len(NAMES), len(runs))
    # One run at least stays, as it does in real drafts: their ends are not covered.
    covered[0] = False
    where = layout(draft, covered)
    calls = call_runs(where, sure(classes), FLOOR)
    wanted, index = apply_classes(where["draft"], np.where(covered, classes, 0))
    assert np.array_equal(calls.bases, wanted)
    assert len(calls.bases) == len(calls.error_probability) == len(calls.draft_index) == len(calls.from_model)
    assert (calls.error_probability >= np.float32(FLOOR)).all()
    assert (calls.error_probability <= 1).all()
    kept = calls.draft_index[calls.draft_index >= 0]
    assert (np.diff(kept) > 0).all()
    assert np.array_equal(calls.draft_index < 0, (index < 0) | (where["draft_index"][index] < 0))


@pytest.mark.parametrize("edit", range(len(NAMES)))
def test_the_doubt_about_a_run_lies_on_its_first_base_or_on_a_last_one_that_is_replaced(edit: int) -> None:
    draft, run, probability = "CCAAATTGC", 1, 0.8
    classes = np.zeros(5, int)
    if NAMES[edit] in {"A", "C"}:
        run = 3
    classes[run] = edit
    probabilities = sure(np.zeros(5, int), 1.0)
    probabilities[run] = sure(classes, probability)[run]
    calls = call_runs(layout(draft), probabilities, FLOOR)
    doubtful = np.flatnonzero(calls.error_probability > 2 * FLOOR)
    # A run that is gone leaves it to the base behind.
    runs = find_runs(encode_bases(draft))
    assert doubtful.tolist() == [runs.stop[run] - 1 if LAST[edit] else runs.start[run]]
    assert calls.error_probability[doubtful] == pytest.approx(1 - probability)
    assert len(calls.bases) == len(draft) + max(CHANGE[edit], -3 if run == 1 else -1) + (NAMES[edit] in "ATCG")


def test_the_doubt_whether_a_last_base_is_another_lies_on_it() -> None:
    probabilities = sure(np.zeros(5, int), 1.0)
    probabilities[1, [0, NAMES.index("-1"), NAMES.index("last G"), NAMES.index("last T")]] = 0.7, 0.1, 0.15, 0.05
    calls = call_runs(layout("CCAAATTGC"), probabilities, FLOOR)
    assert calls.error_probability[[2, 4]] == pytest.approx([0.1, 0.2])
    assert calls.error_probability[3] == pytest.approx(FLOOR)


def test_a_run_loses_no_more_bases_than_it_has() -> None:
    classes = np.array([0, NAMES.index("-2"), 0, 0])
    probabilities = sure(classes, 1.0)
    probabilities[3] = sure(classes, 0.6)[3]
    calls = call_runs(layout("CCAGGTT"), probabilities, FLOOR)
    assert decode_bases(calls.bases) == "CCGGTT"
    assert np.flatnonzero(calls.error_probability > 2 * FLOOR).tolist() == [4]


def test_a_run_that_is_gone_at_the_end_leaves_its_doubt_to_the_last_base() -> None:
    calls = call_runs(layout("CCA"), sure(np.array([0, NAMES.index("-1")]), 0.7), FLOOR)
    assert decode_bases(calls.bases) == "CC"
    assert calls.error_probability[-1] == pytest.approx(0.3)


def test_what_no_pass_covers_keeps_its_quality() -> None:
    covered = np.array([False, True, False])
    calls = call_runs(layout("AATTGG", covered, quality=20), sure(np.array([1, 0, 3]), 1.0), FLOOR)
    assert decode_bases(calls.bases) == "AATTGG"
    assert calls.error_probability == pytest.approx([0.01, 0.01, FLOOR, FLOOR, 0.01, 0.01])


def test_what_few_passes_agree_on_is_less_sure() -> None:
    where = layout("AATTGG")
    errors = []
    for depth in (1, 3, 4, 6, 8, 9, 40):
        where["depth"][:] = depth
        errors.append(call_runs(where, sure(np.zeros(3, int), 1.0), FLOOR).error_probability)
        assert np.ptp(errors[-1]) == 0
    assert [e[0] for e in errors] == pytest.approx([0.006, 0.0013, 0.00031, 0.00025, 0.00011, FLOOR, FLOOR])


def test_the_layout_of_a_refined_molecule(molecules: list[Zmw]) -> None:
    zmw = molecules[1]
    refined = refine(zmw)
    where = layout_of(zmw, refined)
    assert len(where["depth"]) == len(find_runs(where["draft"]))
    assert np.array_equal(where["depth"], refined.scores.covered.sum(axis=0))
    kept = where["draft_index"] >= 0
    assert np.array_equal(where["draft_quality"][kept], zmw.draft.qualities[where["draft_index"][kept]])
    assert not where["draft_quality"][~kept].any()
    assert where["draft_quality"].dtype == np.uint8
