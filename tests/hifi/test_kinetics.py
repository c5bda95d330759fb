"""Kinetics of reads from their passes: values, strands, gaps, and those that ccs gives for a real molecule."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.align.cigar import left_normalise, paired_positions
from deepconsensus_py.align.mapping import best_overlap
from deepconsensus_py.hifi.kinetics import Kinetics, computed_kinetics, pass_kinetics
from deepconsensus_py.pacbio.codec import codes_to_frames, frames_to_codes
from deepconsensus_py.pacbio.drafts import draft_entries
from deepconsensus_py.pacbio.molecule import (
    Alignment,
    Draft,
    Pass,
    Zmw,
    decode_bases,
    encode_bases,
    reverse_complement,
)
from deepconsensus_py.pacbio.zmws import read_subreads

FOUR = ("fi", "fp", "ri", "rp")


def a_draft(sequence: str, name: str = "m/1/ccs") -> Draft:
    return Draft(name, encode_bases(sequence), None)


def a_pass(
    sequence: str,
    text: str,
    ip: Sequence[int],
    pw: Sequence[int] | None = None,
    *,
    start: int = 0,
    reverse: bool = False,
) -> Pass:
    """A pass in draft orientation; its CIGAR as ``3=1I2=``."""
    parts = [(int(part[:-1]), "MIDNSHP=X".index(part[-1])) for part in _parts(text)]
    lengths, operations = np.array(parts).T
    alignment = Alignment(start, operations.astype(np.uint8), lengths.astype(np.int32))
    durations = [np.array(values, np.uint8) for values in (pw or ip, ip)]
    return Pass("m/1/0_9", encode_bases(sequence), *durations, None, alignment, reverse)


def _parts(text: str) -> list[str]:
    found, number = [], ""
    for letter in text:
        number += letter
        if not letter.isdigit():
            found.append(number)
            number = ""
    return found


def kinetics(draft: Draft, passes: Sequence[Pass], read: str = "", index: Sequence[int] = ()) -> Kinetics:
    """Of a read, which is the draft if it is not given."""
    bases = encode_bases(read) if read else draft.bases
    places = np.array(index if read else range(len(bases)), np.int32)
    found = pass_kinetics(Zmw(draft, tuple(passes)))
    assert found is not None
    made = computed_kinetics(found, draft, bases, places)
    assert made is not None
    return made


def arrays(found: Kinetics) -> dict[str, list[int]]:
    return {tag: values.tolist() for tag, values in found.arrays.items()}


def test_means_by_strand_in_the_direction_of_each() -> None:
    forward = a_pass("ACGT", "4=", [10, 20, 30, 40], [1, 2, 3, 4])
    reverse = [a_pass("ACGT", "4=", [n, n + 2, n + 4, n + 6], [n] * 4, reverse=True) for n in (10, 12)]
    found = kinetics(a_draft("ACGT"), [forward, *reverse])
    assert arrays(found) == {
        "fi": [10, 20, 30, 40],
        "fp": [1, 2, 3, 4],
        "ri": [17, 15, 13, 11],
        "rp": [11, 11, 11, 11],
    }
    assert found.counts == {"fn": 1, "rn": 2}
    assert [tag for tag, _, _ in found.tags] == ["fi", "fn", "fp", "ri", "rn", "rp"]


@pytest.mark.parametrize(
    ("codes", "mean"),
    [
        ([2, 3], 2),
        ([3, 4], 4),
        ([1, 2, 2], 2),
        ([0, 0], 1),
        # 64 and 80 are 64 and 96 frames.
        ([64, 80], frames_to_codes(np.array([80]))[0]),
        ([255, 255], 255),
    ],
)
def test_means_are_of_frames_and_rounded_half_to_even(codes: list[int], mean: int) -> None:
    found = kinetics(a_draft("A"), [a_pass("A", "1=", [code]) for code in codes])
    assert arrays(found)["fi"] == [mean]


def test_a_strand_without_passes_has_empty_arrays() -> None:
    found = kinetics(a_draft("ACGT"), [a_pass("ACGT", "4=", [1, 2, 3, 4], reverse=True)])
    assert arrays(found) == {"fi": [], "fp": [], "ri": [4, 3, 2, 1], "rp": [4, 3, 2, 1]}
    assert found.counts == {"fn": 0, "rn": 1}


def test_no_data_is_zero_at_the_ends_and_the_mean_of_the_neighbours_between() -> None:
    passes = [
        a_pass("TCG", "1S2=1D", [99, 10, 20], start=1),
        a_pass("ACTT", "2=1X1S", [40, 41, 42, 99], start=6),
        a_pass("AC", "2=", [43, 44], start=6),
    ]
    found = kinetics(a_draft("ACGTTGACGT"), passes)
    # 20, and (40 + 43) / 2, are next to the bases without data.
    assert arrays(found)["fi"] == [0, 10, 20, 31, 31, 31, 42, 42, 42, 0]
    assert found.counts == {"fn": 1, "rn": 0}


def test_numbers_of_passes_follow_from_what_they_span() -> None:
    short = [a_pass("ACG", "3=", [1, 2, 3], start=4 * n) for n in range(2)]
    whole = a_pass("ACGTACGT", "8=", [1] * 8)
    assert kinetics(a_draft("ACGTACGT"), short).counts["fn"] == 1
    assert kinetics(a_draft("ACGTACGT"), [whole, *short[:1]]).counts["fn"] == 1
    assert kinetics(a_draft("ACGTACGT"), [whole, whole, short[0]]).counts["fn"] == 2


def test_a_gap_is_at_the_end_that_was_sequenced_last() -> None:
    lacking = ("GAAC", "1=1D3=", [1, 2, 3, 4])
    assert arrays(kinetics(a_draft("GAAAC"), [a_pass(*lacking)]))["fi"] == [1, 2, 3, 4, 4]
    assert arrays(kinetics(a_draft("GAAAC"), [a_pass(*lacking, reverse=True)]))["ri"] == [4, 3, 2, 2, 1]
    longer = ("GAAAC", "1=1I3=", [1, 2, 3, 4, 5])
    assert arrays(kinetics(a_draft("GAAC"), [a_pass(*longer)]))["fi"] == [1, 2, 3, 5]
    assert arrays(kinetics(a_draft("GAAC"), [a_pass(*longer, reverse=True)]))["ri"] == [5, 4, 3, 1]


def test_an_inserted_base_has_the_kinetics_of_the_passes_that_read_it() -> None:
    draft, read, index = a_draft("GACT"), "GAGCT", [0, 1, -1, 2, 3]
    with_it = a_pass("GAGCT", "2=1I2=", [1, 2, 3, 4, 5])
    without = a_pass("GACT", "4=", [11, 12, 14, 15])
    assert arrays(kinetics(draft, [with_it], read, index))["fi"] == [1, 2, 3, 4, 5]
    assert arrays(kinetics(draft, [with_it, without], read, index))["fi"] == [6, 7, 3, 9, 10]


def test_a_removed_base_leaves_nothing() -> None:
    passes = [a_pass("GACT", "4=", [1, 2, 3, 4]), a_pass("GCT", "1=1D2=", [11, 13, 14])]
    assert arrays(kinetics(a_draft("GACT"), passes, "GCT", [0, 2, 3]))["fi"] == [6, 8, 9]


def test_a_substituted_base_is_read_by_the_passes_that_were_aligned_to_the_other() -> None:
    found = kinetics(a_draft("GACT"), [a_pass("GTCT", "1=1X2=", [1, 2, 3, 4])], "GTCT", [0, -1, 2, 3])
    assert arrays(found)["fi"] == [1, 2, 3, 4]


def test_passes_are_aligned_to_what_the_draft_lacked() -> None:
    draft, read = a_draft("GGTTCC"), "GGTACGATATTCC"
    index = [0, 1, 2, *[-1] * 7, 3, 4, 5]
    shorter = a_pass("GGTACGTATTCC", "3=6I3=", range(1, 13))
    found = arrays(kinetics(draft, [shorter], read, index))["fi"]
    # The A of GATAT is missing in the pass.
    assert found == [1, 2, 3, 4, 5, 6, 6, 7, 8, 9, 10, 11, 12]


def test_one_strand_has_the_kinetics_of_its_own_passes_alone() -> None:
    draft = a_draft("ACGT", "m/1/ccs/rev")
    passes = [a_pass("ACGT", "4=", [1, 2, 3, 4], [5, 6, 7, 8]), a_pass("ACGT", "4=", [9] * 4, reverse=True)]
    found = kinetics(draft, passes)
    assert (arrays(found), found.counts) == ({"ip": [1, 2, 3, 4], "pw": [5, 6, 7, 8]}, {})
    none = pass_kinetics(Zmw(a_draft("ACGT", "m/1/ccs/rev"), (passes[1],)))
    assert none is not None
    assert (
        computed_kinetics(none, a_draft("ACGT", "m/1/ccs/rev"), encode_bases("ACGT"), np.arange(4, dtype="i4")) is None
    )


def test_passes_without_durations_do_not_count() -> None:
    whole = a_pass("ACGT", "4=", [1, 2, 3, 4])
    partial = [replace(whole, pulse_widths=None), replace(whole, inter_pulse_durations=None)]
    assert pass_kinetics(Zmw(a_draft("ACGT"), tuple(partial))) is None
    assert arrays(kinetics(a_draft("ACGT"), [*partial, whole]))["fi"] == [1, 2, 3, 4]


Molecule = tuple[Draft, list[Pass]]


@pytest.fixture(scope="module")
def made() -> Molecule:
    """A draft of few letters, with many places for a gap, and passes with single errors."""
    rng = np.random.default_rng(5)
    draft = Draft("m/1/ccs", rng.choice([1, 1, 1, 2], 600).astype(np.uint8), None)
    return draft, [_copied(draft, rng, start=40 * (n % 3), reverse=n % 2 == 0) for n in range(8)]


def _copied(draft: Draft, rng: np.random.Generator, *, start: int, reverse: bool) -> Pass:
    bases, columns = [], []
    for base in draft.bases[start : 600 - start]:
        kind = rng.choice([cigar.EQUAL, cigar.DIFFERENT, cigar.INSERTION, cigar.DELETION], p=[0.85, 0.05, 0.05, 0.05])
        # An error next to an error would be another alignment.
        kind = kind if len(columns) > 4 and set(columns[-4:]) == {cigar.EQUAL} else cigar.EQUAL
        columns += [kind, cigar.EQUAL] if kind == cigar.INSERTION else [kind]
        own = {cigar.INSERTION: [rng.choice([1, 2]), base], cigar.DELETION: [], cigar.DIFFERENT: [3 - base]}
        bases += own.get(kind, [base])
    values = rng.integers(0, 256, (2, len(bases)), dtype=np.uint8)
    alignment = Alignment(start, np.array(columns, np.uint8), np.ones(len(columns), np.int32))
    return Pass("m/1/0_9", np.array(bases, np.uint8), *values, None, alignment, reverse)


def test_values_are_those_of_a_plain_computation(made: Molecule) -> None:
    draft, passes = made
    found = kinetics(draft, passes)
    for (own, durations), reverse in zip((("fi", "fp"), ("ri", "rp")), (False, True), strict=True):
        mine = [p for p in passes if p.reverse == reverse]
        for tag, kind in ((own, "inter_pulse_durations"), (durations, "pulse_widths")):
            values = plain_means(draft, mine, kind)
            np.testing.assert_array_equal(found.arrays[tag], values[::-1] if reverse else values)


def plain_means(draft: Draft, passes: Sequence[Pass], kind: str) -> NDArray[np.uint8]:
    """Codes of the means of one strand, at the positions of the draft, without those between."""
    n = len(draft.bases)
    total, count = np.zeros(n), np.zeros(n)
    for p in passes:
        in_pass, in_draft = own_pairs(p, draft)
        np.add.at(total, in_draft, codes_to_frames(getattr(p, kind))[in_pass])
        np.add.at(count, in_draft, 1)
    assert (count > 0).sum() > 0.9 * n
    mean = total / np.maximum(count, 1)
    covered = np.flatnonzero(count)
    for j in np.setdiff1d(np.arange(covered[0], covered[-1]), covered):
        mean[j] = (mean[covered[covered < j][-1]] + mean[covered[covered > j][0]]) / 2
    codes = frames_to_codes(np.maximum(np.rint(mean), 1).astype(np.int64))
    codes[: covered[0]] = codes[covered[-1] + 1 :] = 0
    return codes


def own_pairs(p: Pass, draft: Draft) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pairs of a pass whose gaps are as far back as they can be in the direction of its sequencing."""
    assert p.alignment is not None
    if p.reverse:
        return paired_positions(left_normalise(p.alignment, p.bases, draft.bases))
    turned = left_normalise(turned_round(p.alignment, len(draft.bases)), p.bases[::-1].copy(), draft.bases[::-1].copy())
    in_pass, in_draft = paired_positions(turned)
    return len(p.bases) - 1 - in_pass, len(draft.bases) - 1 - in_draft


