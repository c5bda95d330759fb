"""Filters of ZMWs: each ends in the first test that it fails, in the order of ``ccs``."""

from dataclasses import replace

import numpy as np
import pytest

from deepconsensus_py.align.zmw_filter import ZmwFilter
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import Draft, Pass
from deepconsensus_py.reports.outcomes import Outcome

SNR = np.array([5, 10, 4, 8], np.float32)


def a_pass(length: int, name: str = "p", *, full: bool = True, snr: np.ndarray | None = SNR) -> Pass:
    return Pass(name, np.ones(length, np.uint8), None, None, snr, tags=(("cx", 3 if full else 1, "C"),))


def outcome(passes: list[Pass], chosen: ZmwFilter) -> str:
    with pytest.raises(MoleculeError) as caught:
        chosen.used_passes("m/1/ccs", passes)
    assert str(caught.value).startswith("m/1/ccs: ")
    return Outcome(caught.value.outcome)


def test_the_defaults_are_those_of_ccs() -> None:
    one = ZmwFilter()
    assert (one.min_snr, one.top_passes, one.min_passes) == (2.5, 60, 3)
    assert (one.min_length, one.max_length, one.min_tandem_repeat_length) == (10, 50_000, 1000)


def test_tests_come_in_the_order_of_ccs() -> None:
    weak = replace(a_pass(0), snr=np.array([9, 9, 2.4, 9], np.float32))
    assert outcome([], ZmwFilter()) == "no_subreads"
    assert outcome([weak], ZmwFilter()) == "poor_snr"
    assert outcome([weak], ZmwFilter(min_snr=2.3)) == "no_usable_pass"
    assert outcome([a_pass(100)], ZmwFilter()) == "too_few_passes"
    assert outcome([a_pass(100)], ZmwFilter(keep_all=True)) == "low_pass_shortcut"


def test_a_signal_is_poor_if_that_of_every_pass_is() -> None:
    weak, strong, unknown = (a_pass(100, snr=snr) for snr in (np.full(4, 2.4, np.float32), SNR, None))
    assert outcome([weak] * 3, ZmwFilter()) == "poor_snr"
    for passes in ([weak, weak, strong], [unknown] * 3, [replace(weak, snr=np.full(4, 2.5, np.float32))] * 3):
        assert len(ZmwFilter().used_passes("m/1/ccs", passes)) == 3


def test_full_passes_far_from_the_median_do_not_count_but_stay() -> None:
    passes = [a_pass(n) for n in (49, 100, 100, 201)]
    assert outcome(passes, ZmwFilter()) == "too_few_passes"
    assert ZmwFilter(min_passes=2).used_passes("m/1/ccs", passes) == tuple(passes)
    near = [a_pass(n) for n in (50, 100, 100, 200)]
    assert len(ZmwFilter(min_passes=4).used_passes("m/1/ccs", near)) == 4


def test_the_median_is_that_of_full_passes() -> None:
    passes = [a_pass(100, full=False), *(a_pass(n) for n in (300, 310, 320)), *[a_pass(90, full=False)] * 4]
    assert ZmwFilter().used_passes("m/1/ccs", passes) == tuple(passes)


def test_top_passes_are_the_full_ones_nearest_to_the_median() -> None:
    lengths = (100, 130, 99, 60, 101)
    passes = [a_pass(n, str(n)) for n in lengths] + [a_pass(30, "partial", full=False)]
    for most, names in ((3, "100 99 101 partial"), (4, "100 130 99 101 partial"), (0, "100 130 99 60 101 partial")):
        used = ZmwFilter(top_passes=most).used_passes("m/1/ccs", passes)
        assert [p.name for p in used] == names.split()


@pytest.mark.parametrize(
    ("length", "outcome"), [(9, "draft_too_short"), (10, ""), (50_000, ""), (50_001, "draft_too_long")]
)
def test_drafts_have_a_least_and_a_greatest_length(length: int, outcome: str) -> None:
    draft = Draft("m/1/ccs", np.ones(length, np.uint8), None)
    found = ""
    try:
        ZmwFilter().require_length(draft)
    except MoleculeError as error:
        found = Outcome(error.outcome)
    assert found == outcome
    if length > 10:
        for unlimited in (ZmwFilter(max_length=0), ZmwFilter(keep_all=True)):
            unlimited.require_length(draft)


def test_too_few_that_align_are_told_from_none() -> None:
    passes = [a_pass(100)] * 2
    for aligned, outcome in (([], "no_aligned_pass"), (passes, "too_few_aligned_passes")):
        with pytest.raises(MoleculeError) as caught:
            ZmwFilter().require_aligned("m/1/ccs", aligned, 4)
        assert Outcome(caught.value.outcome) == outcome
    ZmwFilter(min_passes=2).require_aligned("m/1/ccs", passes, 4)
