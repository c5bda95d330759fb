"""The chart of errors removed by coverage: it shows the table of the page."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from deepconsensus_py.overlaps.correction import MIN_COVERAGE

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import overlap_coverage

    return overlap_coverage


def test_points_are_those_of_the_table_with_the_default(benchmark) -> None:
    page = f"""## Other
| haploid | 9 | {MIN_COVERAGE} | 10 | 1 | 90.0 | 0 of 0 | 0 |
{benchmark.SECTION}
{benchmark.TITLES}
|---|---|---|---|---|---|---|---|
| haploid | 3 | {MIN_COVERAGE} | 100 | 60 | 40.0 | 0 of 0 | 0 |
| diploid | 3 | {MIN_COVERAGE + 1} | 100 | 90 | 10.0 | 0 of 9 | 0 |
| diploid | 4 | {MIN_COVERAGE} | 100 | 30 | 70.0 | 0 of 9 | 0 |
## Next
| diploid | 5 | {MIN_COVERAGE} | 100 | 30 | 70.0 | 0 of 9 | 0 |
"""
    assert benchmark.points(page) == {"haploid": [(3, 40)], "diploid": [(4, 70)]}


def test_the_chart_shows_the_table_of_the_page(benchmark) -> None:
    found = benchmark.points(benchmark.PAGE.read_text())
    assert all([coverage for coverage, _ in pairs] == list(benchmark.COVERAGE) for pairs in found.values())
    lines = benchmark.chart(found).axes[0].lines
    assert [(*zip(*line.get_data(), strict=True),) for line in lines] == [tuple(pairs) for pairs in found.values()]
    texts = {text.text for text in ET.parse(benchmark.CHART).getroot().iter("{http://www.w3.org/2000/svg}text")}
    assert {*found, "errors removed, %"} <= texts
    assert benchmark.CHART.stat().st_size < 60_000
