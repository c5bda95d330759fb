"""A run that ended early and was resumed leaves what an uninterrupted run leaves."""

import dataclasses
import json
import shutil
from pathlib import Path

import pysam
import pytest
from restarts import MOLECULES, Left, folder_of, job, left, run_until
from support import record_lines

from deepconsensus_py.corrector import Corrector
from deepconsensus_py.errors import DeepConsensusError
from deepconsensus_py.models.registry import load_model
from deepconsensus_py.pacbio.headers import Program
from deepconsensus_py.pileup.vote import Vote
from deepconsensus_py.polishing import run as run_module
from deepconsensus_py.polishing.engine import PolishSettings
from deepconsensus_py.polishing.filters import ReadFilter
from deepconsensus_py.polishing.progress import StageClock, Stop
from deepconsensus_py.polishing.run import polish_files
from deepconsensus_py.polishing.shards import write_shard
from deepconsensus_py.polishing.sources import Reads, encoded_reads
from deepconsensus_py.reports.run_reports import SUFFIXES


def test_the_molecules_are_of_every_sort(whole: Left) -> None:
    assert whole.counts["molecules"] == MOLECULES
    assert set(whole.counts["outcomes"]) == {"success", "failed_length_filter", "no_subreads", "error"}
    assert len(whole.reads) > 2
    assert len(whole.failed) > 1


@pytest.mark.parametrize("checkpoint", [1, 2, 5, 12, 128])
@pytest.mark.parametrize("threads", [1, 3])
def test_records_do_not_depend_on_pieces_and_threads(
    inputs: Path, whole: Left, tmp_path: Path, checkpoint: int, threads: int
) -> None:
    report = polish_files(job(inputs, tmp_path / "out.bam", checkpoint=checkpoint, threads=threads))
    assert left(tmp_path / "out.bam") == whole
    assert report == json.loads((tmp_path / "out.report.json").read_text())
    assert report["resumed"] == 0
    assert not folder_of(tmp_path / "out.bam").exists()


