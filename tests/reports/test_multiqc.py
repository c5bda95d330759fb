"""MultiQC itself on the outputs of two runs."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from deepconsensus_py.cli.main import main
from deepconsensus_py.polishing.engine import PolishSettings
from deepconsensus_py.polishing.filters import ReadFilter
from deepconsensus_py.polishing.run import PolishRun, polish_files
from deepconsensus_py.polishing.sources import Reads
from deepconsensus_py.reports.multiqc import custom_content
from deepconsensus_py.reports.statistics import RunStatistics

MOLECULES = 12

QUALITIES = {"first.hifi_reads": 0, "second.bam.ccs_of_it": 20}
"""Least quality by the name of the output; MultiQC cuts the second name at ``.bam``."""

SAMPLES = ["first.hifi_reads", "second"]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The reports of the runs, by the names that MultiQC gives them."""
    inputs = tmp_path_factory.mktemp("inputs")
    options = ["--num-zmws", str(MOLECULES), "--length", "300", "400", "--passes", "1", "16"]
    assert main(["simulate", "-o", str(inputs), *options]) == 0
    folder = tmp_path_factory.mktemp("runs")
    reads = Reads((inputs / "subreads.bam",), inputs / "ccs.bam")
    found = []
    for name, quality in QUALITIES.items():
        settings = PolishSettings(filter=ReadFilter(quality))
        run = PolishRun(reads, (), folder / f"{name}.bam", model="vote", settings=settings)
        found.append(polish_files(run) | {"folder": folder})
    return dict(zip(SAMPLES, found, strict=True))


@pytest.fixture(scope="module")
def shown(reports: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of MultiQC's report."""
    output = tmp_path_factory.mktemp("multiqc")
    options = ["--no-report", "--no-ansi", "--no-version-check", "--module", "ccs", "--module", "custom_content"]
    folder = next(iter(reports.values()))["folder"]
    command = [sys.executable, "-m", "multiqc", *options, "-o", output, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "warn" not in done.stderr.lower()
    return output / "multiqc_data"


def table(path: Path) -> dict[str, dict[str, str]]:
    header, *rows = (line.split("\t") for line in path.read_text().splitlines())
    return {row[0]: dict(zip(header[1:], row[1:], strict=True)) for row in rows}


def test_both_modules_show_the_runs_in_the_same_rows(reports: dict[str, dict[str, Any]], shown: Path) -> None:
    stats = json.loads((shown / "multiqc_data.json").read_text())["report_general_stats_data"]
    assert {module: sorted(rows) for module, rows in stats.items()} == {"ccs": SAMPLES, "custom_content": SAMPLES}
    for sample, report in reports.items():
        outcomes = report["counts"]["outcomes"]
        assert stats["ccs"][sample]["zmw_input"] == MOLECULES
        assert stats["ccs"][sample]["zmw_passed_yield"] == outcomes.get("success", 0)
        own = stats["custom_content"][sample]
        assert own["hifi_reads"] == report["counts"]["reads_q20_after"]
        assert own["hifi_yield"] == report["counts"]["bases_q20_after"] / 1e9
    assert stats["custom_content"][SAMPLES[0]]["hifi_reads"] > 0


def test_the_reasons_of_ccs_are_shown(reports: dict[str, dict[str, Any]], shown: Path) -> None:
    found = table(shown / "ccs-filter-graph.txt")
    for sample, report in reports.items():
        outcomes = report["counts"]["outcomes"]
        assert float(found[sample]["Lacking full passes"]) == outcomes["too_few_passes"]
        assert float(found[sample]["CCS below minimum RQ"]) == outcomes.get("failed_quality_filter", 0)
        assert sum(map(float, found[sample].values())) == MOLECULES


@pytest.mark.parametrize("section", ["lengths", "passes", "yield", "quality"])
def test_sections_have_a_line_for_each_run(section: str, shown: Path) -> None:
    plots = json.loads((shown / "multiqc_data.json").read_text())["report_plot_data"]
    (data,) = plots[f"deepconsensus_{section}_plot"]["datasets"]
    kinds = ("draft", "polished")
    wanted = [f"{kind} {sample}" for kind in kinds for sample in SAMPLES] if section == "quality" else SAMPLES
    assert sorted(line["name"] for line in data["lines"]) == sorted(wanted)
    for line in data["lines"]:
        places = [float(place) for place, _ in line["pairs"]]
        assert places == sorted(places)


def test_counts_of_kinetics_and_modifications_are_shown_if_there_are_any() -> None:
    counts = {"homopolymers": 8, "homopolymers_edited": 2, "kinetics_computed": 5, "mods_dropped": 0}
    content = custom_content("one", RunStatistics(), {"counts": counts, "cpu_seconds": 7200})["general"]
    (values,) = content["data"].values()
    assert (values["homopolymers_edited"], values["cpu_hours"], values["kinetics_computed"]) == (25, 2, 5)
    assert not {"kinetics_carried", "mods_dropped"} & values.keys()
    headers = [name for header in content["headers"] for name in header]
    assert values.keys() < set(headers)


def test_a_wrong_number_of_passes_takes_no_more_bins() -> None:
    counted = RunStatistics()
    counted.passes.update([8, 9, 2**31 - 1])
    content = custom_content("x", counted, {"counts": Counter(), "cpu_seconds": 1.0})["passes"]
    assert list(content["data"]["x"]) == [f"{n:06d}" for n in (7, 8, 9, 10, 2**31 - 2, 2**31 - 1, 2**31)]
