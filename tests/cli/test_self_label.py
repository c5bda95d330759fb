"""``self-label`` takes deep molecules, counts the others, and its examples train."""

from pathlib import Path

import edlib
import numpy as np
import pytest
from support import Commands

from deepconsensus_py.cli.main import main
from deepconsensus_py.examples.file import ExampleFile
from deepconsensus_py.pacbio.molecule import N, decode_bases, reverse_complement
from deepconsensus_py.pacbio.names import parse_ccs
from deepconsensus_py.training.augment import is_its_own_truth
from deepconsensus_py.training.edit_examples import END, make_edit_examples
from deepconsensus_py.training.self_label import SURE


def fasta(path: Path) -> dict[str, str]:
    records = (record.partition("\n") for record in path.read_text().split(">")[1:])
    return {name.split()[0].rpartition("/")[0]: "".join(bases.split()) for name, _, bases in records}


@pytest.fixture(scope="module")
def amplicons(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten molecules of one sequence, of 9 to 20 full passes."""
    folder = tmp_path_factory.mktemp("amplicons")
    letters = np.random.default_rng(5).choice(list("ACGT"), 600)
    (folder / "template.fasta").write_text(f">locus\n{''.join(letters)}\n")
    words = f"simulate -o {folder}/s --template {folder}/template.fasta --length 600 600 --passes 9 20 --seed 3"
    assert main(words.split()) == 0
    return folder / "s"


def words(folder: Path, path: Path) -> list[str]:
    return f"self-label {folder}/subreads.bam -o {path} --model pairhmm".split()


def labelled(run: Commands, folder: Path, path: Path, *options: object) -> tuple[ExampleFile, str]:
    result = run(*words(folder, path), *options)
    assert result.status == 0, result.err
    return ExampleFile(path), result.err


@pytest.fixture(scope="module")
def made(amplicons: Path, tmp_path_factory: pytest.TempPathFactory) -> ExampleFile:
    path = tmp_path_factory.mktemp("made") / "x.examples"
    assert main([*words(amplicons, path), "--threads", "1"]) == 0
    return ExampleFile(path)


def test_deep_molecules_are_taken_and_others_counted(made: ExampleFile) -> None:
    assert 2 < len(made) < 10
    assert made.counts["n_zmw_processed"] == 10
    assert made.counts["n_zmw_pass"] == len(made)
    others = ("n_zmw_too_few_passes", "n_zmw_failed_quality_filter")
    assert made.counts["n_zmw_too_few_passes"]
    assert sum(made.counts.get(name, 0) for name in others) == 10 - len(made)
    for example, entry in zip(made, made.entries, strict=True):
        assert entry.passes >= 12
        assert entry.split == "train"
        assert is_its_own_truth(example)
        assert example.zmw.draft.tag("rq") > 0.999


def test_the_truth_is_right_where_it_is_known(made: ExampleFile, amplicons: Path) -> None:
    known, wrong, unknown = fasta(amplicons / "truth.fasta"), 0, 0
    for example in made:
        name = parse_ccs(example.name)
        assert name
        bases = example.truth.bases[END:-END]
        unknown += int((bases == N).sum())
        wild = [("N", letter) for letter in "ACGT"]
        wrong += min(
            edlib.align(decode_bases(one), known[str(name)], mode="HW", additionalEqualities=wild)["editDistance"]
            for one in (bases, reverse_complement(bases))
        )
    # Of the homopolymers where the others agree on another length, the length of the mask is the read's.
    assert 0 < unknown < 40
    assert wrong <= unknown


def test_unsure_bases_of_the_read_are_unknown(made: ExampleFile) -> None:
    qualities = np.concatenate([example.zmw.draft.qualities for example in made])
    unknown = np.concatenate([example.truth.bases == N for example in made])
    assert unknown[qualities < SURE].all()
    assert unknown[qualities >= SURE].mean() < 0.01


def test_they_make_training_data_of_few_passes(made: ExampleFile) -> None:
    parts = list(make_edit_examples([made], redrafts=3, seed=1))
    assert parts
    assert not any(part.given[0] for part in parts)
    assert sum((part.label > 0).sum() for part in parts)


def test_limits_choose_the_molecules(run: Commands, amplicons: Path, tmp_path: Path, made: ExampleFile) -> None:
    fewer, said = labelled(run, amplicons, tmp_path / "x", "--min-passes", 16, "--limit", 8, "--threads", 1)
    assert set(fewer.names) < set(made.names)
    assert fewer.counts["n_zmw_processed"] == 8
    assert f"{len(fewer)} of 8 ZMWs in {tmp_path / 'x'}" in said
    none, said = labelled(run, amplicons, tmp_path / "y", "--min-quality", 60, "--threads", 1)
    assert len(none) == 0
    assert none.counts["n_zmw_failed_quality_filter"] == 10 - made.counts["n_zmw_too_few_passes"]
    assert "below Q60 (failed_quality_filter" in said


def test_threads_do_not_matter(run: Commands, amplicons: Path, tmp_path: Path, made: ExampleFile) -> None:
    again, _ = labelled(run, amplicons, tmp_path / "x", "--threads", 2)
    assert again.path.read_bytes() == made.path.read_bytes()


def test_aligned_subreads_are_refused(run: Commands, testdata: Path, tmp_path: Path) -> None:
    aligned = tmp_path / "aligned.bam"
    assert run("align", testdata / "subreads.bam", "--ccs", testdata / "ccs.bam", "-o", aligned).status == 0
    result = run("self-label", aligned, "-o", tmp_path / "x.examples", "--model", "pairhmm")
    assert result.status == 1
    assert "aligned already" in result.err
    assert not (tmp_path / "x.examples").exists()
