"""Base modifications follow their bases through the edits of polishing."""

from array import array
from pathlib import Path

import numpy as np
import pysam
import pytest
from numpy.typing import NDArray
from support import read_drafts

from deepconsensus_py.hifi.modifications import carried_modifications, dropped_modifications
from deepconsensus_py.hifi.moves import find_moves
from deepconsensus_py.pacbio.bam_tags import Tags
from deepconsensus_py.pacbio.molecule import Draft, decode_bases, encode_bases, reverse_complement
from deepconsensus_py.pacbio.records import unaligned_record


def draft(bases: str, text: object, values: list[int] | None, **others: object) -> Draft:
    tags: Tags = (("zm", 1, "i"), ("MM", text, "Z"))
    if values is not None:
        tags += (("ML", array("B", values), "B"),)
    return Draft("m/1/ccs", encode_bases(bases), None, (*tags, *((tag, value, "i") for tag, value in others.items())))


def carried(one: Draft, read: str, index: list[int]) -> tuple[str, list[int], int]:
    """``MM``, ``ML`` and ``MN`` of the read."""
    tags = {tag: value for tag, value, _ in carried_modifications(one, encode_bases(read), np.array(index)).tags}
    return tags["MM"], tags["ML"].tolist(), tags["MN"]


@pytest.mark.parametrize(
    ("bases", "text", "values", "read", "index", "wanted", "kept"),
    [
        ("ACGTCG", "C+m?,0,0;", [200, 10], "ACGTCCG", [0, 1, 2, 3, -1, 4, 5], "C+m?,0,1;", [200, 10]),
        ("ACCGA", "C+m?,1;", [90], "ACGA", [0, 2, 3, 4], "C+m?,0;", [90]),
        ("ACCGA", "C+m?,1;", [90], "ACGA", [0, 1, 3, 4], "C+m?,0;", [90]),
        ("TCGGA", "G-m?,0;", [90], "TCGGGA", [0, 1, -1, 2, 3, 4], "G-m?,0;", [90]),
        ("ACGA", "C+m,0;", [90], "ATGA", [0, 1, 2, 3], "C+m;", []),
        ("ACGA", "C+m,0;", [90], "ATGA", [0, -1, 2, 3], "C+m;", []),
        ("ACGA", "C+m,0;", [90], "ACAA", [0, 1, 2, 3], "C+m;", []),
        ("ACGACAGT", "C+m,0;", [90], "ACGACGGT", [0, 1, 2, 3, 4, 5, 6, 7], "C+m?,0;", [90]),
        ("TCGA", "G-m?,0;", [90], "TCGGA", [0, 1, -1, 2, 3], "G-m?,0;", [90]),
        ("ACGT", "C+mh,0;", [200, 30], "AACGT", [-1, 0, 1, 2, 3], "C+mh,0;", [200, 30]),
        ("ACGT", "A+a.,0;T-a.,0;C+m?,0;", [9, 8, 7], "AACGT", [-1, 0, 1, 2, 3], "A+a.,1;T-a.,0;C+m?,0;", [9, 8, 7]),
    ],
)
def test_the_examples(bases, text, values, read, index, wanted, kept) -> None:
    assert carried(draft(bases, text, values), read, index) == (wanted, kept, len(read))


