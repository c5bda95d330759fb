"""Help texts, and wrong usage: status 2, and a sentence on what is wrong."""

import subprocess
import sys

import pytest
from support import Commands

from deepconsensus_py.cli.main import commands

ALL = [*([name] for name in commands()), *(["model", action] for action in ("list", "show", "convert"))]


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_is_for_people(run: Commands, words: list[str]) -> None:
    shown = run(*words, "--help")
    assert shown.status == 0
    assert "`" not in shown.out
    description = shown.out.split("\n\n")[1]
    assert description.endswith(".")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((), "give either SUBREADS or --features SHARD"),
        (("a.bam", "--features", "a.shard"), "give either SUBREADS or --features SHARD"),
        (("--features", "a.shard", "--limit", 3), "--ccs, --chunk, --limit and --min-passes are for 'encode'"),
        (("a.bam", "--chunk", "4/3"), "'4/3' is not i/N"),
        (("a.bam", "--threads", 0), "'0' is not a whole number of 1 or more"),
        (("a.bam", "--threads", "two"), "'two' is not a whole number of 1 or more"),
        (
            (
                "a.bam",
                "--min-length=-1",
            ),
            "'-1' is not a whole number of 0 or more",
        ),
        (("a.bam", "--max-base-quality", 94), "'94' is not a whole number of 1 to 93"),
        (("a.bam", "--min-quality", "nan"), "'nan' is not a quality"),
        (("a.bam", "--skip-windows-above=-5"), "'-5' is not a quality"),
    ],
)
def test_wrong_usage_of_polish(run: Commands, options: tuple[object, ...], sentence: str) -> None:
    result = run("polish", *options, "-o", "out.bam")
    assert result.status == 2
    assert sentence in result.err


def test_wrong_usage_of_evaluate(run: Commands) -> None:
    result = run("evaluate", "--truth", "t.fasta", "--reads", "r.bam", "--zmws", "7,abc")
    assert result.status == 2
    assert "'7,abc' is not a list of ZMW numbers" in result.err


def test_nobody_reads_the_output() -> None:
    program = [sys.executable, "-m", "deepconsensus_py.cli.main", "model", "list"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        errors = process.stderr.read()
    assert (process.returncode, errors) == (141, b"")
