"""Read names and molecules say the same thing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepconsensus_py.pacbio.names import (
    MAX_HOLE,
    MoleculeId,
    Strand,
    ccs_name,
    parse_ccs,
    parse_subread,
    printable,
    shortened,
    whole_number,
)

movies = st.text("abcxyzABC0123456789_-.", min_size=1, max_size=60)
holes = st.integers(0, MAX_HOLE)


@given(movies, holes, st.sampled_from([None, *Strand]))
def test_a_ccs_name_gives_its_molecule_back(movie: str, hole: int, strand: Strand | None) -> None:
    molecule = MoleculeId(movie, hole, strand)
    assert parse_ccs(ccs_name(molecule)) == molecule
    assert parse_subread(ccs_name(molecule)) is None


@given(movies, holes, st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_subread_name_gives_its_zmw(movie: str, hole: int, start: int, end: int) -> None:
    name = f"{movie}/{hole}/{start}_{end}"
    assert parse_subread(name) == MoleculeId(movie, hole)
    assert parse_ccs(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "m1/2",
        "m1/2/ccs/",
        "m1/2/ccs/both",
        "m1/2/ccs/fwd/3_4",
        "m1/x/ccs",
        "/2/ccs",
        "m 1/2/ccs",
        "m1/2/ccs\n",
        f"m1/{MAX_HOLE + 1}/ccs",
        "m1/2/3",
        "m1/2/3_",
        "m1/-2/3_4",
        "m1/٣/ccs",
        "mü1/2/ccs",
        r"m\xfc1/2/ccs",
        "m\x011/2/ccs",
        f"m1/{'9' * 5000}/ccs",
        f"m1/{'9' * 5000}/0_1",
        f"m1/2/0_{'9' * 5000}",
    ],
)
def test_other_names_are_nobodys(name: str) -> None:
    assert parse_ccs(name) is None
    assert parse_subread(name) is None


def test_names_of_real_reads() -> None:
    assert parse_ccs("m84004_220919_222401_s1/206377606/ccs/rev") == MoleculeId(
        "m84004_220919_222401_s1", 206377606, Strand.REVERSE
    )
    assert str(parse_subread("m54238_180901_011437/4194375/7232_19092")) == "m54238_180901_011437/4194375"


def test_both_strands_are_of_one_zmw() -> None:
    assert MoleculeId("m", 1, Strand.FORWARD).zmw == MoleculeId("m", 1, Strand.REVERSE).zmw == MoleculeId("m", 1)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("m1/2/ccs", "m1/2/ccs"), ("m\udcfc", r"m\xfc"), ("mü", r"m\xc3\xbc"), ("a\tb", r"a\tb"), ("", "")],
)
def test_a_name_that_is_not_ascii_is_shown_with_escapes(name: str, shown: str) -> None:
    assert printable(name) == shown


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("007", 7), ("9" * 18, 10**18 - 1), ("9" * 19, None), ("9" * 5000, None), ("²", None), ("٣", None)]
    + [(text, None) for text in ("", "-1", "+1", " 1", "1_0", "1.0")],
)
def test_whole_numbers(text: str, number: int | None) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize(("length", "shown"), [(5, 5), (100, 100), (101, 100), (5000, 100)])
def test_names_of_any_length_are_shown_in_a_hundred_characters(length: int, shown: int) -> None:
    name = shortened("x" * length)
    assert len(name) == shown
    assert name.endswith("…") == (length > shown)
