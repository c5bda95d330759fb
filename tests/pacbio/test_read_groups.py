"""Read groups of HiFi reads are those that ccs writes."""

from pathlib import Path

import pysam
import pytest

from deepconsensus_py.pacbio.headers import Program, drafts_header, header_without_drafts, with_strands
from deepconsensus_py.pacbio.names import parse_ccs
from deepconsensus_py.pacbio.read_groups import (
    ccs_read_group,
    read_group_of_name,
    read_group_of_subreads,
    strand_read_groups,
)

PROGRAM = Program("1", "polish")
KITS = "BINDINGKIT=101-490-800;SEQUENCINGKIT=101-490-900;BASECALLERVERSION=5.0.0;FRAMERATEHZ=100.000000"
SUBREADS = (
    "@RG\tID:4e5b5363\tPM:SEQUELII\tPL:PACBIO\tPU:m64011_190228_190319\tCN:here\tSM:one\tLB:two\t"
    f"DS:READTYPE=SUBREAD;DeletionQV=dq;StartFrame=sf;Ipd:CodecV1=ip;PulseWidth:Frames=pw;{KITS}"
)


def groups(header: pysam.AlignmentHeader) -> list[dict[str, str]]:
    return header.to_dict().get("RG", [])


def test_fields_and_items_of_subreads_are_chosen_and_ordered() -> None:
    assert read_group_of_subreads(SUBREADS) == (
        f"@RG\tID:ab118ebd\tPL:PACBIO\tDS:READTYPE=CCS;{KITS}\tPU:m64011_190228_190319\tLB:two\tSM:one\tPM:SEQUELII"
        "\tCM:S/P3-C1/5.0-8M"
    )


def test_kinetics_are_named_after_the_read_type() -> None:
    wanted = f"DS:READTYPE=CCS;Ipd:CodecV1=ip;PulseWidth:CodecV1=pw;{KITS}\t"
    assert wanted in read_group_of_subreads(SUBREADS, kinetics=True)
    assert wanted in ccs_read_group(SUBREADS, kinetics=True)
    assert "ip" not in ccs_read_group(SUBREADS).split("\tPU:")[0]


def test_groups_of_strands_have_their_own_ids_and_say_which() -> None:
    whole = read_group_of_subreads(SUBREADS.replace("m64011_190228_190319", "m84004_220919_222401_s1"), kinetics=True)
    forward, reverse = strand_read_groups(whole, kinetics=True)
    assert forward == whole.replace("78e84bf7", "81bbf715").replace(KITS, f"{KITS};STRAND=FORWARD")
    assert reverse == whole.replace("78e84bf7", "db81a466").replace(KITS, f"{KITS};STRAND=REVERSE")
    assert strand_read_groups(forward) == []
    barcoded = strand_read_groups(whole.replace("78e84bf7", "78e84bf7/3--5"))
    assert [line.split("\t")[1] for line in barcoded] == ["ID:81bbf715/3--5", "ID:db81a466/3--5"]


def test_a_header_has_the_groups_of_strands_once_after_that_of_both() -> None:
    header = pysam.AlignmentHeader.from_text("@HD\tVN:1.6\n" + read_group_of_subreads(SUBREADS, kinetics=True) + "\n")
    divided = with_strands(header)
    assert [group["DS"].partition("STRAND=")[2] for group in groups(divided)] == ["", "FORWARD", "REVERSE"]
    assert all("Ipd:CodecV1=ip" in group["DS"] for group in groups(divided))
    assert str(with_strands(divided)) == str(divided)


def test_barcodes_stay_in_id_and_description() -> None:
    barcodes = "BarcodeFile=b.fa;BarcodeHash=1f;BarcodeCount=8;BarcodeMode=Symmetric;BarcodeQuality=Score"
    line = SUBREADS.replace("4e5b5363", "4e5b5363/3--5").replace("READTYPE=SUBREAD", f"READTYPE=SUBREAD;{barcodes}")
    found = read_group_of_subreads(f"{line}\tBC:ACGT-TTTT")
    assert "\tID:ab118ebd/3--5\t" in found
    assert f";FRAMERATEHZ=100.000000;{barcodes}\t" in found
    assert "\tPM:SEQUELII\tBC:ACGT-TTTT\tCM:" in found


def test_a_read_group_of_ccs_reads_keeps_its_id_chemistry_strand_and_control() -> None:
    found = ccs_read_group("@RG\tID:x/1--1\tCM:mine\tDS:STRAND=REVERSE;CONTROL=TRUE;READTYPE=CCS;SomeQV=sq\tPU:m")
    assert found == "@RG\tID:x/1--1\tPL:PACBIO\tDS:READTYPE=CCS;CONTROL=TRUE;STRAND=REVERSE\tPU:m\tCM:mine"


