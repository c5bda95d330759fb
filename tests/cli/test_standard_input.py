"""``-`` for standard input, and pipes, in commands that read once."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest
from support import Commands, edited, record_lines

PROGRAM = [sys.executable, "-m", "deepconsensus_py.cli.main"]


def fed(data: Path | bytes, *words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    """A command that reads data from standard input."""
    data = data.read_bytes() if isinstance(data, Path) else data
    return subprocess.run([*PROGRAM, *map(str, words)], input=data, capture_output=True, check=False, cwd=cwd)


@pytest.mark.parametrize(
    "words",
    [
        "draft {} -o {}.bam",
        "polish {} -m vote -q 0 -o {}.bam",
        "polish {} --ccs ccs.bam -m vote -q 0 -o {}.bam",
        "align {} --ccs ccs.bam -o {}.bam",
    ],
)
def test_records_are_those_of_the_file(run: Commands, testdata: Path, tmp_path: Path, words: str) -> None:
    words = words.replace("ccs.bam", str(testdata / "ccs.bam"))
    subreads = testdata / "subreads.bam"
    done = fed(subreads, *words.format("-", tmp_path / "piped").split())
    assert done.returncode == 0, done.stderr
    assert b"reading standard input" in done.stderr
    assert run(*words.format(subreads, tmp_path / "file").split()).status == 0
    assert record_lines(tmp_path / "piped.bam") == record_lines(tmp_path / "file.bam")
    made = {path.name.removeprefix("piped") for path in tmp_path.glob("piped*")}
    assert made == {path.name.removeprefix("file") for path in tmp_path.glob("file*")}


def test_filters_in_a_row(run: Commands, testdata: Path, tmp_path: Path) -> None:
    assert run("filter", testdata / "ccs.bam", "-o", tmp_path / "file.fastq", "-q", 25).status == 0
    first = fed(testdata / "ccs.bam", "filter", "-", "-o", "-", "-q", 20)
    second = fed(first.stdout, "filter", "-", "-o", tmp_path / "piped.fastq", "-q", 25)
    assert (first.returncode, second.returncode) == (0, 0)
    assert (tmp_path / "piped.fastq").read_bytes() == (tmp_path / "file.fastq").read_bytes()
    again = fed(
        gzip.compress((tmp_path / "piped.fastq").read_bytes()), "filter", "-", "-o", "x.fastq", "-q", 25, cwd=tmp_path
    )
    assert again.returncode == 0
    assert (tmp_path / "x.fastq").read_bytes() == (tmp_path / "file.fastq").read_bytes()


def test_evaluate(run: Commands, testdata: Path) -> None:
    truth = ("--truth", testdata / "truth.fasta")
    assert (
        fed(testdata / "ccs.bam", "evaluate", "-", *truth).stdout.decode()
        == run("evaluate", testdata / "ccs.bam", *truth).out
    )


@pytest.mark.parametrize(
    ("name", "words", "sentence"),
    [
        (
            "subreads.bam",
            "polish - --ccs ccs.bam -o out.bam --resume",
            "--resume needs input files; it cannot resume reading",
        ),
        (
            "ccs.bam",
            "polish subreads.bam --ccs - -o out.bam",
            "standard input can be read only once; write it to a file",
        ),
        ("subreads.bam", "polish - - -o out.bam", "standard input: given twice"),
        ("ccs.fastq", "filter - -q 20 -o out.bam", "standard input can be read only once; write it to a file"),
        ("subreads.bam", "index -", "standard input can be read only once; write it to a file"),
        ("ccs.fastq", "draft - -o out.bam", "standard input: is a FASTQ file where a BAM file is needed"),
        ("cut.bam", "polish - -m vote -o out.bam", "standard input: ended early, or is damaged"),
        ("cut.bam", "polish - --ccs ccs.bam -m vote -o out.bam", "standard input: ended early, or is damaged"),
        ("apart.bam", "polish - -m vote -o out.bam", "are in two separate places; sort by read name"),
    ],
)
def test_what_is_refused_leaves_nothing(testdata: Path, tmp_path: Path, name: str, words: str, sentence: str) -> None:
    for file in ("subreads.bam", "ccs.bam"):
        (tmp_path / file).symlink_to(testdata / file)
    (tmp_path / "ccs.fastq").write_text("@m/1/ccs\nACGT\n+\nIIII\n")
    (tmp_path / "cut.bam").write_bytes((testdata / "subreads.bam").read_bytes()[:-5000])
    # The passes of the first ZMW come before and after those of the others.
    edited(testdata / "subreads.bam", tmp_path / "apart.bam", lambda found: [*found[1:], found[0]])
    before = sorted(tmp_path.iterdir())
    done = fed(tmp_path / name, *words.split(), cwd=tmp_path)
    assert done.returncode == 1
    (error,) = [line for line in done.stderr.decode().splitlines() if ": error: " in line]
    assert sentence in error
    assert sorted(tmp_path.iterdir()) == before


def test_what_a_killed_run_of_a_pipe_left_is_no_hindrance(testdata: Path, tmp_path: Path) -> None:
    from deepconsensus_py.polishing.work_folder import folder_of

    output = tmp_path / "out.bam"
    command = [*PROGRAM, "polish", "-", "-m", "vote", "-q", "0", "-o", str(output), "-t", "1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdin.write((testdata / "subreads.bam").read_bytes()[:150_000])
        process.stdin.flush()
        while process.poll() is None and not (folder_of(output) / "reads.bam").exists():
            pass
        process.kill()
    assert folder_of(output).exists()
    assert fed(testdata / "subreads.bam", *command[3:]).returncode == 0
    assert len(record_lines(output)) == 6
    assert not folder_of(output).exists()
