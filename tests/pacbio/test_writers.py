"""Reads come back as they were written; a file that could not be finished does not exist."""

import gzip
import os
import resource
import subprocess
import sys
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pysam
import pytest
from support import read_drafts

from deepconsensus_py.errors import OutputError
from deepconsensus_py.pacbio.writers import open_reads, open_records

HEADER = pysam.AlignmentHeader.from_text("@HD\tVN:1.6\tSO:unknown\n@RG\tID:aaaa0000\tDS:READTYPE=CCS\n")
ENDINGS = [".bam", ".sam", ".fastq", ".fq", ".fastq.gz", ".fq.gz"]
TAGS = (("np", 7, "C"), ("rq", 0.5, "f"), ("sn", array("f", [1, 2, 3, 4]), "B"), ("RG", "aaaa0000", "Z"))


def reads(n: int, length: int = 5000) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(1)
    for hole in range(n):
        bases = rng.integers(1, 6, length + hole).astype(np.uint8)
        yield f"m/{hole}/ccs", bases, rng.integers(0, 94, length + hole).astype(np.uint8)


def write_reads(path: Path, n: int, failure: type[BaseException] | None = None) -> None:
    with open_reads(path, HEADER) as writer:
        for name, bases, qualities in reads(n):
            writer.write_read(name, bases, qualities, TAGS)
        if failure:
            raise failure


@pytest.mark.parametrize("ending", ENDINGS)
def test_reads_come_back(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"out{ending}"
    write_reads(path, 5)
    assert list(tmp_path.iterdir()) == [path]
    back = read_drafts(path)
    assert [draft.name for draft in back] == [name for name, _, _ in reads(5)]
    for draft, (_, bases, qualities) in zip(back, reads(5), strict=True):
        np.testing.assert_array_equal(draft.bases, bases)
        np.testing.assert_array_equal(draft.qualities, qualities)
        if ending in {".bam", ".sam"}:
            assert [(tag, value) for tag, value, _ in draft.tags] == [(tag, value) for tag, value, _ in TAGS]


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_reads_make_a_file_too(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"out{ending}"
    with open_reads(path, HEADER):
        pass
    assert path.is_file()
    if ending.endswith("gz"):
        assert gzip.decompress(path.read_bytes()) == b""


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_read_without_qualities(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"out{ending}"
    with open_reads(path, HEADER) as writer:
        writer.write_read("m/1/ccs", np.array([1, 2, 3], np.uint8), None)
    (draft,) = read_drafts(path)
    if ending in {".bam", ".sam"}:
        assert draft.qualities is None
    else:
        assert draft.qualities is not None
        assert draft.qualities.tolist() == [0, 0, 0]


def test_qualities_beyond_fastq_are_capped(tmp_path: Path) -> None:
    path = tmp_path / "out.fastq"
    with open_reads(path, HEADER) as writer:
        writer.write_read("m/1/ccs", np.array([1, 2], np.uint8), np.array([93, 200], np.uint8))
    assert path.read_text() == "@m/1/ccs\nAT\n+\n~~\n"


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_interrupted_file_is_not_there(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"out{ending}"
    with pytest.raises(KeyboardInterrupt):
        write_reads(path, 3, KeyboardInterrupt)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out", "out.txt", "out.cram", "bam"])
def test_an_unknown_ending(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=r"use one of \.bam, \.sam, "), open_reads(tmp_path / name, HEADER):
        pytest.fail("the block ran")


def test_fastq_is_no_file_of_records(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="unknown file name extension"), open_records(tmp_path / "x.fastq", HEADER):
        pytest.fail("the block ran")


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may grow beyond 20 kB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("ending", ENDINGS)
# The few reads fail when the file is closed, the many while they are written.
@pytest.mark.parametrize("n", [5, 100])
def test_a_file_that_may_not_grow(tmp_path: Path, ending: str, n: int, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / f"out{ending}"
    pysam.set_verbosity(3)
    with pytest.raises(OutputError, match=rf"^{path}: cannot be written"):
        write_reads(path, n)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


# Not SAM: it is written before it is closed.
@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("ending", [ending for ending in ENDINGS if ending != ".sam"])
def test_an_interruption_is_not_hidden_by_a_file_that_cannot_be_closed(tmp_path: Path, ending: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_reads(tmp_path / f"out{ending}", 5, KeyboardInterrupt)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_small_disk(small_disk: Path, ending: str) -> None:
    path = small_disk / f"out{ending}"
    write_reads(path, 1)
    before = path.read_bytes()
    with pytest.raises(OutputError, match=rf"^{path}: .*disk"):
        write_reads(path, 100)
    assert list(small_disk.iterdir()) == [path]
    assert path.read_bytes() == before


@pytest.mark.parametrize("n", [1, 100])
def test_a_full_disk(n: int) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    with pytest.raises(OutputError, match=r"^/dev/full: "):
        write_reads(Path("/dev/full"), n)


def test_standard_output_is_bam(tmp_path: Path) -> None:
    program = (
        "import sys, numpy, pysam; from pathlib import Path; from deepconsensus_py.pacbio.writers import open_reads\n"
        "head = pysam.AlignmentHeader.from_text('@HD\\tVN:1.6\\n')\n"
        "with open_reads(Path('-'), head) as writer:\n"
        "    writer.write_read('m/1/ccs', numpy.array([1, 2, 3, 4], numpy.uint8), None, [('zm', 1, 'i')])\n"
    )
    path = tmp_path / "x.bam"
    with path.open("wb") as file:
        subprocess.run([sys.executable, "-c", program], stdout=file, check=True)
    (draft,) = read_drafts(path)
    assert (draft.name, draft.bases.tolist(), draft.tag("zm")) == ("m/1/ccs", [1, 2, 3, 4], 1)


def test_a_terminal_takes_no_bam(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    with pytest.raises(OutputError, match="is a terminal"), open_reads(Path("-"), HEADER):
        pytest.fail("the block ran")


def test_a_pipe_takes_bam(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with open_reads(pipe, HEADER) as writer:
        writer.write_read("m/1/ccs", np.array([1], np.uint8), None)
    with os.fdopen(reader, "rb") as file:
        assert gzip.decompress(file.read()).startswith(b"BAM\1")
