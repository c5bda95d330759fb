"""The column call: windows and draft joined whole, and the original's reads from its own probabilities."""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from deepconsensus_py.align.disagreement import NO_DISAGREEMENT
from deepconsensus_py.corrector import UNKNOWN_DRAFT_QUALITY, Arrays, Calls, Features
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import Alignment, Draft, Pass, Zmw, decode_bases, encode_bases
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.pileup.method import ColumnMethod
from deepconsensus_py.polishing.filters import ReadFilter
from deepconsensus_py.polishing.qualities import (
    Calibration,
    LinearCalibration,
    error_probability,
    final_qualities,
    mean_quality,
)
from deepconsensus_py.reports.outcomes import Outcome

NO_MAP = LinearCalibration()


class Draftsman(ColumnMethod):
    """Calls the draft with certainty."""

    def __init__(self, **spec: int) -> None:
        super().__init__("draftsman", FeatureSpec(**{"max_passes": 3, "width": 10, "required": (), **spec}))

    def forward(self, inputs: Arrays) -> np.ndarray:
        return np.eye(5, dtype=np.float32)[inputs["draft"]]


CORRECTOR = Draftsman()


def molecule(seed: int = 0, length: int = 95, **draft: object) -> Zmw:
    """A random draft with three passes that match it but for one insertion of 1 to 4 bases each."""
    rng = np.random.default_rng(seed)
    bases = rng.integers(1, 5, length).astype(np.uint8)
    passes = []
    for number in range(3):
        at, extra = int(rng.integers(1, length)), int(rng.integers(1, 5))
        sequence = np.insert(bases, [at] * extra, rng.integers(1, 5, extra).astype(np.uint8))
        path = Alignment(0, np.array([7, 1, 7], np.uint8), np.array([at, extra, length - at], np.int32))
        passes.append(Pass(f"m/1/{number}_9", sequence, None, None, None, path, reverse=bool(number % 2)))
    qualities = rng.integers(0, 94, length).astype(np.uint8)
    return Zmw(replace(Draft("m/1/ccs", bases, qualities), **draft), tuple(passes))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("chosen", ["none", "all", "some"])
def test_the_draft_comes_back_whatever_windows_are_run(seed: int, chosen: str) -> None:
    zmw = molecule(seed)
    features = CORRECTOR.encode(zmw)
    chance = {"none": 0.0, "all": 1.0, "some": 0.5}[chosen]
    selected = np.random.default_rng(seed).random(features.items) < chance
    inputs = {name: values[selected] for name, values in features.inputs.items()}
    calls = CORRECTOR.call(features, selected, CORRECTOR.forward(inputs))
    np.testing.assert_array_equal(calls.bases, zmw.draft.bases)
    np.testing.assert_array_equal(calls.draft_index, np.arange(95))
    kept = ~calls.from_model
    np.testing.assert_allclose(calls.error_probability[kept], error_probability(zmw.draft.qualities[kept]), rtol=1e-6)
    assert not calls.error_probability[calls.from_model].any()
    assert calls.from_model.any() == selected.any()
    qualities = final_qualities(calls, model_calibration=NO_MAP, draft_calibration=NO_MAP)
    np.testing.assert_array_equal(qualities[kept], zmw.draft.qualities[kept])


def test_insertions_and_deletions_have_their_place_in_the_index() -> None:
    features = CORRECTOR.encode(molecule())
    probabilities = CORRECTOR.forward(features.inputs)
    window, gap = np.argwhere((features.inputs["draft"] == 0) & (np.arange(10) < 9))[0]
    base = np.flatnonzero(features.inputs["draft"][window])[-1]
    probabilities[window, gap] = [0.1, 0, 0, 0.9, 0]
    probabilities[window, base] = [0.6, 0.4, 0, 0, 0]
    calls = CORRECTOR.call(features, np.ones(features.items, np.bool_), probabilities)
    inserted = np.flatnonzero(calls.draft_index < 0)
    assert calls.bases[inserted].tolist() == [3]
    np.testing.assert_allclose(calls.error_probability[inserted], 0.1, rtol=1e-6)
    assert [i for i in range(95) if i not in calls.draft_index] == [features.layout["draft_index"][window, base]]


def test_the_first_of_equal_classes_wins() -> None:
    features = CORRECTOR.encode(molecule())
    probabilities = np.full((features.items, 10, 5), 0.2, np.float32)
    calls = CORRECTOR.call(features, np.ones(features.items, np.bool_), probabilities)
    assert len(calls.bases) == 0


