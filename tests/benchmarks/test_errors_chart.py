"""The chart of errors shows what the page on accuracy has now."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def chart(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(REPOSITORY / "benchmarks"))
    import errors_chart

    return errors_chart


def test_the_chart_and_the_readme_have_the_figures_of_the_page(chart) -> None:
    rows = chart.rows(chart.PAGE.read_text())
    drawn = [text.get_text() for text in chart.chart(rows).axes[0].texts]
    assert [f"{row.before:,} → {row.after:,}" in text for row, text in zip(rows, drawn, strict=True)] == [True] * 6
    texts = {text.text for text in ET.parse(chart.CHART).getroot().iter("{http://www.w3.org/2000/svg}text")}
    assert {*drawn, *(row.label for row in rows)} <= texts, "run benchmarks/errors_chart.py"
    alternative = (REPOSITORY / "README.md").read_text().partition("![")[2].partition("]")[0]
    assert [f"{row.before} to {row.after}" in alternative for row in rows] == [True, False, False, False, True, False]


def test_rows_are_read_from_tables(chart) -> None:
    page = chart.PAGE.read_text()
    first = chart.rows(page.replace("| **184** |", "| **300** |", 1))[0]
    assert (first.before, first.after) == (300, chart.rows(page)[0].after)
    assert chart.chart([first]).axes[0].texts[0].get_text().startswith("300 → ")