@pytest.mark.parametrize(
    ("bases", "text", "values", "read", "index", "wanted", "kept"),
    [
        # A deletion joins two homopolymers: each call stays with its own.
        ("GATAG", "A+a,0,0;", [1, 2], "GAAG", [0, 1, 3, 4], "A+a,0,0;", [1, 2]),
        ("GATAG", "A+a,0;", [1], "GAAAG", [0, 1, 2, 3, 4], "A+a,0;", [1]),
        # An insertion parts one.
        ("GAAAG", "A+a,0,0,0;", [1, 2, 3], "GATAAG", [0, 1, -1, 2, 3, 4], "A+a,0,0,0;", [1, 2, 3]),
        # Three become one, whichever is said to be kept.
        ("GAAAG", "A+a,0,0,0;", [1, 2, 3], "GAG", [0, 1, 4], "A+a,0;", [1]),
        ("GAAAG", "A+a,0,1;", [1, 3], "GAG", [0, 2, 4], "A+a,0;", [3]),
        ("GTTTG", "T-a,0,1;", [1, 3], "GTG", [0, 2, 4], "T-a,0;", [1]),
        # A base deleted from the inside has no place.
        ("GAAAG", "A+a,1;", [2], "GAAG", [0, 1, 3, 4], "A+a;", []),
        # A replaced stretch has unchanged bases in it.
        ("TACGGTCCA", "C+m?,0;A+a,0;", [5, 6], "TACGTTCCA", [0, -1, -1, -1, -1, 5, 6, 7, 8], "C+m?,0;A+a,0;", [5, 6]),
        ("TACGTCCA", "C+m?,0;A+a,0;", [5, 6], "TACGGTCCA", [0, *[-1] * 4, 4, 5, 6, 7], "C+m?,0;A+a,0;", [5, 6]),
        # The whole read is replaced.
        ("ACGT", "C+m?,0;", [5], "GGACGT", [-1] * 6, "C+m?,0;", [5]),
        # Every base counts for N.
        ("ACNT", "N+n,2;", [5], "AACNT", [-1, 0, 1, 2, 3], "N+n,3;", [5]),
        # Calls outside of CpGs may be anywhere, and say nothing of CpGs.
        ("ACAGA", "C+m,0;", [90], "ACGA", [0, 1, 3, 4], "C+m,0;", [90]),
        ("CAACGA", "C+m,0,0;", [90, 3], "CGACGA", [0, 1, 2, 3, 4, 5], "C+m,0,0;", [90, 3]),
        # A group of CpGs, if only as far as one knows, says nothing of new ones.
        ("CAACGA", "C+m.;G-m;C+h?,1;", [4], "CGACGA", [0, 1, 2, 3, 4, 5], "C+m?;G-m?;C+h?,1;", [4]),
        # A longer homopolymer makes no new CpG.
        ("ACGA", "G-m;C+m.;", [], "ACCGGA", [0, -1, 1, -1, 2, 3], "G-m;C+m.;", []),
        ("ACGT", "", [], "AACGT", [-1, 0, 1, 2, 3], "", []),
        ("ACGT", "C+76792,0", [5], "AACGT", [-1, 0, 1, 2, 3], "C+76792,0;", [5]),
    ],
)
def test_other_edits(bases, text, values, read, index, wanted, kept) -> None:
    assert carried(draft(bases, text, values), read, index) == (wanted, kept, len(read))


def test_what_is_kept_dropped_and_new_is_counted() -> None:
    one = draft("ACGACGCAACG", "C+m,0,0,1;C+h?,0,0,1;", [*range(6)])
    found = carried_modifications(one, encode_bases("ATGACGCGACG"), np.arange(11))
    assert found.counts == {"mods_kept": 4, "mods_dropped": 2, "mods_new_sites": 1}
    assert dropped_modifications(one).counts == {"mods_dropped": 6}
    assert dropped_modifications(one).tags == ()


@pytest.mark.parametrize("text", ["C+m?,0", "C+m?,0;", "C+m,0;"])
def test_a_read_without_edits_keeps_its_tags(text: str) -> None:
    one = draft("ACGT", text, [7], MN=4)
    found = carried_modifications(one, one.bases, np.arange(4))
    assert found.tags == (("ML", array("B", [7]), "B"), ("MM", text, "Z"), ("MN", 4, "i"))
    assert found.counts == {"mods_kept": 1}


def test_old_names_are_written_as_those_of_today() -> None:
    tags: Tags = (("Mm", "C+m,0", "Z"), ("Ml", array("B", [7]), "B"))
    one = Draft("m/1/ccs", encode_bases("ACGT"), None, tags)
    for read, text in (("ACGT", "C+m,0"), ("ACGTT", "C+m,0;")):
        assert carried(one, read, [0, 1, 2, 3, -1][: len(read)]) == (text, [7], len(read))


def test_calls_without_values_have_none() -> None:
    found = carried_modifications(draft("ACGT", "C+m,0;", None), encode_bases("AACGT"), np.array([-1, 0, 1, 2, 3]))
    assert found.tags == (("MM", "C+m,0;", "Z"), ("MN", 5, "i"))
    bare = Draft("m/1/ccs", encode_bases("ACGT"), None, (("zm", 1, "i"), ("MN", 3, "i")))
    assert carried_modifications(bare, bare.bases, np.arange(4)).tags == ()


