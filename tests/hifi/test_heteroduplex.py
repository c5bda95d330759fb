"""Positions at which the strands of a molecule differ are found; those at which only passes differ are not."""

from fractions import Fraction
from math import comb
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support import alignment_of

from deepconsensus_py.align import cigar
from deepconsensus_py.align.draft import draft_zmw
from deepconsensus_py.align.passes import aligned_to_draft
from deepconsensus_py.hifi.heteroduplex import fisher_exact, heteroduplex_sites
from deepconsensus_py.pacbio.molecule import A, C, G, N, Pass
from deepconsensus_py.pacbio.zmws import read_zmws

LENGTH = 300
TEMPLATE = np.random.default_rng(5).integers(A, N, LENGTH).astype(np.uint8)


def a_pass(bases: NDArray[np.uint8], columns: NDArray[np.uint8], *, reverse: bool) -> Pass:
    return Pass("m/1/0_9", bases, None, None, None, alignment_of(columns, start=0), reverse)


def like(template: NDArray[np.uint8], *, reverse: bool) -> Pass:
    columns = np.where(template == TEMPLATE, cigar.EQUAL, cigar.DIFFERENT).astype(np.uint8)
    return a_pass(template, columns, reverse=reverse)


def with_base(position: int, base: int) -> NDArray[np.uint8]:
    changed = TEMPLATE.copy()
    changed[position] = base
    return changed


def another(position: int) -> int:
    return A if TEMPLATE[position] != A else C


def lacking(begin: int, bases: int, *, reverse: bool) -> Pass:
    columns = np.full(LENGTH, cigar.EQUAL, np.uint8)
    columns[begin : begin + bases] = cigar.DELETION
    return a_pass(np.delete(TEMPLATE, slice(begin, begin + bases)), columns, reverse=reverse)


def inserting(before: int, bases: int, *, reverse: bool) -> Pass:
    columns = np.insert(np.full(LENGTH, cigar.EQUAL, np.uint8), before, [cigar.INSERTION] * bases)
    return a_pass(np.insert(TEMPLATE, before, [G] * bases).astype(np.uint8), columns, reverse=reverse)


def same(passes: int, *, reverse: bool) -> list[Pass]:
    return [like(TEMPLATE, reverse=reverse)] * passes


def other_base(passes: int, *, reverse: bool, position: int = 77) -> list[Pass]:
    return [like(with_base(position, another(position)), reverse=reverse)] * passes


@pytest.mark.parametrize(
    "table", [(8, 0, 0, 8), (3, 1, 1, 3), (15, 4, 0, 18), (2, 10, 15, 3), (5, 0, 1, 0), (0, 0, 1, 2)]
)
def test_fishers_test_sums_all_tables_that_are_no_more_probable(table: tuple[int, int, int, int]) -> None:
    a, b, c, d = table
    first, column, total = a + b, a + c, a + b + c + d
    shares = {
        k: Fraction(comb(first, k) * comb(total - first, column - k), comb(total, column))
        for k in range(min(first, column) + 1)
        if column - k <= total - first
    }
    wanted = sum(share for share in shares.values() if share <= shares[a])
    assert fisher_exact(*table) == pytest.approx(float(wanted), rel=1e-9)


def test_a_base_that_differs_between_the_strands_is_a_site() -> None:
    (site,) = heteroduplex_sites(LENGTH, [*same(8, reverse=False), *other_base(8, reverse=True)])
    assert (site.position, site.table, site.large) == (77, (8, 0, 0, 8), False)
    assert site.p == pytest.approx(2 / comb(16, 8))


def test_seven_passes_of_each_strand_can_tell_or_nine_where_one_errs() -> None:
    def found(each: int, errors: int) -> int:
        own = [*same(each - errors, reverse=False), *other_base(errors, reverse=False)]
        return len(heteroduplex_sites(LENGTH, [*own, *other_base(each, reverse=True)]))

    assert [found(each, 0) for each in (6, 7)] == [0, 1]
    assert [found(each, 1) for each in (8, 9)] == [0, 1]


def test_passes_of_one_strand_that_disagree_are_none() -> None:
    divided = [*same(6, reverse=False), *other_base(6, reverse=False)]
    assert heteroduplex_sites(LENGTH, [*divided, *other_base(12, reverse=True)]) == ()


def test_what_both_strands_have_is_none() -> None:
    assert heteroduplex_sites(LENGTH, [*other_base(9, reverse=False), *other_base(9, reverse=True)]) == ()


def test_one_strand_alone_has_none() -> None:
    assert heteroduplex_sites(LENGTH, [*same(9, reverse=False), *other_base(2, reverse=True)]) == ()


@pytest.mark.parametrize(("few", "sites"), [(3, 0), (4, 0), (5, 1)])
def test_few_passes_beside_many_are_no_strand(few: int, sites: int) -> None:
    assert len(heteroduplex_sites(LENGTH, [*same(40, reverse=False), *other_base(few, reverse=True)])) == sites


def test_a_missing_base_is_none() -> None:
    missing = [lacking(120, 1, reverse=True)] * 12
    assert heteroduplex_sites(LENGTH, [*same(12, reverse=False), *missing]) == ()


@pytest.mark.parametrize("reverse", [False, True])
def test_a_large_gap_of_one_strand_is_a_site_wherever_passes_place_it(reverse: bool) -> None:
    places = (150, 152, 149, 155, 150, 151, 158, 150)
    for kind, at in ((lacking, 149), (inserting, 149)):
        gapped = [kind(place, 25, reverse=reverse) for place in places]
        (site,) = heteroduplex_sites(LENGTH, [*gapped, *same(8, reverse=not reverse)])
        assert (site.position, site.table, site.large) == (at, (8, 0, 0, 8), True)


def test_a_large_gap_of_both_strands_or_of_few_passes_is_none() -> None:
    both = [lacking(150, 25, reverse=bool(k % 2)) for k in range(16)]
    assert heteroduplex_sites(LENGTH, both) == ()
    few = [lacking(150, 25, reverse=True)] * 4
    assert heteroduplex_sites(LENGTH, [*few, *same(4, reverse=True), *same(8, reverse=False)]) == ()


def test_gaps_at_other_places_are_other_gaps() -> None:
    scattered = [lacking(20 * k + 10, 20, reverse=True) for k in range(12)]
    assert heteroduplex_sites(LENGTH, [*scattered, *same(12, reverse=False)]) == ()


@pytest.mark.real
def test_the_heteroduplex_of_a_real_movie(shared: Path) -> None:
    """Molecule 4587933: G on one strand and A on the other at 7e-9, and an insertion of one strand."""
    movie = shared / "data" / "biowdl_sequel" / "batch.3.august.subreads.bam"
    molecule = next(m for m in read_zmws(movie) if m.molecule.hole == 4587933)
    assert not isinstance(molecule.passes, Exception)
    zmw = aligned_to_draft(draft_zmw(molecule.molecule, molecule.passes))
    large, base = heteroduplex_sites(len(zmw.draft.bases), zmw.passes)
    assert (large.large, base.large) == (True, False)
    assert base.p == pytest.approx(7e-9, rel=0.05)
    assert abs(base.position - 2187) < 20
    assert {zmw.draft.bases[base.position]} <= {A, G}


@pytest.mark.real
def test_molecules_of_human_1m_are_no_heteroduplexes(human_1m: Path) -> None:
    for zmw in read_zmws(human_1m / "subreads_to_ccs.bam", human_1m / "ccs.bam"):
        assert heteroduplex_sites(len(zmw.draft.bases), zmw.passes) == ()
