"""Profiles: bundled ones are small and whole, others are read from files, bad ones are refused."""

import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from deepconsensus_py.errors import InputError
from deepconsensus_py.simulate.profile import bundled, by_letters, load_profile, to_letters

FOLDER = files("deepconsensus_py.simulate").joinpath("profiles")


def test_sequel_and_sequel2_are_bundled() -> None:
    assert bundled() == ["sequel", "sequel2"]


@pytest.mark.parametrize("name", bundled())
def test_bundled_profiles_are_small_and_name_their_source(name: str) -> None:
    text = FOLDER.joinpath(f"{name}.json").read_text()
    assert len(text) < 200_000
    assert "subreads of" in load_profile(name).source


@pytest.mark.parametrize("name", bundled())
def test_probabilities_are_probabilities(name: str) -> None:
    passes = load_profile(name).passes
    assert passes.homopolymer_share.sum() == pytest.approx(1)
    for array in (
        passes.shorten,
        passes.lengthen,
        passes.mismatch,
        passes.foreign_insertion,
        passes.homopolymer_correlation,
    ):
        assert ((array >= 0) & (array < 1)).all()
    for array in (passes.shorten_amount, passes.lengthen_amount, passes.long_insertion_length, passes.inserted_base):
        np.testing.assert_allclose(array.sum(axis=-1), 1)
    for covariance in (passes.molecules, passes.passes):
        assert (np.linalg.eigvalsh(covariance) > -1e-4).all()
    for kind in (load_profile(name).pulse_widths, load_profile(name).inter_pulse_durations):
        assert (np.diff(kind.quantiles, axis=1) >= 0).all()
        assert kind.molecule + kind.place + kind.drift < 0.5


def test_a_file_of_the_same_layout_is_a_profile(tmp_path: Path) -> None:
    table = json.loads(FOLDER.joinpath("sequel2.json").read_text())
    table["source"] = "mine"
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(table))
    assert load_profile(str(path)).source == "mine"


def test_bad_profiles_are_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give one of sequel, sequel2"):
        load_profile(str(tmp_path / "none.json"))
    path = tmp_path / "bad.json"
    for text in ("{}", "no json", '{"drawn": {}, "source": "", "instrument": {}, "measured": {}}'):
        path.write_text(text)
        load_profile.cache_clear()
        with pytest.raises(InputError, match=r"bad\.json: not a simulation profile"):
            load_profile(str(path))


def test_tables_by_letters_go_there_and_back() -> None:
    table = {"ACT": 0.25, "GGA": 0.5}
    assert to_letters(by_letters(table, 3), 4) == table
    assert by_letters({"A>C": 0.5}, 2)[1, 3] == 0.5
