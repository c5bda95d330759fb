"""Pileups of molecules written out by hand, and molecules that cannot be encoded."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw, decode_bases
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.pileup.pileup import Pileup, build_pileup

MakePass = Callable[..., Pass]
MakeZmw = Callable[..., Zmw]


def drawing(pileup: Pileup) -> list[str]:
    """Passes and draft as text, a blank for a gap."""
    return [decode_bases(row) for row in (*pileup.bases, pileup.draft)]


def test_insertions_share_columns_from_the_left(make_zmw: MakeZmw, make_pass: MakePass) -> None:
    zmw = make_zmw("ACGT", make_pass("ACTTGT", "2=2I2="), make_pass("ACAGT", "2=1I2="), make_pass("ACGT", "4="))
    assert drawing(build_pileup(zmw, FeatureSpec())) == ["ACTTGT", "ACA GT", "AC  GT", "AC  GT"]


def test_insertions_before_the_first_and_after_the_last_base(make_zmw: MakeZmw, make_pass: MakePass) -> None:
    zmw = make_zmw("ACGT", make_pass("TTACGTG", "2I4=1I"), make_pass("ACGT", "4="))
    assert drawing(build_pileup(zmw, FeatureSpec())) == ["TTACGTG", "  ACGT ", "  ACGT "]


def test_passes_that_start_late_end_early_or_are_clipped(make_zmw: MakeZmw, make_pass: MakePass) -> None:
    zmw = make_zmw(
        "ACGTAC", make_pass("GTAC", "4=", 2), make_pass("AC", "2="), make_pass("TTCGTA", "9H1S1I4=5H", 1, reverse=True)
    )
    pileup = build_pileup(zmw, FeatureSpec())
    assert drawing(pileup) == ["   GTAC", "A C    ", " TCGTA ", "A CGTAC"]
    assert pileup.pulse_widths[2].tolist() == [0, 2, 3, 4, 5, 6, 0]
    assert pileup.inter_pulse_durations[2].tolist() == [0, 102, 103, 104, 105, 106, 0]
    assert pileup.strands.tolist() == [1, 1, 2]


def test_a_pass_of_deletions_only_is_all_gaps(make_zmw: MakeZmw, make_pass: MakePass) -> None:
    zmw = make_zmw("ACGT", make_pass("TT", "2S4D"), make_pass("ACGT", "4="))
    pileup = build_pileup(zmw, FeatureSpec())
    assert drawing(pileup) == ["    ", "ACGT", "ACGT"]
    assert not pileup.pulse_widths[0].any()


def test_long_insertions_are_left_out_whole(make_zmw: MakeZmw, make_pass: MakePass) -> None:
    zmw = make_zmw("ACGT", make_pass("AC" + "T" * 6 + "GT" + "C" * 5, "2=6I2=5I"))
    trimmed, whole = build_pileup(zmw, FeatureSpec()), build_pileup(zmw, FeatureSpec(insertion_trim=0))
    assert drawing(trimmed) == ["ACGTCCCCC", "ACGT     "]
    assert trimmed.pulse_widths[0].tolist() == [1, 2, 9, 10, 11, 12, 13, 14, 15]
    assert (trimmed.trimming.insertions, trimmed.trimming.bases, trimmed.trimming.operation_bases) == (1, 6, 15)
    assert drawing(whole)[0] == "ACTTTTTTGTCCCCC"
    assert whole.trimming.insertions == 0


def test_passes_beyond_the_features_still_make_columns(make_zmw: MakeZmw, make_pass: MakePass) -> None:
    passes = [make_pass("ACGT", "4=")] * 199 + [make_pass("ACTGT", "2=1I2=")]
    pileup = build_pileup(make_zmw("ACGT", *passes), FeatureSpec())
    assert pileup.num_passes == 20
    assert drawing(pileup) == ["AC GT"] * 21


def test_unknown_letters_are_gaps_in_passes_and_stay_in_the_draft(make_zmw: MakeZmw, make_pass: MakePass) -> None:
    pileup = build_pileup(make_zmw("NCGT", make_pass("ARGT", "4=")), FeatureSpec())
    assert drawing(pileup) == ["A GT", "NCGT"]
    assert pileup.pulse_widths[0].tolist() == [1, 0, 3, 4]
    assert pileup.draft_index.tolist() == [0, 1, 2, 3]


def test_draft_qualities(make_zmw: MakeZmw, make_pass: MakePass) -> None:
    one = make_pass("ATCGT", "1=1I3=")
    assert build_pileup(make_zmw("ACGT", one), FeatureSpec()).draft_quality.tolist() == [10, -1, 11, 12, 13]
    lacking = build_pileup(make_zmw("ACGT", one, qualities=False), FeatureSpec())
    assert lacking.draft_quality.tolist() == [0, -1, 0, 0, 0]
    high = Zmw(Draft("m/1/ccs", np.ones(4, np.uint8), np.full(4, 254, np.uint8)), (one,))
    assert build_pileup(high, FeatureSpec()).draft_quality.max() == 93


def test_snr_is_that_of_the_first_pass(make_zmw: MakeZmw, make_pass: MakePass) -> None:
    second = replace(make_pass("ACGT", "4="), snr=np.zeros(4, np.float32))
    pileup = build_pileup(make_zmw("ACGT", make_pass("ACGT", "4="), second), FeatureSpec())
    assert pileup.snr.tolist() == [4, 5, 6, 7]


@pytest.mark.parametrize("field", ["pulse_widths", "inter_pulse_durations", "snr"])
def test_missing_fields_are_zeros_unless_required(make_zmw: MakeZmw, make_pass: MakePass, field: str) -> None:
    one = make_pass("ACGT", "4=")
    zmw = make_zmw("ACGT", replace(one, **{field: None}), one)
    pileup = build_pileup(zmw, FeatureSpec(required=()))
    assert not getattr(pileup, field)[:4][0].any()
    with pytest.raises(MoleculeError, match="1 of 2 subreads") as fault:
        build_pileup(zmw, FeatureSpec(required=(field,)))
    assert fault.value.outcome == "missing_kinetics"


def test_passes_beyond_the_features_need_no_kinetics(make_zmw: MakeZmw, make_pass: MakePass) -> None:
    one = make_pass("ACGT", "4=")
    zmw = make_zmw("ACGT", one, replace(one, pulse_widths=None, snr=None))
    assert build_pileup(zmw, FeatureSpec(max_passes=1)).num_passes == 1


def test_draft_without_qualities_is_refused_where_the_model_reads_them(make_zmw: MakeZmw, make_pass: MakePass) -> None:
    with pytest.raises(MoleculeError, match="no base qualities"):
        build_pileup(make_zmw("ACGT", make_pass("ACGT", "4="), qualities=False), FeatureSpec(use_draft_qualities=True))


@pytest.mark.parametrize(
    ("bases", "cigar", "start"),
    [("ACGT", "5=", 0), ("ACGT", "3=", 0), ("ACGT", "4=", 1), ("ACGT", "4=", -1), ("ACGTAA", "2=1I1I2=", 0)],
)
def test_alignments_that_do_not_fit_are_refused(
    make_zmw: MakeZmw, make_pass: MakePass, bases: str, cigar: str, start: int
) -> None:
    good, bad = make_pass("ACGT", "4="), replace(make_pass(bases, cigar, start), name="m/1/bad")
    with pytest.raises(MoleculeError, match="m/1/bad: its alignment does not fit"):
        build_pileup(make_zmw("ACGT", good, bad), FeatureSpec())


def test_nothing_to_encode(make_zmw: MakeZmw, make_pass: MakePass) -> None:
    one = make_pass("ACGT", "4=")
    for zmw in (make_zmw("ACGT"), make_zmw("ACGT", one, replace(one, alignment=None))):
        with pytest.raises(MoleculeError) as fault:
            build_pileup(zmw, FeatureSpec())
        assert fault.value.outcome == "no_aligned_pass"
    with pytest.raises(MoleculeError, match="the draft is empty"):
        build_pileup(make_zmw("", one), FeatureSpec())