def test_windows_are_kept_strictly_above_the_threshold() -> None:
    zmw = molecule(qualities=np.full(95, 30, np.uint8))
    features = CORRECTOR.encode(zmw)
    exact = features.layout["mean_quality"][0]
    assert exact == pytest.approx(30)
    assert CORRECTOR.select(features, exact)[0]
    assert not CORRECTOR.select(features, np.nextafter(exact, 0))[0]
    assert CORRECTOR.select(features, 0).all()


def test_drafts_without_qualities_are_never_skipped() -> None:
    features = CORRECTOR.encode(molecule(qualities=None))
    assert CORRECTOR.select(features, 0.001).all()


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ((), UNKNOWN_DRAFT_QUALITY),
        ((("rq", 0.999, "f"),), 30),
        ((("rq", 1.0, "f"),), 93),
        ((("rq", -1.0, "f"),), UNKNOWN_DRAFT_QUALITY),
    ],
)
def test_kept_bases_of_drafts_without_qualities_have_that_of_the_read(tags: tuple, expected: int) -> None:
    features = CORRECTOR.encode(molecule(qualities=None, tags=tags))
    calls = CORRECTOR.call(features, np.zeros(features.items, np.bool_), np.empty(0, np.float32))
    qualities = final_qualities(calls, model_calibration=NO_MAP, draft_calibration=NO_MAP)
    assert set(qualities) == {expected}


def test_overflowing_windows_keep_the_draft() -> None:
    zmw = molecule(tags=(("wl", [10, 30, 10, 45], "B"),))
    corrector = Draftsman(width=16, smart_windows=True)
    features = corrector.encode(zmw)
    assert features.layout["overflow"].tolist() == [False, True, False, True]
    selected = corrector.select(features, 0)
    assert selected.tolist() == [True, True]
    calls = corrector.call(features, selected, corrector.forward(features.inputs))
    np.testing.assert_array_equal(calls.bases, zmw.draft.bases)
    assert np.flatnonzero(calls.from_model).tolist() == [*range(10), *range(40, 50)]


@pytest.mark.parametrize("left_out", [0, 3, -1])
@pytest.mark.parametrize("change", ["dropped", "short", "doubled"])
def test_windows_that_are_not_the_whole_draft_are_refused(left_out: int, change: str) -> None:
    features = CORRECTOR.encode(molecule())
    layout = dict(features.layout)
    bounds = np.stack([layout["draft_start"], layout["draft_stop"]])
    if change == "short":
        bounds[1, left_out] -= 1
    elif change == "dropped":
        bounds = np.delete(bounds, left_out, axis=1)
    else:
        bounds = np.insert(bounds, left_out, bounds[:, left_out], axis=1)
    layout["draft_start"], layout["draft_stop"] = bounds
    broken = Features(features.inputs, layout)
    with pytest.raises(MoleculeError, match="omit or repeat") as caught:
        CORRECTOR.call(broken, np.ones(features.items, np.bool_), CORRECTOR.forward(features.inputs))
    assert caught.value.outcome == Outcome.EMPTY_SEQUENCE


def test_encoders_travel_without_weights() -> None:
    import pickle

    assert len(pickle.dumps(CORRECTOR.encode)) < 2000


# From here on: the original's own cases.


def outcome(features: Features, probabilities: np.ndarray, qualities: np.ndarray, reads: ReadFilter) -> tuple[str, str]:
    """Outcome and FASTQ of a molecule all of whose windows are run."""
    try:
        calls = CORRECTOR.call(features, np.ones(features.items, np.bool_), probabilities)
    except MoleculeError as error:
        return error.outcome, ""
    calls = replace(calls, error_probability=error_probability(qualities).astype(np.float32))
    called = final_qualities(calls, model_calibration=NO_MAP, draft_calibration=NO_MAP)
    return reads.outcome(called), fastq("m/1/ccs", calls, called)


def fastq(name: str, calls: Calls, qualities: np.ndarray) -> str:
    return f"@{name}\n{decode_bases(calls.bases)}\n+\n{(qualities + 33).tobytes().decode()}\n"


def windows_of(case: dict) -> tuple[Features, np.ndarray, np.ndarray]:
    """A case's windows: features, probabilities that call its bases, and the qualities of those."""
    width, windows = case["max_length"], case["windows"]
    classes = np.array([encode_bases(bases) for _, bases, _ in windows], np.uint8).reshape(-1, width)
    starts = np.array([position for position, _, _ in windows], np.int32)
    stops = np.array([b if b < a + width else a + width for a, b in pairwise([*starts, 1 << 20])], np.int32)
    layout = {
        **NO_DISAGREEMENT.layout(),
        "draft": np.ones(stops[-1] if len(stops) else 0, np.uint8),
        "draft_quality": np.ones(stops[-1] if len(stops) else 0, np.uint8),
        "draft_start": starts,
        "draft_stop": stops,
        "overflow": np.zeros(len(starts), np.bool_),
        "draft_index": np.full(classes.shape, -1, np.int32),
        "mean_quality": np.zeros(len(starts)),
    }
    text = "".join(quality for _, _, quality in windows).encode()
    qualities = np.frombuffer(text, np.uint8)[classes.ravel() > 0] - 33
    return Features({"draft": classes}, layout), np.eye(5, dtype=np.float32)[classes], qualities