@pytest.mark.parametrize("batch", [1, 7, 10_000])
def test_records_do_not_depend_on_the_batch(
    inputs: Path, whole: Left, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    vote = Vote()
    vote.batch = batch
    corrector = Corrector.of(vote)
    monkeypatch.setattr(run_module, "load_model", lambda *_, **__: corrector)
    polish_files(job(inputs, tmp_path / "out.bam"))
    assert left(tmp_path / "out.bam") == whole


def test_a_network_gives_the_same_when_resumed(
    testdata: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: Path
) -> None:
    corrector = load_model(tiny_model, threads=1)
    found = []
    for threads, stop, batch in ((1, 0, corrector.network.batch), (1, 2, 8), (2, 1, 30), (3, 0, 1)):
        corrector.network.batch = batch
        folder = tmp_path / f"{threads}-{stop}"
        folder.mkdir()
        settings = PolishSettings(filter=ReadFilter(min_quality=0))
        a_job = job(testdata, folder / "out.bam", model=str(tiny_model), threads=threads, settings=settings)
        monkeypatch.setattr(run_module, "load_model", lambda *_, **__: corrector)
        if stop:
            run_until(stop, a_job, monkeypatch, corrector)
        polish_files(dataclasses.replace(a_job, resume=True))
        found.append(left(folder / "out.bam"))
    assert found[0].counts["outcomes"] == {"success": 6}
    assert all(other == found[0] for other in found)


@pytest.mark.parametrize("cuts", [1, 3])
def test_records_do_not_depend_on_shards(
    inputs: Path, whole: Left, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cuts: int
) -> None:
    vote, shards = load_model("vote").method, []
    for number in range(1, cuts + 1):
        reads = Reads((inputs / "subreads.bam",), inputs / "ccs.bam", (number, cuts))
        source = encoded_reads(reads, vote, Program("1", "encode"), 1, StageClock())
        shards.append(tmp_path / f"{number}.shard")
        write_shard(shards[-1], source.molecules, vote, str(source.header))
    a_job = job(inputs, tmp_path / "out.bam", reads=None, shards=tuple(shards))
    run_until(5, a_job, monkeypatch)
    report = polish_files(dataclasses.replace(a_job, resume=True))
    assert left(tmp_path / "out.bam") == whole
    assert report["resumed"] == 1


@pytest.mark.parametrize("threads", [1, 2])
def test_a_run_that_is_stopped_again_and_again_comes_to_the_same(
    inputs: Path, whole: Left, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    output, stops, done = tmp_path / "out.bam", 0, 0
    while True:
        report = run_until(1, job(inputs, output, resume=True, threads=threads), monkeypatch)
        assert report["resumed"] == stops
        assert report["counts"]["molecules"] > done
        done = report["counts"]["molecules"]
        if done == MOLECULES:
            break
        stops += 1
        assert [path.name for path in tmp_path.iterdir()] == ["out.bam.unfinished"]
    assert stops
    assert left(output) == whole
    assert len(list(tmp_path.iterdir())) == 2 + len(SUFFIXES)


def test_the_report_adds_up_what_its_parts_took(inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "out.bam"
    first = run_until(4, job(inputs, output, command="begun"), monkeypatch)
    second = polish_files(job(inputs, output, command="resumed", resume=True))
    assert second["resumed"] == 1
    assert second["started"] == first["started"]
    assert second["command"] == "begun"
    assert second["seconds"] > first["seconds"]
    assert all(second["stages"][stage] >= first["stages"][stage] for stage in first["stages"])
    assert second["stages"]["encode"] > first["stages"]["encode"]


@pytest.mark.parametrize("name", ["out.sam", "out.fastq", "out.fastq.gz"])
def test_other_formats_are_resumed(inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def content(output: Path) -> object:
        if output.suffix == ".sam":
            return [line for line in output.read_text().splitlines() if not line.startswith("@PG")]
        with pysam.FastxFile(str(output)) as reads:
            return [str(read) for read in reads]

    (tmp_path / "whole").mkdir()
    polish_files(job(inputs, tmp_path / "whole" / name, checkpoint=128))
    run_until(5, job(inputs, tmp_path / name), monkeypatch)
    polish_files(job(inputs, tmp_path / name, resume=True))
    assert content(tmp_path / name) == content(tmp_path / "whole" / name)
    failed = f"failed-{name}"
    assert content(tmp_path / failed) == content(tmp_path / "whole" / failed)


@pytest.mark.parametrize("reads", ["raw", "no drafts", "chunk", "limit", "skip"])
def test_every_choice_of_molecules_is_resumed(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: str
) -> None:
    subreads, ccs = (inputs / "subreads.bam",), inputs / "ccs.bam"
    chosen = {
        "raw": Reads(subreads, ccs),
        "no drafts": Reads(subreads, None),
        "chunk": Reads(subreads, ccs, (2, 2)),
        "limit": Reads(subreads, ccs, limit=7),
        "skip": Reads(subreads, ccs, skip=3),
    }[reads]
    (tmp_path / "whole").mkdir()
    polish_files(job(inputs, tmp_path / "whole" / "out.bam", reads=chosen))
    run_until(3, job(inputs, tmp_path / "out.bam", reads=chosen), monkeypatch)
    polish_files(job(inputs, tmp_path / "out.bam", reads=chosen, resume=True))
    assert left(tmp_path / "out.bam") == left(tmp_path / "whole" / "out.bam")


def test_without_leftovers_resume_begins(inputs: Path, whole: Left, tmp_path: Path) -> None:
    assert polish_files(job(inputs, tmp_path / "out.bam", resume=True))["resumed"] == 0
    assert left(tmp_path / "out.bam") == whole


def test_nothing_begun_is_nothing_left(inputs: Path, tmp_path: Path) -> None:
    stop = Stop()
    stop.ask()
    report = polish_files(job(inputs, tmp_path / "out.bam"), stop)
    assert stop.early
    assert report["counts"]["molecules"] == 0
    assert list(tmp_path.iterdir()) == []


def test_threads_and_pieces_may_change_and_files_be_moved(
    inputs: Path, whole: Left, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(inputs, tmp_path / "inputs", copy_function=shutil.copy2)
    run_until(4, job(tmp_path / "inputs", tmp_path / "out.bam", threads=2), monkeypatch)
    (tmp_path / "inputs").rename(tmp_path / "moved")
    polish_files(job(tmp_path / "moved", tmp_path / "out.bam", threads=1, checkpoint=3, resume=True))
    found = left(tmp_path / "out.bam")
    assert (found.reads, found.failed, found.counts) == (whole.reads, whole.failed, whole.counts)


def test_a_link_stays_one(inputs: Path, whole: Left, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "out.bam").symlink_to(tmp_path / "far" / "real.bam")
    run_until(2, job(inputs, tmp_path / "out.bam"), monkeypatch)
    assert [path.name for path in (tmp_path / "far").iterdir()] == ["real.bam.unfinished"]
    polish_files(job(inputs, tmp_path / "out.bam", resume=True))
    assert (tmp_path / "out.bam").is_symlink()
    assert left(tmp_path / "out.bam") == whole


def test_a_stream_cannot_be_resumed(inputs: Path) -> None:
    with pytest.raises(
        DeepConsensusError, match=r"^--resume needs an output file; it cannot resume writing to standard output$"
    ):
        polish_files(job(inputs, Path("-"), failed=None, resume=True))


def test_a_device_has_no_side_files(inputs: Path, tmp_path: Path) -> None:
    null = tmp_path / "null.bam"
    null.symlink_to("/dev/null")
    assert polish_files(job(inputs, null, failed=None))["counts"]["molecules"] == MOLECULES
    assert list(tmp_path.iterdir()) == [null]
    assert null.is_char_device()


def test_the_header_is_that_of_the_run_that_began(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out.bam"
    run_until(2, job(inputs, output, command="begun"), monkeypatch)
    polish_files(job(inputs, output, command="resumed", resume=True))
    with pysam.AlignmentFile(str(output), check_sq=False) as reads:
        assert reads.header.to_dict()["PG"][-1]["CL"] == "begun"
    assert record_lines(output)
