"""Reverse complements: there and back."""

import numpy as np
from edit_molecules import make_pass, make_zmw, zmws
from hypothesis import given

from deepconsensus_py.align import cigar
from deepconsensus_py.edits.repeats import find_homopolymers
from deepconsensus_py.pacbio.molecule import Zmw, decode_bases
from deepconsensus_py.training.augment import reverse_zmw


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


def test_low_qualities_stay_on_the_first_base_of_a_homopolymer() -> None:
    qualities = np.array([5, 90, 91, 7, 80, 81], np.uint8)
    zmw = make_zmw("AAATTG", make_pass("AAATTG", draft="AAATTG"), qualities=qualities)
    turned = reverse_zmw(zmw).draft
    assert decode_bases(turned.bases) == "CAATTT"
    assert turned.qualities.tolist() == [81, 7, 80, 5, 90, 91]
    lowest = [np.minimum.reduceat(d.qualities, find_homopolymers(d.bases).start).tolist() for d in (zmw.draft, turned)]
    assert lowest[0] == lowest[1][::-1]
