"""Help texts and their examples, earlier shapes, and wrong usage: status 2, and a sentence on what is wrong."""

import argparse
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pysam
import pytest
import torch
from support import Commands

from deepconsensus_py.cli._parser import Parser
from deepconsensus_py.cli.main import build_parser
from deepconsensus_py.methods import DEFAULT
from deepconsensus_py.models.device import has_bf16
from deepconsensus_py.models.header import find_model

NOT_RUN = ("train", "distill", "model convert", "claims", "bench attention", "calibrate reads_to_ref.bam", "filter - ")
"""How examples begin that take long, read a pipe, or need files which testdata has not."""


def leaves(parser: argparse.ArgumentParser) -> Iterator[Parser]:
    """The parsers of commands that run something."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from leaves(inner) if inner.has_commands else [inner]


LEAVES = {leaf.prog.partition(" ")[2]: leaf for leaf in leaves(build_parser())}
EXAMPLES = [example.rpartition("deepconsensus-py ")[2] for leaf in LEAVES.values() for _, example in leaf.examples]


@pytest.fixture(scope="module")
def files(testdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of testdata, with what examples take from others, and reads aligned to a reference."""
    folder = tmp_path_factory.mktemp("files")
    for name in ("subreads.bam", "ccs.bam", "truth.fasta"):
        shutil.copy(testdata / name, folder)
    (folder / "movies.fofn").write_text("ccs.bam\n")
    shutil.copy(find_model(DEFAULT), folder / "model.safetensors")
    (folder / "ref.fasta").write_text(">c\nACGTACGT\n")
    (folder / "to_ref.sam").write_text("@SQ\tSN:c\tLN:8\nm/1/ccs\t0\tc\t1\t60\t4M\t*\t0\t0\tACGT\t5555\n")
    pysam.view("-b", "-o", str(folder / "to_ref.bam"), str(folder / "to_ref.sam"), catch_stdout=False)
    return folder


def test_help_is_for_people(run: Commands) -> None:
    pages = {name: run(*name.split(), "--help") for name in ("", "model", "bench", *LEAVES)}
    assert [name for name, page in pages.items() if page.status or "`" in page.out] == []
    assert [name for name, page in pages.items() if not page.out.split("\n\n")[1].endswith(".")] == []
    ends = {name: page.out.rpartition("\nexample")[2] for name, page in pages.items()}
    examples = {name: end.count(f"deepconsensus-py {name}".rstrip()) for name, end in ends.items()}
    least = {name: 1 if name in {"", "bench", "model list", "doctor"} else 2 for name in pages}
    assert {name: count for name, count in examples.items() if count < least[name]} == {}


def test_examples_are_understood() -> None:
    assert all(build_parser().parse_args(shlex.split(example)).run for example in EXAMPLES)


def test_examples_run(run: Commands, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of the help; what one of them reads, one before it wrote."""
    monkeypatch.chdir(files)
    reads = ("subreads.bam", "--ccs", "ccs.bam", "--threads", 1)
    for part in (1, 2):
        assert run("polish", *reads, "--chunk", f"{part}/2", "-o", f"part{part}.bam", "-m", "vote").status == 0
    assert run("evaluate", "ccs.bam", "--truth", "truth.fasta", "--json", "evaluation.json").status == 0
    for example in EXAMPLES:
        if not example.startswith(NOT_RUN):
            result = run(*shlex.split(example))
            if example.startswith("model check") and not has_bf16(torch.device("cpu")):
                assert "does not support bfloat16; use --precision" in result.err
                continue
            assert (result.status, "deprecated" in result.err) == (0, False), (example, result.err)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("align subreads.bam ccs.bam -o {}.bam", "align subreads.bam --ccs ccs.bam -o {}.bam"),
        (
            "evaluate --truth truth.fasta --reads ccs.bam --json {}.json",
            "evaluate ccs.bam --truth truth.fasta --json {}.json",
        ),
        ("calibrate to_ref.bam ref.fasta -o {}.csv", "calibrate to_ref.bam --reference ref.fasta -o {}.csv"),
        ("simulate --molecules 1 -o {}.sim", "simulate --num-zmws 1 -o {}.sim"),
        ("evidence no.examples -o {}", "prepare-training no.examples -o {}"),
    ],
)
def test_earlier_shapes_are_understood_with_a_warning(
    run: Commands, files: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    monkeypatch.chdir(files)
    before, after = run(*old.format("old").split()), run(*new.format("new").split())
    assert "is deprecated; use" in before.err
    assert "deprecated" not in after.err
    assert (before.status, before.out) == (after.status, after.out)
    found = [sorted(path.name.removeprefix(name) for path in files.glob(f"{name}*")) for name in ("old", "new")]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("align", "a.bam", "-o", "b.bam"), "the following arguments are required: --ccs"),
        (("evaluate", "--truth", "t.fa"), "give one file of READS"),
        (("evaluate", "a.bam", "--reads", "b.bam", "--truth", "t.fa"), "give one file of READS"),
        (("evaluate", "r.bam", "--truth", "t.fa", "--zmws", "7,abc"), "must be hole numbers such as 7,12, not '7,abc'"),
    ],
)
def test_wrong_usage(run: Commands, words: tuple[str, ...], sentence: str) -> None:
    result = run(*words)
    assert result.status == 2
    assert sentence in result.err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((), "give either SUBREADS or --features SHARD"),
        (("a.bam", "--features", "a.shard"), "give either SUBREADS or --features SHARD"),
        (("--features", "a.shard", "--limit", 3), "--ccs, --chunk, --limit and filters of ZMWs such as"),
        (("a.bam", "--chunk", "4/3"), "must be i/N with 1 <= i <= N, such as 2/7, not '4/3'"),
        (("a.bam", "--threads", 0), "must be an integer of at least 1, not '0'"),
        (("a.bam", "-t", "two"), "must be an integer of at least 1, not 'two'"),
        (("a.bam", "--min-length=-1"), "must be an integer of at least 0, not '-1'"),
        (("a.bam", "--max-base-quality", 94), "must be an integer from 1 to 93, not '94'"),
        (("a.bam", "-q", "nan"), "must be a Phred quality of at least 0, not 'nan'"),
        (("a.bam", "--skip-windows-above=-5"), "must be a Phred quality of at least 0, not '-5'"),
    ],
)
def test_wrong_usage_of_polish(run: Commands, options: tuple[object, ...], sentence: str) -> None:
    result = run("polish", *options, "-o", "out.bam")
    assert result.status == 2
    assert sentence in result.err


def test_nobody_reads_the_output() -> None:
    program = [sys.executable, "-m", "deepconsensus_py.cli.main", "model", "list"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        errors = process.stderr.read()
    assert (process.returncode, errors) == (141, b"")
