"""Files written in checkpoints hold what one writer would have written, and can be cut back to any checkpoint."""

import gzip
from itertools import pairwise
from pathlib import Path

import numpy as np
import pysam
import pytest

from deepconsensus_py.errors import OutputError
from deepconsensus_py.pacbio.writers import open_reads
from deepconsensus_py.polishing.outputs import BGZF_END, AppendOnlyFile, AppendOnlyReads, Stored, stored

HEADER = pysam.AlignmentHeader.from_text("@HD\tVN:1.6\n@RG\tID:one\tPL:PACBIO\n")
LONG_HEADER = pysam.AlignmentHeader.from_text("@HD\tVN:1.6\n" + "".join(f"@RG\tID:{n:08x}\n" for n in range(20_000)))
FORMATS = [".bam", ".sam", ".fastq", ".fastq.gz"]


def write(writer, numbers: range) -> None:
    for number in numbers:
        bases = np.full(number + 1, 1 + number % 4, np.uint8)
        writer.write_read(f"m/{number}/ccs", bases, bases, (("zm", number, "i"),))


def content(path: Path) -> object:
    if path.suffix == ".bam":
        with pysam.AlignmentFile(str(path), check_sq=False) as reads:
            return str(reads.header), [read.to_string() for read in reads]
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_text()


def grow(part: Path, name: Path, pieces: list[range], earlier: Stored = Stored(), header=HEADER) -> Stored:  # noqa: B008
    """Append pieces, and give what is stored once the last one is."""
    file = AppendOnlyFile(part, name.name, earlier)
    reads = AppendOnlyReads(file, name, header, 2)
    for checkpoint in pieces:
        with reads.checkpoint() as writer:
            write(writer, checkpoint)
    found = file.stored
    assert found == stored(part)
    reads.finish()
    file.close()
    return found


def one_writer(name: Path, numbers: range, header=HEADER) -> object:
    with open_reads(name, header) as writer:
        write(writer, numbers)
    return content(name)


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("cuts", [[0, 40], [0, 1, 2, 40], [0, 0, 17, 17, 40, 40], [0, 0], [0]])
def test_pieces_make_the_file_of_one_writer(tmp_path: Path, ending: str, cuts: list[int]) -> None:
    part = tmp_path / f"part{ending}"
    grow(part, tmp_path / f"x{ending}", [range(*cut) for cut in pairwise(cuts)])
    assert content(part) == one_writer(tmp_path / f"x{ending}", range(cuts[-1]))


@pytest.mark.parametrize("ending", FORMATS)
def test_what_follows_the_last_good_piece_is_cut_off(tmp_path: Path, ending: str) -> None:
    part, name = tmp_path / f"part{ending}", tmp_path / f"x{ending}"
    good = grow(part, name, [range(10), range(10, 20)])
    grow(part, name, [range(90, 99)], good)
    with part.open("ab") as file:
        file.write(b"half a record")
    other = pysam.AlignmentHeader.from_text("@HD\tVN:1.6\n@CO\tthe header of the first checkpoint stays\n")
    grow(part, name, [range(20, 30)], good, other)
    assert content(part) == one_writer(name, range(30))


@pytest.mark.parametrize("ending", FORMATS)
def test_a_piece_that_fails_leaves_nothing(tmp_path: Path, ending: str) -> None:
    part, name = tmp_path / f"part{ending}", tmp_path / f"x{ending}"
    file = AppendOnlyFile(part, "x", Stored())
    reads = AppendOnlyReads(file, name, HEADER)
    with reads.checkpoint() as writer:
        write(writer, range(5))
    before = part.read_bytes()
    with pytest.raises(KeyboardInterrupt), reads.checkpoint() as writer:  # noqa: PT012 - the block is what fails
        write(writer, range(5, 9))
        raise KeyboardInterrupt
    assert part.read_bytes() == before
    with reads.checkpoint() as writer:
        write(writer, range(5, 8))
    reads.finish()
    file.close()
    assert content(part) == one_writer(name, range(8))


def test_a_header_of_many_blocks_stands_once(tmp_path: Path) -> None:
    part, name = tmp_path / "part.bam", tmp_path / "x.bam"
    good = grow(part, name, [range(3), range(3, 5)], header=LONG_HEADER)
    grow(part, name, [range(5, 7)], good, LONG_HEADER)
    assert content(part) == one_writer(name, range(7), LONG_HEADER)


def test_a_bam_file_ends_once(tmp_path: Path) -> None:
    grow(tmp_path / "part.bam", tmp_path / "x.bam", [range(3), range(3, 5)])
    assert (tmp_path / "part.bam").read_bytes().count(BGZF_END) == 1


def test_a_folder_that_has_gone_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"^x\.bam: its directory does not exist"):
        AppendOnlyFile(tmp_path / "no" / "part.bam", "x.bam", Stored())
