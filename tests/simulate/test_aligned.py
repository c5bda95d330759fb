"""Passes on their template: every base finds its class, on both strands."""

import numpy as np
import pytest

from deepconsensus_py.align import cigar
from deepconsensus_py.pacbio.molecule import Pass, encode_bases, reverse_complement
from deepconsensus_py.simulate.aligned import align_to_template
from deepconsensus_py.simulate.passes import prepare_strand, read_strand
from deepconsensus_py.simulate.profile import BaseClass, load_profile
from deepconsensus_py.simulate.templates import random_template

PROFILE = load_profile().passes


def a_pass(bases: np.ndarray) -> Pass:
    return Pass("m/1/0_9", bases, None, None, None)


def test_columns_spell_read_and_template() -> None:
    rng = np.random.default_rng(0)
    truth = random_template(3000, PROFILE.homopolymer_share, rng)
    read = read_strand(prepare_strand(truth, rng), PROFILE, np.ones(3), rng).bases
    aligned = align_to_template(a_pass(read), truth)
    equal = aligned.columns == cigar.EQUAL
    np.testing.assert_array_equal(read[aligned.on_read[equal]], truth[aligned.on_template[equal]])
    different = aligned.columns == cigar.DIFFERENT
    assert (read[aligned.on_read[different]] != truth[aligned.on_template[different]]).all()
    assert np.count_nonzero(aligned.columns != cigar.DELETION) == len(aligned.classes())
    assert not aligned.reverse


def test_the_opposite_strand_is_recognised() -> None:
    rng = np.random.default_rng(1)
    truth = random_template(2000, PROFILE.homopolymer_share, rng)
    aligned = align_to_template(a_pass(reverse_complement(truth)[300:1500]), truth)
    assert aligned.reverse
    assert aligned.span == (300, 1500)
    assert (aligned.columns == cigar.EQUAL).all()


@pytest.mark.parametrize(
    ("truth", "read", "place", "expected"),
    [
        ("GACCTGA", "GACTGA", 2, [BaseClass.MATCH_AFTER_DELETION]),
        ("GACTGA", "GATGA", 2, [BaseClass.MATCH_AFTER_DELETION]),
        ("GACTGA", "GACCTGA", 2, [BaseClass.INSERTION_COGNATE, BaseClass.MATCH]),
        ("GACTGA", "GACGTGA", 3, [BaseClass.INSERTION_NONCOGNATE]),
        ("GACTGA", "GACGGTGA", 3, [BaseClass.INSERTION_MULTI] * 2),
        ("GACTGA", "GAGTGA", 2, [BaseClass.MISMATCH]),
    ],
)
def test_classes_of_single_errors(truth: str, read: str, place: int, expected: list[BaseClass]) -> None:
    left, right = "GATCGATTACAGGCATCG", "TCAGATCCGATACGTAGCT"
    aligned = align_to_template(a_pass(encode_bases(left + read + right)), encode_bases(left + truth + right))
    classes = aligned.classes().tolist()
    at = len(left) + place
    assert classes[at : at + len(expected)] == expected
    rest = classes[:at] + classes[at + len(expected) :]
    assert set(rest) == {BaseClass.MATCH}
