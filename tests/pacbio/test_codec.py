"""The codec is the format's: its table, nearest codes, longer ones halfway."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays, integer_dtypes

from deepconsensus_py.pacbio.codec import FRAMES_OF_CODE, MAX_FRAMES, codes_to_frames, frames_to_codes

ALL_CODES = np.arange(256, dtype=np.uint8)


def test_the_table_of_the_format() -> None:
    segments = [range(64), range(64, 192, 2), range(192, 448, 4), range(448, 960, 8)]
    np.testing.assert_array_equal(codes_to_frames(ALL_CODES), [frame for segment in segments for frame in segment])
    assert MAX_FRAMES == 952


def test_every_code_comes_back() -> None:
    np.testing.assert_array_equal(frames_to_codes(codes_to_frames(ALL_CODES)), ALL_CODES)


@given(st.integers(0, 2**16 - 1))
def test_the_nearest_code_the_longer_one_halfway(frames: int) -> None:
    (code,) = frames_to_codes(np.array([frames], np.uint16))
    distance = np.abs(FRAMES_OF_CODE.astype(int) - frames)
    nearest = np.flatnonzero(distance == distance.min())
    assert code == nearest[-1]


@given(arrays(integer_dtypes(sizes=(16, 32)), st.integers(0, 50)))
def test_any_integers_longer_times_have_no_smaller_codes(frames: np.ndarray) -> None:
    ordered = np.sort(frames)
    codes = frames_to_codes(ordered)
    assert codes.dtype == np.uint8
    assert codes.shape == frames.shape
    assert (np.diff(codes.astype(int)) >= 0).all()
