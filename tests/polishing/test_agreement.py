"""Two polishings of the same molecules, base by base."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepconsensus_py.align.passes import align_zmw
from deepconsensus_py.corrector import Arrays, Corrector
from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.device import Agreement
from deepconsensus_py.models.weights import read_model
from deepconsensus_py.options import BF16
from deepconsensus_py.pacbio.molecule import Zmw
from deepconsensus_py.pacbio.zmws import read_zmws
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.pileup.method import ColumnMethod
from deepconsensus_py.polishing.agreement import compare_correctors, measure_agreement


class Draftsman(ColumnMethod):
    """Calls the draft with an error probability, but for the first base of each window, which may be ``first``."""

    def __init__(self, error: float = 0.01, first: int | None = None) -> None:
        super().__init__("draftsman", FeatureSpec(required=()))
        self.error, self.first = error, first
        self.batch, self.streams = 16, 1

    def forward(self, inputs: Arrays) -> np.ndarray:
        called = np.array(inputs["draft"])
        if self.first is not None:
            called[np.arange(len(called)), called.argmax(1)] = self.first
        return np.where(np.eye(5)[called] == 1, 1 - self.error, self.error / 4).astype(np.float32)


@pytest.fixture(scope="module")
def zmws(testdata: Path) -> list[Zmw]:
    found = read_zmws([testdata / "subreads.bam"], testdata / "ccs.bam", limit=2)
    return [align_zmw(zmw) for zmw in found if isinstance(zmw, Zmw)]


def draft_bases(zmws: list[Zmw]) -> int:
    return sum(len(zmw.draft.bases) for zmw in zmws)


def test_a_corrector_agrees_with_itself(zmws: list[Zmw]) -> None:
    assert compare_correctors(Corrector.of(Draftsman()), Corrector.of(Draftsman()), zmws) == Agreement(
        draft_bases(zmws), 0, 1.0
    )


@pytest.mark.parametrize(("error", "within"), [(0.0126, 1.0), (0.016, 0.0), (0.0063, 0.0)])
def test_qualities_may_differ_by_one(zmws: list[Zmw], error: float, within: float) -> None:
    found = compare_correctors(Corrector.of(Draftsman()), Corrector.of(Draftsman(error)), zmws)
    assert (found.changed, found.within_one) == (0, within)


def test_bases_left_out_count_once_each(zmws: list[Zmw]) -> None:
    windows = sum(len(np.unique(Draftsman().encode(zmw).layout["draft_start"])) for zmw in zmws)
    found = compare_correctors(Corrector.of(Draftsman()), Corrector.of(Draftsman(first=0)), zmws)
    assert (found.bases, found.changed, found.within_one) == (draft_bases(zmws), windows, 1.0)


def test_a_read_that_is_lost_is_changed_whole(zmws: list[Zmw]) -> None:
    found = compare_correctors(Corrector.of(Draftsman()), Corrector.of(Draftsman(np.nan)), zmws)
    assert found.changed == found.bases
    assert not found.holds


def test_the_draft_of_a_good_window_is_no_agreement(zmws: list[Zmw]) -> None:
    good = [replace(zmw, draft=replace(zmw.draft, qualities=np.full_like(zmw.draft.bases, 90))) for zmw in zmws]
    assert compare_correctors(Corrector.of(Draftsman()), Corrector.of(Draftsman(first=0)), good).changed > 0


def test_without_molecules_nothing_is_known() -> None:
    with pytest.raises(ModelError, match="no ZMW could be polished"):
        compare_correctors(Corrector.of(Draftsman()), Corrector.of(Draftsman()), [])


def test_a_network_is_compared_with_itself_in_float32(
    zmws: list[Zmw], tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deepconsensus_py.models.device.has_bf16", lambda _: True)
    found = measure_agreement(tiny_model, zmws[:1], BF16)
    assert found.bases > 0
    assert found.within_one > 0.9
    assert read_model(tiny_model).agreement == {}