@pytest.mark.parametrize(
    ("binding", "sequencing", "basecaller", "chemistry"),
    [
        ("101-365-900", "101-309-400", "5.0.0", "S/P2-C2/5.0"),
        ("101-500-400", "101-427-800", "5.0.0.6236", "S/P3-C3/5.0"),
        ("101-500-400", "101-427-800", "5.1.0", ""),
        ("101-365-900", "101-309-500", "5.0.0", ""),
    ],
)
def test_only_known_kits_have_a_chemistry(binding: str, sequencing: str, basecaller: str, chemistry: str) -> None:
    items = f"BINDINGKIT={binding};SEQUENCINGKIT={sequencing};BASECALLERVERSION={basecaller}"
    line = ccs_read_group(f"@RG\tID:a\tDS:READTYPE=CCS;{items}\tPU:m")
    assert line.endswith(f"\tCM:{chemistry}" if chemistry else "\tPU:m")


def test_names_alone_take_over_what_the_subreads_of_the_movie_agree_on() -> None:
    other = SUBREADS.replace("SM:one", "SM:other").replace("ID:4e5b5363", "ID:4e5b5363/1--1") + "\tBC:A-T"
    foreign = SUBREADS.replace("m64011_190228_190319", "m1").replace("LB:two", "LB:three")
    molecule = parse_ccs("m64011_190228_190319/8/ccs/fwd")
    assert read_group_of_name(molecule, subreads=[SUBREADS, foreign, other]) == (
        f"@RG\tID:da33c2a8\tPL:PACBIO\tDS:READTYPE=CCS;{KITS};STRAND=FORWARD\tPU:m64011_190228_190319\tLB:two"
        "\tPM:SEQUELII\tCM:S/P3-C1/5.0-8M"
    )
    assert read_group_of_name(parse_ccs("m2/8/ccs")) == "@RG\tID:87fadde7\tPL:PACBIO\tDS:READTYPE=CCS\tPU:m2"


def test_fastq_drafts_have_the_read_group_that_drafts_of_their_own_have(make) -> None:
    subreads = make.subreads([1])
    with pysam.AlignmentFile(str(subreads), check_sq=False) as file:
        text = str(file.header).replace("READTYPE=SUBREAD", f"READTYPE=SUBREAD;{KITS}")
        records = [record.to_dict() for record in file]
    path = make.folder / "kits.bam"
    header = pysam.AlignmentHeader.from_text(text)
    with pysam.AlignmentFile(str(path), "wb", header=header) as file:
        for record in records:
            file.write(pysam.AlignedSegment.from_dict(record, header))
    own = groups(header_without_drafts([path], PROGRAM))
    assert own == groups(drafts_header(make.drafts([1], "ccs.fastq"), [path]))
    assert own[0]["CM"] == "S/P3-C1/5.0-8M"


@pytest.mark.real
def test_real_read_groups_are_those_of_ccs(shared: Path) -> None:
    data = shared / "data"
    pairs = {
        "actc_sequel2/tiny.clr.bam": "actc_sequel2/tiny.ccs.bam",
        "human_1m/subreads.bam": "human_1m/ccs.bam",
        "misc/pbmm2_median.subreads.bam": "misc/pbmm2_median.ccs.bam",
    }
    for subreads, ccs in pairs.items():
        kinetics = "misc" in ccs
        own = header_without_drafts([data / subreads], PROGRAM, kinetics=kinetics)
        with pysam.AlignmentFile(str(data / ccs), check_sq=False) as file:
            wanted = groups(file.header)
        assert groups(own) == wanted
        assert groups(drafts_header(data / ccs, kinetics=kinetics)) == wanted
        assert str(own).startswith("@HD\tVN:1.6\tSO:unknown\tpb:5.0.0\n")
        assert "PN:ccs" not in str(own)
        assert own.to_dict()["PG"][-1]["PP"] == "bazwriter"


@pytest.mark.real
def test_real_strands_and_old_subreads(shared: Path) -> None:
    data = shared / "data"
    with pysam.AlignmentFile(str(data / "actc_sequel2" / "by_strand.bam"), check_sq=False) as file:
        assert groups(drafts_header(data / "actc_sequel2" / "by_strand.bam")) == groups(file.header)
    (old,) = groups(header_without_drafts([data / "lambda_sequel" / "m54075_160703_015941.subreads.bam"], PROGRAM))
    assert "=sf" not in old["DS"]
    assert old["DS"].startswith("READTYPE=CCS;BINDINGKIT=")
