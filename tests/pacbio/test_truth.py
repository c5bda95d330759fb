"""Truth files: which molecules have a usable truth, and what is refused."""

from pathlib import Path

import pysam
import pytest

from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.pacbio.molecule import decode_bases
from deepconsensus_py.pacbio.truth import TrueSequences, Truths

DRAFTS = ["m/1/ccs", "m/2/ccs", "m/3/ccs", "m/4/ccs", "m/5/ccs"]
RANGES = "".join(f"c{i}\t100\t110\tm/{i}/ccs\t0.001\t-\n" for i in (1, 2, 3, 5, 6))
SPLITS = "c1 \t chr21\nc2 chrX\nc5 chrUn\nc6 19\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Molecule 1 is whole, 2 is clipped, 3 aligns in pieces, 4 has no range, 5 no split, 6 no alignment."""
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": name, "LN": 50} for name in DRAFTS]}
    bam, ranges, splits = tmp_path / "truth.bam", tmp_path / "truth.bed", tmp_path / "human_split.tsv"
    with pysam.AlignmentFile(str(bam), "wb", header=header) as out:
        for number, (cigar, flag) in enumerate([("10=", 0), ("3S5=2S", 0), ("10=", 2048), ("10=", 0), ("10=", 0)]):
            record = pysam.AlignedSegment(out.header)
            record.query_name, record.query_sequence = f"c{number + 1}", "ACGTACGTAC"
            record.flag, record.reference_id, record.reference_start, record.cigarstring = flag, number, 7, cigar
            out.write(record)
    pysam.index(str(bam))
    ranges.write_text(RANGES)
    splits.write_text(SPLITS)
    return bam, ranges, splits


def test_a_whole_truth(files: tuple[Path, Path, Path]) -> None:
    with Truths(*files) as truths:
        truth = truths.of("m/1/ccs")
    assert (truth.name, truth.contig, truth.begin, truth.end, truth.split) == ("m/1/ccs", "c1", 100, 110, "eval")
    assert decode_bases(truth.bases) == "ACGTACGTAC"
    assert truth.alignment.start == 7
    assert (truth.alignment.operations.tolist(), truth.alignment.lengths.tolist()) == ([7], [10])


def test_clips_shrink_the_range(files: tuple[Path, Path, Path]) -> None:
    with Truths(*files) as truths:
        truth = truths.of("m/2/ccs")
    assert (truth.begin, truth.end, len(truth.bases), truth.split) == (103, 108, 10, "train")


@pytest.mark.parametrize(
    ("draft", "outcome"),
    [
        ("m/3/ccs", "truth_label_supp_alignment"),
        ("m/4/ccs", "missing_truth_range"),
        ("m/5/ccs", "missing_contig_split"),
        ("m/6/ccs", "no_label_alignment"),
    ],
)
def test_molecules_without_a_usable_truth(files: tuple[Path, Path, Path], draft: str, outcome: str) -> None:
    with Truths(*files) as truths, pytest.raises(MoleculeError, match=draft) as fault:
        truths.of(draft)
    assert fault.value.outcome == outcome


def test_damaged_tables_are_refused_by_line(files: tuple[Path, Path, Path]) -> None:
    bam, ranges, splits = files
    ranges.write_text(RANGES + "c9\tten\t20\tm/9/ccs\n")
    with pytest.raises(InputError, match="line 6"):
        Truths(bam, ranges, splits)
    ranges.write_text(RANGES)
    splits.write_text("c1 chr1\nc2\n")
    with pytest.raises(InputError, match="line 2"):
        Truths(bam, ranges, splits)


def test_missing_files_and_indexes_are_refused(files: tuple[Path, Path, Path], tmp_path: Path) -> None:
    bam, ranges, splits = files
    with pytest.raises(InputError, match="absent"):
        Truths(bam, tmp_path / "absent.bed", splits)
    Path(f"{bam}.bai").unlink()
    with pytest.raises(InputError, match="index"):
        Truths(bam, ranges, splits)


def test_whose_chromosomes_they_are_must_show_in_the_path(files: tuple[Path, Path, Path]) -> None:
    bam, ranges, splits = files
    other = splits.with_name("mouse_split.tsv")
    other.write_text(SPLITS)
    with pytest.raises(InputError, match="unknown species"):
        Truths(bam, ranges, other)


# Sequences that are not aligned


@pytest.fixture
def fasta(tmp_path: Path) -> Path:
    path = tmp_path / "truth.fasta"
    path.write_text(">m/1/truth\nACGT\nAC\n>m/2/ccs/fwd/truth\nCC\n>m/3/ccs\nGG\n>m/4\nTT\n>m/5/truth\n\n")
    return path


@pytest.mark.parametrize(
    ("draft", "bases"),
    [
        ("m/1/ccs", "ACGTAC"),
        ("m/1/ccs/rev", "ACGTAC"),
        ("m/2/ccs/fwd", "CC"),
        ("m/3/ccs", "GG"),
        ("m/4/ccs", "TT"),
    ],
)
def test_sequences_are_found_by_molecule(fasta: Path, draft: str, bases: str) -> None:
    assert decode_bases(TrueSequences(fasta).of(draft).bases) == bases


@pytest.mark.parametrize("draft", ["m/2/ccs", "m/2/ccs/rev", "m/5/ccs", "m/6/ccs", "other/1/ccs"])
def test_molecules_without_a_sequence(fasta: Path, draft: str) -> None:
    with pytest.raises(MoleculeError, match=draft) as fault:
        TrueSequences(fasta).of(draft)
    assert fault.value.outcome == "missing_truth"


def test_without_a_table_of_chromosomes_all_are_for_training(files: tuple[Path, Path, Path]) -> None:
    with Truths(*files[:2], None) as truths:
        assert [truths.of(f"m/{i}/ccs").split for i in (1, 5)] == ["train", "train"]
