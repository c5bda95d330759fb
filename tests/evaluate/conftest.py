"""Side files of a run, as polish and evaluate write them."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

YIELDS = {
    "reads_q20_before": 2, "bases_q20_before": 2000, "reads_q20_after": 2, "bases_q20_after": 2001,
    "reads_q30_before": 0, "bases_q30_before": 0, "reads_q30_after": 2, "bases_q30_after": 2001,
    "reads_q40_before": 0, "bases_q40_before": 0, "reads_q40_after": 1, "bases_q40_after": 1000,
}  # fmt: skip
REPORT: dict[str, Any] = {
    "tool": "deepconsensus-py",
    "version": "0.1.0",
    "command": "deepconsensus-py polish <in> -o out.bam",
    "started": "2024-01-02T03:04:05+00:00",
    "seconds": 12.5,
    "model": {"name": "vote", "spec": {"max_passes": 20}, "calibration": None},
    "parameters": {"min_quality": 20, "threads": 2},
    "inputs": ["in.bam", "ccs.bam"],
    "output": "out.bam",
    "stages": {"read": 0.5, "align": 4.0, "encode": 1.0, "network": 6.0, "call": 0.5, "write": 0.1},
    "counts": {
        "molecules": 3,
        "outcomes": {"success": 2, "no_subreads": 1},
        "windows": 30,
        "windows_skipped": 10,
        "windows_corrected": 20,
        "passes": 25,
        "bases_in": 3000,
        "bases_out": 2001,
        **YIELDS,
    },
    "peak_memory_bytes": 2**30,
}
COLUMNS = (
    "name", "outcome", "passes", "np", "length_before", "length_after", "quality_before", "quality_after",
    "windows", "windows_skipped", "windows_corrected", "hd_sites", "reason",
)  # fmt: skip
MOLECULES = [
    ("m/1/ccs", "success", 12, 10, 1000, 1001, 25.5, 31.2, 10, 5, 5, ".", "."),
    ("m/2/ccs", "success", 13, 11, 1000, 1000, 28.0, 40.8, 10, 5, 5, ".", "."),
    ("m/3/ccs", "no_subreads", 0, ".", 1000, ".", ".", ".", 0, 0, 0, ".", "no pass of <m/3>"),
]
EVALUATION: dict[str, Any] = {
    "truth": "t.fasta",
    "reads": "out.bam",
    "baseline": "ccs.bam",
    "total": {
        "molecules": 2, "missing": 0, "truth_bases": 2000, "errors": 3, "mm": 1, "ins": 1, "del": 1, "hp": 2,
        "hidden": 0, "end_errors": 0, "hp_share": 0.5, "empirical_q": 28.2, "yield_q20": 2001, "yield_q30": 1000,
        "yield_q40": 0, "reads_without_truth": 0, "absent_from_both": 0, "baseline_errors": 17, "baseline_mm": 1,
        "baseline_ins": 8, "baseline_del": 8, "baseline_hp": 12, "ratio": 0.1765, "worse": 0, "better": 2, "fixed": 15,
        "new": 1, "not_in_baseline": 0, "baseline_empirical_q": 20.7, "baseline_yield_q20": 2000,
        "baseline_yield_q30": 0, "baseline_yield_q40": 0,
    },
    "molecules": [
        {"name": "m/1", "status": "ok", "np": 10, "truth_bases": 1000, "errors": 3, "baseline_errors": 9, "q": 25.2},
        {"name": "m/2", "status": "ok", "np": 11, "truth_bases": 1000, "errors": 0, "baseline_errors": 8, "q": 30.0},
    ],
    "calibration": {"bins": [{"predicted_q": 22.0, "empirical_q": 20.5, "bases": 900}]},
}  # fmt: skip


@pytest.fixture
def run_report(tmp_path: Path) -> Path:
    """``out.report.json`` with its table of molecules."""
    folder = tmp_path / "run"
    folder.mkdir()
    report = folder / "out.report.json"
    report.write_text(json.dumps(REPORT))
    with gzip.open(folder / "out.zmws.tsv.gz", "wt") as file:
        file.writelines("\t".join(map(str, row)) + "\n" for row in (COLUMNS, *MOLECULES))
    return report


@pytest.fixture
def evaluation(tmp_path: Path) -> Path:
    """What ``evaluate --json`` wrote about ``out.bam``."""
    path = tmp_path / "evaluation.json"
    path.write_text(json.dumps(EVALUATION))
    return path
