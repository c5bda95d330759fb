"""Labels of molecules written out by hand; random ones are compared in test_walk, real ones in test_golden."""

from collections.abc import Callable

import numpy as np
import pytest

from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import Alignment, Pass, Truth, Zmw, decode_bases, encode_bases
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.pileup.labels import Labels, label_windows
from deepconsensus_py.pileup.pileup import build_pileup
from deepconsensus_py.pileup.windows import window_bounds

Label = Callable[..., Labels]
DRAFT = "ACGTACGT"


@pytest.fixture
def label(
    make_zmw: Callable[..., Zmw], make_pass: Callable[..., Pass], make_alignment: Callable[..., Alignment]
) -> Label:
    def label(bases: str, cigar: str, start: int = 0, end: int | None = None, width: int = 4) -> Labels:
        spec = FeatureSpec(width=width)
        pileup = build_pileup(make_zmw(DRAFT, make_pass(DRAFT, "8=")), spec)
        end = 1000 + len(bases) if end is None else end
        truth = Truth("m/1/ccs", "chr1", 1000, end, "train", encode_bases(bases), make_alignment(start, cigar))
        return label_windows(pileup, window_bounds(pileup, spec), truth, spec)

    return label


def texts(labels: Labels) -> list[str]:
    return [decode_bases(row) for row in labels.bases]


def test_a_perfect_draft(label: Label) -> None:
    labels = label(DRAFT, "8=")
    assert texts(labels) == ["ACGT", "ACGT"]
    assert labels.matches_draft.all()
    assert labels.usable.all()
    assert (labels.begin.tolist(), labels.last.tolist()) == ([1000, 1004], [1003, 1007])


def test_inner_gaps_stay_while_the_label_fits(label: Label) -> None:
    labels = label("ACTACGT", "2=1D5=")
    assert texts(labels) == ["AC T", "ACGT"]
    assert labels.cigar[0].tolist() == [7, 7, 2, 7]
    assert labels.matches_draft.tolist() == [False, True]


def test_a_label_that_is_too_wide_loses_its_gaps(label: Label) -> None:
    labels = label("ATCTACGT", "1=1I1=1D5=")
    assert texts(labels) == ["ATCT", "ACGT"]
    assert labels.adjusted.tolist() == [True, False]
    assert labels.usable.all()


def test_a_label_with_more_bases_than_columns_overflows(label: Label) -> None:
    labels = label("ATTCGTACGT", "1=2I7=")
    assert labels.overflow.tolist() == [True, False]
    assert labels.usable.tolist() == [False, True]


def test_truth_that_starts_late_leaves_an_empty_label(label: Label) -> None:
    labels = label("CGT", "3=", start=5)
    assert texts(labels) == ["    ", "CGT "]
    assert (labels.begin[0], labels.last[0]) == (0, 0)


def test_a_label_of_the_first_column_alone_is_empty_as_in_the_original(label: Label) -> None:
    assert texts(label("A", "1="))[0] == "    "
    assert texts(label("AC", "2="))[0] == "AC  "


def test_truth_inserted_between_two_windows_is_in_neither(label: Label) -> None:
    assert texts(label("ACGTTACGT", "4=1I4=")) == ["ACGT", "ACGT"]


def test_clipped_truth_is_not_labelled(label: Label) -> None:
    labels = label("GGCGTAC", "2S4=1S", start=1, end=1004)
    assert texts(labels) == ["CGT ", "A   "]
    assert labels.begin.tolist() == [1000, 1003]


def test_windows_with_unknown_truth_are_left_out(label: Label) -> None:
    labels = label("ANGTACGT", "8=")
    assert labels.unknown.tolist() == [True, False]
    assert labels.usable.tolist() == [False, True]


@pytest.mark.parametrize(
    ("bases", "cigar", "end"), [("ACGT", "4=", 1003), (DRAFT + "A", "9=", 1009), ("AC", "3=", 1003)]
)
def test_a_truth_that_does_not_fit_is_refused(label: Label, bases: str, cigar: str, end: int) -> None:
    with pytest.raises(MoleculeError, match="does not fit") as fault:
        label(bases, cigar, end=end)
    assert fault.value.outcome == "truth_misfit"


def test_labels_are_small_integers(label: Label) -> None:
    labels = label(DRAFT, "8=")
    assert labels.bases.dtype == labels.cigar.dtype == np.uint8
