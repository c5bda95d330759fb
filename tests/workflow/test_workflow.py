"""The workflow gives what the one command gives."""

import gzip
import json
import re
import shutil
from pathlib import Path
from zipfile import ZipFile

import pytest
from overlap_reads import simulated
from support import record_lines
from workflows import REPOSITORY, RULES, SNAKEMAKE, configured, run, run_well

from deepconsensus_py._version import __version__
from deepconsensus_py.cli.main import main

pytest.importorskip("snakemake")

Rows = list[dict[str, object]]


def polished(folder: Path, *words: object) -> Path:
    """The output of the one command."""
    output = folder / "polished.bam"
    assert main(["polish", *map(str, words), "-o", str(output)]) == 0
    return output


@pytest.fixture(scope="module")
def one_command(testdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return polished(tmp_path_factory.mktemp("one"), testdata / "subreads.bam", "--ccs", testdata / "ccs.bam")


@pytest.fixture
def rows(testdata: Path) -> Rows:
    files = {"subreads": "subreads.bam", "ccs": "ccs.bam", "truth": "truth.fasta"}
    return [{"sample": "simulated"} | {column: testdata / name for column, name in files.items()}]


def shells(printed: str, command: str) -> list[str]:
    """The command lines of a command that Snakemake printed."""
    return [line for line in re.findall(rf"deepconsensus-py {command} .*", printed) if "--dry-run" not in line]


@pytest.mark.slow
def test_the_result_is_that_of_the_one_command(one_command: Path, testdata: Path, tmp_path: Path, rows: Rows) -> None:
    command = configured(tmp_path, rows)
    run_well(command, "--cores", "2", "--set-scatter", "polish=3")
    reads = tmp_path / "results" / "simulated" / "simulated.bam"
    assert len(list(reads.parent.glob("benchmarks/polish.*.tsv"))) == 3
    assert record_lines(reads) == record_lines(one_command)
    tables = [path.with_suffix(".zmws.tsv.gz") for path in (reads, one_command)]
    assert gzip.decompress(tables[0].read_bytes()) == gzip.decompress(tables[1].read_bytes())
    counts = [json.loads(path.with_suffix(".report.json").read_text())["counts"] for path in (reads, one_command)]
    assert counts[0] == counts[1]
    assert (reads.parent / "simulated.evaluation.json").stat().st_size > 0
    assert (tmp_path / "results" / "report.html").stat().st_size > 0
    assert not list(reads.parent.glob("chunks/*"))
    assert not list(testdata.glob("*.pbi"))
    assert "no .pbi index found" not in "".join(log.read_text() for log in reads.parent.glob("logs/*"))
    assert "Nothing to be done" in run_well(command, "-n", "--set-scatter", "polish=3")
    run_well(command, "--report", str(tmp_path / "report.zip"), "--set-scatter", "polish=3")
    with ZipFile(tmp_path / "report.zip") as archive:
        shown = {name.rpartition("/")[2] for name in archive.namelist() if "/data/" in name}
    assert shown == {"report.html", "simulated.evaluation.txt"}


def demo(folder: Path) -> list[str]:
    """What ``make demo`` runs, where it runs it: a folder with config/config.yaml, which is read as well."""
    shutil.copytree(REPOSITORY / "config", folder / "config")
    (folder / "testdata").symlink_to(REPOSITORY / "testdata")
    snakefile = str(REPOSITORY / "workflow" / "Snakefile")
    return [*SNAKEMAKE, "-s", snakefile, "-d", str(folder), "--configfile", "config/demo.yaml"]


@pytest.mark.slow
def test_the_demo_gives_what_the_one_command_gives(one_command: Path, tmp_path: Path) -> None:
    run_well(demo(tmp_path), "--cores", "2", cwd=tmp_path)
    reads = tmp_path / "demo" / "simulated" / "simulated.bam"
    assert record_lines(reads) == record_lines(one_command)
    models = [json.loads(path.with_suffix(".report.json").read_text())["model"] for path in (reads, one_command)]
    assert models[0] == models[1]
    assert len(list(reads.parent.glob("benchmarks/polish.*.tsv"))) == 1


def imported(command: list[str], folder: Path) -> list[str]:
    """The same, but for another workflow that has this one as a module, and one rule more."""
    snakefile = REPOSITORY / "workflow" / "Snakefile"
    (folder / "Snakefile").write_text(
        "module polishing:\n"
        f"    snakefile: {str(snakefile)!r}\n"
        "    config: config\n\n\n"
        "use rule * from polishing as polishing_*\n\n\n"
        "rule count:\n"
        "    input: rules.polishing_all.input\n"
        "    output: 'counted.txt'\n"
        "    shell: 'echo {input} > {output}'\n"
    )
    return [str(folder / "Snakefile") if word == str(snakefile) else word for word in command]


@pytest.mark.slow
def test_samples_without_ccs_reads_and_reads_by_strand_in_another_workflow(testdata: Path, tmp_path: Path) -> None:
    subreads = testdata / "subreads.bam"
    rows: Rows = [
        {"sample": "plain", "subreads": subreads, "kinetics": "on", "by_strand": "", "note": "kept"},
        {"sample": "strands", "subreads": subreads, "kinetics": "", "by_strand": "true", "note": ""},
    ]
    settings = {"zmws_per_chunk": 4, "options": "--min-passes 2 -q 10"}
    run_well(imported(configured(tmp_path, rows, **settings), tmp_path), "--cores", "2", "count")
    given = {"plain": ("--kinetics", "on"), "strands": ("--by-strand",)}
    for sample, options in given.items():
        reads = tmp_path / "results" / sample / f"{sample}.bam"
        assert len(list(reads.parent.glob("benchmarks/polish.*.tsv"))) == 2
        expected = record_lines(polished(tmp_path, subreads, *options, "--min-passes", 2, "-q", 10))
        assert record_lines(reads) == expected
        assert expected
    assert (tmp_path / "counted.txt").read_text().split()[-1] == "results/report.html"


@pytest.mark.slow
def test_encoding_apart_from_the_gpu_gives_the_same(one_command: Path, tmp_path: Path, rows: Rows) -> None:
    """The command of the jobs is the real one, but takes the CPU where it is told to take a GPU."""
    shim = tmp_path / "bin" / "deepconsensus-py"
    shim.parent.mkdir()
    program = shutil.which("deepconsensus-py", path=f"{Path(SNAKEMAKE[0]).parent}")
    shim.write_text(f'#!/bin/bash\nwords=("$@")\nexec {program} "${{words[@]/#cuda/cpu}}"\n')
    shim.chmod(0o755)
    (rows[0]).pop("truth")
    printed = run_well(configured(tmp_path, rows, device="cuda"), "-p", "--cores", "2", path=shim.parent)
    assert len(shells(printed, "encode")) == 1
    assert [("--features" in line, "--device cuda" in line) for line in shells(printed, "polish")] == [(True, True)]
    assert record_lines(tmp_path / "results" / "simulated" / "simulated.bam") == record_lines(one_command)


def with_rsync(folder: Path) -> Path:
    """A folder to search for programs: with an rsync for the storage plugin, which only copies, where there is none."""
    folder.mkdir()
    if shutil.which("rsync") is None:
        copy = "cp --recursive --dereference --preserve=timestamps --no-target-directory"
        (folder / "rsync").write_text(f'#!/bin/bash\nexec {copy} "${{@: -2}}"\n')
        (folder / "rsync").chmod(0o755)
    return folder


@pytest.mark.slow
def test_remote_storage_gives_the_same(one_command: Path, testdata: Path, tmp_path: Path, rows: Rows) -> None:
    """With a model file and indexes beside the inputs, which are fetched as well."""
    pytest.importorskip("snakemake_storage_plugin_fs")
    programs = with_rsync(tmp_path / "bin")
    for name in ("subreads.bam", "ccs.bam"):
        shutil.copy(testdata / name, tmp_path / name)
    assert main(["index", str(tmp_path / "subreads.bam")]) == 0
    shutil.copy(REPOSITORY / "deepconsensus_py" / "weights" / "edits.safetensors", tmp_path / "model.safetensors")
    rows[0] |= {"subreads": "subreads.bam", "ccs": "ccs.bam"}
    settings = {"model": "model.safetensors", "zmws_per_chunk": 4, "multiqc": True}
    storage = ["--default-storage-provider", "fs", "--local-storage-prefix", str(tmp_path / "local")]
    command = configured(tmp_path, rows, **settings)
    printed = run_well(command, "-p", "--cores", "2", *storage, path=programs, cwd=tmp_path)
    assert re.findall(r"deepconsensus-py index \S*/index/(\S+)\.1\.bam\.pbi", printed) == ["ccs"]
    assert len(shells(printed, "polish")) == 2
    assert all(f"--model {tmp_path}/local/fs/model.safetensors" in line for line in shells(printed, "polish"))
    assert record_lines(tmp_path / "results" / "simulated" / "simulated.bam") == record_lines(one_command)
    page = (tmp_path / "results" / "multiqc.html").read_text()
    assert "deepconsensus" in page
    assert not list((tmp_path / "local" / "fs").glob("*.bam"))


@pytest.mark.slow
def test_hifi_reads_alone_are_corrected_as_by_the_one_command(tmp_path: Path) -> None:
    files = {name: tmp_path / f"{name}.bam" for name in ("plain", "aligned")}
    simulated(files["plain"], length=12_000)
    simulated(files["aligned"], length=12_000, aligned=True, seed=2)
    rows: Rows = [{"sample": name, "hifi": path, "aligned": str(name == "aligned")} for name, path in files.items()]
    settings = {"zmws_per_chunk": 12, "correct_options": "--min-coverage 2"}
    command = configured(tmp_path, rows, **settings)
    printed = run_well(command, "-p", "--cores", "2")
    assert len(shells(printed, "overlaps")) == 2
    assert len(shells(printed, "correct")) == 4
    assert shells(printed, "polish") == []
    for name, path in files.items():
        output = tmp_path / f"{name}.corrected.bam"
        options = ["--aligned"] if name == "aligned" else []
        assert main(["correct", str(path), "-o", str(output), "--min-coverage", "2", *options]) == 0
        reads = tmp_path / "results" / name / f"{name}.bam"
        assert record_lines(reads) == record_lines(output)
        counts = [json.loads(one.with_suffix(".report.json").read_text())["counts"] for one in (reads, output)]
        assert counts[0] == counts[1]
        assert counts[0]["reads_edited"] > 10
    assert (tmp_path / "results" / "report.html").stat().st_size > 0
    assert "Nothing to be done" in run_well(command, "-n")


def dry(command: list[str], **places: Path) -> str:
    return run_well(command, "-n", "-p", "--cores", "1", "--set-scatter", "polish=1", **places)


def test_model_and_device_are_given_only_where_the_configuration_sets_them(tmp_path: Path, rows: Rows) -> None:
    def options(command: list[str]) -> list[list[str]]:
        lines = re.findall(r"deepconsensus-py (?:polish|encode) .*", dry(command, cwd=tmp_path))
        return [re.findall(r"--(?:model|device) [^\s)]+", line) for line in lines]

    assert options(demo(tmp_path)) == [[], []]
    # To check them, to encode and to polish.
    assert options(configured(tmp_path, rows, model="a model", device="cuda")) == [
        ["--model 'a", "--device cuda"],
        ["--model 'a"],
        ["--model 'a", "--device cuda"],
    ]


def test_filters_of_zmws_are_given_to_the_job_that_encodes(tmp_path: Path, rows: Rows) -> None:
    options = "--min-passes=2 --min-length 20 --min-quality 30"

    def given(device: str) -> dict[str, list[str]]:
        printed = dry(configured(tmp_path, rows, options=options, device=device))
        found = {command: shells(printed, command) for command in ("encode", "polish")}
        return {command: re.findall(r"--min-\w+ \d+", line) for command, lines in found.items() for line in lines}

    filters, quality = ["--min-passes 2", "--min-length 20"], "--min-quality 30"
    assert given("cpu") == {"polish": [*filters, quality]}
    assert given("cuda") == {"encode": filters, "polish": [filters[1], quality]}


def test_several_movies_are_one_sample(tmp_path: Path) -> None:
    rows: Rows = [{"sample": "a", "subreads": f"{n}.bam", "ccs": f"{n}.fastq"} for n in (1, 2)]
    for row in rows:
        for name in ("subreads", "ccs"):
            (tmp_path / str(row[name])).touch()
    (line,) = shells(dry(configured(tmp_path, rows)), "polish")
    chunk = "results/a/chunks/1-of-1.bam"
    words = f"{chunk}.inputs/subreads.1.bam {chunk}.inputs/subreads.2.bam --ccs 1.fastq --ccs 2.fastq -o {chunk} "
    assert words in line


def test_a_sample_without_truth_is_not_evaluated(tmp_path: Path, rows: Rows) -> None:
    rows[0]["truth"] = ""
    printed = dry(configured(tmp_path, rows))
    assert "rule gather" in printed
    assert "rule evaluate" not in printed


def test_only_what_has_no_index_gets_one(testdata: Path, tmp_path: Path) -> None:
    for name in ("subreads.bam", "ccs.bam"):
        (tmp_path / name).symlink_to(testdata / name)
    fastq = tmp_path / "ccs.fastq"
    fastq.write_text("@m/1/ccs\nA\n+\nI\n")
    rows: Rows = [
        {"sample": "a", "subreads": tmp_path / "subreads.bam", "ccs": tmp_path / "ccs.bam"},
        {"sample": "b", "subreads": testdata / "subreads.bam", "ccs": fastq},
    ]
    assert main(["index", str(tmp_path / "subreads.bam")]) == 0
    jobs = re.split(r"\n(?=rule )", dry(configured(tmp_path, rows)))
    outputs = [re.search(r"output: (\S+)", job)[1] for job in jobs if job.startswith("rule index")]  # type: ignore[index]
    assert sorted(outputs) == ["results/a/index/ccs.1.bam.pbi", "results/b/index/subreads.1.bam.pbi"]


def test_only_polish_asks_for_a_gpu_and_only_where_one_is_used(tmp_path: Path, rows: Rows) -> None:
    jobs = re.split(r"\n(?=rule )", dry(configured(tmp_path, rows, device="cuda")))
    asking = [re.match(r"rule (\w+)", job)[1] for job in jobs if re.search(r"gpu=1", job)]  # type: ignore[index]
    assert asking == ["polish"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "edit"}, "unknown model 'edit'"),
        ({"options": "-q '30; touch pwned'"}, "must be a Phred quality of at least 0, not '30; touch pwned'"),
    ],
)
def test_a_wrong_option_ends_the_run_before_any_other_job(
    tmp_path: Path, rows: Rows, settings: dict[str, object], message: str
) -> None:
    done = run(configured(tmp_path, rows, **settings), "--cores", "2")
    assert done.returncode != 0
    assert message in done.stderr
    assert [path.name for path in (tmp_path / "results" / "logs").iterdir()] == ["check.log"]
    assert not (tmp_path / "results" / "simulated").exists()
    assert not (tmp_path / "pwned").exists()


