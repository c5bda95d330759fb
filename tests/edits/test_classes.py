"""Applying edits, against a slow way of doing it."""

import hashlib

import numpy as np
from edit_tools import FIRST, INSERTS, LAST, apply_classes
from hypothesis import given
from hypothesis import strategies as st

from deepconsensus_py.edits.classes import CHANGE, EDIT_CLASSES, NAMES, SEGMENT
from deepconsensus_py.edits.method import SPEC
from deepconsensus_py.edits.pair_hmm import PairHmm
from deepconsensus_py.edits.repeats import find_homopolymers
from deepconsensus_py.pacbio.molecule import decode_bases, encode_bases


@st.composite
def edited(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """A draft and a class for each of its homopolymers."""
    draft = encode_bases(draw(st.text("AATCGN", max_size=30)))
    count = len(find_homopolymers(draft))
    classes = draw(st.lists(st.integers(0, len(NAMES) - 1), min_size=count, max_size=count))
    return draft, np.array(classes, np.uint8)


def slow(draft: np.ndarray, classes: np.ndarray) -> tuple[str, list[int]]:
    homopolymers, bases, index = find_homopolymers(draft), "", []
    for start, stop, edit in zip(homopolymers.start, homopolymers.stop, (NAMES[c] for c in classes), strict=True):
        letter, positions = decode_bases(draft[start : start + 1]), list(range(start, stop))
        if edit in ("A", "T", "C", "G"):
            bases, index = bases + edit, [*index, -1]
        elif edit.startswith("+"):
            positions = [-1] * int(edit) + positions
        elif edit.startswith("-"):
            positions = positions[-int(edit) :]
        text = letter * len(positions)
        if edit.startswith("first"):
            text, positions[0] = edit[-1] + text[1:], -1
        elif edit.startswith("last"):
            text, positions[-1] = text[:-1] + edit[-1], -1
        bases, index = bases + text, index + positions
    return bases, index


def test_classes_match_their_names() -> None:
    assert [f"{c:+d}" for c in CHANGE[1:5]] == list(NAMES[1:5])
    for letters, where in ((INSERTS, ""), (FIRST, "first "), (LAST, "last ")):
        assert [f"{where}{letter}" for letter in decode_bases(letters[letters > 0])] == [
            edit for edit, letter in zip(NAMES, letters, strict=True) if letter
        ]
    one_of_them = np.stack([CHANGE != 0, INSERTS > 0, FIRST > 0, LAST > 0]).sum(axis=0)
    assert one_of_them.tolist() == [0] + [1] * (SEGMENT - 1) + [0]


@given(edited())
def test_edits_equal_a_slow_reference(case) -> None:
    draft, classes = case
    bases, index = apply_classes(draft, classes)
    assert (decode_bases(bases), index.tolist()) == slow(draft, classes)
    assert (bases.dtype, index.dtype) == (np.uint8, np.int32)


@given(edited())
def test_kept_bases_are_the_drafts_in_order(case) -> None:
    draft, classes = case
    bases, index = apply_classes(draft, classes)
    kept = index >= 0
    assert np.array_equal(bases[kept], draft[index[kept]])
    assert (np.diff(index[kept]) > 0).all()


@given(edited())
def test_no_edit_is_the_draft(case) -> None:
    draft, classes = case
    bases, index = apply_classes(draft, 0 * classes)
    assert np.array_equal(bases, draft)
    assert np.array_equal(index, np.arange(len(draft)))


def test_every_class_has_words_of_its_own() -> None:
    words = dict(zip(NAMES, (one.words for one in EDIT_CLASSES), strict=True))
    assert len(set(words.values())) == len(NAMES)
    assert [words[name] for name in ("none", "-1", "+2")] == ["no edit", "1 base deleted", "2 bases inserted"]
    assert [words[name] for name in ("G", "first A", "last T")] == [
        "G inserted in front",
        "first base is A",
        "last base is T",
    ]


def test_another_table_of_classes_is_another_encoding() -> None:
    """Shards and models of a table with other classes must not be taken for ones of this; see CONTRIBUTING.md."""
    table = tuple((one.removed, one.own, one.letter, one.at_last, one.segment) for one in EDIT_CLASSES)
    digest = hashlib.sha256(repr(table).encode()).hexdigest()[:8]
    assert (digest, SPEC["version"], PairHmm().spec["version"]) == ("5325599b", 4, 4)
