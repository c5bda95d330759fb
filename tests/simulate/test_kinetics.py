"""Kinetics have the measured distribution of their class."""

import numpy as np
import pytest

from deepconsensus_py.simulate.kinetics import draw_kinetics
from deepconsensus_py.simulate.profile import BaseClass, load_profile

PROFILE = load_profile().passes


@pytest.mark.parametrize("base_class", list(BaseClass))
def test_percentiles_are_the_measured_ones(base_class: BaseClass) -> None:
    classes = np.full(50_000, base_class, np.uint8)
    widths, durations = draw_kinetics(classes, PROFILE, np.random.default_rng(0))
    for drawn, table in ((widths, PROFILE.pulse_width), (durations, PROFILE.inter_pulse_duration)):
        assert drawn.dtype == np.uint8
        found = np.percentile(drawn, [10, 50, 90])
        np.testing.assert_allclose(found, table[base_class][[10, 50, 90]], atol=1.01)


def test_classes_keep_their_own_distribution_side_by_side() -> None:
    classes = np.tile(np.array([BaseClass.MATCH, BaseClass.INSERTION_NONCOGNATE], np.uint8), 20_000)
    widths, _ = draw_kinetics(classes, PROFILE, np.random.default_rng(0))
    assert np.median(widths[::2]) > 2 * np.median(widths[1::2])