def test_what_is_wrong_with_the_configuration_is_said_in_one_sentence(tmp_path: Path, rows: Rows) -> None:
    done = run(configured(tmp_path, rows, device="gpu"), "-n")
    assert done.returncode != 0
    assert "configuration: device: 'gpu' does not match '^(cpu|cuda(:[0-9]+)?)$'\n" in done.stdout + done.stderr


def test_the_workflow_passes_snakemakes_lint() -> None:
    run_well([*SNAKEMAKE, "-d", str(REPOSITORY)], "--lint")


def test_the_environment_has_this_version() -> None:
    environment = (REPOSITORY / "workflow" / "envs" / "deepconsensus-py.yaml").read_text()
    assert f"  - deepconsensus-py ={__version__}\n" in environment


def test_every_rule_says_what_a_cluster_needs() -> None:
    needed = {f"{name}:": rf"^    {name}:" for name in ("log", "benchmark", "resources", "conda")}
    needed |= {f"{name}=": rf"^        {name}=" for name in ("mem_mb", "runtime")}
    texts = {path.name: path.read_text() for path in sorted(RULES.glob("*.smk"))}
    rules = {name: text for name, text in texts.items() if re.search(r"^(rule|checkpoint) ", text, re.MULTILINE)}
    assert len(rules) == 11
    assert [
        (rule, what) for rule, text in rules.items() for what in needed if not re.search(needed[what], text, re.M)
    ] == []
