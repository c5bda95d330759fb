"""Windows of molecules written out by hand."""

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest
from support import feature_rows

from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import Pass, Zmw
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.pileup.pileup import build_pileup
from deepconsensus_py.pileup.windows import cut_windows, mean_draft_qualities, window_bounds

MakePass = Callable[..., Pass]
MakeZmw = Callable[..., Zmw]


def with_widths(zmw: Zmw, widths: list[int]) -> Zmw:
    return Zmw(replace(zmw.draft, tags=(("wl", widths, "B"),)), zmw.passes)


def test_a_short_molecule_is_one_padded_window(make_zmw: MakeZmw, make_pass: MakePass) -> None:
    spec = FeatureSpec()
    pileup = build_pileup(make_zmw("ACGTT" * 10, make_pass("ACGTT" * 10, "50=")), spec)
    windows = cut_windows(pileup, window_bounds(pileup, spec), spec)
    assert windows.bases.shape == (1, 20, 100)
    assert windows.draft_index[0].tolist() == [*range(50), *[-1] * 50]
    assert windows.draft_quality[0, 50:].tolist() == [-1] * 50
    assert windows.strands[0].tolist() == [1] + [0] * 19
    rows = feature_rows(windows, spec)
    assert rows.shape == (1, 85, 100)
    # Strand and signal-to-noise are constant over the window, padding included.
    np.testing.assert_array_equal(rows[0, 60], 1)
    np.testing.assert_array_equal(rows[0, 81:], np.repeat([[4], [5], [6], [7]], 100, axis=1))


def test_windows_without_draft_are_left_out(make_zmw: MakeZmw, make_pass: MakePass) -> None:
    spec = FeatureSpec(width=4, insertion_trim=0)
    pileup = build_pileup(make_zmw("ACGT", make_pass("AC" + "T" * 8 + "GT", "2=8I2=")), spec)
    bounds = window_bounds(pileup, spec)
    assert bounds.empty == 1
    assert bounds.start.tolist() == [0, 8]
    assert bounds.draft_start.tolist() == [0, 2]


def test_insertions_after_the_draft_fill_up_its_last_window_and_make_none(
    make_zmw: MakeZmw, make_pass: MakePass
) -> None:
    spec = FeatureSpec(width=6)
    pileup = build_pileup(make_zmw("ACGT", make_pass("ACGTTTTTT", "4=5I")), spec)
    bounds = window_bounds(pileup, spec)
    assert (len(bounds), bounds.empty) == (1, 0)
    assert cut_windows(pileup, bounds, spec).bases[0, 0].tolist() == [1, 3, 4, 2, 2, 2]


def test_smart_windows_end_with_a_draft_base_and_may_overflow(make_zmw: MakeZmw, make_pass: MakePass) -> None:
    spec = FeatureSpec(width=4, smart_windows=True)
    zmw = with_widths(make_zmw("ACGTAC", make_pass("ACTTTGTAC", "2=3I4=")), [2, 3, 1])
    pileup = build_pileup(zmw, spec)
    bounds = window_bounds(pileup, spec)
    assert bounds.start.tolist() == [0, 2, 8]
    assert bounds.stop.tolist() == [2, 8, 9]
    assert bounds.overflow.tolist() == [False, True, False]
    windows = cut_windows(pileup, bounds, spec)
    assert windows.position.tolist() == [0, 5]
    assert windows.draft.tolist() == [[1, 3, 0, 0], [3, 0, 0, 0]]


@pytest.mark.parametrize("widths", [None, [], [3], [2, 3], [5, -1]])
def test_smart_windows_need_fitting_widths(make_zmw: MakeZmw, make_pass: MakePass, widths: list[int] | None) -> None:
    zmw = make_zmw("ACGT", make_pass("ACGT", "4="))
    with pytest.raises(MoleculeError, match="wl"):
        build_pileup(zmw if widths is None else with_widths(zmw, widths), FeatureSpec(smart_windows=True))


def test_an_unknown_draft_base_is_a_gap_for_the_network(make_zmw: MakeZmw, make_pass: MakePass) -> None:
    spec = FeatureSpec(width=4)
    pileup = build_pileup(make_zmw("ANGT", make_pass("ACGT", "4=")), spec)
    windows = cut_windows(pileup, window_bounds(pileup, spec), spec)
    assert windows.draft.tolist() == [[1, 0, 4, 2]]
    assert windows.draft_index.tolist() == [[0, 1, 2, 3]]


def test_mean_draft_qualities_are_means_of_error_probabilities(make_zmw: MakeZmw, make_pass: MakePass) -> None:
    spec = FeatureSpec(width=2)
    zmw = make_zmw("ACGT", make_pass("ACGT", "4="))
    zmw = Zmw(replace(zmw.draft, qualities=np.array([10, 40, 0, 0], np.uint8)), zmw.passes)
    pileup = build_pileup(zmw, spec)
    quality = mean_draft_qualities(pileup, window_bounds(pileup, spec))
    np.testing.assert_allclose(quality, [-10 * np.log10((0.1 + 0.0001) / 2), 0])


def test_windows_travel_as_small_integers(make_zmw: MakeZmw, make_pass: MakePass) -> None:
    spec = FeatureSpec(width=2, max_passes=3)
    pileup = build_pileup(make_zmw("ACGT", make_pass("ACGT", "4=")), spec)
    windows = cut_windows(pileup, window_bounds(pileup, spec), spec)
    types = {field.name: getattr(windows, field.name).dtype.str[1:] for field in fields(windows)}
    assert types == {
        **dict.fromkeys(("bases", "pulse_widths", "inter_pulse_durations", "strands", "draft"), "u1"),
        "draft_quality": "i1",
        **dict.fromkeys(("draft_index", "position", "num_passes"), "i4"),
        "snr": "f4",
    }
    assert all(len(getattr(windows, field.name)) == 2 for field in fields(windows))