def turned_round(alignment: Alignment, length: int) -> Alignment:
    """The alignment of the reverse complements to a draft of a length."""
    stop = alignment.start + int(alignment.lengths @ cigar.ON_DRAFT[alignment.operations])
    return Alignment(length - stop, alignment.operations[::-1].copy(), alignment.lengths[::-1].copy())


def test_the_other_orientation_of_the_read_swaps_the_strands(made: Molecule) -> None:
    draft, passes = made
    found, other = kinetics(draft, passes), kinetics(*turned(draft, passes))
    for one, two in (("fi", "ri"), ("fp", "rp")):
        np.testing.assert_array_equal(found.arrays[one], other.arrays[two])
        np.testing.assert_array_equal(found.arrays[two], other.arrays[one])
    assert (found.counts["fn"], found.counts["rn"]) == (other.counts["rn"], other.counts["fn"])


def turned(draft: Draft, passes: Sequence[Pass]) -> Molecule:
    """The molecule, its other strand taken for the draft."""
    assert all(p.alignment and p.inter_pulse_durations is not None and p.pulse_widths is not None for p in passes)
    other = [
        replace(
            p,
            bases=reverse_complement(p.bases),
            pulse_widths=p.pulse_widths[::-1],
            inter_pulse_durations=p.inter_pulse_durations[::-1],
            alignment=turned_round(p.alignment, len(draft.bases)),
            reverse=not p.reverse,
        )
        for p in passes
    ]
    return replace(draft, bases=reverse_complement(draft.bases)), other


