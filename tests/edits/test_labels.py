"""Labels: applied to the draft they give the truth wherever they are exact."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from edit_molecules import Known, distance, global_alignment
from edit_tools import apply_classes
from hypothesis import given
from hypothesis import strategies as st

from deepconsensus_py.align.cigar import reversed_alignment
from deepconsensus_py.edits.classes import NAMES
from deepconsensus_py.edits.labels import HomopolymerLabels, label_homopolymers
from deepconsensus_py.edits.repeats import find_homopolymers
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import encode_bases, reverse_complement

SEQUENCES = st.text("AAATC", min_size=2, max_size=25)


def labels_of(draft: str, truth: str) -> HomopolymerLabels:
    draft_codes, truth_codes = encode_bases(draft), encode_bases(truth)
    return label_homopolymers(
        draft_codes, find_homopolymers(draft_codes), truth_codes, global_alignment(truth_codes, draft_codes)
    )


@given(SEQUENCES, SEQUENCES)
def test_exact_labels_make_the_truth(draft: str, truth: str) -> None:
    # The outermost homopolymers and insertions next to them have no label.
    draft, truth = f"TCGG{draft}GGCT", f"TCGG{truth}GGCT"
    labels = labels_of(draft, truth)
    made, _ = apply_classes(encode_bases(draft), labels.classes)
    left = distance(made, encode_bases(truth))
    if labels.exact[1:-1].all():
        assert left == 0
    assert left <= distance(encode_bases(draft), encode_bases(truth))


@pytest.mark.parametrize(
    ("inner", "edit"),
    [
        ("CCAAATT", "none"),
        ("CCAATT", "-1"),
        ("CCATT", "-2"),
        ("CCAAAATT", "+1"),
        ("CCAAAAATT", "+2"),
        ("CCGAAATT", "G"),
        ("CCTAAATT", "T"),
        ("CCGAATT", "first G"),
        ("CCCAATT", "first C"),
        ("CCAAGTT", "last G"),
        ("CCAATTT", "last T"),
    ],
)
def test_each_edit_has_its_label(inner: str, edit: str) -> None:
    labels = labels_of("GGCCAAATTGG", f"GG{inner}GG")
    assert NAMES[labels.classes[2]] == edit
    assert labels.exact[1:-1].all()
    assert not np.delete(labels.classes, 2).any()


@pytest.mark.parametrize(("inner", "edit"), [("CCGTT", "first G"), ("CCCTT", "first C"), ("CCTTT", "first T")])
def test_a_mismatch_in_a_homopolymer_of_one_is_at_its_first_base(inner: str, edit: str) -> None:
    labels = labels_of("GGCCATTGG", f"GG{inner}GG")
    assert NAMES[labels.classes[2]] == edit
    assert labels.exact[1:-1].all()
    assert not np.delete(labels.classes, 2).any()


@pytest.mark.parametrize(
    ("inner", "nearest"),
    [
        ("CCAGATT", "none"),
        ("CCGAGTT", "none"),
        ("CCNAATT", "none"),
        ("CCANATT", "none"),
        ("CCNAAATT", "none"),
        ("CCTGAAATT", "none"),
        ("CCAAAAAATT", "+2"),
        ("CCGAAAATT", "+1"),
    ],
)
def test_what_no_class_yields_is_not_exact(inner: str, nearest: str) -> None:
    labels = labels_of("GGCCAAATTGG", f"GG{inner}GG")
    assert NAMES[labels.classes[2]] == nearest
    assert not labels.exact[2]


def test_what_the_truth_does_not_cover_is_not_exact() -> None:
    draft, truth = encode_bases("GGCCAAATTGG"), encode_bases("CAAATTG")
    aligned = replace(global_alignment(truth, draft[3:10]), start=3)
    labels = label_homopolymers(draft, find_homopolymers(draft), truth, aligned)
    assert labels.exact.tolist() == [False, False, True, True, False]


def test_an_alignment_that_does_not_fit_is_refused() -> None:
    draft, truth = encode_bases("CCAA"), encode_bases("CCA")
    fitting = global_alignment(truth, draft)
    for wrong, bases in ((fitting, draft), (replace(fitting, start=1), truth)):
        with pytest.raises(MoleculeError, match="does not fit"):
            label_homopolymers(draft, find_homopolymers(draft), bases, wrong)


def test_a_draft_of_one_homopolymer_has_no_exact_label() -> None:
    assert not labels_of("AAA", "AA").exact.any()


@pytest.mark.real
def test_labels_of_real_molecules_make_the_truth(human: list[Known], bases_only: list[Known]) -> None:
    """All but errors of no class: repeat units, long homopolymers (up to 13 bases of a 32-A homopolymer)."""
    for molecules, most_left, edits_in_all in ((human, 3, 174), (bases_only, 19, 294)):
        left = edits = 0
        for molecule in molecules:
            draft = molecule.zmw.draft.bases
            homopolymers = find_homopolymers(draft)
            labels = label_homopolymers(draft, homopolymers, molecule.truth, molecule.alignment)
            made, _ = apply_classes(draft, labels.classes)
            left += distance(made, molecule.truth)
            edits += int((labels.exact & (labels.classes > 0)).sum())
        print(f"{len(molecules)} molecules: {edits} edits, then {left} errors")
        assert left <= most_left
        assert edits == edits_in_all


@pytest.mark.real
def test_labels_of_the_reverse_complement_are_the_same_edits(human: list[Known]) -> None:
    for molecule in human:
        draft, truth = molecule.zmw.draft.bases, molecule.truth
        forward = label_homopolymers(draft, find_homopolymers(draft), truth, molecule.alignment)
        turned = reverse_complement(draft)
        there = label_homopolymers(
            turned,
            find_homopolymers(turned),
            reverse_complement(truth),
            reversed_alignment(molecule.alignment, len(draft)),
        )
        here, _ = apply_classes(draft, forward.classes)
        back, _ = apply_classes(turned, there.classes)
        made = [here, reverse_complement(back)]
        left = [distance(one, truth) for one in made]
        assert all(abs(a - b) <= 1 for a, b in pairwise(left))
