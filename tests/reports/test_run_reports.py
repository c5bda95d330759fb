"""All files beside the reads of a run say the same of it."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from restarts import MOLECULES, job, left, simulate

from deepconsensus_py.pacbio.names import parse_ccs
from deepconsensus_py.polishing.run import polish_files
from deepconsensus_py.reports.outcomes import Outcome
from deepconsensus_py.reports.reasons import status
from deepconsensus_py.reports.run_reports import CCS_JSON, METRICS, SUFFIXES
from deepconsensus_py.reports.side_files import MOLECULES as TABLE
from deepconsensus_py.reports.side_files import REPORT, side_file


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    simulate(folder)
    return folder


@pytest.fixture(scope="module")
def output(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run") / "out.bam"
    polish_files(job(inputs, path))
    return path


@pytest.fixture(scope="module")
def rows(output: Path) -> list[dict[str, str]]:
    with gzip.open(side_file(output, TABLE), "rt") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.fixture(scope="module")
def metrics(output: Path) -> list[dict[str, Any]]:
    with gzip.open(side_file(output, METRICS), "rt") as file:
        found: list[dict[str, Any]] = json.load(file)["zmws"]
    return found


@pytest.fixture(scope="module")
def ccs(output: Path) -> dict[str, Any]:
    attributes = json.loads(side_file(output, CCS_JSON).read_text())["attributes"]
    return {entry["id"].removeprefix("ccs_processing."): entry["value"] for entry in attributes}


def test_every_file_is_written(output: Path) -> None:
    assert all(side_file(output, suffix).stat().st_size for suffix in SUFFIXES)


def test_metrics_are_those_of_the_table_line_for_line(
    rows: list[dict[str, str]], metrics: list[dict[str, Any]]
) -> None:
    assert len(rows) == MOLECULES
    assert len({row["outcome"] for row in rows}) >= 4
    for row, zmw in zip(rows, metrics, strict=True):
        assert zmw["zmw"] == str(parse_ccs(row["name"]))
        assert zmw["status"] == status(Outcome(row["outcome"]))
        if row["length_after"] == ".":
            assert zmw["predicted_accuracy"] == -1
            continue
        assert zmw["insert_size"] == int(row["length_after"])
        assert zmw["num_full_passes"] == int(row["np"])
        assert 1 - zmw["predicted_accuracy"] == pytest.approx(10 ** (-float(row["quality_after"]) / 10), rel=0.002)


def test_counts_of_ccs_are_those_of_the_report_and_add_up(output: Path, ccs: dict[str, Any]) -> None:
    outcomes = json.loads(side_file(output, REPORT).read_text())["counts"]["outcomes"]
    assert ccs["zmw_input"] == MOLECULES == sum(outcomes.values())
    assert ccs["zmw_passed_yield"] == outcomes["success"]
    assert ccs["filtered_draft_too_short"] == outcomes["failed_length_filter"]
    assert ccs["filtered_median_length_filter"] == outcomes["no_subreads"]
    assert ccs["filtered_unknown_error"] == outcomes["error"]
    assert ccs["zmw_filtered_yield"] == sum(count for name, count in ccs.items() if name.startswith("filtered_"))


def test_equal_runs_write_equal_bytes(inputs: Path, output: Path, tmp_path: Path) -> None:
    polish_files(job(inputs, tmp_path / "out.bam", threads=2))
    assert left(tmp_path / "out.bam").reports == left(output).reports
