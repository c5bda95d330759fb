"""A run that ended early and was gone on with leaves what one that did not end leaves."""

import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pysam
import pytest
from restarts import MOLECULES, Left, job, left, simulate
from support import record_lines

from deepconsensus_py.errors import DeepConsensusError, InputError, OutputError
from deepconsensus_py.models.interface import Corrector
from deepconsensus_py.models.registry import load_corrector
from deepconsensus_py.models.vote import Vote
from deepconsensus_py.pacbio.headers import Program
from deepconsensus_py.polishing import run as run_module
from deepconsensus_py.polishing.clock import StageClock
from deepconsensus_py.polishing.engine import PolishSettings
from deepconsensus_py.polishing.filters import ReadFilter
from deepconsensus_py.polishing.qualities import Calibration
from deepconsensus_py.polishing.read import PolishedRead
from deepconsensus_py.polishing.run import PolishRun, run
from deepconsensus_py.polishing.shards import write_shard
from deepconsensus_py.polishing.sources import Reads, encoded_reads
from deepconsensus_py.polishing.stop import Stop


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    simulate(folder)
    return folder


@pytest.fixture(scope="module")
def whole(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Left:
    output = tmp_path_factory.mktemp("whole") / "out.bam"
    run(job(inputs, output, piece=128))
    return left(output)


def folder_of(output: Path) -> Path:
    return output.with_name(f"{output.name}.unfinished")


def run_until(
    number: int, a_job: PolishRun, monkeypatch: pytest.MonkeyPatch, corrector: Corrector | None = None
) -> dict[str, Any]:
    """Run, and ask to stop when so many molecules are polished."""
    stop, polished = Stop(), run_module.correct

    def asking(*given: Any, **named: Any) -> Iterator[PolishedRead]:
        for count, read in enumerate(polished(*given, **named), 1):
            if count == number:
                stop.ask()
            yield read

    # One molecule to a batch, or all of these few would be polished before the first one is seen.
    with monkeypatch.context() as patch:
        patch.setattr(run_module, "correct", asking)
        patch.setattr(run_module, "load_corrector", lambda *_, **__: corrector or one_at_a_time())
        return run(a_job, stop)


def one_at_a_time() -> Vote:
    corrector = Vote()
    corrector.batch = 1
    return corrector


def test_the_molecules_are_of_every_sort(whole: Left) -> None:
    assert whole.counts["molecules"] == MOLECULES
    assert set(whole.counts["outcomes"]) == {"success", "failed_length_filter", "no_subreads", "error"}
    assert len(whole.reads) > 2
    assert len(whole.failed) > 1


@pytest.mark.parametrize("piece", [1, 2, 5, 12, 128])
@pytest.mark.parametrize("threads", [1, 3])
def test_records_do_not_depend_on_pieces_and_threads(
    inputs: Path, whole: Left, tmp_path: Path, piece: int, threads: int
) -> None:
    report = run(job(inputs, tmp_path / "out.bam", piece=piece, threads=threads))
    assert left(tmp_path / "out.bam") == whole
    assert report == json.loads((tmp_path / "out.report.json").read_text())
    assert report["resumed"] == 0
    assert not folder_of(tmp_path / "out.bam").exists()


@pytest.mark.parametrize("batch", [1, 7, 10_000])
def test_records_do_not_depend_on_the_batch(
    inputs: Path, whole: Left, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    corrector = Vote()
    corrector.batch = batch
    monkeypatch.setattr(run_module, "load_corrector", lambda *_, **__: corrector)
    run(job(inputs, tmp_path / "out.bam"))
    assert left(tmp_path / "out.bam") == whole


def test_a_network_comes_to_the_same_when_gone_on_with(
    testdata: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: Path
) -> None:
    corrector = load_corrector(tiny_model, threads=1)
    found = []
    for threads, stop, batch in ((1, 0, corrector.batch), (1, 2, 8), (2, 1, 30), (3, 0, 1)):
        corrector.batch = batch
        folder = tmp_path / f"{threads}-{stop}"
        folder.mkdir()
        settings = PolishSettings(filter=ReadFilter(min_quality=0))
        a_job = job(testdata, folder / "out.bam", model=str(tiny_model), threads=threads, settings=settings)
        monkeypatch.setattr(run_module, "load_corrector", lambda *_, **__: corrector)
        if stop:
            run_until(stop, a_job, monkeypatch, corrector)
        run(dataclasses.replace(a_job, resume=True))
        found.append(left(folder / "out.bam"))
    assert found[0].counts["outcomes"] == {"success": 6}
    assert all(other == found[0] for other in found)


@pytest.mark.parametrize("cuts", [1, 3])
def test_records_do_not_depend_on_shards(
    inputs: Path, whole: Left, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cuts: int
) -> None:
    vote, shards = load_corrector("vote"), []
    for number in range(1, cuts + 1):
        reads = Reads((inputs / "subreads.bam",), inputs / "ccs.bam", (number, cuts))
        source = encoded_reads(reads, vote, Program("1", "encode"), 1, StageClock())
        shards.append(tmp_path / f"{number}.shard")
        write_shard(shards[-1], source.molecules, vote, str(source.header))
    a_job = job(inputs, tmp_path / "out.bam", reads=None, shards=tuple(shards))
    run_until(5, a_job, monkeypatch)
    report = run(dataclasses.replace(a_job, resume=True))
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
    assert len(list(tmp_path.iterdir())) == 4


def test_the_report_adds_up_what_its_parts_took(inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "out.bam"
    first = run_until(4, job(inputs, output, command="begun"), monkeypatch)
    second = run(job(inputs, output, command="gone on with", resume=True))
    assert second["resumed"] == 1
    assert second["started"] == first["started"]
    assert second["command"] == "begun"
    assert second["seconds"] > first["seconds"]
    assert all(second["stages"][stage] >= first["stages"][stage] for stage in first["stages"])
    assert second["stages"]["encode"] > first["stages"]["encode"]


@pytest.mark.parametrize("name", ["out.sam", "out.fastq", "out.fastq.gz"])
def test_other_formats_are_gone_on_with(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def content(output: Path) -> object:
        if output.suffix == ".sam":
            return [line for line in output.read_text().splitlines() if not line.startswith("@PG")]
        with pysam.FastxFile(str(output)) as reads:
            return [str(read) for read in reads]

    (tmp_path / "whole").mkdir()
    run(job(inputs, tmp_path / "whole" / name, piece=128))
    run_until(5, job(inputs, tmp_path / name), monkeypatch)
    run(job(inputs, tmp_path / name, resume=True))
    assert content(tmp_path / name) == content(tmp_path / "whole" / name)
    failed = f"failed-{name}"
    assert content(tmp_path / failed) == content(tmp_path / "whole" / failed)


@pytest.mark.parametrize("reads", ["raw", "no drafts", "chunk", "limit", "skip"])
def test_every_choice_of_molecules_is_gone_on_with(
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
    run(job(inputs, tmp_path / "whole" / "out.bam", reads=chosen))
    run_until(3, job(inputs, tmp_path / "out.bam", reads=chosen), monkeypatch)
    run(job(inputs, tmp_path / "out.bam", reads=chosen, resume=True))
    assert left(tmp_path / "out.bam") == left(tmp_path / "whole" / "out.bam")


def test_leftovers_are_named_and_stay_as_they_are(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out.bam"
    run_until(4, job(inputs, output), monkeypatch)
    before = {path: path.read_bytes() for path in folder_of(output).iterdir()}
    with pytest.raises(
        OutputError,
        match=r"out\.bam\.unfinished: holds \d+ molecules .* --resume, or remove that folder to begin anew$",
    ):
        run(job(inputs, output))
    assert {path: path.read_bytes() for path in folder_of(output).iterdir()} == before
    assert not output.exists()


def test_without_leftovers_resume_begins(inputs: Path, whole: Left, tmp_path: Path) -> None:
    assert run(job(inputs, tmp_path / "out.bam", resume=True))["resumed"] == 0
    assert left(tmp_path / "out.bam") == whole


def test_nothing_begun_is_nothing_left(inputs: Path, tmp_path: Path) -> None:
    stop = Stop()
    stop.ask()
    report = run(job(inputs, tmp_path / "out.bam"), stop)
    assert stop.early
    assert report["counts"]["molecules"] == 0
    assert list(tmp_path.iterdir()) == []


CHANGED = {
    "reads.chunk": "chunk None, now [1, 2]",
    "reads.limit": "limit None, now 11",
    "reads.skip": "skip 0, now 1",
    "reads.subreads": "input subreads.bam, which has changed since",
    "reads.drafts": "input ccs.bam, now ccs.fasta",
    "shards": "2 input files, now 1",
    "failed": "failed True, now False, output format .bam and .bam, now .bam",
    "model": "model vote, now pairhmm",
    "insertion_trim": "insertion_trim None, now 3",
    "settings.filter.min_quality": "min_quality 0, now 5",
    "settings.filter.min_length": "min_length 350, now 5",
    "settings.skip_windows_above": "skip_windows_above 45, now 5",
    "settings.max_base_quality": "max_base_quality 93, now 40",
    "settings.model_calibration": "model_calibration None, now skip",
    "settings.draft_calibration": "draft_calibration skip, now 10,0.5,1",
    "device": "device cpu, now cuda",
    "precision": "precision auto, now fp32",
    "triage": "triage True, now False",
}
"""What decides the records, and what is said where it is another."""

FREE = {"output", "threads", "command", "resume", "piece"}


def changed(a_job: PolishRun, name: str, inputs: Path, folder: Path) -> PolishRun:
    """A job with another value of a field."""
    values: dict[str, Any] = {
        "reads.chunk": (1, 2),
        "reads.limit": MOLECULES - 1,
        "reads.skip": 1,
        "reads.subreads": (folder / "other" / "subreads.bam",),
        "reads.drafts": folder / "ccs.fasta",
        "failed": None,
        "model": "pairhmm",
        "insertion_trim": 3,
        "settings.max_base_quality": 40,
        "settings.model_calibration": Calibration.parse("skip"),
        "settings.draft_calibration": Calibration.parse("10,0.5,1"),
        "device": "cuda:1",
        "precision": "fp32",
        "triage": False,
    }
    if name == "shards":
        return dataclasses.replace(a_job, reads=None, shards=(folder / "x.shard",))
    return replaced(a_job, name.split("."), values.get(name, 5))


def replaced(value: Any, path: list[str], new: Any) -> Any:
    first, *rest = path
    return dataclasses.replace(value, **{first: replaced(getattr(value, first), rest, new) if rest else new})


def test_every_option_is_known_here() -> None:
    names = set()
    for prefix, kind in (("", PolishRun), ("reads.", Reads), ("settings.", PolishSettings)):
        names |= {f"{prefix}{field.name}" for field in dataclasses.fields(kind)}
    names |= {f"settings.filter.{field.name}" for field in dataclasses.fields(ReadFilter)}
    assert names - {"reads", "settings", "settings.filter"} == CHANGED.keys() | FREE


@pytest.mark.parametrize("name", CHANGED)
def test_another_run_is_refused_and_says_what_differs(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    begun = job(inputs, tmp_path / "out.bam", resume=True)
    run_until(2, begun, monkeypatch)
    (tmp_path / "other").mkdir()
    shutil.copy(inputs / "subreads.bam", tmp_path / "other")
    (tmp_path / "ccs.fasta").write_text(">m/1/ccs\nACGT\n")
    (tmp_path / "x.shard").write_bytes(b"shard")
    monkeypatch.setattr(run_module, "load_corrector", loads_on_any_device)
    with pytest.raises(OutputError) as refusal:
        run(changed(begun, name, inputs, tmp_path))
    sentence = str(refusal.value)
    assert sentence.startswith(f"{folder_of(tmp_path / 'out.bam')}: is of another run (")
    assert CHANGED[name] in sentence
    assert sentence.endswith("or remove that folder to begin anew")


def loads_on_any_device(model: str, *, insertion_trim: int | None, **_: Any) -> Any:
    return load_corrector(model, insertion_trim=insertion_trim)


def test_threads_and_pieces_may_change_and_files_be_moved(
    inputs: Path, whole: Left, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(inputs, tmp_path / "inputs", copy_function=shutil.copy2)
    run_until(4, job(tmp_path / "inputs", tmp_path / "out.bam", threads=2), monkeypatch)
    (tmp_path / "inputs").rename(tmp_path / "moved")
    run(job(tmp_path / "moved", tmp_path / "out.bam", threads=1, piece=3, resume=True))
    found = left(tmp_path / "out.bam")
    assert (found.reads, found.failed, found.counts) == (whole.reads, whole.failed, whole.counts)


def test_what_auto_comes_to_on_another_machine_is_refused(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = one_at_a_time(), one_at_a_time()
    vars(here)["precision"], vars(there)["precision"] = "bf16", "fp32"
    run_until(2, job(inputs, tmp_path / "out.bam"), monkeypatch, here)
    with pytest.raises(OutputError, match="precision bf16, now fp32"):
        run_until(2, job(inputs, tmp_path / "out.bam", resume=True), monkeypatch, there)


def test_other_weights_under_the_same_name_are_refused(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: Path
) -> None:
    mine = tmp_path / "tiny.safetensors"
    shutil.copy(tiny_model, mine)
    run_until(2, job(inputs, tmp_path / "out.bam", model=str(mine)), monkeypatch)
    content = bytearray(mine.read_bytes())
    content[-1] ^= 1
    mine.write_bytes(content)
    monkeypatch.setattr(run_module, "load_corrector", lambda *_, **__: one_at_a_time())
    with pytest.raises(OutputError, match="model vote, which has changed since"):
        run(job(inputs, tmp_path / "out.bam", model=str(mine), resume=True))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda text: text[: len(text) // 2], r"journal\.json: is damaged, .* remove .*out\.bam\.unfinished to begin"),
        (lambda text: "[]", "is damaged, or not the journal"),
        (
            lambda text: text.replace('"version": 1', '"version": 7', 1),
            "has journal version 7 of .* 1;",
        ),
    ],
)
def test_a_journal_that_cannot_be_read_is_refused(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Any, sentence: str
) -> None:
    output = tmp_path / "out.bam"
    run_until(2, job(inputs, output), monkeypatch)
    journal = folder_of(output) / "journal.json"
    journal.write_text(damage(journal.read_text()))
    for resume in (False, True):
        with pytest.raises(InputError, match=sentence):
            run(job(inputs, output, resume=resume))


def test_reads_that_were_lost_are_missed(inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "out.bam"
    run_until(2, job(inputs, output), monkeypatch)
    reads = folder_of(output) / "reads.bam"
    reads.write_bytes(reads.read_bytes()[:-1])
    with pytest.raises(OutputError, match=r"reads\.bam: holds \d+ bytes of \d+"):
        run(job(inputs, output, resume=True))


def test_two_runs_cannot_write_one_output(inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    polished, refusals = run_module.correct, []

    def meanwhile(*given: Any, **named: Any) -> Iterator[PolishedRead]:
        monkeypatch.setattr(run_module, "correct", polished)
        with pytest.raises(OutputError) as refusal:
            run(job(inputs, tmp_path / "out.bam", resume=True))
        refusals.append(str(refusal.value))
        yield from polished(*given, **named)

    monkeypatch.setattr(run_module, "correct", meanwhile)
    assert run(job(inputs, tmp_path / "out.bam"))["counts"]["molecules"] == MOLECULES
    assert len(refusals) == 1
    assert "another run is writing there" in refusals[0]


def test_a_link_stays_one(inputs: Path, whole: Left, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "out.bam").symlink_to(tmp_path / "far" / "real.bam")
    run_until(2, job(inputs, tmp_path / "out.bam"), monkeypatch)
    assert [path.name for path in (tmp_path / "far").iterdir()] == ["real.bam.unfinished"]
    run(job(inputs, tmp_path / "out.bam", resume=True))
    assert (tmp_path / "out.bam").is_symlink()
    assert left(tmp_path / "out.bam") == whole


def test_a_stream_cannot_be_gone_on_with(inputs: Path) -> None:
    with pytest.raises(DeepConsensusError, match=r"^standard output: cannot be gone on with"):
        run(job(inputs, Path("-"), failed=None, resume=True))


def test_a_device_has_no_side_files(inputs: Path, tmp_path: Path) -> None:
    null = tmp_path / "null.bam"
    null.symlink_to("/dev/null")
    assert run(job(inputs, null, failed=None))["counts"]["molecules"] == MOLECULES
    assert list(tmp_path.iterdir()) == [null]
    assert null.is_char_device()


def test_the_header_is_that_of_the_run_that_began(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out.bam"
    run_until(2, job(inputs, output, command="begun"), monkeypatch)
    run(job(inputs, output, command="gone on with", resume=True))
    with pysam.AlignmentFile(str(output), check_sq=False) as reads:
        assert reads.header.to_dict()["PG"][-1]["CL"] == "begun"
    assert record_lines(output)
