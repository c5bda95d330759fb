"""Records come back as they were; kinetics follow the bases."""

from array import array
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np
import pysam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.bam_record import Record
from deepconsensus_py.pacbio.codec import frames_to_codes
from deepconsensus_py.pacbio.molecule import Alignment, Pass, decode_bases, encode_bases, reverse_complement
from deepconsensus_py.pacbio.record_file import RecordFile
from deepconsensus_py.pacbio.records import (
    copied_record,
    pass_record,
    read_draft,
    read_pass,
    read_tags,
    unaligned_record,
)

HEADER = pysam.AlignmentHeader.from_text("@HD\tVN:1.6\n@SQ\tSN:m/1/ccs\tLN:1000\n")
DRAFT = "m/1/ccs"


def records(path: Path) -> list[pysam.AlignedSegment]:
    pysam.set_verbosity(0)
    with pysam.AlignmentFile(str(path), check_sq=False) as file:
        return list(file.fetch(until_eof=True))


def in_file(record: pysam.AlignedSegment) -> Record:
    """A record as it is read again from a BAM file."""
    with NamedTemporaryFile(suffix=".bam") as file:
        with pysam.AlignmentFile(file.name, "wb", header=HEADER) as writer:
            writer.write(record)
        with RecordFile(Path(file.name)) as reader:
            return next(iter(reader))


def read_again(path: Path) -> list[tuple[pysam.AlignedSegment, Record]]:
    """Each record as pysam reads it, and as we do."""
    with RecordFile(path) as file:
        return list(zip(records(path), file, strict=True))


def same_fields(one: pysam.AlignedSegment, other: pysam.AlignedSegment) -> bool:
    first, second = (record.to_string().split("\t") for record in (one, other))
    return first[:11] == second[:11] and sorted(first[11:]) == sorted(second[11:])


