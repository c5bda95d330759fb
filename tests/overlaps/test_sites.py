"""Sites: where reads of a pile share what others do not have, and what is a repeat."""

import numpy as np
import pytest
from overlap_reads import genome

from deepconsensus_py.align import cigar
from deepconsensus_py.overlaps.haplotypes import BESIDE, of_same_haplotype
from deepconsensus_py.overlaps.neighbours import Copy, as_passes
from deepconsensus_py.overlaps.overlap import Overlap
from deepconsensus_py.overlaps.sites import DECISIVE, SURE, Difference, Pile, differences, extent, in_long_repeats
from deepconsensus_py.pacbio.molecule import Draft, Pass, encode_bases

Array = np.ndarray


def pile(bases: Array, others: list[Array], quality: int = 20) -> tuple[Draft, list[Pass]]:
    """A read, and itself and others as its passes."""
    draft = Draft("movie/1/ccs", bases, np.full(len(bases), quality, np.uint8))
    overlaps = [Overlap(0, len(bases), number, 0, len(other), False, 0) for number, other in enumerate(others)]
    return draft, as_passes(draft, overlaps, [Copy.of(other) for other in others])


def other_base(bases: Array, *places: int) -> Array:
    changed = bases.copy()
    changed[list(places)] = changed[list(places)] % 4 + 1
    return changed


def covered(passes: list[Pass], length: int) -> Array:
    """How many passes have a base or a gap at each base of their draft."""
    depth = np.zeros(length, int)
    for p in passes:
        assert p.alignment is not None
        columns = int(p.alignment.lengths @ cigar.ON_DRAFT[p.alignment.operations])
        depth[p.alignment.start : p.alignment.start + columns] += 1
    return depth


def test_differences_are_those_of_the_alignment() -> None:
    bases = genome(400, 9)
    bases[95:105], bases[195:205], bases[295:305] = (encode_bases(letters) for letters in ("GATCCGTAGC",) * 3)
    other = np.insert(np.delete(other_base(bases, 100), [200, 201]), 298, [1, 1])
    _, (own, p) = pile(bases, [other])
    assert list(differences(own)) == []
    assert list(differences(p)) == [
        Difference(100, 1, other[100:101].tobytes()),
        Difference(200, 2, b""),
        Difference(300, 0, b"\1\1"),
    ]
    assert [one.is_substitution for one in differences(p)] == [True, False, False]


@pytest.mark.parametrize(
    ("letters", "one", "stop", "repeat"),
    [
        ("ACGTACGT", Difference(3, 1, b"\1"), 4, 0),
        ("CGAAAATC", Difference(2, 1, b""), 6, 4),
        ("CGAAAATC", Difference(2, 2, b""), 6, 4),
        ("CGAAAATC", Difference(2, 0, b"\1"), 6, 4),
        ("CGCACACT", Difference(2, 2, b""), 7, 5),
        ("CGCACACT", Difference(2, 0, b"\3\1"), 7, 5),
        ("CGTACT", Difference(2, 1, b""), 3, 0),
        ("CGTACT", Difference(2, 0, b"\1"), 3, 0),
        ("CGTACT", Difference(2, 2, b""), 4, 0),
    ],
)
def test_a_change_of_copies_is_one_of_a_repeat(letters: str, one: Difference, stop: int, repeat: int) -> None:
    assert extent(encode_bases(letters), one) == (stop, repeat)


@pytest.mark.parametrize(
    ("sharing", "with_it", "weight"),
    [(3, 2, DECISIVE), (2, 2, 1), (3, 1, 1), (3, 0, 0), (1, 3, 0)],
)
def test_sites_need_reads_on_both_sides(sharing: int, with_it: int, weight: int) -> None:
    bases = genome(500, 1)
    draft, passes = pile(bases, [other_base(bases, 250)] * sharing + [bases] * with_it)
    sites = Pile.of(draft, passes).sites()
    assert sites.weight.tolist() == [weight][: bool(weight)]
    if weight:
        assert (sites.start.tolist(), sites.stop.tolist()) == ([250], [251])
        assert sites.differs[:, 0].tolist() == [False, *[True] * sharing, *[False] * with_it]
        assert (sites.agrees[:, 0] == ~sites.differs[:, 0]).all()


