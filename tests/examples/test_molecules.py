"""Reads and truth files to examples."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from example_molecules import assert_equal

from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.examples.example import Example
from deepconsensus_py.examples.file import ExampleFile
from deepconsensus_py.examples.molecules import TruthFiles, align_truth, read_examples
from deepconsensus_py.examples.windows import window_examples
from deepconsensus_py.pacbio.molecule import Draft, decode_bases, encode_bases, reverse_complement
from deepconsensus_py.pacbio.truth import TrueSequence
from deepconsensus_py.pileup.features import FeatureSpec


def read(testdata: Path, truth: Path, **options: object) -> list[Example | MoleculeError]:
    return list(read_examples([testdata / "subreads.bam"], testdata / "ccs.bam", TruthFiles(truth), **options))


@pytest.fixture(scope="module")
def draft() -> Draft:
    rng = np.random.default_rng(0)
    return Draft("m/1/ccs", rng.integers(1, 5, 500, np.uint8), None)


def test_simulated_molecules_with_sequences_in_a_fasta_file(testdata: Path) -> None:
    examples = read(testdata, testdata / "truth.fasta")
    assert len(examples) == 6
    for example in examples:
        assert isinstance(example, Example)
        assert example.zmw.aligned
        truth = example.truth
        assert (truth.name, truth.split, truth.begin) == (example.name, "train", 0)
        assert truth.contig == example.name.replace("/ccs", "/truth")
        # Nearly all windows of a draft of Q20 and more are those of its truth.
        windows = window_examples(example, FeatureSpec())
        joined = "".join(decode_bases(row) for row in windows.labels).replace(" ", "")
        assert abs(len(joined) - len(truth.bases)) <= len(windows)


def test_more_cores_and_chunks_give_the_same_molecules(testdata: Path) -> None:
    whole = read(testdata, testdata / "truth.fasta")
    assert_equal(tuple(read(testdata, testdata / "truth.fasta", threads=2)), tuple(whole))
    chunks = [read(testdata, testdata / "truth.fasta", chunk=(number, 4)) for number in (1, 2, 3, 4)]
    assert_equal(tuple(one for chunk in chunks for one in chunk), tuple(whole))
    assert_equal(tuple(read(testdata, testdata / "truth.fasta", limit=2)), tuple(whole[:2]))


def test_what_keeps_molecules_from_being_examples(testdata: Path, tmp_path: Path) -> None:
    lines = (testdata / "truth.fasta").read_text().splitlines()
    lines[3] = "ACGT" * 300  # of another molecule
    lines[5] = lines[5][: len(lines[5]) // 2]
    some = tmp_path / "some.fasta"
    some.write_text("\n".join(lines[:-2]) + "\n")
    examples = read(testdata, some)
    outcomes = [one.outcome if isinstance(one, MoleculeError) else "" for one in examples]
    assert outcomes == ["", "no_label_alignment", "truth_misfit", "", "", "missing_truth"]


def test_a_truth_of_the_other_strand_is_turned(draft: Draft) -> None:
    as_given = align_truth(draft, TrueSequence("chr1", draft.bases))
    turned = align_truth(draft, TrueSequence("chr1", reverse_complement(draft.bases)))
    assert_equal(turned, as_given)
    by_strand = align_truth(replace(draft, name="m/1/ccs/rev"), TrueSequence("chr1", reverse_complement(draft.bases)))
    assert_equal(replace(by_strand, name="m/1/ccs"), as_given)


def test_what_the_truth_has_beyond_the_draft_is_clipped(draft: Draft) -> None:
    longer = np.concatenate([encode_bases("ACCGTTA" * 9), draft.bases, encode_bases("GGATC" * 9)])
    truth = align_truth(draft, TrueSequence("chr1", longer))
    # A base of what lies beyond may happen to fit.
    assert abs(truth.begin - 63) < 5
    assert abs(truth.end - 563) < 5
    assert len(truth.bases) == len(longer)


def test_files_that_do_not_belong_together(human_1m: Path, testdata: Path) -> None:
    aligned = human_1m / "truth_to_ccs.bam"
    with pytest.raises(InputError, match=r"truth_to_ccs.bam: a BED file .*--truth-bed"):
        read(testdata, aligned)
    with pytest.raises(InputError, match="is a FASTA file, to which neither --truth-bed"):
        read_examples([], Path("ccs.bam"), TruthFiles(testdata / "truth.fasta", human_1m / "truth.bed"))


@pytest.mark.real
def test_sequences_give_the_labels_of_the_aligned_truth(human_1m: Path, human_file: ExampleFile) -> None:
    truth = TruthFiles(human_1m / "truth.fasta")
    examples = read_examples([human_1m / "subreads_to_ccs.bam"], human_1m / "ccs.bam", truth)
    found = {example.name: example for example in examples if isinstance(example, Example)}
    assert set(found) == set(human_file.names)
    for example in human_file:
        if example.zmw.draft.tag("np") < 5:  # drafts of one pass, and a truth that is wrong
            continue
        ours, theirs = (window_examples(one, FeatureSpec()) for one in (found[example.name], example))
        np.testing.assert_array_equal(ours.position, theirs.position)
        for one, other in zip(ours.labels, theirs.labels, strict=True):
            assert one[one > 0].tobytes() == other[other > 0].tobytes()
