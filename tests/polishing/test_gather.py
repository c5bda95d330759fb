"""Gathered parts are one run: every record, row and count, in order."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pysam
import pytest

from deepconsensus_py.errors import DeepConsensusError, InputError, OutputError
from deepconsensus_py.pacbio.headers import Program
from deepconsensus_py.polishing.gather import gather
from deepconsensus_py.polishing.run import PolishRun, polish_files
from deepconsensus_py.polishing.sources import Reads
from deepconsensus_py.reports.run_reports import CCS_JSON, CCS_TEXT, METRICS
from deepconsensus_py.reports.side_files import MOLECULES, REPORT

SIDES = (REPORT, MOLECULES, METRICS)
"""Suffixes of the files that are read beside each part."""

PROGRAM = Program("1.2.3", "deepconsensus-py gather …")


def polished(testdata: Path, output: Path, chunk: tuple[int, int] | None = None) -> Path:
    reads = Reads((testdata / "subreads.bam",), testdata / "ccs.bam", chunk)
    polish_files(PolishRun(reads=reads, shards=(), output=output))
    return output


@pytest.fixture(scope="module")
def whole(testdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return polished(testdata, tmp_path_factory.mktemp("whole") / "whole.bam")


@pytest.fixture(scope="module")
def parts(testdata: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("parts")
    return [polished(testdata, folder / f"{number}.bam", (number, 3)) for number in (1, 2, 3)]


def records(path: Path) -> list[str]:
    with pysam.AlignmentFile(str(path), check_sq=False) as reads:
        return [read.to_string() for read in reads]


def beside(path: Path, suffix: str) -> bytes:
    return path.with_suffix(suffix).read_bytes()


@pytest.fixture(scope="module")
def gathered(parts: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("gathered") / "all.bam"
    report = gather(parts, output, PROGRAM)
    assert report == json.loads(beside(output, ".report.json"))
    return output


def test_records_rows_and_counts_are_those_of_one_run(whole: Path, gathered: Path) -> None:
    assert records(gathered) == records(whole)
    assert beside(gathered, ".zmws.tsv.gz") == beside(whole, ".zmws.tsv.gz")
    report = json.loads(beside(gathered, ".report.json"))
    assert report["counts"] == json.loads(beside(whole, ".report.json"))["counts"]
    assert report["parts"] == 3


@pytest.mark.parametrize("suffix", [CCS_JSON, CCS_TEXT, METRICS])
def test_reports_are_those_of_one_run(whole: Path, gathered: Path, suffix: str) -> None:
    assert beside(gathered, suffix) == beside(whole, suffix)


def test_the_header_has_each_read_group_once_and_our_program_last(parts: list[Path], tmp_path: Path) -> None:
    gather(parts, tmp_path / "all.bam", PROGRAM)
    with pysam.AlignmentFile(str(tmp_path / "all.bam"), check_sq=False) as reads:
        header = reads.header.to_dict()
    with pysam.AlignmentFile(str(parts[0]), check_sq=False) as reads:
        part = reads.header.to_dict()
    assert header["RG"] == part["RG"]
    assert header["PG"][:-1] == part["PG"]
    assert header["PG"][-1]["PP"] == part["PG"][-1]["ID"]
    assert header["PG"][-1]["VN"] == "1.2.3"


def test_parts_of_different_models_are_refused(parts: list[Path], tmp_path: Path) -> None:
    report = json.loads(beside(parts[0], ".report.json"))
    other = tmp_path / "other.bam"
    other.write_bytes(parts[0].read_bytes())
    report["model"]["name"] = "wide"
    other.with_suffix(".report.json").write_text(json.dumps(report))
    with pytest.raises(InputError, match=r"other\.bam: was polished with model wide, .*1\.bam with edits"):
        gather([parts[0], other], tmp_path / "all.bam", PROGRAM)


def test_parts_that_have_a_molecule_in_common_are_refused(parts: list[Path], whole: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"{parts[0]}: has \S+/ccs, which {whole} has too; give parts of different"):
        gather([whole, *parts], tmp_path / "all.bam", PROGRAM)
    assert not list(tmp_path.glob("all*"))


def test_read_groups_of_all_parts_are_kept(parts: list[Path], tmp_path: Path) -> None:
    other = tmp_path / "other.bam"
    for suffix in SIDES:
        other.with_suffix(suffix).write_bytes(beside(parts[1], suffix))
    with pysam.AlignmentFile(str(parts[1]), check_sq=False) as part:
        header = part.header.to_dict()
        header["RG"][0]["ID"] = "0badcafe"
        with pysam.AlignmentFile(str(other), "wb", header=header) as changed:
            for record in part.fetch(until_eof=True):
                record.set_tag("RG", "0badcafe")
                changed.write(record)
    gather([parts[0], other], tmp_path / "all.bam", PROGRAM)
    with pysam.AlignmentFile(str(tmp_path / "all.bam"), check_sq=False) as reads:
        groups = {group["ID"] for group in reads.header.to_dict()["RG"]}
        assert {record.get_tag("RG") for record in reads.fetch(until_eof=True)} <= groups
        assert "0badcafe" in groups


@pytest.mark.parametrize("lost", [".bam", *SIDES])
def test_a_lost_file_is_named_and_nothing_is_left(parts: list[Path], tmp_path: Path, lost: str) -> None:
    for suffix in {".bam", *SIDES} - {lost}:
        (tmp_path / f"part{suffix}").write_bytes(beside(parts[1], suffix))
    with pytest.raises(InputError, match=rf"part\{lost}: no such file"):
        gather([parts[0], tmp_path / "part.bam"], tmp_path / "all.bam", PROGRAM)
    assert not list(tmp_path.glob("all*"))


def test_a_truncated_part_is_refused(parts: list[Path], tmp_path: Path) -> None:
    for suffix in (".bam", *SIDES):
        (tmp_path / f"part{suffix}").write_bytes(beside(parts[1], suffix))
    (tmp_path / "part.bam").write_bytes(parts[1].read_bytes()[:-500])
    with pytest.raises(DeepConsensusError, match=r"part\.bam"):
        gather([parts[0], tmp_path / "part.bam"], tmp_path / "all.bam", PROGRAM)
    assert not list(tmp_path.glob("all*"))


def test_an_unwritable_place_is_named(parts: list[Path], tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="nowhere"):
        gather(parts, tmp_path / "nowhere" / "all.bam", PROGRAM)


def test_only_bam_is_written(parts: list[Path], tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"all\.fastq: merged reads are written as BAM"):
        gather(parts, tmp_path / "all.fastq", PROGRAM)


def test_another_json_file_is_refused(parts: list[Path], tmp_path: Path) -> None:
    (tmp_path / "part.bam").write_bytes(parts[0].read_bytes())
    (tmp_path / "part.report.json").write_text("{}")
    with pytest.raises(InputError, match=r"part\.report\.json: is not the report of a polish run"):
        gather([tmp_path / "part.bam"], tmp_path / "all.bam", PROGRAM)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("false", "x"),
        lambda text: text[:-3],
        lambda text: text.replace('{"zmws": [\n', '{"zmws": ['),
        lambda text: "\n".join(text.split("\n")[:1] + text.split("\n")[2:]),
    ],
    ids=["no JSON", "no end", "written by another program", "a ZMW less"],
)
def test_damaged_metrics_are_refused(parts: list[Path], tmp_path: Path, damage: Callable[[str], str]) -> None:
    for suffix in (".bam", *SIDES):
        (tmp_path / f"part{suffix}").write_bytes(beside(parts[1], suffix))
    metrics = tmp_path / f"part{METRICS}"
    metrics.write_bytes(gzip.compress(damage(gzip.decompress(metrics.read_bytes()).decode()).encode()))
    with pytest.raises(InputError, match=r"part\.zmw_metrics\.json\.gz: is damaged \(.*polish this part again"):
        gather([parts[0], tmp_path / "part.bam"], tmp_path / "all.bam", PROGRAM)
    assert not list(tmp_path.glob("*all*"))


def test_a_part_of_an_earlier_version_is_refused(parts: list[Path], tmp_path: Path) -> None:
    for suffix in (".bam", MOLECULES):
        (tmp_path / f"part{suffix}").write_bytes(beside(parts[0], suffix))
    report = json.loads(beside(parts[0], REPORT))
    del report["cpu_seconds"]
    (tmp_path / f"part{REPORT}").write_text(json.dumps(report | {"version": "0.1.0"}))
    with pytest.raises(InputError, match=r"part\.report\.json: was written by version 0\.1\.0, without metrics"):
        gather([tmp_path / "part.bam", parts[1]], tmp_path / "all.bam", PROGRAM)