def test_indels_are_sites_and_long_homopolymers_need_more_reads() -> None:
    bases = genome(500, 2)
    bases[100:112] = 1
    bases[[99, 112]] = 2
    bases[250:252] = 1, 2
    bases[249], bases[252] = 3, 4
    shorter, without = np.delete(bases, 100), np.delete(bases, [250, 251])
    draft, passes = pile(bases, [shorter, shorter, shorter, bases, bases])
    assert len(Pile.of(draft, passes).sites().start) == 0
    draft, passes = pile(bases, [without, without, without, bases, bases])
    sites = Pile.of(draft, passes).sites()
    assert (sites.start.tolist(), sites.stop.tolist(), sites.weight.tolist()) == ([250], [252], [DECISIVE])


def test_short_homopolymers_are_sites_that_do_not_decide_alone() -> None:
    bases = genome(500, 3)
    bases[100:104] = 1
    bases[[99, 104]] = 2
    draft, passes = pile(bases, [np.delete(bases, 100)] * 4 + [bases] * 4)
    sites = Pile.of(draft, passes).sites()
    assert (sites.start.tolist(), sites.stop.tolist(), sites.weight.tolist()) == ([100], [104], [1])
    # All stay, but those that differ are absent around the site.
    kept = of_same_haplotype(draft, passes)
    depth = covered(kept, len(bases))
    assert depth[100 - BESIDE : 104 + BESIDE].max() == 5
    assert depth[:80].min() == depth[130:].min() == 9


def test_long_repeats_have_no_sites() -> None:
    bases = genome(600, 4)
    bases[200:400] = np.tile(encode_bases("CCCTAA"), 40)[:200]
    inside = in_long_repeats(bases)
    assert inside[200:400].all()
    assert not inside[:150].any()
    assert not inside[450:].any()
    draft, passes = pile(bases, [other_base(bases, 300)] * 4 + [bases] * 4)
    assert len(Pile.of(draft, passes).sites().start) == 0
    bases[260:400] = genome(140, 5)
    assert not in_long_repeats(bases).any()


def test_a_single_site_of_few_reads_omits_no_read() -> None:
    bases = genome(500, 6)
    draft, passes = pile(bases, [other_base(bases, 250)] * 2 + [bases] * 4)
    depth = covered(of_same_haplotype(draft, passes), len(bases))
    assert (depth[250], depth[100], depth[400]) == (5, 7, 7)
    draft, passes = pile(bases, [other_base(bases, 150, 250, 350)] * 2 + [bases] * 4)
    assert covered(of_same_haplotype(draft, passes), len(bases)).max() == 5


def test_reads_that_differ_at_many_sure_bases_are_omitted_even_alone() -> None:
    bases = genome(2000, 7)
    many, few = other_base(bases, *range(100, 1900, 200)), other_base(bases, 400, 1600)
    draft, passes = pile(bases, [many, few], SURE)
    assert [p.name for p in of_same_haplotype(draft, passes)] == [passes[0].name, passes[2].name]
    draft, passes = pile(bases, [many, few], SURE - 1)
    assert len(of_same_haplotype(draft, passes)) == 3


def test_a_sure_base_is_a_site_where_the_read_is_alone() -> None:
    bases = genome(900, 8)
    # Two reads of the same haplotype reach up to the other site only.
    mate, others = bases[:600], [other_base(bases, 300, 750)] * 3
    overlaps = [(mate, 600)] * 2 + [(other, 900) for other in others]

    def starts(quality: int, own: list[tuple[Array, int]] = overlaps) -> list[int]:
        draft = Draft("movie/1/ccs", bases, np.full(900, quality, np.uint8))
        found = [Overlap(0, stop, number, 0, len(other), False, 0) for number, (other, stop) in enumerate(own)]
        passes = as_passes(draft, found, [Copy.of(other) for other, _ in own])
        return Pile.of(draft, passes).sites().start.tolist()

    assert starts(SURE) == [300, 750]
    assert starts(SURE - 1) == [300]
    # A mate that differs shows an error, and without any site nothing shows haplotypes.
    assert starts(SURE, [*overlaps, (other_base(bases, 750), 900)]) == [300]
    assert starts(SURE, [(other_base(bases, 750), 900)] * 3) == []


def test_without_qualities_no_base_is_sure() -> None:
    bases = genome(500, 8)
    draft, passes = pile(bases, [other_base(bases, 100, 200, 300, 400)], SURE)
    assert Pile.of(draft, passes).substitutions().tolist() == [0, 4 / 500]
    assert Pile.of(Draft(draft.name, bases, None), passes).substitutions().tolist() == [0, 0]
