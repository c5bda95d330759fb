"""Ranks of normal deviates."""

from statistics import NormalDist

import numpy as np

from deepconsensus_py.simulate.passes import rank


def test_ranks_are_the_normal_distribution() -> None:
    places = np.linspace(-5.9, 5.9, 997)
    np.testing.assert_allclose(rank(places), [NormalDist().cdf(place) for place in places], atol=1e-6)
    assert 0 < rank(np.array([-99.0]))[0] < 1e-8
