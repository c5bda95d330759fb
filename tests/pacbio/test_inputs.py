"""What is wrong with an input file is said in one sentence that names it, and nothing else is printed."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pysam
import pytest
from support import read_drafts

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.drafts import count_drafts
from deepconsensus_py.pacbio.inputs import Kind, expand_paths, kind_of
from deepconsensus_py.pacbio.molecule import decode_bases
from deepconsensus_py.pacbio.record_file import RecordFile
from deepconsensus_py.pacbio.zmws import read_subreads

BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


def cut(path: Path, change: Callable[[bytes], bytes]) -> Path:
    path.write_bytes(change(path.read_bytes()))
    return path


def flip_middle(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes(b ^ 0x55 for b in content[middle : middle + 20]) + content[middle + 20 :]


DAMAGES = {
    "no end-of-file block": lambda content: content.removesuffix(BGZF_END),
    "cut in the middle": lambda content: content[: len(content) // 2],
    "cut in the middle, end restored": lambda content: content[: len(content) // 2] + BGZF_END,
    "flipped bits": flip_middle,
    "cut in the header": lambda content: content[:10],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damaged_bam(make, capfd: pytest.CaptureFixture[str], damage: Callable[[bytes], bytes]) -> None:
    pysam.set_verbosity(3)
    path = cut(make.subreads(range(200)), damage)
    with pytest.raises(InputError, match=f"^{path}: is truncated or damaged .*; copy or make it again$"):
        list(read_subreads([path]))
    assert capfd.readouterr() == ("", "")


def test_a_damaged_drafts_file(make, capfd: pytest.CaptureFixture[str]) -> None:
    path = cut(make.drafts(range(400)), flip_middle)
    with pytest.raises(InputError, match=f"^{path}: is truncated or damaged"):
        read_drafts(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the file is empty"),
        (b"hello\n" * 1000, "is not a BAM, SAM, CRAM, FASTQ or FASTA file"),
        (gzip.compress(b"hello\n", mtime=0), "is not a BAM, SAM, CRAM, FASTQ or FASTA file"),
        (b'<?xml version="1.0"?><SubreadSet/>', "is XML; give BAM files, or a dataset XML whose name ends in .xml"),
        (b"\x89HDF\r\n\x1a\n", "is not a BAM"),
        (b">a\nACGT\n", "is a FASTA file where a BAM file is needed"),
        (b"@a\nACGT\n+\nIIII\n", "is a FASTQ file where a BAM file is needed"),
    ],
)
def test_not_a_bam(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "x.bam"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"^{path}: {sentence}"):
        RecordFile(path)


def test_not_a_readable_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        RecordFile(tmp_path / "x.bam")
    with pytest.raises(InputError, match="is a directory"):
        RecordFile(tmp_path)
    forbidden = tmp_path / "x.bam"
    forbidden.write_bytes(b"BAM\1")
    forbidden.chmod(0)
    if os.access(forbidden, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(InputError, match="cannot be read"):
        RecordFile(forbidden)


def test_no_records(make) -> None:
    with pytest.raises(InputError, match=r"no subreads found$"):
        list(read_subreads([make.subreads([])]))
    with pytest.raises(InputError, match=r"no reads found$"):
        read_drafts(make.drafts([]))


def test_kinds_are_found_by_looking_not_by_name(make, tmp_path: Path) -> None:
    assert kind_of(make.subreads([1]).rename(tmp_path / "a.txt")) is Kind.BAM
    assert kind_of(make.drafts([1], "ccs.fastq").rename(tmp_path / "b.bam")) is Kind.FASTQ
    fasta = tmp_path / "c.fastq"
    fasta.write_bytes(gzip.compress(b">m/1/ccs\nACGT\n", mtime=0))
    assert kind_of(fasta) is Kind.FASTA


@pytest.mark.parametrize("name", ["ccs.fastq", "ccs.fastq.gz", "ccs.fasta", "ccs.fasta.gz"])
def test_text_drafts_are_the_bam_ones(make, tmp_path: Path, name: str) -> None:
    wanted = read_drafts(make.drafts([5, 3, 9]))
    text = make.drafts([5, 3, 9], "x.fastq").read_text()
    if ".fasta" in name:
        lines = text.splitlines()
        text = "".join(f">{n[1:]}\n{s}\n" for n, s in zip(lines[::4], lines[1::4], strict=True))
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    drafts = read_drafts(path)
    assert [d.name for d in drafts] == [d.name for d in wanted]
    assert [decode_bases(d.bases) for d in drafts] == [decode_bases(d.bases) for d in wanted]
    if ".fasta" in name:
        assert all(d.qualities is None for d in drafts)
    else:
        assert all((d.qualities == 40).all() and (w.qualities == 40).all() for d, w in zip(drafts, wanted, strict=True))
    # What the name says.
    assert [d.tag("zm") for d in drafts] == [5, 3, 9]
    assert len({d.tag("RG") for d in drafts}) == 1


@pytest.mark.parametrize("keep", [0.3, 0.5, 0.9])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_cut_fastq(make, tmp_path: Path, keep: float, compressed: bool) -> None:
    content = make.drafts(range(300), "x.fastq").read_bytes()
    content = gzip.compress(content) if compressed else content[: content.rindex(b"\n", 0, int(len(content) * keep))]
    path = tmp_path / "ccs.fastq"
    path.write_bytes(content[: int(len(content) * keep)] if compressed else content[:-7])
    with pytest.raises(InputError, match=f"^{path}: .*truncated or damaged"):
        read_drafts(path)


def test_a_file_of_file_names(make, tmp_path: Path) -> None:
    make.subreads([1], "one.bam")
    two = make.subreads([2], "two.bam")
    fofn = tmp_path / "all.fofn"
    fofn.write_text(f"# two files\none.bam\n\n{two}\n")
    assert expand_paths([fofn, Path("three.bam")]) == [tmp_path / "one.bam", two, Path("three.bam")]
    assert [molecule.hole for molecule, _ in read_subreads([fofn])] == [1, 2]
    fofn.write_text("\n# nothing\n")
    with pytest.raises(InputError, match="lists no files"):
        expand_paths([fofn])
    with pytest.raises(InputError, match="no such file"):
        expand_paths([tmp_path / "none.fofn"])


def test_drafts_are_counted(make) -> None:
    assert count_drafts(make.drafts(range(17))) == 17


@pytest.mark.parametrize("name", ["ccs.bam", "ccs.fastq"])
def test_subreads_given_as_drafts(make, name: str) -> None:
    path = make.subreads([1]) if name == "ccs.bam" else make.drafts(["1/0_60"], name)
    with pytest.raises(InputError, match=r"contains subreads .*, but CCS reads are needed"):
        read_drafts(path)