@pytest.mark.parametrize(
    "tags",
    [
        (("MM", "C+m,0;", "Z"), ("ML", array("B", [1]), "B"), ("MN", 5, "i")),
        (("MM", "C+m,1;", "Z"), ("ML", array("B", [1]), "B")),
        (("MM", "C+m,0;", "Z"), ("ML", array("B", [1, 2]), "B")),
        (("MM", "C+mh,0;", "Z"), ("ML", array("B", [1]), "B")),
        (("MM", "C+m,0;", "Z"), ("ML", array("b", [1]), "B")),
        (("MM", "C+m,0;", "Z"), ("ML", 1, "i")),
        (("MM", "C+m,0;", "Z"), ("Mm", "C+m,0;", "Z"), ("ML", array("B", [1]), "B")),
        (("MM", "C+m,0;", "Z"), ("Ml", array("B", [1]), "B"), ("ML", array("B", [1]), "B")),
        (("MM", "C+m,-1;", "Z"), ("ML", array("B", [1]), "B")),
        (("MM", "C+m,99999999999999999999;", "Z"), ("ML", array("B", [1]), "B")),
        (("MM", "C+m,0;;", "Z"), ("ML", array("B", [1]), "B")),
        (("MM", "X+m,0;", "Z"), ("ML", array("B", [1]), "B")),
        (("MM", 5, "i"), ("ML", array("B", [1]), "B")),
        (("ML", array("B", [1]), "B"),),
        (("Ml", array("B", []), "B"),),
    ],
)
def test_tags_that_contradict_themselves_are_dropped_and_counted(tags: Tags) -> None:
    one = Draft("m/1/ccs", encode_bases("ACGT"), None, tags)
    for found in (
        carried_modifications(one, one.bases, np.arange(4)),
        carried_modifications(one, encode_bases("AACGT"), np.array([-1, 0, 1, 2, 3])),
        dropped_modifications(one),
    ):
        assert (found.tags, found.counts) == ((), {"mods_invalid": 1})


HTS_SPECS = [
    (
        "AGCTCTCCAGAGTCGNACGCCATYCGCGCGCCACCA",
        [
            ("C+m,2,2,1,4,1;C+h,6,7;N+n,15,2;", [128, 153, 179, 204, 230, 159, 6, 215, 240]),
            ("C+mh,2,2,0,0,4,1;N+n,15;", [77, 159, 103, 133, 128, 108, 154, 82, 179, 57, 204, 31, 240]),
            ("C+m,2,2,1,4,1;C+76792,6,7;N+n,15;", [102, 128, 153, 179, 204, 161, 33, 212]),
        ],
    ),
    (
        "AGGATCTCTAGCGGATCGGCGGGGGATATGCCATAT",
        [
            ("C+m,1,3,0;G-m,0,2,0,4;G+o,4;", [128, 153, 179, 115, 141, 166, 192, 102]),
            ("C+m,1,3,0;", [128, 153, 179]),
            ("G-m,0,0,4,3;", [115, 141, 166, 192]),
        ],
    ),
    (
        "ATCATCATTCCTACCGCTATAGCCT",
        [
            ("C+mh,2,0,1;", [200, 10, 50, 170, 160, 20]),
            ("C+mh?,2,0,0,0,0;", [200, 10, 50, 170, 10, 5, 160, 20, 10, 5]),
            ("C+m.,2,2;C+h?,2,0,0,0,0;", [200, 160, 10, 170, 5, 20, 5]),
        ],
    ),
]
"""Examples of hts-specs (``test/SAMtags/MM-*.sam``)."""


@pytest.mark.parametrize("turned", [False, True], ids=["as sequenced", "reverse-complemented"])
@pytest.mark.parametrize(("bases", "examples"), HTS_SPECS)
def test_the_examples_of_the_specification_are_written_as_they_were_read(
    bases: str, examples: list[tuple[str, list[int]]], turned: bool, tmp_path: Path
) -> None:
    stored = decode_bases(reverse_complement(encode_bases(bases))) if turned else bases
    path = tmp_path / "ccs.sam"
    with pysam.AlignmentFile(str(path), "w", header=pysam.AlignmentHeader.from_text("@HD\tVN:1.6\n")) as file:
        for number, (text, values) in enumerate(examples):
            record = pysam.AlignedSegment(file.header)
            record.query_name, record.flag, record.query_sequence = f"m/{number}/ccs", 4 + 16 * turned, stored
            record.set_tags([("MM", text), ("ML", array("B", values)), ("MN", len(bases))])
            file.write(record)
    for one, (text, values) in zip(read_drafts(path), examples, strict=True):
        # One more base at the end moves no call, but all are written anew.
        longer = decode_bases(one.bases) + "A"
        assert carried(one, longer, [*range(len(bases)), -1]) == (text, values, len(longer))


