"""Edits that passes propose: what is planted in a draft comes back, and nothing that is a class of its own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepconsensus_py.align.disagreement import NO_DISAGREEMENT, find_disagreement
from deepconsensus_py.align.passes import align_passes
from deepconsensus_py.edits.classes import Edit, Edits, apply_edits
from deepconsensus_py.edits.proposals import is_of_a_homopolymer, left_normalised, propose_edits
from deepconsensus_py.edits.repeats import find_repeats
from deepconsensus_py.pacbio.molecule import Draft, Pass, decode_bases, encode_bases

RNG = np.random.default_rng(5)
LEFT, RIGHT = ("".join(RNG.choice(list("ACGT"), 120)) for _ in range(2))


def edited(draft: str, edit: Edit) -> str:
    return decode_bases(apply_edits(encode_bases(draft), Edits.of([edit]))[0])


def proposed(draft: str, truth: str, passes: int = 8) -> list[str]:
    """What the draft becomes by each edit that error-free passes of the truth propose."""
    codes, reads = (
        encode_bases(draft),
        [Pass(f"m/1/{n}_9", encode_bases(truth), None, None, None) for n in range(passes)],
    )
    aligned = [p for p in align_passes(Draft("m/1/ccs", codes, None), reads) if p]
    found = propose_edits(find_repeats(codes), find_disagreement(codes, aligned))
    return [edited(draft, one.edit) for one in found]


@pytest.mark.parametrize(
    ("draft", "truth"),
    [
        ("TAAC", "TACAC"),  # inside a homopolymer
        ("CAAAC", "CATAC"),  # a wrong base inside one
        ("CAC", "CATGTAC"),
        ("CATGTAC", "CAC"),
        ("GTACG", "GACTCG"),
        ("CAC", f"CA{'TGACCTAG' * 4}C"),
    ],
)
def test_passes_propose_what_they_have(draft: str, truth: str) -> None:
    assert f"{LEFT}{truth}{RIGHT}" in proposed(f"{LEFT}{draft}{RIGHT}", f"{LEFT}{truth}{RIGHT}")


@pytest.mark.parametrize("unit", ["AC", "AAC", "ACGTTC", "".join(RNG.choice(list("ACGT"), 33))])
@pytest.mark.parametrize("change", [-2, -1, 1, 2])
def test_passes_propose_their_number_of_copies(unit: str, change: int) -> None:
    draft, truth = (f"{LEFT}{unit * copies}{RIGHT}" for copies in (20, 20 + change))
    assert truth in proposed(draft, truth)


def test_other_classes_are_not_proposed_again() -> None:
    for draft, truth in [("CAAG", "CAG"), ("CAG", "CAAG"), ("CAG", "CATG"), ("CAG", "CTG"), ("TAAG", "TACG")]:
        assert not proposed(f"{LEFT}{draft}{RIGHT}", f"{LEFT}{truth}{RIGHT}")


def test_agreement_proposes_nothing() -> None:
    assert propose_edits(find_repeats(encode_bases(LEFT)), NO_DISAGREEMENT) == []


@given(st.text("AC", min_size=1, max_size=12), st.data())
def test_left_normalised_edits_do_the_same_further_left(draft: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(draft)))
    removed = data.draw(st.integers(0, len(draft) - start))
    edit = Edit(start, removed, encode_bases(data.draw(st.text("AC", max_size=4))))
    moved, wanted = left_normalised(encode_bases(draft), edit), edited(draft, edit)
    if moved is None:
        assert wanted == draft
        return
    assert edited(draft, moved) == wanted
    assert moved.start <= start + removed
    assert left_normalised(encode_bases(draft), moved) is not None
    if moved.start and not (moved.removed and len(moved.letters)):
        moving = encode_bases(draft)[moved.start : moved.start + moved.removed] if moved.removed else moved.letters
        assert moving[-1] != encode_bases(draft)[moved.start - 1]


@pytest.mark.parametrize(
    ("start", "removed", "letters", "own"),
    [
        (2, 1, "", True),
        (2, 2, "", True),
        (2, 3, "", False),  # three bases
        (1, 2, "", False),  # of two homopolymers
        (2, 0, "A", True),
        (2, 0, "AAA", False),
        (2, 0, "G", True),
        (3, 0, "G", False),  # inside a homopolymer
        (2, 1, "G", True),
        (3, 1, "G", False),
        (4, 1, "G", True),
        (2, 1, "GT", False),
    ],
)
def test_edits_of_homopolymers_are_told_from_others(start: int, removed: int, letters: str, *, own: bool) -> None:
    assert is_of_a_homopolymer(encode_bases("TCAAACT"), Edit(start, removed, encode_bases(letters))) is own
