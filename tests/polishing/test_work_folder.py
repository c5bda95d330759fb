"""An unfinished run is resumed only with the same inputs and options, and never mixed with another."""

import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from restarts import MOLECULES, Left, folder_of, job, left, one_at_a_time, run_until

from deepconsensus_py.align.zmw_filter import ZmwFilter
from deepconsensus_py.errors import InputError, OutputError
from deepconsensus_py.models.registry import load_model
from deepconsensus_py.options import OPTIONS
from deepconsensus_py.polishing import run as run_module
from deepconsensus_py.polishing import work_folder as unfinished_module
from deepconsensus_py.polishing.artifacts import ArtifactFilter
from deepconsensus_py.polishing.engine import PolishSettings
from deepconsensus_py.polishing.filters import ReadFilter
from deepconsensus_py.polishing.outputs import REPORTS
from deepconsensus_py.polishing.qualities import Calibration
from deepconsensus_py.polishing.read import PolishedRead
from deepconsensus_py.polishing.run import PolishRun, polish_files
from deepconsensus_py.polishing.sources import Reads
from deepconsensus_py.polishing.strands import StrandOptions

FINISHED = [*REPORTS.values(), "failed.bam", "reads.bam"]
"""The finished files in the folder, as they take their names."""


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES = {"flipped": flip, "shortened": lambda path: path.write_bytes(path.read_bytes()[:-1]), "lost": Path.unlink}
SENTENCES = {
    "flipped": r"unfinished/{name}: is damaged \(checksum \w+, expected \w+\); delete .* to start over$",
    "shortened": r"unfinished/{name}: is truncated \(\d+ of \d+ bytes\); delete .* to start over$",
    "lost": r"unfinished/{name}: is missing; delete .*unfinished to start over$",
}


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class GoneError(Exception):
    """Raised where a process would end."""


