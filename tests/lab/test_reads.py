"""Windows of simulated molecules, and what calls are found worth."""

import numpy as np
import torch

from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.heads.columns import window_specs
from deepconsensus_py.lab.reads import SPEC, config, draft_error, judge, simulated, without_draft


def test_windows_are_repeatable_and_of_other_molecules_with_another_seed() -> None:
    first, other = simulated(20, 1), simulated(20, 2)
    simulated.cache_clear()
    again = simulated(20, 1)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["labels"], other["labels"])
    assert set(window_specs(config(TrunkConfig(1, 8, 1, 8, preset("full"))))) == first.keys() - {"labels"}
    assert first["bases"].shape == (20, SPEC.max_passes, SPEC.width)


def test_errors_are_edits_whatever_the_gaps() -> None:
    labels = torch.tensor([[1, 2, 3, 4, 0, 0], [1, 1, 1, 2, 0, 0]], dtype=torch.uint8)
    called = torch.tensor([[0, 1, 2, 0, 3, 4], [1, 0, 1, 2, 3, 0]])
    judged = judge(called, labels)
    assert (judged.errors, judged.bases) == (2, 8)
    assert judged.per_kb == 250
    assert judged.calibration_error is None


def test_what_promises_as_many_errors_as_it_has_is_calibrated() -> None:
    rng = np.random.default_rng(1)
    labels = torch.from_numpy(rng.integers(1, 5, (500, 100)))
    wrong = torch.from_numpy(rng.random((500, 100)) < 0.01)
    called = torch.where(wrong, labels % 4 + 1, labels)
    right = judge(called, labels, torch.full(labels.shape, 0.01)).calibration_error
    tenfold = judge(called, labels, torch.full(labels.shape, 0.001)).calibration_error
    assert right is not None
    assert tenfold is not None
    assert right < 0.5
    assert abs(tenfold - 10) < 0.7


def test_a_draft_is_as_doubtful_as_its_qualities_say() -> None:
    windows = {"draft_quality": torch.tensor([[10, 20, -1]], dtype=torch.int8)}
    torch.testing.assert_close(draft_error(windows), torch.tensor([[0.1, 0.01, 1.0]]))


def test_a_draft_can_be_left_out() -> None:
    windows = simulated(20, 1)
    bare = without_draft(windows)
    assert not bare["draft"].any()
    assert (bare["draft_quality"] == -1).all()
    assert windows["draft"].any()
    assert all(torch.equal(bare[name], windows[name]) for name in windows if "draft" not in name)
