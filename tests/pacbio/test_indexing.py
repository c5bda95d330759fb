"""The index of a BAM file is that of PacBio's own program, and every offset leads to its record."""

import gzip
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pysam
import pytest

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio import indexing
from deepconsensus_py.pacbio.indexing import index_bam
from deepconsensus_py.pacbio.names import MoleculeId, read_group_id
from deepconsensus_py.pacbio.pbi import pbi_path, read_pbi

INDEXED = sorted((Path(__file__).parent / "pbindex").glob("*.bam"))


@pytest.fixture
def link(tmp_path: Path) -> Callable[[Path], Path]:
    """Links a BAM file into the test's own folder, so that its index goes there."""

    def make(bam: Path) -> Path:
        (tmp_path / bam.name).symlink_to(bam)
        return tmp_path / bam.name

    return make


def content(bam: Path) -> bytes:
    return gzip.decompress(pbi_path(bam).read_bytes())


@pytest.mark.parametrize("records", [2, 1000])
@pytest.mark.parametrize("bam", INDEXED, ids=lambda path: path.stem)
def test_it_is_the_index_that_pbindex_makes(link, monkeypatch: pytest.MonkeyPatch, bam: Path, records: int) -> None:
    monkeypatch.setattr(indexing, "_RECORDS", records)
    ours = link(bam)
    assert index_bam(ours) == len(read_pbi(pbi_path(bam)).basic)
    assert content(ours) == content(bam)


@pytest.mark.real
def test_so_it_is_of_real_reads(shared: Path, tmp_path: Path) -> None:
    """Only where pbindex is at hand; files that it refuses are no PacBio BAM files."""
    pbindex = shutil.which("pbindex")
    if pbindex is None:
        pytest.skip("pbindex is not installed (Debian package pbbamtools)")
    compared = 0
    for bam in sorted((shared / "data").rglob("*.bam")):
        theirs, ours = (tmp_path / side / bam.parent.name / bam.name for side in ("theirs", "ours"))
        for path in (theirs, ours):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(bam)
        if "truth" in bam.name or subprocess.run([pbindex, theirs], capture_output=True, check=False).returncode:
            continue
        index_bam(ours)
        assert content(ours) == content(theirs), bam
        compared += 1
    assert compared > 20


@pytest.mark.parametrize("name", ["subreads.bam", "ccs.bam"])
def test_every_offset_leads_to_its_record(link, testdata: Path, name: str) -> None:
    bam = link(testdata / name)
    index_bam(bam)
    assert_offsets_lead_to_their_records(bam)


@pytest.mark.real
@pytest.mark.parametrize("name", ["subreads.bam", "subreads_to_ccs.bam", "ccs.bam"])
def test_every_offset_leads_to_its_record_in_real_reads(link, human_1m: Path, name: str) -> None:
    bam = link(human_1m / name)
    index_bam(bam)
    assert_offsets_lead_to_their_records(bam)


def assert_offsets_lead_to_their_records(bam: Path) -> None:
    basic = read_pbi(pbi_path(bam)).basic
    with pysam.AlignmentFile(str(bam), check_sq=False) as file:
        in_order = [record.to_string() for record in file.fetch(until_eof=True)]
        assert len(in_order) == len(basic)
        for row in reversed(range(len(basic))):
            file.seek(int(basic["fileOffset"][row]))
            record = next(file.fetch(until_eof=True))
            assert record.to_string() == in_order[row]
            assert record.get_tag("zm") == basic["holeNumber"][row]


def test_what_tags_do_not_say_is_in_the_name(make) -> None:
    subread = make.subread(77, 1) | {"tags": []}
    ccs = make.subread(78, 0) | {"tags": ["RG:Z:default"], "name": f"{make.movie}/78/ccs"}
    bam = make.records([subread, ccs])
    index_bam(bam)
    basic = read_pbi(pbi_path(bam)).basic
    assert basic["holeNumber"].tolist() == [77, 78]
    assert list(zip(basic["qStart"], basic["qEnd"], strict=True)) == [(100, 160), (0, 60)]
    ids = [read_group_id(MoleculeId(make.movie, 0), kind) for kind in ("SUBREAD", "CCS")]
    assert [f"{number & 0xFFFFFFFF:08x}" for number in basic["rgId"].tolist()] == ids


def test_a_file_without_records(make) -> None:
    bam = make.subreads([])
    assert index_bam(bam) == 0
    assert len(read_pbi(pbi_path(bam)).basic) == 0


def test_a_file_that_claims_to_be_sorted_and_is_not_has_no_rows_of_references(make) -> None:
    bam = make.aligned(["1/ccs", "2/ccs"])
    head = pysam.AlignmentFile(str(bam)).header.to_dict()
    with pysam.AlignmentFile(str(bam)) as file:
        records = list(file.fetch(until_eof=True))
    head["HD"]["SO"] = "coordinate"
    for order, found in ((records, True), (records[::-1], False)):
        with pysam.AlignmentFile(str(bam), "wb", header=pysam.AlignmentHeader.from_dict(head)) as file:
            for record in order:
                if not record.is_unmapped:
                    file.write(record)
        index_bam(bam)
        assert (read_pbi(pbi_path(bam)).references is not None) == found


@pytest.mark.parametrize("name", ["subreads.sam", "subreads.cram"])
def test_only_bam_files_have_an_index(make, name: str) -> None:
    path = make.subreads([1], name)
    with pytest.raises(InputError, match=rf"^{path}: only BAM files can be indexed; convert it to BAM"):
        index_bam(path)


def test_reads_of_others_are_refused(make) -> None:
    bam = make.records([make.subread(1, 0) | {"name": "read1", "tags": []}])
    with pytest.raises(InputError, match=rf"^{bam}: read name read1 is not a PacBio name"):
        index_bam(bam)
    assert not pbi_path(bam).exists()


def test_alignments_that_hide_mismatches_are_refused(make) -> None:
    bam = make.aligned(["1/ccs"])
    with pysam.AlignmentFile(str(bam)) as file:
        head, record = file.header, next(file)
    record.cigarstring = "60M"
    with pysam.AlignmentFile(str(bam), "wb", header=head) as file:
        file.write(record)
    with pytest.raises(InputError, match=rf"^{bam}: record .*: CIGAR has M operations"):
        index_bam(bam)


def test_a_truncated_file_gets_no_index(testdata: Path, tmp_path: Path) -> None:
    bam = tmp_path / "cut.bam"
    bam.write_bytes((testdata / "subreads.bam").read_bytes()[:-20_000])
    with pytest.raises(InputError, match=rf"^{bam}: is truncated or damaged"):
        index_bam(bam)
    assert [path.name for path in tmp_path.iterdir()] == ["cut.bam"]
