"""Input that can be read only once: what is in a pipe is what is in the file, or it is refused."""

import gzip
import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pysam
import pytest
from support import content

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.inputs import Kind, expand_paths, kind_of
from deepconsensus_py.pacbio.pipes import is_pipe, pipe_at
from deepconsensus_py.pacbio.record_file import BGZF_END, RecordFile, header_of
from deepconsensus_py.pacbio.text_reads import text_reads
from deepconsensus_py.pacbio.zmws import read_subreads, read_zmws

Piped = Callable[..., Path]


@pytest.fixture
def piped() -> Iterator[Piped]:
    """Makes pipes that give bytes, or the bytes of a file, in pieces."""
    made: list[int] = []
    writers: list[Thread] = []

    def pipe(data: bytes | Path, pieces: tuple[int, ...] = (), wait: float = 0) -> Path:
        data = data.read_bytes() if isinstance(data, Path) else data
        out, into = os.pipe()

        def write() -> None:
            start = 0
            with os.fdopen(into, "wb", buffering=0) as target:
                for end in (*pieces, len(data)):
                    try:
                        target.write(data[start:end])
                    except BrokenPipeError:
                        return
                    start = end
                    time.sleep(wait)

        writers.append(Thread(target=write))
        writers[-1].start()
        made.append(out)
        return Path(f"/dev/fd/{out}")

    yield pipe
    for out in made:
        os.close(out)
    for writer in writers:
        writer.join()


def passes(path: Path) -> list[object]:
    return [(molecule, [(p.name, p.bases.tobytes()) for p in found]) for molecule, found in read_subreads([path])]


@pytest.mark.parametrize("form", ["bam", "uncompressed", "unpacked", "sam"])
def test_subreads_of_a_pipe(make, piped: Piped, form: str) -> None:
    subreads = make.subreads(range(1, 40))
    file = make.folder / ("other.sam" if form == "sam" else "other.bam")
    options = {"bam": ["-b"], "uncompressed": ["-u"], "unpacked": ["-b"], "sam": ["-h"]}[form]
    pysam.view(*options, "-o", str(file), str(subreads), catch_stdout=False)
    data = gzip.decompress(file.read_bytes()) if form == "unpacked" else file.read_bytes()
    path = piped(data, (1, 17, 5000), 0.02)
    assert kind_of(path) is (Kind.SAM if form == "sam" else Kind.BAM)
    assert str(header_of(path)).count("@RG") == 1
    assert passes(path) == passes(subreads)
    assert str(header_of(path)).count("@RG") == 1
    with pytest.raises(
        InputError, match="is a pipe, which can be read only once; write it to a file and give that file"
    ):
        RecordFile(path)


@pytest.mark.parametrize("packed", [False, True])
def test_reads_of_a_pipe(make, piped: Piped, packed: bool) -> None:
    fastq = make.drafts(range(1, 400), "ccs.fastq")
    data = gzip.compress(fastq.read_bytes()) if packed else fastq.read_bytes()
    path = piped(data, (1, 100, 5000), 0.02)
    assert [(r.name, r.sequence, r.quality) for r in text_reads(path)] == [
        (r.name, r.sequence, r.quality) for r in text_reads(fastq)
    ]
    with pytest.raises(InputError, match="can be read only once"):
        list(text_reads(path))


@pytest.mark.parametrize("aligned", [False, True])
def test_drafts_with_passes_of_a_pipe(make, piped: Piped, aligned: bool) -> None:
    """Also where some ZMWs have no CCS read."""
    drafts = make.drafts([1, 2, 4, 7])
    subreads = make.aligned([f"{n}/ccs" for n in (1, 2, 4, 7)]) if aligned else make.subreads(range(1, 9))
    assert content(read_zmws([piped(subreads)], drafts)) == content(read_zmws([subreads], drafts))


def test_a_pipe_among_files(make, piped: Piped) -> None:
    one, two, drafts = make.subreads([1, 3], "1.bam"), make.subreads([2, 4], "2.bam"), make.drafts([1, 3, 2, 4])
    assert content(read_zmws([one, piped(two)], drafts)) == content(read_zmws([one, two], drafts))


def test_what_would_have_to_be_read_again(make, piped: Piped) -> None:
    subreads = make.subreads([1, 2, 3])
    for drafts in (make.drafts([2, 1], "order.bam"), make.drafts([9, 1], "gap.bam")):
        with pytest.raises(InputError, match="are in another order, so that it would have to be read again; write it"):
            list(read_zmws([piped(subreads)], drafts))
    with pytest.raises(InputError, match="is a pipe, which can be read only once"):
        read_zmws([subreads], piped(make.drafts([1])))


@pytest.mark.parametrize("cut", ["at the end", "inside a block", "inside the header"])
def test_a_pipe_that_ends_early(make, piped: Piped, cut: str) -> None:
    data = make.subreads(range(1, 2000)).read_bytes()
    assert data.endswith(BGZF_END)
    data = data[: {"at the end": -len(BGZF_END), "inside a block": -2000, "inside the header": 60}[cut]]
    with pytest.raises(InputError, match="ended early, or is damaged"):
        passes(piped(data))


def test_what_is_no_input_is_named_before_it_is_read(make, piped: Piped) -> None:
    for data, reason in (
        (b"", "the file is empty"),
        (b"nonsense", "is not a BAM, SAM, CRAM, FASTQ or FASTA file"),
        (make.drafts([1], "ccs.fastq").read_bytes(), "is a FASTQ file where a BAM file is needed"),
        (gzip.compress(gzip.decompress(make.subreads([1]).read_bytes())), "is compressed by gzip, and BAM must be by"),
    ):
        with pytest.raises(InputError, match=reason):
            passes(piped(data))


def test_whoever_writes_hears_that_nobody_reads(make) -> None:
    out, into = os.pipe()
    path, text = Path(f"/dev/fd/{out}"), b"@r\nACGT\n+\nIIII\n" * 100_000
    broken = []

    def write() -> None:
        try:
            with os.fdopen(into, "wb", buffering=0) as target:
                while True:
                    target.write(text)
        except BrokenPipeError:
            broken.append(True)

    writer = Thread(target=write)
    writer.start()
    reads = text_reads(path)
    assert next(reads).name == "r"
    reads.close()
    os.close(out)
    writer.join(timeout=60)
    assert broken


def test_a_terminal_is_refused() -> None:
    ours, theirs = pty.openpty()
    program = [sys.executable, "-m", "deepconsensus_py.cli.main", "draft", "-", "-o", "/dev/null"]
    done = subprocess.run(program, stdin=theirs, capture_output=True, check=False, text=True)
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 1
    assert "standard input: is a terminal; pipe reads into the command, or give a file" in done.stderr


def test_what_is_a_pipe(tmp_path: Path, piped: Piped) -> None:
    file, fifo = tmp_path / "file", tmp_path / "fifo"
    file.touch()
    os.mkfifo(fifo)
    assert [is_pipe(path) for path in (Path("-"), fifo, piped(b""), file, Path("/dev/null"), tmp_path / "no")] == [
        *[True] * 3,
        *[False] * 3,
    ]
    assert pipe_at(file) is None
    for paths in ([fifo], [Path("-")], [Path("-"), Path("/dev/stdin")]):
        with pytest.raises(InputError, match=r"only once|given twice"):
            expand_paths(paths)
    assert expand_paths([fifo], pipes=True) == [fifo]
    with pytest.raises(InputError, match="given twice"):
        expand_paths([Path("-"), Path("-")], pipes=True)
