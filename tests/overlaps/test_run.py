"""Runs of ``correct``: the same records whatever is in memory at a time, in parts, and after an end in the middle."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pytest
from overlap_reads import genome, simulated, tiled, with_errors, write_reads

from deepconsensus_py.errors import InputError, OutputError
from deepconsensus_py.overlaps import run
from deepconsensus_py.overlaps.run import CorrectRun, correct_files
from deepconsensus_py.overlaps.work import BlockWork, Corrected
from deepconsensus_py.pacbio.headers import Program
from deepconsensus_py.polishing.gather import gather

SMALL = 15_000
"""Bases of a block of five reads."""


def lines(path: Path) -> list[str]:
    """The records of a file as text."""
    with pysam.AlignmentFile(str(path), check_sq=False) as file:
        return [record.to_string() for record in file]


@pytest.fixture
def corrected_blocks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Reads of each block that is corrected: those asked for."""
    counted: list[int] = []
    real = run.correct_block

    def counting(work: BlockWork, *args: Any, **more: Any) -> Corrected:
        done = real(work, *args, **more)
        counted.append(len(done.entries))
        return done

    monkeypatch.setattr(run, "correct_block", counting)
    return counted


@pytest.mark.parametrize("aligned", [False, True])
def test_blocks_of_any_size_give_the_same_records(
    tmp_path: Path, corrected_blocks: list[int], *, aligned: bool
) -> None:
    source = tmp_path / "hifi.bam"
    simulated(source, aligned=aligned)
    job = CorrectRun((source,), tmp_path / "whole.bam", aligned=aligned)
    report = correct_files(job)
    assert corrected_blocks == [33]
    corrected_blocks.clear()
    parts = correct_files(replace(job, output=tmp_path / "blocks.bam", block_bases=SMALL))
    assert len(corrected_blocks) > 5
    assert max(corrected_blocks) <= 6
    whole = lines(tmp_path / "whole.bam")
    assert lines(tmp_path / "blocks.bam") == whole
    assert parts["counts"] == report["counts"]
    assert report["counts"]["reads_edited"] > 20
    with pysam.AlignmentFile(str(source), check_sq=False) as file:
        assert [record.query_name for record in file] == [line.split("\t")[0] for line in whole]


def test_memory_holds_the_reads_of_a_block_and_those_around_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "hifi.bam"
    simulated(source, length=30_000, aligned=True)
    sizes: list[int] = []

    def sized(work: BlockWork, *_: Any, **__: Any) -> Corrected:
        sizes.append(len(work.reads))
        return Corrected((), os.getpid(), 0, 0.0)

    monkeypatch.setattr(run, "correct_block", sized)
    job = CorrectRun((source,), tmp_path / "out.bam", aligned=True, block_bases=SMALL)
    correct_files(job)
    # Two neighbours on both sides, three rounds, five reads.
    assert len(sizes) >= 13
    assert max(sizes) <= 5 + 3 * 2 * 2 + 2


@pytest.mark.slow
def test_chunks_have_all_reads_once(tmp_path: Path) -> None:
    source = tmp_path / "hifi.bam"
    simulated(source)
    job = CorrectRun((source,), tmp_path / "whole.bam", block_bases=SMALL)
    correct_files(job)
    parts = [tmp_path / f"{number}.bam" for number in (1, 2, 3)]
    for number, part in enumerate(parts, 1):
        correct_files(replace(job, output=part, chunk=(number, 3)))
    whole = lines(tmp_path / "whole.bam")
    found = [line for part in parts for line in lines(part)]
    assert sorted(found) == sorted(whole)
    gather(parts, tmp_path / "gathered.bam", Program("1", ""), order=[source])
    assert lines(tmp_path / "gathered.bam") == whole != found
    tables = [(tmp_path / f"{name}.zmws.tsv.gz").read_bytes() for name in ("whole", "gathered")]
    assert gzip.decompress(tables[0]) == gzip.decompress(tables[1])


@pytest.mark.slow
def test_worker_processes_give_the_same(tmp_path: Path) -> None:
    source = tmp_path / "hifi.bam"
    simulated(source, length=9000, aligned=True)
    job = CorrectRun((source,), tmp_path / "one.bam", aligned=True, block_bases=SMALL)
    report = correct_files(job)
    assert correct_files(replace(job, output=tmp_path / "two.bam", threads=2))["counts"] == report["counts"]
    assert lines(tmp_path / "two.bam") == lines(tmp_path / "one.bam")