def edited(rng: np.random.Generator, bases: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Single edits at least ten bases apart: substitutions, deletions and insertions, with the index of the read."""
    read, index, last = [], [], 0
    for at, base in enumerate(bases.tolist()):
        kind = int(rng.integers(0, 40)) if at > last + 10 else 9
        last = at if kind < 3 else last
        inserted = [int(rng.integers(1, 5))] * (kind == 0)
        kept = [base] if kind != 1 else []
        read += inserted + [1 + base % 4 if kind == 2 else base for base in kept]
        index += [-1] * len(inserted) + [at] * len(kept)
    return np.array(read, np.uint8), np.array(index)


@pytest.mark.parametrize("seed", range(20))
def test_pysam_finds_every_call_at_its_base(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bases = rng.integers(1, 5, 600).astype(np.uint8)
    letters = decode_bases(bases)
    places = {
        ("C", 0, "m"): [at for at in range(599) if letters[at : at + 2] == "CG"],
        ("G", 1, "h"): [at for at in range(1, 600) if letters[at - 1 : at + 1] == "CG"],
        ("A", 0, "a"): [at for at, letter in enumerate(letters) if letter == "A" and rng.random() < 0.5],
    }
    values, text = array("B"), ""
    for (letter, strand, code), calls in places.items():
        of_base = [at for at, one in enumerate(letters) if one == letter]
        ranks = [of_base.index(at) for at in calls]
        skips = np.diff(ranks, prepend=-1) - 1
        text += f"{letter}{'+-'[strand]}{code}?,{','.join(map(str, skips))};"
        values.extend(rng.integers(0, 256, len(calls)).tolist())
    one = Draft("m/1/ccs", bases, None, (("MM", text, "Z"), ("ML", values, "B")))
    read, index = edited(rng, bases)
    found = carried_modifications(one, read, index)
    before, after = (
        unaligned_record("m/1/ccs", *args, pysam.AlignmentHeader()).modified_bases
        for args in ((bases, None, one.tags), (read, None, found.tags))
    )
    assert before is not None
    assert after is not None
    place = {int(at): number for number, at in enumerate(index) if at >= 0}
    kept = 0
    for kind, calls in before.items():
        wanted = {}
        for at, value in calls:
            # Far from edits of its homopolymer and of a CpG's two, the index tells the place.
            around = [place.get(near) for near in range(max(at - 4, 0), min(at + 5, 600))]
            if None not in around and np.all(np.diff(around) == 1) and read[place[at]] == bases[at]:
                wanted[place[at]] = value
        own = dict(after[kind])
        unsure = {number for number in wanted if own.get(number) != wanted[number]}
        # A substitution next to it may have ended a CpG.
        assert all(decode_bases(read)[max(number - 1, 0) : number + 2].count("CG") == 0 for number in unsure)
        assert all(decode_bases(read)[number] == kind[0] for number in own)
        kept += len(own)
    assert kept == found.counts["mods_kept"]
    assert found.counts["mods_kept"] + found.counts["mods_dropped"] == sum(map(len, before.values()))


@pytest.mark.parametrize("seed", range(20))
def test_moves_are_those_of_each_base_written_plainly(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    bases = np.repeat(rng.integers(1, 5, 200), rng.integers(1, 5, 200)).astype(np.uint8)
    read, index = edited(rng, bases)
    moves = find_moves(bases, read, index)
    place = {int(at): number for number, at in enumerate(index) if at >= 0}
    for at, base in enumerate(bases.tolist()):
        start, stop = at, at + 1
        while start and bases[start - 1] == base:
            start -= 1
        while stop < len(bases) and bases[stop] == base:
            stop += 1
        kept = [place[d] for d in range(start, stop) if d in place and read[place[d]] == base]
        own = place.get(at)
        if not kept or (own is not None and read[own] != base):
            assert moves.from_end[at] == moves.from_start[at] == -1
            continue
        first, last = kept[0], kept[-1]
        while first and read[first - 1] == base and index[first - 1] < 0:
            first -= 1
        while last + 1 < len(read) and read[last + 1] == base and index[last + 1] < 0:
            last += 1
        inside = -1 if own is None else own
        ends = {start: first, stop - 1: last}
        assert moves.from_end[at] == (last if at == stop - 1 else ends.get(at, inside))
        assert moves.from_start[at] == (first if at == start else ends.get(at, inside))