def run_until_delivery(number: int, a_job: PolishRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run, and end when so many files have taken their names."""
    moved, give = [], unfinished_module.give_name

    def moving(part: Path, path: Path) -> None:
        if len(moved) == number:
            raise GoneError
        moved.append(part.name)
        give(part, path)
        if len(moved) == len(FINISHED):
            raise GoneError

    with monkeypatch.context() as patch:
        patch.setattr(unfinished_module, "give_name", moving)
        with pytest.raises(GoneError):
            polish_files(a_job)
    assert moved == FINISHED[:number]


def test_leftovers_are_named_and_stay_as_they_are(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out.bam"
    run_until(4, job(inputs, output), monkeypatch)
    before = {path: path.read_bytes() for path in folder_of(output).iterdir()}
    with pytest.raises(
        OutputError,
        match=r"out\.bam\.unfinished: found an unfinished run with \d+ ZMWs; use --resume .* delete .* to start over$",
    ):
        polish_files(job(inputs, output))
    assert {path: path.read_bytes() for path in folder_of(output).iterdir()} == before
    assert not output.exists()


CHANGED = {
    "reads.chunk": "chunk None, now [1, 2]",
    "reads.limit": "limit None, now 11",
    "reads.skip": "skip 0, now 1",
    "reads.filter.min_snr": "min_snr 2.5, now 5",
    "reads.filter.top_passes": "top_passes 60, now 5",
    "reads.filter.min_passes": "min_passes 3, now 5",
    "reads.filter.max_length": "max_length 50000, now 5",
    "reads.filter.min_tandem_repeat_length": "min_tandem_repeat_length 1000, now 5",
    "reads.filter.keep_all": "keep_all False, now 5",
    "reads.strands.by_strand": "by_strand False, now 5",
    "reads.strands.hd_finder": "hd_finder None, now 5",
    "reads.subreads": "input subreads.bam has changed",
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
    "settings.kinetics": "kinetics auto, now off",
    "settings.carry_modifications": "carry_modifications True, now False",
    "qv_bins": "qv_bins none, now pacbio",
    "settings.artifacts": "artifacts None, now {'adapters': ['ACGT']}",
    "device": "device cpu, now cuda",
    "precision": "precision auto, now fp32",
    "triage": "triage True, now False",
    "keep_unpolished": "keep_unpolished False, now True",
}
"""What decides the records, and what is said where it is another."""

FREE = {"output", "threads", "command", "dataset", "resume", "checkpoint"}


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
        "settings.kinetics": "off",
        "settings.carry_modifications": False,
        "qv_bins": "pacbio",
        "settings.artifacts": ArtifactFilter(("ACGT",)),
        "device": "cuda:1",
        "precision": "fp32",
        "triage": False,
        "keep_unpolished": True,
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
    # Its least length is that of the read's filter: one option.
    names |= {f"reads.filter.{field.name}" for field in dataclasses.fields(ZmwFilter)} - {"reads.filter.min_length"}
    names |= {f"reads.strands.{field.name}" for field in dataclasses.fields(StrandOptions)}
    assert names - {"reads", "reads.filter", "reads.strands", "settings", "settings.filter"} == CHANGED.keys() | FREE


@pytest.mark.parametrize("name", CHANGED)
def test_another_run_is_refused_and_says_what_differs(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    begun = job(inputs, tmp_path / "out.bam", resume=True)
    run_until(2, begun, monkeypatch, understanding(one_at_a_time()))
    (tmp_path / "other").mkdir()
    shutil.copy(inputs / "subreads.bam", tmp_path / "other")
    (tmp_path / "ccs.fasta").write_text(">m/1/ccs\nACGT\n")
    (tmp_path / "x.shard").write_bytes(b"shard")
    monkeypatch.setattr(run_module, "load_model", loads_on_any_device)
    with pytest.raises(OutputError) as refusal:
        polish_files(changed(begun, name, inputs, tmp_path))
    sentence = str(refusal.value)
    assert sentence.startswith(
        f"{folder_of(tmp_path / 'out.bam')}: cannot resume, the run was started with other inputs or options ("
    )
    assert CHANGED[name] in sentence
    assert sentence.endswith("or delete the folder to start over")


def loads_on_any_device(model: str, *, insertion_trim: int | None, **_: Any) -> Any:
    return understanding(load_model(model, insertion_trim=insertion_trim))


def understanding(corrector: Any) -> Any:
    """A model that has a use for every option, as a column network has."""
    corrector.method.options = frozenset(OPTIONS)
    return corrector


def test_what_auto_comes_to_on_another_machine_is_refused(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = one_at_a_time(), one_at_a_time()
    vars(here.network)["precision"], vars(there.network)["precision"] = "bf16", "fp32"
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
    monkeypatch.setattr(run_module, "load_model", lambda *_, **__: one_at_a_time())
    with pytest.raises(OutputError, match="model vote has changed"):
        polish_files(job(inputs, tmp_path / "out.bam", model=str(mine), resume=True))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda text: text[: len(text) // 2], r"journal\.json: is damaged, .* delete .*out\.bam\.unfinished to start"),
        (lambda text: "[]", "is damaged, or not a journal"),
        (lambda text: "[" * 100_000, "is damaged, or not a journal"),
        (lambda text: text.replace('"version": 3', '"version": 7', 1), "has journal version 7 .* reads version 3;"),
        (lambda text: text.replace('"molecules":', '"molecule":', 1), "is damaged .wrong checksum"),
        (lambda text: text.replace('"complete": false', '"complete": 0'), "is damaged .wrong checksum"),
        (lambda text: json.dumps(json.loads(text) | {"run": []}), "is damaged .wrong checksum"),
        (lambda text: json.dumps({k: v for k, v in json.loads(text).items() if k != "sha256"}), "is damaged .wrong"),
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
            polish_files(job(inputs, output, resume=resume))


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["reads.bam", "failed.bam", "molecules.tsv", "molecules.jsonl"])
def test_a_piece_that_is_not_as_it_was_written_is_refused(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, damage: str
) -> None:
    output = tmp_path / "out.bam"
    run_until(4, job(inputs, output), monkeypatch)
    path = folder_of(output) / name
    DAMAGES[damage](path)
    before = contents(tmp_path)
    with pytest.raises(InputError, match=SENTENCES[damage].format(name=name)):
        polish_files(job(inputs, output, resume=True))
    assert contents(tmp_path) == before


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", FINISHED)
def test_a_finished_file_that_is_not_as_it_was_written_is_refused(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, damage: str
) -> None:
    output = tmp_path / "out.bam"
    run_until_delivery(0, job(inputs, output), monkeypatch)
    DAMAGES[damage](folder_of(output) / name)
    before = contents(tmp_path)
    with pytest.raises(InputError, match=SENTENCES[damage].format(name=name)):
        polish_files(job(inputs, output, resume=True))
    assert contents(tmp_path) == before


@pytest.mark.parametrize("delivered", range(len(FINISHED) + 1))
def test_delivery_goes_where_it_began_to_go(
    inputs: Path, whole: Left, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, delivered: int
) -> None:
    output = tmp_path / "out.bam"
    begun = job(inputs, output, failed=tmp_path / "failed-out.bam")
    run_until_delivery(delivered, begun, monkeypatch)
    with pytest.raises(OutputError, match=r"failed\.bam was failed-out\.bam, now other\.bam"):
        polish_files(dataclasses.replace(begun, failed=tmp_path / "other.bam", resume=True))
    with pytest.raises(OutputError, match="failed True, now False"):
        polish_files(dataclasses.replace(begun, failed=None, resume=True))
    assert not (tmp_path / "other.bam").exists()
    polish_files(dataclasses.replace(begun, resume=True))
    assert left(output) == whole
    assert not folder_of(output).exists()


def test_a_finished_file_that_is_nowhere_is_missed(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out.bam"
    run_until_delivery(FINISHED.index("failed.bam") + 1, job(inputs, output), monkeypatch)
    (tmp_path / "failed-out.bam").write_bytes(b"of an older run")
    with pytest.raises(InputError, match=r"failed\.bam: is missing; delete .* to start over"):
        polish_files(job(inputs, output, resume=True))
    assert not output.exists()


def test_the_folder_of_an_unfinished_run_may_be_moved(
    inputs: Path, whole: Left, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    run_until(4, job(inputs, tmp_path / "here" / "out.bam"), monkeypatch)
    (tmp_path / "here").rename(tmp_path / "there")
    polish_files(job(inputs, tmp_path / "there" / "out.bam", resume=True))
    assert left(tmp_path / "there" / "out.bam") == whole


def test_two_runs_cannot_write_one_output(inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    polished, refusals = run_module.correct, []

    def meanwhile(*given: Any, **named: Any) -> Iterator[PolishedRead]:
        monkeypatch.setattr(run_module, "correct", polished)
        with pytest.raises(OutputError) as refusal:
            polish_files(job(inputs, tmp_path / "out.bam", resume=True))
        refusals.append(str(refusal.value))
        yield from polished(*given, **named)

    monkeypatch.setattr(run_module, "correct", meanwhile)
    assert polish_files(job(inputs, tmp_path / "out.bam"))["counts"]["molecules"] == MOLECULES
    assert len(refusals) == 1
    assert "another run is writing this output" in refusals[0]
