"""The page: complete in itself, well-formed, and it says what happened."""

import gzip
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from deepconsensus_py.cli.main import main
from deepconsensus_py.evaluate.page import rate
from deepconsensus_py.evaluate.run_comparison import duration

VOID = {"meta", "link", "br", "hr", "img", "input"}


class _Nesting(HTMLParser):
    """Checks that every element is closed in order, and gathers text and links."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.links: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def _page(folder: Path, *runs: Path) -> _Nesting:
    target = folder / "report.html"
    assert main(["report", *map(str, runs), "-o", str(target)]) == 0
    parser = _Nesting()
    parser.feed(target.read_text())
    assert parser.open == []
    parser.text = re.sub(r"\s+", " ", parser.text)
    return parser


def test_a_page_needs_nothing_else(run_report: Path, evaluation: Path, tmp_path: Path) -> None:
    page = _page(tmp_path, run_report, evaluation)
    assert all(link.startswith("#") for link in page.links)
    html = (tmp_path / "report.html").read_text()
    assert "<script" not in html
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)


def test_the_page_shows_the_run(run_report: Path, evaluation: Path, tmp_path: Path) -> None:
    text = _page(tmp_path, run_report, evaluation).text
    for expected in (
        "out.bam", "model vote", "deepconsensus-py 0.1.0", "of 3 ZMWs", "12.5 s", "1.00 GiB", "Q36.0",
        "17 before", "15 errors fixed, 1 new", "no subreads", "no subreads for this ZMW",
        "no pass of <m/3>", "deepconsensus-py polish <in> -o out.bam", "min quality", "network",
    ):  # fmt: skip
        assert expected in text, expected


def test_yields_are_shown_with_what_they_are_worth(run_report: Path, tmp_path: Path) -> None:
    text = _page(tmp_path, run_report).text
    # The cells of a row stand without blanks between them.
    for row in (("Q20", "2", "2", "2,000", "2,001"), ("Q30", "0", "2", "0", "2,001"), ("Q40", "0", "1", "0", "1,000")):
        assert "".join(row) in text
    assert "cannot be compared without a truth" in text
    report = json.loads(run_report.read_text())
    report["counts"] = {name: count for name, count in report["counts"].items() if "_q" not in name}
    run_report.write_text(json.dumps(report))
    earlier = _page(tmp_path, run_report).text
    assert "Yield" not in earlier


def test_a_name_that_is_not_utf_8_is_shown_escaped(run_report: Path, tmp_path: Path) -> None:
    report = json.loads(run_report.read_text())
    report["output"] = os.fsdecode(b"M\xfcnchen.bam")
    run_report.write_text(json.dumps(report))
    assert r"M\udcfcnchen.bam" in _page(tmp_path, run_report).text


def test_a_page_without_truth_and_molecules_says_less(run_report: Path, tmp_path: Path) -> None:
    run_report.with_name("out.zmws.tsv.gz").unlink()
    text = _page(tmp_path, run_report).text
    assert "Errors against the truth" not in text
    assert "Predicted quality" not in text
    assert "ZMW outcomes" in text


def test_a_resumed_run_shows_how_often(run_report: Path, tmp_path: Path) -> None:
    report = json.loads(run_report.read_text())
    shown = []
    for resumed in (0, 1, 3):
        run_report.write_text(json.dumps(report | {"resumed": resumed}))
        _page(tmp_path, run_report)
        shown.append(re.findall(r">resumed<(?:[^>]*>){2}([^<]*)<", (tmp_path / "report.html").read_text()))
    assert shown == [[], ["once"], ["3 times"]]


def test_an_evaluation_without_baseline_or_qualities_will_do(
    run_report: Path, evaluation: Path, tmp_path: Path
) -> None:
    content = json.loads(evaluation.read_text())
    content["total"] = {k: v for k, v in content["total"].items() if "baseline" not in k and k not in {"ratio"}}
    content["molecules"] = [{"name": "m/1", "status": "absent"}, {"name": "m/2", "status": "ok", "errors": 1}]
    content["calibration"] = None
    evaluation.write_text(json.dumps(content))
    text = _page(tmp_path, run_report, evaluation).text
    assert "Errors against the truth" in text
    assert "Base qualities against the truth" not in text


def compared(html: str) -> dict[str, list[str]]:
    """The cells of the table of all runs, by the name of their row."""
    table = html.partition('<table class="compared">')[2].partition("</table>")[0]
    rows = [re.findall(r">([^<>]*)</(?:td|th|a)>", row) for row in table.split("<tr>")[1:]]
    return {row[0]: row[1:] for row in rows}


def test_several_runs_are_compared_and_linked(run_report: Path, evaluation: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.report.json"
    other.write_text(json.dumps(json.loads(run_report.read_text()) | {"output": "x/other.bam"}))
    page = _page(tmp_path, run_report, other, evaluation)
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert len(page.links) == 2
    rows = compared((tmp_path / "report.html").read_text())
    assert rows["model"] == ["vote", "vote", ""]
    assert rows["ZMWs"] == ["3", "3", "6"]
    assert rows["bases written"] == ["2,001", "2,001", "4,002"]
    assert rows["errors before"] == ["17", "–", ""]
    # The other run has no table of ZMWs.
    assert rows["median length"] == ["1,000", "–", "1,000"]
    assert rows["median predicted quality"] == ["Q36.0", "–", "Q36.0"]
    # Reports of earlier versions have neither.
    assert not {"CPU time", "homopolymers changed"} & rows.keys()


def test_figures_of_all_runs_are_those_of_all_reads(run_report: Path, tmp_path: Path) -> None:
    folder = tmp_path / "second"
    folder.mkdir()
    counts = {"homopolymers": 400, "homopolymers_edited": 3}
    for place, share in ((run_report.parent, 1), (folder, 3)):
        report = json.loads(run_report.read_text())
        report["counts"] |= {name: share * count for name, count in counts.items()} | {"homopolymers": 400}
        (place / "out.report.json").write_text(json.dumps(report | {"cpu_seconds": 60.0 * share}))
    with gzip.open(run_report.with_name("out.zmws.tsv.gz"), "rt") as file:
        header, *rows = file
    longer = [row.replace("\t1001\t", "\t4000\t").replace("\t10\t1000", "\t4\t1000") for row in rows]
    with gzip.open(folder / "out.zmws.tsv.gz", "wt") as file:
        file.writelines([header, *longer])
    _page(tmp_path, run_report, folder / "out.report.json")
    rows = compared((tmp_path / "report.html").read_text())
    assert rows["N50"] == ["1,001", "4,000", "4,000"]
    assert rows["median full passes"][2] == "10"
    assert rows["homopolymers changed"] == ["0.75 %", "2.25 %", "1.50 %"]
    assert rows["CPU time"] == ["60.0 s", "3 min 0 s", "4 min 0 s"]


def test_many_molecules_are_not_all_listed(run_report: Path, evaluation: Path, tmp_path: Path) -> None:
    content = json.loads(evaluation.read_text())
    content["molecules"] = [content["molecules"][0] | {"name": f"m/{n}"} for n in range(500)]
    evaluation.write_text(json.dumps(content))
    page = _page(tmp_path, run_report, evaluation)
    assert "The first 50 of 500." in page.text
    assert (tmp_path / "report.html").stat().st_size < 100_000


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (119.9, "119.9 s"), (200, "3 min 20 s"), (9000, "2 h 30 min")]
)
def test_durations_are_readable(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("molecules", "seconds", "text"), [(100, 10, "10.0 ZMWs/s"), (10, 60, "10.0 ZMWs/min"), (1, 0, "")]
)
def test_rates_are_readable(molecules: int, seconds: float, text: str) -> None:
    assert rate(molecules, seconds) == text


def test_a_file_that_is_no_report_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path / "no.json"), "-o", str(tmp_path / "r.html")]) == 1
    assert "no.json" in capsys.readouterr().err
    assert not (tmp_path / "r.html").exists()
