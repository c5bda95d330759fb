"""The chart of errors shows what the page on accuracy has now."""

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def chart(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(REPOSITORY / "benchmarks"))
    import errors_chart

    return errors_chart


def test_the_chart_and_the_readme_have_the_figures_of_the_page(chart) -> None:
    rows = chart.rows(chart.PAGE.read_text())
    assert chart.CHART.read_text() == chart.drawn(rows), "run benchmarks/errors_chart.py"
    alternative = (REPOSITORY / "README.md").read_text().partition("![")[2].partition("]")[0]
    assert [f"{row.before} to {row.after}" in alternative for row in rows] == [True, False, False, False, True, False]


def test_rows_are_read_from_tables(chart) -> None:
    page = chart.PAGE.read_text()
    first = chart.rows(page.replace("| **184** |", "| **300** |", 1))[0]
    assert (first.before, first.after) == (300, chart.rows(page)[0].after)
    assert "300 → " in chart.drawn([first])
