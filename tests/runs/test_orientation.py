"""Reverse complements: there and back, and edits that mean the same on both strands."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from run_molecules import make_pass, make_zmw, zmws

from deepconsensus_py.align import cigar
from deepconsensus_py.pacbio.molecule import Zmw, decode_bases, encode_bases, reverse_complement
from deepconsensus_py.runs.edits import EDITS, INSERTS, apply_edits
from deepconsensus_py.runs.homopolymers import find_runs, lowest_qualities
from deepconsensus_py.runs.orientation import reverse_classes, reverse_zmw


def fields(zmw: Zmw) -> list[object]:
    draft = [zmw.draft.bases.tolist(), None if zmw.draft.qualities is None else zmw.draft.qualities.tolist()]
    passes = [
        [
            p.reverse,
            p.bases.tolist(),
            p.alignment.start,
            p.alignment.operations.tolist(),
            p.alignment.lengths.tolist(),
            *(None if k is None else k.tolist() for k in (p.pulse_widths, p.inter_pulse_durations)),
        ]
        for p in zmw.passes
    ]
    return [draft, passes]


@given(zmws())
def test_twice_reversed_is_the_molecule(zmw: Zmw) -> None:
    assert fields(reverse_zmw(reverse_zmw(zmw))) == fields(zmw)


@given(zmws())
def test_pairs_of_bases_stay_pairs(zmw: Zmw) -> None:
    there = reverse_zmw(zmw)
    for p, turned in zip(zmw.passes, there.passes, strict=True):
        one, other = cigar.paired_positions(p.alignment), cigar.paired_positions(turned.alignment)
        ends = (len(p.bases), len(zmw.draft.bases))
        for here, reversed_, length in zip(one, other, ends, strict=True):
            assert np.array_equal(here, length - 1 - reversed_[::-1])
        assert turned.reverse != p.reverse


def test_low_qualities_stay_on_the_first_base_of_a_run() -> None:
    qualities = np.array([5, 90, 91, 7, 80, 81], np.uint8)
    zmw = make_zmw("AAATTG", make_pass("AAATTG", draft="AAATTG"), qualities=qualities)
    turned = reverse_zmw(zmw).draft
    assert decode_bases(turned.bases) == "CAATTT"
    assert turned.qualities.tolist() == [81, 7, 80, 5, 90, 91]
    lowest = [lowest_qualities(d.qualities, find_runs(d.bases)).tolist() for d in (zmw.draft, turned)]
    assert lowest[0] == lowest[1][::-1]


@given(st.text("AATCG", min_size=1, max_size=20), st.data())
def test_edits_of_the_reverse_complement_come_back(draft_text: str, data) -> None:
    draft = encode_bases(draft_text)
    turned = reverse_complement(draft)
    runs = find_runs(turned)
    count = len(runs)
    classes = np.array(data.draw(st.lists(st.integers(0, 8), min_size=count, max_size=count)), np.uint8)
    # One edit on each side of a boundary, at most: back here, two would meet on one run.
    classes[1::2] = 0
    classes[0] = 0
    probabilities = np.eye(len(EDITS), dtype=np.float32)[classes]
    back = reverse_classes(probabilities)
    assert np.allclose(back.sum(axis=1), 1)
    made, _ = apply_edits(turned, runs, classes)
    here, _ = apply_edits(draft, find_runs(draft), back.argmax(axis=1))
    assert decode_bases(here) == decode_bases(reverse_complement(made))


@given(st.integers(1, 6), st.randoms(use_true_random=False))
def test_rows_of_probabilities_stay_so(count: int, random) -> None:
    rows = np.array([[random.random() ** 4 + 0.01 for _ in EDITS] for _ in range(count)], np.float32)
    rows /= rows.sum(axis=1, keepdims=True)
    back = reverse_classes(rows)
    assert (back >= 0).all()
    assert np.allclose(back.sum(axis=1), 1, atol=1e-6)
    assert (back[0, INSERTS > 0] == 0).all()