def test_a_run_that_ended_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, corrected_blocks: list[int]) -> None:
    source, output = tmp_path / "hifi.bam", tmp_path / "out.bam"
    simulated(source)
    job = CorrectRun((source,), tmp_path / "whole.bam", block_bases=SMALL)
    whole = correct_files(job)
    corrected_blocks.clear()
    counting = run.correct_block

    def stopping(*args: Any, **more: Any) -> Corrected:
        if len(corrected_blocks) == 2:
            raise KeyboardInterrupt
        return counting(*args, **more)

    monkeypatch.setattr(run, "correct_block", stopping)
    job = replace(job, output=output)
    with pytest.raises(KeyboardInterrupt):
        correct_files(job)
    assert not output.exists()
    done = sum(corrected_blocks)
    corrected_blocks.clear()
    monkeypatch.setattr(run, "correct_block", counting)
    with pytest.raises(OutputError, match=f"unfinished run with {done} ZMWs"):
        correct_files(job)
    with pytest.raises(OutputError, match="min_coverage"):
        correct_files(replace(job, resume=True, options=replace(job.options, min_coverage=4)))
    report = correct_files(replace(job, resume=True))
    assert sum(corrected_blocks) == 33 - done
    assert lines(output) == lines(tmp_path / "whole.bam")
    assert report["counts"] == whole["counts"]
    assert report["resumed"] == 1
    assert not list(tmp_path.glob("*.unfinished/*.store"))


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on(tmp_path: Path) -> None:
    source, output = tmp_path / "hifi.bam", tmp_path / "out.bam"
    simulated(source)
    job = CorrectRun((source,), tmp_path / "whole.bam", block_bases=SMALL)
    correct_files(job)
    script = (
        "import sys; from pathlib import Path; from deepconsensus_py.overlaps.run import CorrectRun, correct_files;"
        f"correct_files(CorrectRun((Path(sys.argv[1]),), Path(sys.argv[2]), block_bases={SMALL}))"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(source), str(output)])
    journal = tmp_path / "out.bam.unfinished" / "journal.json"
    while not journal.exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not output.exists()
    correct_files(replace(job, output=output, resume=True))
    assert lines(output) == lines(tmp_path / "whole.bam")


def test_reads_that_are_not_aligned_or_damaged_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source, damaged = tmp_path / "hifi.bam", tmp_path / "damaged.bam"
    simulated(source, length=8000, aligned=True)
    with (
        pysam.AlignmentFile(str(source)) as file,
        pysam.AlignmentFile(str(damaged), "wb", template=file) as target,
    ):
        for number, record in enumerate(file):
            if number == 3:
                record.set_tag("zm", 77, "i")
            if number == 5:
                record.flag, record.reference_id, record.reference_start, record.cigarstring = 4, -1, -1, None
            target.write(record)
    with caplog.at_level("INFO"):
        report = correct_files(CorrectRun((damaged,), tmp_path / "out.bam", aligned=True))
    assert "1 of 13 reads are not aligned, and stay as they are" in caplog.text
    assert "its name has ZMW 3, but its tag 'zm' has 77" in caplog.text
    assert report["counts"]["outcomes"] == {"error": 1, "success": 12}
    found = lines(tmp_path / "out.bam")
    assert len(found) == 12
    last = found[-1].split("\t")
    assert last[0] == "movie/5/ccs"
    assert {"rq:f:0.999", "hc:f:1", "he:i:0"} <= set(last[11:])
    with gzip.open(tmp_path / "out.zmws.tsv.gz", "rt") as table:
        assert sum("zm" in row for row in table) == 1
    assert json.loads((tmp_path / "out.report.json").read_text())["counts"] == report["counts"]


def test_reads_of_fastq_and_of_lists_of_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    reads = [with_errors(truth, 6, rng) for truth in tiled(genome(8000, 3), 3000, 400)]
    whole, halves = tmp_path / "hifi.bam", [tmp_path / "1.bam", tmp_path / "2.fastq"]
    write_reads(whole, reads)
    correct_files(CorrectRun((whole,), tmp_path / "whole.fastq"))
    with pysam.AlignmentFile(str(whole), check_sq=False) as file:
        records = list(file)
        with pysam.AlignmentFile(str(halves[0]), "wb", template=file) as first:
            for record in records[:6]:
                first.write(record)
    halves[1].write_text("".join(f"@{r.query_name}\n{r.query_sequence}\n+\n{r.qual}\n" for r in records[6:]))
    listed = tmp_path / "files.fofn"
    listed.write_text("".join(f"{half}\n" for half in halves))
    correct_files(CorrectRun((listed,), tmp_path / "listed.fastq"))
    assert (tmp_path / "listed.fastq").read_text() == (tmp_path / "whole.fastq").read_text()


def test_files_of_other_references_are_refused(tmp_path: Path) -> None:
    first, second = tmp_path / "1.bam", tmp_path / "2.bam"
    simulated(first, length=4000, aligned=True)
    simulated(second, length=4000)
    with pytest.raises(InputError, match=r"2\.bam: is aligned to another reference than"):
        correct_files(CorrectRun((first, second), tmp_path / "out.bam", aligned=True))
    with pytest.raises(InputError, match="no read is aligned; remove --aligned"):
        correct_files(CorrectRun((second,), tmp_path / "out.bam", aligned=True))
