"""The main command on simulated reads: what it writes, and that it does not depend on how it was run."""

import gzip
import json
import re
from dataclasses import replace
from pathlib import Path

import pysam
import pytest
from support import Commands, edited, record_lines, records

from deepconsensus_py.models.weights import read_model, save_model
from deepconsensus_py.pileup.method import Triage
from deepconsensus_py.reports.table import COLUMNS


@pytest.fixture(scope="module")
def aligned(testdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from deepconsensus_py.cli.main import main

    path = tmp_path_factory.mktemp("aligned") / "subreads_to_ccs.bam"
    assert main(["align", str(testdata / "subreads.bam"), "--ccs", str(testdata / "ccs.bam"), "-o", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def polished(testdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from deepconsensus_py.cli.main import main

    path = tmp_path_factory.mktemp("polished") / "out.bam"
    assert main([*_inputs(testdata), "-o", str(path), "--min-quality", "0", "--threads", "1"]) == 0
    return path


def _inputs(testdata: Path) -> list[str]:
    return ["polish", str(testdata / "subreads.bam"), "--ccs", str(testdata / "ccs.bam")]


def test_every_draft_becomes_a_read_in_the_order_of_the_drafts(testdata, polished):
    drafts, reads = records(testdata / "ccs.bam"), records(polished)
    assert [r.query_name for r in reads] == [d.query_name for d in drafts]
    for draft, read in zip(drafts, reads, strict=True):
        assert read.is_unmapped
        assert {tag: read.get_tag(tag) for tag in ("zm", "np", "ec", "RG")} == {
            tag: draft.get_tag(tag) for tag in ("zm", "np", "ec", "RG")
        }
        errors = [10 ** (-q / 10) for q in read.query_qualities]
        assert read.get_tag("rq") == pytest.approx(1 - sum(errors) / len(errors), abs=1e-6)


def test_header_names_program_model_and_chain(testdata, polished):
    with pysam.AlignmentFile(str(polished), check_sq=False) as file:
        header = file.header.to_dict()
    program = header["PG"][-1]
    assert program["PN"] == "deepconsensus-py"
    assert "polish" in program["CL"]
    assert "edits" in program["DS"]
    assert program["PP"] == header["PG"][-2]["ID"]
    assert header["RG"]


def test_side_files_count_every_molecule_once(testdata, polished):
    report = json.loads(polished.with_suffix(".report.json").read_text())
    with gzip.open(polished.with_suffix(".zmws.tsv.gz"), "rt") as table:
        rows = [dict(zip(COLUMNS, line.rstrip("\n").split("\t"), strict=True)) for line in table][1:]
    drafts = records(testdata / "ccs.bam")
    assert [row["name"] for row in rows] == [d.query_name for d in drafts]
    assert report["counts"]["molecules"] == sum(report["counts"]["outcomes"].values()) == len(drafts)
    assert sum(int(row["windows"]) for row in rows) == report["counts"]["windows"]
    assert all(int(r["windows_skipped"]) + int(r["windows_corrected"]) == int(r["windows"]) for r in rows)
    assert report["model"]["name"] == "edits"


@pytest.mark.parametrize("threads", [1, 2])
def test_reads_do_not_depend_on_threads_alignment_or_shards(
    run: Commands, testdata, aligned, polished, tmp_path, threads
):
    common = ["--min-quality", 0, "--threads", threads]
    ways = {
        "raw": [testdata / "subreads.bam", "--ccs", testdata / "ccs.bam"],
        "aligned": [aligned, "--ccs", testdata / "ccs.bam"],
        "names": [tmp_path / "files.fofn", "--ccs", testdata / "ccs.bam"],
        "shards": ["--features", tmp_path / "1.shard", tmp_path / "2.shard"],
    }
    (tmp_path / "files.fofn").write_text(f"{testdata / 'subreads.bam'}\n")
    for part in (1, 2):
        chunk = ["--chunk", f"{part}/2", "-o", tmp_path / f"{part}.shard"]
        assert run("encode", aligned, "--ccs", testdata / "ccs.bam", *chunk).status == 0
    for way, inputs in ways.items():
        assert run("polish", *inputs, "-o", tmp_path / f"{way}.bam", *common).status == 0
        assert record_lines(tmp_path / f"{way}.bam") == record_lines(polished), way


def test_fastq_has_the_bam_files_reads(run: Commands, testdata, polished, tmp_path):
    for name in ("plain.fastq", "packed.fastq.gz"):
        assert run(*_inputs(testdata), "-o", tmp_path / name, "--min-quality", 0).status == 0
        with pysam.FastxFile(str(tmp_path / name)) as file:
            reads = [(r.name, r.sequence, r.get_quality_array()) for r in file]
        assert reads == [(r.query_name, r.query_sequence, r.query_qualities) for r in records(polished)]
        assert (tmp_path / f"{name.partition('.')[0]}.report.json").exists()


def test_drafts_without_qualities_are_polished(run: Commands, testdata, tmp_path):
    fasta = tmp_path / "ccs.fasta"
    fasta.write_text("".join(f">{r.query_name}\n{r.query_sequence}\n" for r in records(testdata / "ccs.bam")))
    assert run("polish", testdata / "subreads.bam", "--ccs", fasta, "-o", tmp_path / "out.bam").status == 0
    assert records(tmp_path / "out.bam")


def test_filtered_reads_are_counted_out_loud_and_kept_on_request(run: Commands, testdata, polished, tmp_path):
    accuracies = sorted(r.get_tag("rq") for r in records(polished))
    options = ["--min-rq", (accuracies[1] + accuracies[2]) / 2]
    quiet = run(*_inputs(testdata), "-o", tmp_path / "a.bam", *options)
    assert "2 failed_quality_filter" in quiet.err
    assert "--failed" in quiet.err
    kept = run(*_inputs(testdata), "-o", tmp_path / "b.bam", *options, "--failed", tmp_path / "failed.bam")
    assert kept.status == 0
    assert record_lines(tmp_path / "a.bam") == record_lines(tmp_path / "b.bam")
    flags = [r.get_tag("ff") for r in records(tmp_path / "failed.bam")]
    assert flags == [int(r.get_tag("rq") < 0.99) for r in records(tmp_path / "failed.bam")]
    failed = [re.sub(r"\tff:i:\d+", "", line) for line in record_lines(tmp_path / "failed.bam")]
    assert sorted(record_lines(tmp_path / "b.bam") + failed) == sorted(record_lines(polished))


def test_no_read_passing_still_leaves_a_file(run: Commands, testdata, tmp_path):
    assert run(*_inputs(testdata), "-o", tmp_path / "out.fastq", "--min-length", 10**6).status == 0
    assert (tmp_path / "out.fastq").read_text() == ""


def test_limit_and_chunks_are_parts_of_the_whole(run: Commands, testdata, polished, tmp_path):
    parts = []
    for part in (1, 2, 3):
        options = ["--chunk", f"{part}/3", "--min-quality", 0]
        assert run(*_inputs(testdata), "-o", tmp_path / f"{part}.bam", *options).status == 0
        parts += record_lines(tmp_path / f"{part}.bam")
    assert parts == record_lines(polished)
    assert run(*_inputs(testdata), "-o", tmp_path / "two.bam", "--limit", 2, "--min-quality", 0).status == 0
    assert record_lines(tmp_path / "two.bam") == record_lines(polished)[:2]


def test_chunks_without_drafts_are_parts_of_the_whole(run: Commands, testdata, tmp_path):
    subreads = testdata / "subreads.bam"
    assert run("polish", subreads, "-o", tmp_path / "whole.bam").status == 0
    parts = [tmp_path / f"{number}.bam" for number in (1, 2, 3)]
    for number, part in enumerate(parts, 1):
        assert run("polish", subreads, "--chunk", f"{number}/3", "-o", part).status == 0
    assert [line for part in parts for line in record_lines(part)] == record_lines(tmp_path / "whole.bam")


def test_a_dry_run_counts_and_writes_nothing(run: Commands, testdata, tmp_path):
    subreads, ccs = testdata / "subreads.bam", ("--ccs", testdata / "ccs.bam")
    n = len(records(testdata / "ccs.bam"))
    shard = tmp_path / "features.shard"
    assert run("encode", subreads, *ccs, "--limit", 4, "-o", shard).status == 0
    counts = {
        (subreads, *ccs): n,
        (subreads,): n,
        (subreads, *ccs, "--chunk", "2/3"): n * 2 // 3 - n // 3,
        (subreads, "--chunk", "2/3", "--limit", 1): 1,
        ("--features", shard): 4,
    }
    out = tmp_path / "out.bam"
    for words, count in counts.items():
        done = run("polish", *words, "-o", out, "--dry-run")
        assert (done.status, done.out) == (0, f"{count}\n"), words
    assert run("polish", "-q", 30, "-o", out, "--dry-run").out == ""
    assert [path.name for path in tmp_path.iterdir()] == [shard.name]


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("-m", "edit"), 1, "edit"),
        (("--min-qality", "30"), 2, "did you mean --min-quality?"),
        (("--skip-windows-above", "40"), 1, "--skip-windows-above has no effect with model 'edits'"),
        (("no.bam",), 1, "no.bam: no such file"),
        (("no.bam", "--features", "a.shard"), 2, "give either SUBREADS or --features SHARD"),
    ],
)
def test_a_dry_run_refuses_what_the_run_would(run: Commands, tmp_path, words, status: int, message: str):
    done = run("polish", *words, "-o", tmp_path / "out.bam", "--dry-run")
    assert done.status == status
    assert message in done.err


def test_order_of_the_subreads_does_not_matter(run: Commands, testdata, polished, tmp_path):
    def backwards(found):
        holes = sorted({r.get_tag("zm") for r in found}, reverse=True)
        return [r for hole in holes for r in found if r.get_tag("zm") == hole]

    subreads = edited(testdata / "subreads.bam", tmp_path / "backwards.bam", backwards)
    options = ["--ccs", testdata / "ccs.bam", "--min-quality", 0]
    assert run("polish", subreads, *options, "-o", tmp_path / "out.bam").status == 0
    assert record_lines(tmp_path / "out.bam") == record_lines(polished)


def test_skipping_every_window_keeps_the_drafts(run: Commands, testdata, tmp_path):
    options = ["--skip-windows-above", 0.001, "--min-quality", 0, "--model", "vote"]
    assert run(*_inputs(testdata), "-o", tmp_path / "out.bam", *options).status == 0
    kept = [(r.query_sequence, r.query_qualities) for r in records(tmp_path / "out.bam")]
    assert kept == [(d.query_sequence, d.query_qualities) for d in records(testdata / "ccs.bam")]


def test_without_drafts_they_are_made_on_the_way(run: Commands, testdata, tmp_path):
    drafts = tmp_path / "drafts.bam"
    assert run("draft", testdata / "subreads.bam", "-o", drafts).status == 0
    options = ["--min-quality", 0, "-o"]
    assert run("polish", testdata / "subreads.bam", *options, tmp_path / "one.bam").status == 0
    assert run("polish", testdata / "subreads.bam", "--ccs", drafts, *options, tmp_path / "two.bam").status == 0
    assert record_lines(tmp_path / "one.bam") == record_lines(tmp_path / "two.bam")
    assert [r.query_name for r in records(tmp_path / "one.bam")] == [
        r.query_name for r in records(testdata / "ccs.bam")
    ]


def test_triage_and_precision_are_those_asked_for(
    run: Commands, tiny_model: Path, testdata: Path, aligned: Path, tmp_path: Path
) -> None:
    sure, drafts = tmp_path / "sure.safetensors", testdata / "ccs.bam"
    save_model(sure, replace(read_model(tiny_model), triage=Triage(9, windows=1, run=0, errors=0, errors_of_all=0)))
    counts = {}
    for triage in ("on", "off"):
        output = tmp_path / f"{triage}.fastq"
        options = ["--triage", triage, "--precision", "fp32", "--skip-windows-above", 0, "--limit", 2]
        assert run("polish", aligned, "--ccs", drafts, "-o", output, "--model", sure, *options).status == 0
        report = json.loads(output.with_suffix(".report.json").read_text())
        assert (report["parameters"]["precision"], report["parameters"]["triage"]) == ("fp32", triage == "on")
        counts[triage] = report["counts"]
    assert counts["on"]["windows_skipped"] == counts["on"]["windows"] > 0
    assert counts["off"]["windows_skipped"] == 0
