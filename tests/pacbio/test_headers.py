"""Headers keep what was known and say who made the file."""

from pathlib import Path

import pysam
import pytest

from deepconsensus_py.pacbio.headers import Program, aligned_header, polished_header
from deepconsensus_py.pacbio.names import identity_tags, parse_ccs, read_group_id

PROGRAM = Program("1.2.3", "polish a.bam\t-o  out.bam\n", "model vote")


def lines(header: pysam.AlignmentHeader, sort: str) -> list[str]:
    return [line for line in str(header).splitlines() if line.startswith(sort)]


def chain(header: pysam.AlignmentHeader) -> list[str]:
    """Program ids from the last one back to the first."""
    programs = {line["ID"]: line for line in header.to_dict()["PG"]}
    current: str | None = list(programs)[-1]
    ids = []
    while current is not None:
        ids.append(current)
        current = programs[current].get("PP")
    return ids


@pytest.mark.parametrize(
    ("name", "digits"),
    [
        ("m54238_180901_011437/1/ccs", "231b5401"),
        ("m84004_220919_222401_s1/1/ccs", "78e84bf7"),
        ("m84004_220919_222401_s1/1/ccs/fwd", "81bbf715"),
        ("m84004_220919_222401_s1/1/ccs/rev", "db81a466"),
    ],
)
def test_read_group_ids_are_those_of_ccs(name: str, digits: str) -> None:
    molecule = parse_ccs(name)
    assert molecule is not None
    assert read_group_id(molecule) == digits
    assert identity_tags(name) == (("RG", digits, "Z"), ("zm", 1, "i"))
    assert identity_tags("read1") == ()


def test_drafts_header_is_kept_and_the_program_joins_the_chain(make) -> None:
    header = polished_header(make.drafts([1]), PROGRAM)
    (own,) = [line for line in lines(header, "@PG") if "deepconsensus" in line]
    assert (
        own
        == "@PG\tID:deepconsensus-py\tPN:deepconsensus-py\tPP:ccs\tVN:1.2.3\tDS:model vote\tCL:polish a.bam -o out.bam"
    )
    assert lines(header, "@RG") == ["@RG\tID:aaaa0000\tPL:PACBIO\tDS:READTYPE=CCS\tPU:m64011_190228_190319"]


def test_running_twice_gives_two_programs(make, tmp_path: Path) -> None:
    again = tmp_path / "again.bam"
    with pysam.AlignmentFile(str(again), "wb", header=polished_header(make.drafts([1]), PROGRAM)):
        pass
    assert chain(polished_header(again, PROGRAM)) == ["deepconsensus-py.1", "deepconsensus-py", "ccs"]


def test_fastq_drafts_get_the_read_groups_of_their_names(make) -> None:
    header = polished_header(make.drafts([1, 2, "3/ccs/fwd"], "ccs.fastq"), PROGRAM)
    ids = [line["ID"] for line in header.to_dict()["RG"]]
    assert ids == [read_group_id(parse_ccs(f"{make.movie}/{name}")) for name in ("1/ccs", "3/ccs/fwd")]
    assert "DS:READTYPE=CCS;STRAND=FORWARD" in str(header)
    assert chain(header) == ["deepconsensus-py"]


def test_no_claims_of_order_or_references_remain(tmp_path: Path) -> None:
    path = tmp_path / "ccs.bam"
    text = "@HD\tVN:1.6\tSO:coordinate\tpb:5.0.0\n@SQ\tSN:chr1\tLN:9\n@CO\tsome words\n"
    with pysam.AlignmentFile(str(path), "wb", header=pysam.AlignmentHeader.from_text(text)):
        pass
    header = polished_header(path, PROGRAM)
    assert lines(header, "@HD") == ["@HD\tVN:1.6\tSO:unknown\tpb:5.0.0"]
    assert header.nreferences == 0
    assert lines(header, "@CO") == ["@CO\tsome words"]


def test_the_aligned_header_has_one_reference_for_each_draft_in_order(make) -> None:
    subreads = [make.subreads([1], "one.bam"), make.subreads([2], "two.bam")]
    references = {"m/7/ccs": 60, "m/2/ccs": 59, "m/3/ccs/rev": 61}
    header = aligned_header(subreads, references, PROGRAM)
    assert dict(zip(header.references, header.lengths, strict=True)) == references
    assert header.references == tuple(references)
    assert len(lines(header, "@RG")) == 1
    assert "READTYPE=SUBREAD" in lines(header, "@RG")[0]
    assert chain(header) == ["deepconsensus-py", "ccs"]
    assert str(header).startswith("@HD")


def bam(path: Path, text: str) -> Path:
    with pysam.AlignmentFile(str(path), "wb", header=pysam.AlignmentHeader.from_text(text)):
        return path


def test_the_chain_goes_on_from_its_end_wherever_that_line_stands(tmp_path: Path) -> None:
    path = bam(tmp_path / "x.bam", "@HD\tVN:1.6\n@PG\tID:last\tPP:middle\n@PG\tID:first\n@PG\tID:middle\tPP:first\n")
    assert chain(polished_header(path, PROGRAM)) == ["deepconsensus-py", "last", "middle", "first"]


def test_an_id_that_two_files_use_is_taken_once(make, tmp_path: Path) -> None:
    text = "@HD\tVN:1.6\n@RG\tID:a\tPU:{0}\n@PG\tID:ccs\tCL:{0}\n@CO\t{0}\n"
    paths = [bam(tmp_path / f"{n}.bam", text.format(n)) for n in ("one", "two")]
    header = aligned_header(paths, {}, PROGRAM)
    assert lines(header, "@RG") == ["@RG\tID:a\tPU:one"]
    assert chain(header) == ["deepconsensus-py", "ccs"]
    assert lines(header, "@CO") == ["@CO\tone", "@CO\ttwo"]


@pytest.mark.real
def test_real_raw_frames_are_announced_as_the_codes_they_become(shared: Path) -> None:
    path = shared / "data" / "lambda_sequel" / "m54075_160703_015941.subreads.bam"
    header = str(aligned_header([path], {}, PROGRAM))
    assert "Ipd:CodecV1=ip;PulseWidth:CodecV1=pw" in header
    assert "Frames=ip" not in header


@pytest.mark.real
def test_real_header_that_was_joined_from_two(shared: Path) -> None:
    header = polished_header(shared / "data" / "human_1m" / "truth_to_ccs.bam", PROGRAM)
    assert len(lines(header, "@HD")) == 1
    ids = [line["ID"] for line in header.to_dict()["PG"]]
    assert len(ids) == len(set(ids))
    assert chain(header)[0] == "deepconsensus-py"
    assert chain(header)[-1] == "pbmm2"


@pytest.mark.real
def test_real_program_chain(human_1m: Path) -> None:
    assert chain(polished_header(human_1m / "ccs.bam", PROGRAM)) == [
        "deepconsensus-py", "samtools.1", "samtools", "ccs-6.0.0",
    ]  # fmt: skip
