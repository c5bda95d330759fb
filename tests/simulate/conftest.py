"""A movie of simulated molecules, counted once, to be held against what was measured."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from deepconsensus_py.simulate.measure import measure
from deepconsensus_py.simulate.movies import simulate_zmws
from deepconsensus_py.simulate.profile import load_profile

MOLECULES, LENGTH, PASSES = 60, 8000, 6


@cache
def counted(name: str) -> dict[str, Any]:
    """The tables of some 3.5 Mb of passes."""
    rng = np.random.default_rng(1)
    movie = simulate_zmws(load_profile(name), MOLECULES, rng, length=(LENGTH, LENGTH), passes=(PASSES, PASSES))
    return measure((molecule.truth, molecule.zmw.passes) for molecule in movie)


@pytest.fixture(scope="session", params=["sequel", "sequel2"])
def both(request: pytest.FixtureRequest) -> tuple[dict[str, Any], Any]:
    """What simulated passes show, and the profile they were drawn from."""
    return counted(request.param), load_profile(request.param)


@pytest.fixture(scope="session")
def tables() -> Callable[[str], dict[str, Any]]:
    return counted
