"""Final qualities: each kind of base by its own calibration."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from deepconsensus_py.corrector import Calls
from deepconsensus_py.polishing.qualities import LinearCalibration, error_probability, final_qualities

NO_MAP = LinearCalibration()


def calls(qualities: list[float], from_model: list[bool]) -> Calls:
    count = len(qualities)
    errors = error_probability(qualities).astype(np.float32)
    return Calls(np.ones(count, np.uint8), errors, np.arange(count, dtype=np.int32), np.array(from_model, np.bool_))


def test_model_and_draft_bases_have_their_own_calibration() -> None:
    read = calls([20, 20, 40, 40], [True, False, True, False])
    qualities = final_qualities(
        read,
        model_calibration=LinearCalibration(0, 2, 0),
        draft_calibration=LinearCalibration(30, 1, 7),
        max_base_quality=60,
    )
    assert qualities.tolist() == [40, 20, 60, 47]


@given(st.lists(st.integers(0, 93), max_size=40))
def test_kept_qualities_come_back_whole(qualities: list[int]) -> None:
    read = calls([float(q) for q in qualities], [False] * len(qualities))
    found = final_qualities(read, model_calibration=NO_MAP, draft_calibration=NO_MAP)
    assert found.tolist() == qualities


def test_halves_of_kept_qualities_are_rounded_to_even() -> None:
    read = calls([20.0, 30.0, 40.0, 50.0], [False] * 4)
    found = final_qualities(read, model_calibration=NO_MAP, draft_calibration=LinearCalibration(0, 1.1, -1.5))
    assert found.tolist() == [20, 32, 42, 54]


def test_a_certain_base_has_the_cap() -> None:
    read = calls([np.inf, np.inf], [True, False])
    assert final_qualities(read, model_calibration=NO_MAP, draft_calibration=NO_MAP).tolist() == [93, 93]
