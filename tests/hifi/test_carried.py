"""Kinetics of a draft on its polished read."""

from array import array
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepconsensus_py.hifi.carried import carried_kinetics, draft_kinetics, has_kinetics
from deepconsensus_py.hifi.kinetics import Origin
from deepconsensus_py.pacbio.codec import frames_to_codes
from deepconsensus_py.pacbio.molecule import Draft, encode_bases


def a_draft(sequence: str, **tags: Any) -> Draft:
    """A draft with tags: lists become arrays of codes."""
    typed = [(tag, array("B", value) if isinstance(value, list) else value) for tag, value in tags.items()]
    return Draft("m/1/ccs", encode_bases(sequence), None, tuple((tag, value, "B") for tag, value in typed))


def carried(draft: Draft, read: str, index: list[int]) -> dict[str, Any]:
    found = carried_kinetics(draft, encode_bases(read), np.array(index, np.int32))
    assert found.origin is Origin.CARRIED
    return {tag: value if isinstance(value, int) else value.tolist() for tag, value, _ in found.tags}


def test_the_example_of_a_longer_homopolymer() -> None:
    draft = a_draft("ACCG", fi=[9, 7, 5, 3], ri=[30, 20, 10, 40], fn=4, rn=5)
    assert carried(draft, "ACCCG", [0, -1, 1, 2, 3]) == {
        "fi": [9, 7, 7, 5, 3],
        "fn": 4,
        "ri": [30, 20, 10, 10, 40],
        "rn": 5,
    }


@pytest.mark.parametrize(
    ("draft", "read", "index", "codes"),
    [
        ("ACGT", "ACGT", [0, 1, 2, 3], [10, 20, 30, 40]),
        ("ACGT", "AGT", [0, 2, 3], [10, 30, 40]),
        # As many inserted as removed: substitutions.
        ("ACGT", "ATTT", [0, -1, -1, 3], [10, 20, 30, 40]),
        ("ACGT", "TCGA", [-1, 1, 2, -1], [10, 20, 30, 40]),
        # Homopolymers: the nearest kept base, of two the left one.
        ("ACGT", "AACGT", [0, -1, 1, 2, 3], [10, 10, 20, 30, 40]),
        ("ACGT", "ACCGT", [0, -1, 1, 2, 3], [10, 20, 20, 30, 40]),
        ("AAGT", "AAAGT", [0, -1, 1, 2, 3], [10, 10, 20, 30, 40]),
        ("AAGT", "AAAAAGT", [0, -1, -1, -1, 1, 2, 3], [10, 10, 10, 20, 20, 30, 40]),
        # No homopolymer: the mean of both neighbours, half to even.
        ("ACGT", "ATCGT", [0, -1, 1, 2, 3], [10, 15, 20, 30, 40]),
        ("ACGT", "ATTTGT", [0, -1, -1, -1, 2, 3], [10, 20, 20, 20, 30, 40]),
        # Before the first and after the last there is only one.
        ("ACGT", "TTACGT", [-1, -1, 0, 1, 2, 3], [10, 10, 10, 20, 30, 40]),
        ("ACGT", "ACGTG", [0, 1, 2, 3, -1], [10, 20, 30, 40, 40]),
    ],
)
def test_every_kind_of_edit(draft: str, read: str, index: list[int], codes: list[int]) -> None:
    assert carried(a_draft(draft, ip=[10, 20, 30, 40]), read, index) == {"ip": codes}


def test_means_are_of_frames() -> None:
    # 64 and 80 are 64 and 96 frames.
    draft = a_draft("AG", fp=[64, 80])
    assert carried(draft, "ATG", [0, -1, 1]) == {"fp": [64, int(frames_to_codes(np.array([80]))[0]), 80]}
    assert carried(a_draft("AG", fp=[10, 13]), "ATG", [0, -1, 1]) == {"fp": [10, 12, 13]}


def test_no_data_stays_none_and_does_not_count() -> None:
    draft = a_draft("ACGT", fi=[0, 0, 8, 8], ri=[])
    assert carried(draft, "AACTGTT", [0, -1, 1, -1, 2, 3, -1]) == {"fi": [0, 0, 0, 8, 8, 8, 8], "ri": []}


@given(st.lists(st.integers(0, 255), min_size=1, max_size=50))
def test_an_unchanged_read_keeps_every_code(codes: list[int]) -> None:
    draft = a_draft("A" * len(codes), fi=codes, ri=codes)
    assert carried(draft, "A" * len(codes), list(range(len(codes)))) == {"fi": codes, "ri": codes}


def test_raw_frames_become_codes() -> None:
    draft = a_draft("ACG", ip=array("H", [5, 100, 60000]), pw=[1, 2, 3])
    assert carried(draft, "ACG", [0, 1, 2]) == {"ip": [5, 82, 255], "pw": [1, 2, 3]}
    assert draft_kinetics(draft).arrays["ip"].tolist() == [5, 82, 255]


@pytest.mark.parametrize(
    "tags",
    [
        {"fi": [1, 2, 3], "fp": [1, 2]},
        {"fi": array("b", [1, 2, 3])},
        {"fi": array("f", [1, 2, 3])},
        {"fi": "text"},
        {"fi": 3},
        {"fi": [1, 2, 3], "fn": "4"},
        {"fi": [1, 2, 3], "fn": -1},
        {"fi": [1, 2, 3], "rn": 2**32 - 1},
    ],
)
def test_invalid_kinetics_are_dropped_all_of_them(tags: dict[str, Any]) -> None:
    draft = a_draft("ACG", **tags)
    assert has_kinetics(draft)
    for found in (draft_kinetics(draft), carried_kinetics(draft, draft.bases, np.arange(3, dtype=np.int32))):
        assert (found.origin, found.tags) == (Origin.INVALID, ())


def test_without_a_base_of_the_draft_there_is_nothing_to_carry() -> None:
    found = carried_kinetics(a_draft("ACG", fi=[1, 2, 3]), encode_bases("TT"), np.array([-1, -1], np.int32))
    assert found.origin is Origin.INVALID


def test_numbers_of_passes_alone_are_no_kinetics() -> None:
    assert not has_kinetics(a_draft("ACG", fn=3, rn=4))
