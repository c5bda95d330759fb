"""Evidence of passes for errors in a molecule."""

import numpy as np
import pytest

from deepconsensus_py.pacbio.molecule import encode_bases, reverse_complement
from deepconsensus_py.simulate.drafts import (
    HOMOPOLYMER_LONGER,
    HOMOPOLYMER_SHORTER,
    INSERTION,
    MISMATCH,
    UNIT_LONGER,
    UNIT_SHORTER,
    CandidateErrors,
    weigh,
)
from deepconsensus_py.simulate.passes import PassRead
from deepconsensus_py.simulate.profile import BaseClass, load_profile
from deepconsensus_py.simulate.sites import Stretch, Turn

PROFILE = load_profile().passes
TRUTH = encode_bases("GATTTCAGCACACAGTC")
RUN, REPEAT = 2, 7  # TTT; CACACA is at 8, with the G before it a copy short of nothing


def turn(reverse: bool, *, drop: tuple = (), add: tuple = (), change: tuple = ()) -> Turn:
    """A faultless reading of the truth but for bases dropped, added before (place, base) and changed (place, base)."""
    length = len(TRUTH)
    bases, origin, classes = [], [], []
    for place in range(length):
        for at, base in add:
            if at == place:
                own = base == TRUTH[place]
                bases.append(base)
                origin.append(place)
                classes.append(BaseClass.INSERTION_COGNATE if own else BaseClass.INSERTION_NONCOGNATE)
        if place not in drop:
            changed = dict(change).get(place)
            bases.append(TRUTH[place] if changed is None else changed)
            origin.append(place)
            classes.append(BaseClass.MATCH if changed is None else BaseClass.MISMATCH)
    bases, origin, classes = (np.array(x) for x in (bases, origin, classes))
    if reverse:
        # A base inserted before another one stands, on the other strand, before that one's neighbour.
        inserted = classes == BaseClass.INSERTION_NONCOGNATE
        bases, classes = reverse_complement(bases.astype(np.uint8)), classes[::-1]
        origin = (length - 1 - origin + inserted)[::-1]
    reading = PassRead(bases.astype(np.uint8), classes.astype(np.uint8), origin.astype(np.int64))
    return Turn(Stretch(0, length, reverse, 3), reading)


def score(candidates: CandidateErrors, kind: int, place: int, base: int | None = None) -> float:
    found = (candidates.kind == kind) & (candidates.place == place)
    if base is not None:
        found &= candidates.base == base
    (value,) = candidates.score[found]
    return float(value)


@pytest.mark.parametrize("reverse", [False, True])
def test_passes_without_errors_support_no_change(reverse: bool) -> None:
    candidates = weigh(TRUTH, [turn(reverse)] * 3, PROFILE)
    assert (candidates.score < -2).all()
    assert set(candidates.kind.tolist()) <= {HOMOPOLYMER_LONGER, HOMOPOLYMER_SHORTER, UNIT_LONGER, UNIT_SHORTER}


@pytest.mark.parametrize("reverse", [False, True])
def test_deletions_support_a_shorter_homopolymer(reverse: bool) -> None:
    candidates = weigh(TRUTH, [turn(reverse, drop=(RUN,))] * 3, PROFILE)
    assert score(candidates, HOMOPOLYMER_SHORTER, RUN) > 2
    assert score(candidates, HOMOPOLYMER_LONGER, RUN) < -2
    assert score(candidates, HOMOPOLYMER_SHORTER, 1) < -2


@pytest.mark.parametrize("reverse", [False, True])
def test_insertions_support_a_longer_homopolymer(reverse: bool) -> None:
    candidates = weigh(TRUTH, [turn(reverse, add=((RUN, TRUTH[RUN]),))] * 3, PROFILE)
    assert score(candidates, HOMOPOLYMER_LONGER, RUN) > 2


def test_passes_that_disagree_cancel() -> None:
    whole, less = turn(False), turn(True, drop=(RUN,))
    assert score(weigh(TRUTH, [whole, less], PROFILE), HOMOPOLYMER_SHORTER, RUN) == pytest.approx(0, abs=3)


@pytest.mark.parametrize("reverse", [False, True])
def test_foreign_and_mistaken_bases_are_found_on_both_strands(reverse: bool) -> None:
    other = int(encode_bases("G")[0])
    inserted = weigh(TRUTH, [turn(False, add=((4, other),)), turn(reverse, add=((4, other),))], PROFILE)
    assert score(inserted, INSERTION, 4, other) > 2
    mistaken = weigh(TRUTH, [turn(False, change=((5, other),)), turn(reverse, change=((5, other),))], PROFILE)
    assert score(mistaken, MISMATCH, 5, other) > 2
    assert score(mistaken, HOMOPOLYMER_SHORTER, 5) < -2


@pytest.mark.parametrize("reverse", [False, True])
def test_a_deleted_unit_supports_a_shorter_repeat(reverse: bool) -> None:
    candidates = weigh(TRUTH, [turn(reverse, drop=(8, 9))] * 3, PROFILE)
    place = int(candidates.place[candidates.kind == UNIT_SHORTER][0])
    assert score(candidates, UNIT_SHORTER, place) > 2 > score(candidates, UNIT_LONGER, place)


def test_what_a_pass_does_not_cover_it_does_not_judge() -> None:
    reading = turn(False).reading
    part = Turn(Stretch(9, len(TRUTH), False, 1), reading.cut(9, len(TRUTH)))
    assert score(weigh(TRUTH, [part], PROFILE), HOMOPOLYMER_SHORTER, RUN) == 0
