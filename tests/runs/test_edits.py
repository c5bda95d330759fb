"""Applying edits, against a slow way of doing it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from deepconsensus_py.pacbio.molecule import decode_bases, encode_bases
from deepconsensus_py.runs.edits import CHANGE, EDITS, INSERTS, apply_edits
from deepconsensus_py.runs.homopolymers import find_runs


@st.composite
def edited(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """A draft and a class for each of its runs."""
    draft = encode_bases(draw(st.text("AATCGN", max_size=30)))
    count = len(find_runs(draft))
    classes = draw(st.lists(st.integers(0, len(EDITS) - 1), min_size=count, max_size=count))
    return draft, np.array(classes, np.uint8)


def slow(draft: np.ndarray, classes: np.ndarray) -> tuple[str, list[int]]:
    runs, bases, index = find_runs(draft), "", []
    for start, stop, edit in zip(runs.start, runs.stop, (EDITS[c] for c in classes), strict=True):
        letter, positions = decode_bases(draft[start : start + 1]), list(range(start, stop))
        if edit in ("A", "T", "C", "G"):
            bases, index = bases + edit, [*index, -1]
        elif edit.startswith("+"):
            positions = [-1] * int(edit) + positions
        elif edit.startswith("-"):
            positions = positions[-int(edit) :]
        bases, index = bases + letter * len(positions), index + positions
    return bases, index


def test_the_classes_say_what_their_names_say() -> None:
    assert [f"{c:+d}" for c in CHANGE[1:5]] == list(EDITS[1:5])
    assert decode_bases(INSERTS[5:]) == "".join(EDITS[5:])
    assert not CHANGE[[0, 5, 6, 7, 8]].any()
    assert not INSERTS[:5].any()


@given(edited())
def test_edits_are_what_the_slow_way_makes(case) -> None:
    draft, classes = case
    bases, index = apply_edits(draft, find_runs(draft), classes)
    assert (decode_bases(bases), index.tolist()) == slow(draft, classes)
    assert (bases.dtype, index.dtype) == (np.uint8, np.int32)


@given(edited())
def test_kept_bases_are_the_drafts_in_order(case) -> None:
    draft, classes = case
    bases, index = apply_edits(draft, find_runs(draft), classes)
    kept = index >= 0
    assert np.array_equal(bases[kept], draft[index[kept]])
    assert (np.diff(index[kept]) > 0).all()


@given(edited())
def test_no_edit_is_the_draft(case) -> None:
    draft, classes = case
    bases, index = apply_edits(draft, find_runs(draft), 0 * classes)
    assert np.array_equal(bases, draft)
    assert np.array_equal(index, np.arange(len(draft)))
