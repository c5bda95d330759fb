"""The F statistic is that of the textbook."""

import numpy as np
import pytest

from deepconsensus_py.lab.systems.scale_efficiently import f_ratio


def test_f_is_that_of_one_way_analysis_of_variance() -> None:
    groups = np.random.default_rng(0).normal(np.arange(5)[:, None] / 2, 1.0, (5, 3))
    scipy = pytest.importorskip("scipy.stats")
    named = {str(row): list(of) for row, of in enumerate(groups)}
    assert f_ratio(named) == pytest.approx(scipy.f_oneway(*groups).statistic)
    assert f_ratio({"a": [1.0], "b": [2.0]}) == 0
