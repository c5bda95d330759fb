"""The benchmark of planted errors plants what it says, and the qualities of its reads tell what is left."""

from pathlib import Path
from types import ModuleType

import edlib
import numpy as np
import pytest

from deepconsensus_py.models.registry import load_model
from deepconsensus_py.pacbio.molecule import decode_bases, encode_bases

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def planting(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import planting

    return planting


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import planted

    return planted


@pytest.mark.parametrize(
    ("kind", "longer"),
    [("none", 0), ("1 missing", -10), ("8 missing", -80), ("1 wrong", 0), ("5 wrong", 0), ("3 too many", 30)],
)
def test_drafts_have_the_errors_that_are_named(planting: ModuleType, kind: str, longer: int) -> None:
    one = planting.simulated(kind, 3, 1)
    draft, truth = (decode_bases(codes) for codes in (one.known.zmw.draft.bases, one.known.truth))
    assert len(draft) - len(truth) == longer
    assert len(one.events) == 10 * (kind != "none")
    bases = sum(int(event.kind[0]) for event in one.events)
    assert 0.8 * bases <= edlib.align(draft, truth)["editDistance"] <= bases


@pytest.mark.parametrize("what", ["missing", "wrong", "too many"])
def test_no_event_is_beside_an_equal_base(planting: ModuleType, what: str) -> None:
    rng = np.random.default_rng(1)
    truth = planting.sequence(30_000, rng)
    draft, events = planting.plant(truth, [f"2 {what}"], rng)
    longer = {"missing": -2, "wrong": 0, "too many": 2}[what]
    assert len(draft) == len(truth) + longer * len(events)
    for place, event in enumerate(events):
        start = event.start + place * longer
        changed = truth[event.start : event.stop] if what == "missing" else draft[start : start + 2]
        assert changed[0] != truth[event.start - 1]
        assert changed[-1] != truth[event.stop]


def test_kinds_are_planted_in_turn(planting: ModuleType) -> None:
    rng = np.random.default_rng(1)
    _, events = planting.plant(planting.sequence(700, rng), ["1 wrong", "8 too many"], rng)
    assert [event.kind for event in events] == ["1 wrong", "8 too many"] * 2 + ["1 wrong"]


def test_noise_has_the_rates_that_are_named(planting: ModuleType) -> None:
    rng = np.random.default_rng(1)
    truth = planting.sequence(100_000, rng)
    read = planting.noisy(truth, rng)
    assert (len(read) - len(truth)) / len(truth) == pytest.approx(0.02, abs=0.003)
    errors = edlib.align(decode_bases(read), decode_bases(truth))["editDistance"] / len(truth)
    # An insertion beside a deletion may align as one mismatch.
    assert errors == pytest.approx(0.10, abs=0.01)


@pytest.mark.parametrize("change", [-3, 0, 2])
def test_copies_of_a_repeat_are_counted_between_its_flanks(
    planted: ModuleType, planting: ModuleType, change: int
) -> None:
    unit = planting.unit_of(6, np.random.default_rng(1))
    one = planting.repeat(unit, 8, change, 2, 1)
    draft = one.known.zmw.draft.bases
    assert len(draft) - len(one.known.truth) == 6 * change
    assert (one.known.truth[one.start : one.stop].reshape(8, 6) == unit).all()
    assert planted.wrong_copies(draft, one) == change


def test_bases_before_those_of_the_truth(planting: ModuleType) -> None:
    before = planting.bases_before(encode_bases("CATGGA"), encode_bases("ATCGA"))
    assert before.tolist() == [1, 2, 3, 4, 5, 6]
    before = planting.bases_before(encode_bases("ACGT"), encode_bases("ACCAGT"))
    assert before[[0, -1]].tolist() == [0, 4]


def test_an_interval_holds_the_share(planted: ModuleType) -> None:
    assert planted.interval(40, 40) == "91.2–100.0"
    assert planted.interval(0, 0) == ""


@pytest.mark.parametrize("kind", ["1 wrong", "8 missing"])
def test_what_is_left_is_expected_within_a_factor_of_two(planted: ModuleType, planting: ModuleType, kind: str) -> None:
    tally = planted.simulated_tally([planting.simulated(kind, 12, 1)], load_model("pairhmm", threads=1))
    assert tally.events == 10
    assert tally.errors <= 2 * tally.expected + 1
    assert tally.expected <= 2 * tally.errors + 1
