"""No output, and no side file of one, replaces what another command or run has written under another name."""

import gzip
import json
import shutil
from pathlib import Path

import pytest
from support import Commands, edited

FAST = ("--model", "vote", "--min-quality", 0, "--threads", 1)


@pytest.fixture
def inputs(testdata: Path, tmp_path: Path) -> list[object]:
    """One molecule."""
    drafts = edited(testdata / "ccs.bam", tmp_path / "in.bam", lambda found: found[:1])
    return ["polish", testdata / "subreads.bam", "--ccs", drafts, *FAST]


@pytest.mark.parametrize("second", ["out.fastq", "out.fastq.gz", "out.sam"])
def test_another_output_of_the_same_stem_is_refused(run: Commands, inputs, tmp_path: Path, second: str) -> None:
    first, report = tmp_path / "out.bam", tmp_path / "out.report.json"
    assert run(*inputs, "-o", first).status == 0
    before = report.read_bytes()
    result = run(*inputs, "-o", tmp_path / second)
    assert result.status == 1
    assert f"{report}: is the report of out.bam and would be overwritten by that of {second}" in result.err
    assert report.read_bytes() == before
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(second)]
    # The same output again, and another one where the first is gone, are sound.
    assert run(*inputs, "-o", first).status == 0
    first.unlink()
    assert run(*inputs, "-o", tmp_path / second).status == 0
    assert json.loads(report.read_text())["output"] == str(tmp_path / second)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("out.ccs_report.json", b'{"_comment": "Created by pbcopper v1.9.3", "attributes": []}'),
        ("out.zmw_metrics.json.gz", gzip.compress(b'{\n  "zmws": []\n}', mtime=0)),
    ],
)
def test_what_ccs_wrote_is_not_replaced(run: Commands, inputs, tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    result = run(*inputs, "-o", tmp_path / "out.bam")
    assert result.status == 1
    assert f"{tmp_path / name}: was written by another program" in result.err
    assert (tmp_path / name).read_bytes() == content
    assert not (tmp_path / "out.bam").exists()


@pytest.mark.parametrize("name", ["out.ccs_report.json", "out.zmw_metrics.json.gz"])
def test_what_is_damaged_is_replaced(run: Commands, inputs, tmp_path: Path, name: str) -> None:
    for content in (b"", b"nonsense", b"[1]", b"\xff\xfe", b"\x1f\x8b nonsense"):
        (tmp_path / name).write_bytes(content)
        assert run(*inputs, "-o", tmp_path / "out.bam").status == 0


def test_a_report_that_is_damaged_is_replaced(run: Commands, inputs, tmp_path: Path) -> None:
    for content in (b"", b"nonsense", b"[1]", b'{"output": 5, "counts": {}}', b"\xff\xfe"):
        (tmp_path / "out.report.json").write_bytes(content)
        assert run(*inputs, "-o", tmp_path / "out.bam").status == 0


def test_what_is_gathered_does_not_replace_another_report(run: Commands, inputs, tmp_path: Path) -> None:
    assert run(*inputs, "-o", tmp_path / "part.bam").status == 0
    assert run(*inputs, "-o", tmp_path / "out.fastq").status == 0
    result = run("gather", tmp_path / "part.bam", "-o", tmp_path / "out.bam")
    assert result.status == 1
    assert "out.report.json: is the report of out.fastq" in result.err
    assert not (tmp_path / "out.bam").exists()


def test_an_evaluation_replaces_neither_reads_nor_reports(run: Commands, inputs, testdata, tmp_path: Path) -> None:
    reads, truth = tmp_path / "out.bam", tmp_path / "truth.fasta"
    assert run(*inputs, "-o", reads).status == 0
    shutil.copy(testdata / "truth.fasta", truth)
    before = {path: path.read_bytes() for path in (reads, truth, tmp_path / "out.report.json")}
    for path in before:
        result = run("evaluate", reads, "--truth", truth, "--json", path)
        assert result.status == 1
        assert "would be overwritten; choose another output" in result.err
    assert {path: path.read_bytes() for path in before} == before
    assert run("evaluate", reads, "--truth", truth, "--json", tmp_path / "new.json").status == 0


def test_a_page_does_not_replace_what_it_is_of(run: Commands, inputs, tmp_path: Path) -> None:
    assert run(*inputs, "-o", tmp_path / "out.bam").status == 0
    report = tmp_path / "out.report.json"
    result = run("report", report, "-o", report)
    assert result.status == 1
    assert f"{report}: is also an input" in result.err