@pytest.mark.real
def test_edge_cases_end_as_in_the_original(golden: Path) -> None:
    for name, case in json.loads((golden / "stitch_edge_cases.json").read_text()).items():
        found, text = outcome(*windows_of(case), ReadFilter(case["min_quality"], case["min_length"]))
        assert case["outcome"] == {key: int(key == found) for key in case["outcome"]}, name
        if case["fastq"]:
            assert text == case["fastq"], name


class Reference:
    """The original's probabilities of three molecules, as our features."""

    def __init__(self, folder: Path) -> None:
        self.arrays = np.load(folder / "post_golden_softmax.npz")
        self.arrays = {name: self.arrays[name] for name in self.arrays.files}
        self.names = sorted(set(self.arrays["name"]))

    def features(self, name: str) -> tuple[Features, np.ndarray]:
        own = {key: values[self.arrays["name"] == name] for key, values in self.arrays.items()}
        is_base = own["ccs"] > 0
        counts = is_base.sum(1)
        index = np.where(is_base, (np.cumsum(is_base) - 1).reshape(is_base.shape), -1)
        layout = {
            **NO_DISAGREEMENT.layout(),
            "draft": own["ccs"][is_base].astype(np.uint8),
            "draft_quality": own["ccs_bq"][is_base].astype(np.uint8),
            "draft_start": own["window_pos"].astype(np.int32),
            "draft_stop": (own["window_pos"] + counts).astype(np.int32),
            "overflow": np.zeros(len(counts), np.bool_),
            "draft_index": index.astype(np.int32),
            "mean_quality": np.array([mean_quality(row) for row in own["ccs_bq"]]),
        }
        np.testing.assert_allclose(layout["mean_quality"], own["avg_ccs_bq"], rtol=1e-12)
        return Features({"draft": own["ccs"].astype(np.uint8)}, layout), own["softmax"]

    @lru_cache(maxsize=20)  # noqa: B019
    def calls(self, name: str, skip_above: float) -> Calls:
        features, probabilities = self.features(name)
        selected = CORRECTOR.select(features, skip_above)
        return CORRECTOR.call(features, selected, probabilities[selected])


def reads_in(text: str | None) -> Iterator[tuple[str, str, np.ndarray]]:
    lines = (text or "").splitlines()
    for name, bases, quality in zip(lines[::4], lines[1::4], lines[3::4], strict=True):
        yield name[1:], bases, np.frombuffer(quality.encode(), np.uint8) - 33


@pytest.mark.real
def test_reads_equal_the_original_but_for_the_rounding_of_kept_bases(golden: Path) -> None:
    """84 sets of options. Called bases: equal. Kept bases: ours is rounded where the original cuts the fraction off."""
    cases = json.loads((golden / "post_golden.json").read_text())["cases"]
    reference = Reference(golden)
    assert len(cases) == 84
    for options, expected in cases.items():
        option = dict(part.split("=", 1) for part in options.split("|"))
        model, draft = Calibration.parse(option["dc"]), Calibration.parse(option["ccs"])
        cap = int(option["mbq"])
        reads = ReadFilter(float(option["minq"]), int(option["minl"]))
        given = {name: (bases, qualities) for name, bases, qualities in reads_in(expected["fastq"])}
        counts = dict.fromkeys(expected["outcome"], 0)
        for name in reference.names:
            calls = reference.calls(name, float(option["skip"]))
            qualities = final_qualities(calls, model_calibration=model, draft_calibration=draft, max_base_quality=cap)
            found = reads.outcome(qualities)
            counts[found] += 1
            assert (found is Outcome.SUCCESS) == (name in given), options
            if name not in given:
                continue
            assert decode_bases(calls.bases) == given[name][0], options
            original = given[name][1]
            np.testing.assert_array_equal(qualities[calls.from_model], original[calls.from_model], options)
            own = np.rint(-10 * np.log10(calls.error_probability[~calls.from_model].astype(np.float64)))
            exact = np.minimum(draft.apply(own), cap)
            np.testing.assert_array_equal(original[~calls.from_model], np.trunc(exact), options)
            np.testing.assert_array_equal(qualities[~calls.from_model], np.rint(exact), options)
        assert counts == expected["outcome"], options
