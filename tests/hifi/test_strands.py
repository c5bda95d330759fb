"""Passes are divided by the strand that they were sequenced from."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepconsensus_py.align.passes import align_passes
from deepconsensus_py.hifi.strands import split_by_strand
from deepconsensus_py.pacbio.molecule import Pass, reverse_complement
from deepconsensus_py.pacbio.zmws import read_zmws

TEMPLATE = np.random.default_rng(3).integers(1, 5, 600).astype(np.uint8)


def a_pass(name: str, length: int, *, reverse: bool, context: int = 3) -> Pass:
    bases = TEMPLATE[:length]
    return Pass(name, reverse_complement(bases) if reverse else bases, None, None, None, tags=(("cx", context, "i"),))


def names(passes: tuple[Pass, ...]) -> list[str]:
    return [p.name for p in passes]


def test_passes_like_the_full_one_of_median_length_are_forward() -> None:
    passes = [
        a_pass("longest", 600, reverse=True),
        a_pass("lower middle", 580, reverse=True),
        a_pass("upper middle", 590, reverse=False),
        a_pass("shortest", 570, reverse=False),
        a_pass("partial", 300, reverse=True, context=2),
    ]
    forward, reverse = split_by_strand(passes)
    assert names(forward) == ["longest", "lower middle", "partial"]
    assert names(reverse) == ["upper middle", "shortest"]


def test_of_equal_passes_the_first_is_the_reference() -> None:
    passes = [a_pass("first", 600, reverse=True), a_pass("second", 600, reverse=False)]
    assert list(map(names, split_by_strand(passes))) == [["first"], ["second"]]


def test_without_a_full_pass_the_reference_is_one_of_all() -> None:
    passes = [a_pass(str(n), 500 + n, reverse=n > 1, context=0) for n in range(3)]
    assert list(map(names, split_by_strand(passes))) == [["0", "1"], ["2"]]


def test_a_pass_of_something_else_is_of_no_strand() -> None:
    foreign = replace(
        a_pass("foreign", 600, reverse=False), bases=np.random.default_rng(9).integers(1, 5, 590).astype(np.uint8)
    )
    passes = [a_pass("a", 600, reverse=False), foreign, a_pass("b", 600, reverse=True)]
    assert list(map(names, split_by_strand(passes))) == [["a"], ["b"]]


def test_no_pass_is_of_no_strand() -> None:
    assert split_by_strand([]) == ((), ())


@pytest.mark.real
def test_real_passes_are_divided_as_they_align_to_the_ccs_read(human_1m: Path) -> None:
    for zmw in list(read_zmws(human_1m / "subreads.bam", human_1m / "ccs.bam", limit=2)):
        aligned = {p.name: p.reverse for p in align_passes(zmw.draft, zmw.passes) if p is not None}
        found = {frozenset(names(strand)) for strand in split_by_strand(zmw.passes)}
        wanted = {frozenset(name for name, turned in aligned.items() if turned is which) for which in (False, True)}
        assert found == wanted