@st.composite
def passes(draw: st.DrawFn) -> Pass:
    bases = encode_bases(draw(st.text("ACGTN", min_size=1, max_size=30)))
    n = len(bases)
    codes = st.one_of(st.none(), st.binary(min_size=n, max_size=n).map(lambda b: np.frombuffer(b, np.uint8)))
    aligned = draw(st.booleans())
    alignment = Alignment(
        draw(st.integers(0, 900)), np.array([4, 7], np.uint8), np.array([n // 2, n - n // 2], np.int32)
    )
    return Pass(
        name="m/1/0_30",
        bases=bases,
        pulse_widths=draw(codes),
        inter_pulse_durations=draw(codes),
        snr=draw(st.one_of(st.none(), st.just(np.array([1, 2, 3, 4.5], np.float32)))),
        alignment=alignment if aligned else None,
        reverse=aligned and draw(st.booleans()),
        tags=(("cx", 3, "C"), ("zm", 1, "i")),
    )


def same_array(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    return one is other if one is None or other is None else np.array_equal(one, other)


@given(passes())
def test_a_pass_comes_back_from_its_record(subread: Pass) -> None:
    back = read_pass(in_file(pass_record(subread, HEADER, 0)))
    for field in ("bases", "pulse_widths", "inter_pulse_durations", "snr"):
        assert same_array(getattr(back, field), getattr(subread, field)), field
    assert (back.name, back.reverse, back.tags) == (subread.name, subread.reverse, subread.tags)
    assert (back.alignment is None) == (subread.alignment is None)
    if back.alignment and subread.alignment:
        assert back.alignment.start == subread.alignment.start
        assert same_array(back.alignment.operations, subread.alignment.operations)
        assert same_array(back.alignment.lengths, subread.alignment.lengths)


def test_kinetics_stay_in_sequencing_order_in_the_file() -> None:
    codes = np.array([1, 2, 3], np.uint8)
    alignment = Alignment(0, np.array([7], np.uint8), np.array([3], np.int32))
    backward = Pass("m/1/0_3", encode_bases("AAC"), codes, codes, None, alignment, reverse=True)
    assert list(pass_record(backward, HEADER, 0).get_tag("pw")) == [3, 2, 1]
    forward = Pass("m/1/0_3", encode_bases("AAC"), codes, codes, None, alignment, reverse=False)
    assert list(pass_record(forward, HEADER, 0).get_tag("pw")) == [1, 2, 3]


def record_with(*tags: tuple[str, array]) -> Record:
    record = unaligned_record("m/1/0_3", encode_bases("ACG"), None, (), HEADER)
    record.set_tags([(tag, values, None) for tag, values in tags])
    return in_file(record)


def test_raw_frames_become_codes() -> None:
    subread = read_pass(record_with(("pw", array("H", [5, 70, 2000])), ("ip", array("B", [5, 70, 200]))))
    assert subread.pulse_widths is not None
    assert subread.inter_pulse_durations is not None
    assert subread.pulse_widths.tolist() == [5, 67, 255]
    assert subread.inter_pulse_durations.tolist() == [5, 70, 200]


def test_missing_and_empty_kinetics_are_none() -> None:
    subread = read_pass(record_with(("pw", array("B"))))
    assert (subread.pulse_widths, subread.inter_pulse_durations, subread.snr) == (None, None, None)


@pytest.mark.parametrize("bad", [("pw", array("B", [1, 2])), ("sn", array("f", [1, 2, 3]))])
def test_a_tag_that_does_not_fit_is_the_molecules_fault(bad: tuple[str, array]) -> None:
    with pytest.raises(MoleculeError, match=f"record m/1/0_3: tag '{bad[0]}'"):
        read_pass(record_with(bad))


def test_tags_of_every_type_come_back(tag_of_every_type: tuple[tuple[str, object, str], ...]) -> None:
    back = read_tags(in_file(unaligned_record("m/1/ccs", encode_bases("ACGT"), None, tag_of_every_type, HEADER)))
    assert back == tag_of_every_type
    types = [value.typecode for _, value, code in back if code == "B"]
    assert types == [value.typecode for _, value, code in tag_of_every_type if code == "B"]


@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2", "u4", "i4", "f4"])
def test_numpy_arrays_are_written_with_their_type(kind: str) -> None:
    values = np.array([1, 2, 3], kind)
    record = unaligned_record("r", encode_bases("ACG"), None, [("xx", values, "B")], HEADER)
    ((_, back, _),) = read_tags(in_file(record))
    assert np.asarray(back).dtype == values.dtype
    assert back.tolist() == values.tolist()


def test_an_aligned_draft_is_turned_back_to_the_direction_of_its_tags() -> None:
    record = unaligned_record("m/1/ccs", encode_bases("AACG"), np.array([1, 2, 3, 4], np.uint8), (), HEADER)
    record.flag = 16
    draft = read_draft(in_file(record))
    assert decode_bases(draft.bases) == "CGTT"
    assert draft.qualities is not None
    assert draft.qualities.tolist() == [4, 3, 2, 1]


@pytest.mark.real
def test_real_alignments_are_written_as_they_were(human_1m: Path) -> None:
    for segment, record in read_again(human_1m / "subreads_to_ccs.bam"):
        assert same_fields(segment, pass_record(read_pass(record), segment.header, segment.reference_id))


@pytest.mark.real
def test_real_aligned_passes_are_the_raw_ones_turned(human_1m: Path) -> None:
    raw = {record.name: read_pass(record) for _, record in read_again(human_1m / "subreads.bam")}
    aligned = [read_pass(record) for _, record in read_again(human_1m / "subreads_to_ccs.bam")]
    assert len(aligned) == len(raw) == 93
    assert 0 < sum(subread.reverse for subread in aligned) < 93
    for subread in aligned:
        source = raw[subread.name]
        assert source.pulse_widths is not None
        assert source.inter_pulse_durations is not None
        turn = slice(None, None, -1) if subread.reverse else slice(None)
        bases = reverse_complement(source.bases) if subread.reverse else source.bases
        np.testing.assert_array_equal(subread.bases, bases)
        np.testing.assert_array_equal(subread.pulse_widths, source.pulse_widths[turn])
        np.testing.assert_array_equal(subread.inter_pulse_durations, source.inter_pulse_durations[turn])


@pytest.mark.real
def test_real_raw_frames(shared: Path) -> None:
    for segment, record in read_again(shared / "data" / "lambda_sequel" / "m54075_160703_015941.subreads.bam"):
        frames = segment.get_tag("pw")
        assert frames.typecode == "H"
        np.testing.assert_array_equal(read_pass(record).pulse_widths, frames_to_codes(np.asarray(frames)))


@pytest.mark.real
def test_real_reads_without_pulse_widths(shared: Path) -> None:
    name = "m150404_101626_42267_c100807920800000001823174110291514_s1_p0.1.subreads.bam"
    some = [read_pass(record) for _, record in read_again(shared / "data" / "lambda_rs2" / name)]
    assert all(subread.pulse_widths is None and subread.inter_pulse_durations is not None for subread in some)


@pytest.mark.real
@pytest.mark.parametrize(
    "name",
    [
        "actc_sequel2/by_strand.bam",
        "actc_sequel2/hifi.bam",
        "human_1m/ccs.bam",
        "human_bases_only/ccs.bam",
        "misc/pbmm2_median.ccs.bam",
        "polished_reads/m64062_190806_063919-chr20.dc.small.bam",
    ],
)
def test_real_drafts_are_written_as_they_were(shared: Path, name: str) -> None:
    for segment, record in read_again(shared / "data" / name):
        draft = read_draft(record)
        again = unaligned_record(draft.name, draft.bases, draft.qualities, draft.tags, segment.header)
        again.mapping_quality = record.mapping_quality
        assert again.to_string() == segment.to_string()
        assert read_tags(in_file(again)) == draft.tags
        assert copied_record(record, segment.header).to_string() == segment.to_string()
