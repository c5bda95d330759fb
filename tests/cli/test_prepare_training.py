"""``prepare-training`` writes what run networks learn from."""

from pathlib import Path

import pytest
from support import Commands

from deepconsensus_py.examples.example import Example
from deepconsensus_py.examples.file import ExampleFile, write_examples
from deepconsensus_py.examples.molecules import TruthFiles, read_examples
from deepconsensus_py.training.edit_examples import read_edit_examples


@pytest.fixture(scope="module")
def example_file(testdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three shortest simulated molecules."""
    found = read_examples([testdata / "subreads.bam"], testdata / "ccs.bam", TruthFiles(testdata / "truth.fasta"))
    examples = sorted((one for one in found if isinstance(one, Example)), key=lambda one: len(one.truth.bases))
    path = tmp_path_factory.mktemp("examples") / "three.examples"
    write_examples(path, examples[:3])
    return path


def evidence(run: Commands, example_file: Path, path: Path, *options: object) -> bytes:
    result = run("prepare-training", example_file, "-o", path, *options)
    assert result.status == 0, result.err
    return path.read_bytes()


def test_it_says_what_it_wrote(run: Commands, example_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "e.safetensors"
    result = run("prepare-training", example_file, "-o", path, "--redrafts", 1, "--threads", 1)
    assert result.status == 0, result.err
    found = read_edit_examples(path)
    wrong = (found.label > 0).sum()
    assert (
        f"{len(found):,} undecided homopolymers of {found.drafts} drafts, {wrong} of them wrong, in {path}"
        in result.err
    )
    assert not result.out
    assert list(tmp_path.iterdir()) == [path]


def test_seed_and_examples_decide_and_threads_do_not(run: Commands, example_file: Path, tmp_path: Path) -> None:
    one = evidence(run, example_file, tmp_path / "a", "--redrafts", 1, "--threads", 1)
    assert evidence(run, example_file, tmp_path / "b", "--redrafts", 1, "--threads", 2) == one
    assert evidence(run, example_file, tmp_path / "c", "--redrafts", 1, "--threads", 1, "--seed", 2) != one


def test_no_redrafts_leaves_the_drafts_that_were_given(run: Commands, example_file: Path, tmp_path: Path) -> None:
    evidence(run, example_file, tmp_path / "a", "--redrafts", 0, "--threads", 1)
    found = read_edit_examples(tmp_path / "a")
    assert found.given.all()
    assert 0 < found.drafts <= len(ExampleFile(example_file))


# Bad input


def refused(run: Commands, *args: object) -> str:
    result = run("prepare-training", *args, "--redrafts", 0, "--threads", 1)
    assert result.status == 1
    assert "Traceback" not in result.err
    (sentence,) = [line for line in result.err.splitlines() if line.startswith("deepconsensus-py prepare-training: ")]
    return sentence


def test_files_that_are_not_there_or_none_of_ours(run: Commands, example_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "e.safetensors"
    assert "absent: no such file" in refused(run, tmp_path / "absent", "-o", output)
    (tmp_path / "text").write_text("hello")
    assert "text" in refused(run, example_file, tmp_path / "text", "-o", output)
    assert not output.exists()


def test_it_does_not_write_over_what_it_reads(run: Commands, example_file: Path) -> None:
    before = example_file.read_bytes()
    assert str(example_file) in refused(run, example_file, "-o", example_file)
    assert example_file.read_bytes() == before


def test_molecules_of_which_nothing_is_learnt(run: Commands, tmp_path: Path) -> None:
    write_examples(tmp_path / "none.examples", [])
    assert "no usable molecule" in refused(run, tmp_path / "none.examples", "-o", tmp_path / "e.safetensors")
    assert not (tmp_path / "e.safetensors").exists()
