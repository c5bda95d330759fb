"""Side by side: what is run in which order, and the figures and tables that follow from known seconds."""

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
COPIES = 5
WINDOWS, KEPT = 1000, 300
START = {"original": 4.0, "ours": 1.0}
"""Seconds that a run takes whatever its input."""

A_COPY = {
    "original-0": 20.0,
    "same-0": 5.0,
    "same-0-bf16": 4.0,
    "original-45": 14.0,
    "same-45": 3.5,
    "bundled": 0.7,
    "bundled-raw": 1.4,
}
"""Seconds of each copy, nine tenths of them in the network."""


@pytest.fixture
def speed(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return module("speed", monkeypatch)


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return module("speed_results", monkeypatch)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return module("speed_table", monkeypatch)


def module(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module(name)


def a_run(what: str, copies: int, late: float = 0.0, others: float = 0.0) -> dict[str, Any]:
    """What a run of known speed gives."""
    program = "original" if what.startswith("original") else "ours"
    seconds = A_COPY[what] * copies + late
    corrected = WINDOWS - (KEPT if what.endswith("45") else 0)
    return {
        "what": what,
        "copies": copies,
        "seconds": START[program] + seconds,
        "cpu_seconds": 2 * seconds,
        "other_cores": others,
        "peak_bytes": 2**30 * (1 + copies // COPIES),
        "stages": {"network": 0.9 * seconds, "encode": 0.1 * seconds},
        "counts": {"molecules": 10, "windows": WINDOWS, "bases_in": 100_000, "windows_corrected": corrected},
        "first_windows": 3.0,
        "agreement": f"{what} agrees",
    }


def content(*, without: str = "nothing", others: float = 0.0) -> dict[str, Any]:
    """What ``speed.py`` writes; each round is later than the one before, so that the median is the second's."""
    runs = [
        a_run(what, copies, late, others)
        for late in (-0.5, 0.0, 7.0)
        for what in A_COPY
        if without not in what
        for copies in (0, 1, COPIES)
    ]
    for what, seconds in (("one shard", 20.0), ("two shards", 10.0)):
        runs.append(a_run("bundled", COPIES) | {"what": what, "seconds": seconds})
    missing = {"bundled-gpu": "no GPU"} | (
        dict.fromkeys(("original-0", "original-45"), "not made") if without == "original" else {}
    )
    return {
        "machine": {"processor": "Slide rule", "cores": 2, "load": 0.0},
        "copies": COPIES,
        "repeats": 3,
        "missing": missing,
        "kernels": {"encode_ms": 4.0, "align_ms": 100.0, "edlib_ms": 600.0},
        "runs": runs,
    }


def rows(text: str, heading: str) -> dict[str, list[str]]:
    """The rows of the table under a heading, by their first cell."""
    part = text.split(f"## {heading}\n")[1].split("\n## ", maxsplit=1)[0]
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in part.splitlines() if line.startswith("|")]
    head, _, *body = lines
    return {line[0]: dict(zip(head, line, strict=True)) for line in body}


def test_warm_seconds_are_what_a_further_copy_costs(results: ModuleType) -> None:
    found = results.Results(content())
    for what, seconds in A_COPY.items():
        assert found.warm(what) == pytest.approx(seconds)
        assert found.warm_stage(what, "network") == pytest.approx(0.9 * seconds)


def test_rates_and_ratios_are_of_the_same_windows(table: ModuleType) -> None:
    text = table.tables(content())
    whole = rows(text, "Whole runs")
    assert whole["original, every window"]["windows/s, warm"] == "50"
    assert whole["same weights, every window"]["windows/s, warm"] == "200"
    assert whole["same weights, every window"]["against the original"] == "4.0×"
    assert whole["bundled model, defaults"]["against the original"] == "20.0×"
    assert whole["bundled model, defaults"]["molecules/s"] == "14.29"
    assert whole["bundled model, defaults"]["kb/s"] == "142.9"
    assert whole["bundled model, defaults"]["the rest, s"] == "1.00"
    assert whole["bundled model, defaults"]["CPU s a copy"] == "1.40"
    stages = rows(text, "Stages")
    assert stages["original, its defaults"]["windows through the network"] == "700"
    assert stages["original, its defaults"]["windows/s of the network"] == "56"
    assert stages["bundled model, defaults"]["windows through the network"] == "1,000"
    assert stages["original, its defaults"]["read"] == "–"


def test_the_table_of_what_is_to_be_reached_has_every_figure(table: ModuleType) -> None:
    reached = rows(table.tables(content()), "Reached")
    shown = [(row["original"], row["here"], row["against the original"]) for row in reached.values()]
    assert shown == [
        ("56", "444", "8.0×"),
        ("56", "556", "10.0×"),
        ("50", "200", "4.0×"),
        ("50", "250", "5.0×"),
        ("71", "1,429", "20.0×"),
        ("400", "4.0", "100.0×"),
        ("600 with plain edlib", "100", "6.0×"),
        ("2.00, growth +100 %", "2.00, growth +100 %", "–"),
        ("3.00 (whole run 4.00)", "≤ 1.00 (whole run on the shortest molecule; same weights 1.00)", "–"),
        ("–", "2.00× (20.0 s, 10.0 s)", "–"),
        ("–", "not run: no GPU", "–"),
    ]


def test_what_was_not_run_says_why(table: ModuleType) -> None:
    text = table.tables(content(without="original"))
    reached = rows(text, "Reached")
    assert all(row["original"].startswith(("not run: not made", "–", "600")) for row in reached.values())
    assert "same weights, every window" in rows(text, "Whole runs")
    assert "original, every window" not in rows(text, "Whole runs")


def test_a_busy_machine_is_told(table: ModuleType) -> None:
    assert "The machine was idle" in table.tables(content())
    busy = table.tables(content(others=0.5))
    assert "The machine was not idle" in busy
    assert "original, every window *" in rows(busy, "Whole runs")


def test_an_earlier_state_is_drawn_in_the_same_scale(table: ModuleType) -> None:
    now, before = content(), content()
    for run in before["runs"]:
        run["stages"] = {stage: 2 * seconds for stage, seconds in run["stages"].items()}
    drawing = table.tables(now, before).split("bundled model, defaults, seconds a copy")[1].split("```")[0]
    bars = [line.count("█") for line in drawing.splitlines() if "network" in line]
    assert bars == [36, 18]


def test_the_files_can_be_printed_again(
    table: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "speed.json"
    path.write_text(json.dumps(content()))
    monkeypatch.setattr(sys, "argv", ["speed_table.py", str(path)])
    table.main()
    assert capsys.readouterr().out == table.tables(content()) + "\n"


def test_programs_take_turns_and_what_is_missing_is_left_out(speed: ModuleType, tmp_path: Path) -> None:
    place = speed.Workplace(tmp_path, tmp_path, None, 2, COPIES)
    order = [(job.what, job.copies) for job in speed.jobs(place, {"bundled-gpu": "no GPU"})]
    assert len(order) == len(set(order)) == 3 + 7 + 7 + 2
    once = [what for what, copies in order if copies == 1]
    assert once == ["original-0", "same-0", "same-0-bf16", "original-45", "same-45", "bundled", "bundled-raw"]
    without = list(speed.jobs(place, speed.absent(None, 1)))
    assert not any(job.what.startswith("original") or "shard" in job.what for job in without)


def test_inputs_are_prepared_and_a_run_is_recorded(
    speed: ModuleType, testdata: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = tmp_path / "shared" / "data" / "human_1m"
    reads.mkdir(parents=True)
    for source, target in (("subreads.bam", "subreads.bam"), ("subreads.bam", "subreads_to_ccs.bam"), ("ccs.bam",) * 2):
        (reads / target).symlink_to(testdata / source)
    monkeypatch.setattr(speed.Workplace, "weights", property(lambda _: tiny_model))
    monkeypatch.setattr(speed.subprocess, "run", lambda *_, **__: None)  # There is no checkpoint to convert.
    place = speed.Workplace(tmp_path / "scratch", tmp_path / "shared", None, 1, 2)
    place.prepare()
    (job,) = (job for job in speed.jobs(place, {}) if (job.what, job.copies) == ("same-45", 0))
    (found,) = speed.results_of(place, [job])
    assert (found["what"], found["copies"], found["counts"]["molecules"]) == ("same-45", 0, 1)
    assert found["stages"]["network"] > 0
    assert not (place.folder / "out").exists()
