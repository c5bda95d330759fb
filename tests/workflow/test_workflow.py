"""The workflow gives what the one command gives, and says what is wrong with its configuration."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pysam
import pytest

from deepconsensus_py.cli.main import main

pytest.importorskip("snakemake")

REPOSITORY = Path(__file__).resolve().parents[2]
RULES = sorted((REPOSITORY / "workflow" / "rules").glob("*.smk"))
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture(scope="module")
def one_command(testdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("one") / "polished.bam"
    assert main(["polish", str(testdata / "subreads.bam"), "--ccs", str(testdata / "ccs.bam"), "-o", str(output)]) == 0
    return output


def configured(folder: Path, testdata: Path, *, sheet: str = "", **settings: Any) -> list[str]:
    """Write a configuration for testdata into a folder, and give the command that runs the workflow there."""
    row = ["simulated", *(str(testdata / name) for name in ("subreads.bam", "ccs.bam", "truth.fasta"))]
    (folder / "samples.tsv").write_text(sheet or "sample\tsubreads\tccs\ttruth\n" + "\t".join(row) + "\n")
    (folder / "run.json").write_text(json.dumps({"samples": "samples.tsv"} | settings))
    snakefile = str(REPOSITORY / "workflow" / "Snakefile")
    return [sys.executable, "-m", "snakemake", "-s", snakefile, "-d", str(folder), "--configfile", f"{folder}/run.json"]


def run(command: list[str], *options: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*command, *options], capture_output=True, text=True, env=ENVIRONMENT, check=False, cwd=cwd)


def records(path: Path) -> list[str]:
    with pysam.AlignmentFile(str(path), check_sq=False) as reads:
        return [read.to_string() for read in reads]


@pytest.mark.slow
@pytest.mark.parametrize("chunks", [1, 7])
def test_the_result_is_that_of_the_one_command(one_command: Path, testdata: Path, tmp_path: Path, chunks: int) -> None:
    done = run(configured(tmp_path, testdata), "--cores", "2", "--set-scatter", f"polish={chunks}")
    assert done.returncode == 0, done.stderr
    polished = tmp_path / "results" / "simulated" / "simulated.bam"
    assert len(list(polished.parent.glob("benchmarks/correct.*.tsv"))) == chunks
    assert records(polished) == records(one_command)
    tables = [path.with_suffix(".zmws.tsv.gz") for path in (polished, one_command)]
    assert gzip.decompress(tables[0].read_bytes()) == gzip.decompress(tables[1].read_bytes())
    counts = [json.loads(path.with_suffix(".report.json").read_text())["counts"] for path in (polished, one_command)]
    assert counts[0] == counts[1]
    assert (polished.parent / "simulated.evaluation.json").stat().st_size > 0
    assert (tmp_path / "results" / "report.html").stat().st_size > 0
    assert not list(polished.parent.glob("chunks/*"))
    assert not list(testdata.glob("*.pbi"))
    assert "want of an index" not in "".join(log.read_text() for log in polished.parent.glob("logs/*"))
    if chunks == 1:
        again = run(configured(tmp_path, testdata), "-n", "--set-scatter", f"polish={chunks}")
        assert "Nothing to be done" in again.stdout + again.stderr, again.stderr


def demo(folder: Path) -> list[str]:
    """What ``make demo`` runs, where it runs it: a folder with config/config.yaml, which is read as well."""
    shutil.copytree(REPOSITORY / "config", folder / "config")
    (folder / "testdata").symlink_to(REPOSITORY / "testdata")
    snakefile = str(REPOSITORY / "workflow" / "Snakefile")
    return [sys.executable, "-m", "snakemake", "-s", snakefile, "-d", str(folder), "--configfile", "config/demo.yaml"]


@pytest.mark.slow
def test_the_demo_gives_what_the_one_command_gives(one_command: Path, tmp_path: Path) -> None:
    done = run(demo(tmp_path), "--cores", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    polished = tmp_path / "demo" / "simulated" / "simulated.bam"
    assert records(polished) == records(one_command)
    models = [json.loads(path.with_suffix(".report.json").read_text())["model"] for path in (polished, one_command)]
    assert models[0] == models[1]


def test_model_and_device_are_given_only_where_the_configuration_sets_them(testdata: Path, tmp_path: Path) -> None:
    def options(command: list[str]) -> list[list[str]]:
        done = run(command, "-n", "-p", "--cores", "1", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        shells = re.findall(r"deepconsensus-py (?:polish|encode) .*", done.stdout + done.stderr)
        return [re.findall(r"--(?:model|device) \S+", shell) for shell in shells]

    assert options(demo(tmp_path)) == [[]] * 6
    chosen = options(configured(tmp_path, testdata, model="a model", device="cuda", chunks=1))
    assert chosen == [["--model 'a"], ["--model 'a", "--device cuda"]]


def test_filters_of_zmws_are_options_of_encode(testdata: Path, tmp_path: Path) -> None:
    settings = {"encode_options": "--min-passes 2", "options": "--min-quality 30", "chunks": 1}
    done = run(configured(tmp_path, testdata, **settings), "-n", "-p", "--cores", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shells = re.findall(r"deepconsensus-py (polish|encode) (.*)", done.stdout + done.stderr)
    assert {command: re.findall(r"--min-\w+ \d+", words) for command, words in shells} == {
        "encode": ["--min-passes 2"],
        "polish": ["--min-quality 30"],
    }


def test_a_sample_without_truth_is_not_evaluated(testdata: Path, tmp_path: Path) -> None:
    sheet = f"sample\tsubreads\tccs\nplain\t{testdata}/subreads.bam\t{testdata}/ccs.bam\n"
    done = run(configured(tmp_path, testdata, sheet=sheet), "-n", "--cores", "1", "--quiet", "host")
    assert done.returncode == 0, done.stderr
    assert "rule gather" in done.stdout + done.stderr
    assert "rule evaluate" not in done.stdout + done.stderr


def test_only_what_has_no_index_gets_one(testdata: Path, tmp_path: Path) -> None:
    for name in ("subreads.bam", "ccs.bam"):
        (tmp_path / name).symlink_to(testdata / name)
    fastq = tmp_path / "ccs.fastq"
    fastq.write_text("@m/1/ccs\nA\n+\nI\n")
    rows = [f"a\t{tmp_path}/subreads.bam\t{tmp_path}/ccs.bam", f"b\t{testdata}/subreads.bam\t{fastq}"]
    sheet = "\n".join(["sample\tsubreads\tccs", *rows, ""])
    assert main(["index", str(tmp_path / "subreads.bam")]) == 0
    done = run(configured(tmp_path, testdata, sheet=sheet), "-n", "--cores", "1")
    jobs = re.split(r"\n(?=rule )", done.stdout + done.stderr)
    outputs = [re.search(r"output: (\S+),", job)[1] for job in jobs if job.startswith("rule index")]  # type: ignore[index]
    assert sorted(outputs) == ["results/a/indexed/ccs.bam", "results/b/indexed/subreads.bam"]


def test_only_correct_asks_for_a_gpu_and_only_where_one_is_used(testdata: Path, tmp_path: Path) -> None:
    done = run(configured(tmp_path, testdata, device="cuda", chunks=1), "-n", "--cores", "1")
    jobs = re.split(r"\n(?=rule )", done.stdout + done.stderr)
    asking = [re.match(r"rule (\w+)", job)[1] for job in jobs if re.search(r"gpu=1", job)]  # type: ignore[index]
    assert asking == ["correct"]


@pytest.mark.parametrize(
    ("settings", "sheet", "message"),
    [
        ({"chunks": 0}, "", "0 is less than the minimum of 1"),
        ({"chunk": 2}, "", "'chunk' was unexpected"),
        ({"device": "gpu"}, "", "'gpu' does not match"),
        ({}, "sample\tsubreads\na\tb.bam\n", "'ccs' is a required property"),
        ({}, "sample\tsubreads\tccs\na/b\tx.bam\ty.bam\n", "'a/b' does not match"),
        ({}, "sample\tsubreads\tccs\na\tx.bam\ty.bam\na\tx.bam\ty.bam\n", "sample names must be unique"),
    ],
)
def test_a_wrong_configuration_is_refused_before_anything_runs(
    testdata: Path, tmp_path: Path, settings: dict[str, Any], sheet: str, message: str
) -> None:
    done = run(configured(tmp_path, testdata, sheet=sheet, **settings), "-n", "--cores", "1")
    assert done.returncode != 0
    assert message in done.stderr + done.stdout


def test_the_workflow_passes_snakemakes_lint() -> None:
    done = run([sys.executable, "-m", "snakemake", "-d", str(REPOSITORY)], "--lint")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_says_what_a_cluster_needs() -> None:
    needed = {f"{name}:": rf"^    {name}:" for name in ("log", "benchmark", "resources", "conda")}
    needed |= {f"{name}=": rf"^        {name}=" for name in ("mem_mb", "runtime")}
    texts = {path.name: path.read_text() for path in RULES if path.stem != "common"}
    lacking = [
        (rule, what) for rule, text in texts.items() for what in needed if not re.search(needed[what], text, re.M)
    ]
    assert lacking == []
    assert [rule for rule, text in texts.items() if len(re.findall(r"^rule ", text, re.MULTILINE)) != 1] == []