def test_a_clipped_read_has_the_kinetics_of_what_is_left(made: Molecule) -> None:
    draft, passes = made
    whole, (a, b), n = kinetics(draft, passes), (101, 477), len(draft.bases)
    clipped = kinetics(draft, passes, decode_bases(draft.bases[a:b]), range(a, b))
    for tag in FOUR:
        kept = slice(a, b) if tag in {"fi", "fp"} else slice(n - b, n - a)
        np.testing.assert_array_equal(clipped.arrays[tag], whole.arrays[tag][kept])


HOLE = 4915325
OF_STRAND = [
    [0, 30, 1, 2, 4, 6, 9, 12, 13, 17, 18, 19, 21, 22, 24, 27, 28],
    [3, 5, 7, 8, 10, 11, 14, 15, 16, 20, 23, 25, 26, 29],
]
"""Passes of each strand of the molecule, a palindrome, whose alignments do not tell: found by regression of ``fi`` and
``ri`` on their durations."""


@pytest.mark.real
def test_real_values_are_those_of_ccs(shared: Path) -> None:
    files = shared / "data" / "misc"
    (draft,) = [entry.read() for entry in draft_entries([files / "pbmm2_median.ccs.bam"])]
    passes = next(p for name, p in read_subreads([files / "pbmm2_median.subreads.bam"]) if name.hole == HOLE)
    assert isinstance(passes, tuple)
    opposite = replace(draft, bases=reverse_complement(draft.bases))
    forward = [laid(passes[row], draft) for row in OF_STRAND[0]]
    reverse = turned(opposite, [laid(passes[row], opposite) for row in OF_STRAND[1]])[1]
    found = kinetics(draft, [*forward, *reverse])
    assert found.counts == {"fn": draft.tag("fn"), "rn": draft.tag("rn")}
    for tag, least in zip(FOUR, (0.95, 0.98, 0.95, 0.98), strict=True):
        own, ccs = found.arrays[tag], np.asarray(draft.tag(tag))
        apart = np.abs(own.astype(int) - ccs)
        assert np.corrcoef(codes_to_frames(own), codes_to_frames(ccs))[0, 1] >= least
        assert (apart == 0).mean() >= 0.57
        assert (apart <= 1).mean() >= 0.82


def laid(p: Pass, draft: Draft) -> Pass:
    """A pass aligned to a draft as it was sequenced."""
    found = best_overlap(decode_bases(p.bases), decode_bases(draft.bases))
    assert found is not None
    parts = [(cigar.SOFT_CLIP, found.head), *found.operations, (cigar.SOFT_CLIP, found.tail)]
    operations, lengths = np.array([part for part in parts if part[1]]).T
    alignment = Alignment(found.start, operations.astype(np.uint8), lengths.astype(np.int32))
    return replace(p, alignment=left_normalise(alignment, p.bases, draft.bases))
