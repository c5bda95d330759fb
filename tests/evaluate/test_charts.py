"""Charts: well-formed, marks where the values are, texts escaped."""

import re
from collections import Counter
from xml.etree import ElementTree as ET

import pytest

from deepconsensus_py.evaluate.charts import (
    MOST_BINS,
    Bar,
    Pair,
    bar_chart,
    calibration_chart,
    distribution_chart,
    histogram_chart,
    line_chart,
    pair_chart,
    standalone,
)


def _marks(svg: str, tag: str, kind: str) -> list[dict[str, str]]:
    return [mark.attrib for mark in ET.fromstring(svg).iter(tag) if kind in mark.attrib.get("class", "").split()]


def test_bars_are_as_long_as_their_values() -> None:
    svg = bar_chart("t", [Bar("a", 10, "10"), Bar("b", 5, "5"), Bar("c", 0, "0")])
    widths = [float(mark["width"]) for mark in _marks(svg, "rect", "after")]
    assert widths[1] == pytest.approx(widths[0] / 2, rel=0.01)
    assert widths[2] == 0


def test_pairs_have_two_marks_to_a_row_in_order() -> None:
    svg = pair_chart("t", [Pair("a", 9, 3), Pair("b", 0, 4)], "errors")
    before, after = ([float(m["cx"]) for m in _marks(svg, "circle", kind)] for kind in ("before", "after"))
    assert before[0] > after[0]
    assert before[1] < after[1]


def test_histograms_count_every_value_once() -> None:
    svg = histogram_chart("t", Counter([20, 21, 21.9, 30]), Counter([30, 31.9, 32]), 2, "Phred")
    (path,) = _marks(svg, "path", "before")
    heights = [float(v) for v in re.findall(r"V([\d.]+)H", path["d"])]
    floor = max(heights)
    unit = (floor - min(heights)) / 3
    assert [round((floor - h) / unit) for h in heights] == [3, 0, 0, 0, 0, 1, 0]


def test_a_value_beyond_all_others_makes_bins_wider_not_more() -> None:
    assert len(histogram_chart("passes", {}, {8: 3, 2**31: 1}, 1, "passes")) < 40 * MOST_BINS


def test_a_histogram_without_a_before_has_one_outline() -> None:
    svg = histogram_chart("t", {}, {3: 2, 5: 1}, 1, "passes")
    assert len(_marks(svg, "path", "area")) == 1


def test_runs_are_drawn_as_shares_of_their_own_reads() -> None:
    svg = distribution_chart("t", [{1: 1, 2: 3}, {1: 100, 2: 300}, {}], 1, "passes")
    paths = _marks(svg, "path", "line")
    assert [path["class"] for path in paths] == ["run-0 line", "run-1 line"]
    assert paths[0]["d"] == paths[1]["d"]


def test_calibration_points_on_the_line_are_on_the_line() -> None:
    svg = calibration_chart("t", [(10, 10, 5), (40, 20, 500)])
    (line,) = _marks(svg, "line", "join")
    on, off = _marks(svg, "circle", "after")
    slope = (float(line["y2"]) - float(line["y1"])) / (float(line["x2"]) - float(line["x1"]))
    expected = [float(line["y1"]) + slope * (float(p["cx"]) - float(line["x1"])) for p in (on, off)]
    assert float(on["cy"]) == pytest.approx(expected[0], abs=0.2)
    assert float(off["cy"]) > expected[1] + 20
    assert float(off["r"]) > float(on["r"])


@pytest.mark.parametrize(
    "svg",
    [
        bar_chart("t", []),
        pair_chart("t", [], "errors"),
        pair_chart("t", [Pair("a", 0, 0)], "errors"),
        histogram_chart("t", {}, {}, 2, "Phred"),
        distribution_chart("t", [{}, {}], 2, "Phred"),
        calibration_chart("t", []),
    ],
)
def test_no_values_still_make_a_chart(svg: str) -> None:
    assert ET.fromstring(svg).attrib["role"] == "img"


def test_texts_are_escaped() -> None:
    svg = bar_chart('<t">', [Bar("<a>", 1, "&")])
    root = ET.fromstring(svg)
    assert root.attrib["aria-label"] == '<t">'
    assert [text.text for text in root.iter("text")] == ["<a>", "&"]


def test_lines_go_through_their_points_and_are_cut_above() -> None:
    svg = line_chart("t", {"one": [(1, 40), (2, 2), (3, 1)], "two": [(2, 3)]}, ("steps", "loss"), below=4)
    (one,) = _marks(svg, "polyline", "before")
    places = [tuple(map(float, place.split(","))) for place in one["points"].split()]
    assert places[1][0] - places[0][0] == pytest.approx(places[2][0] - places[1][0], abs=0.11)
    # From 4, where 40 is cut, to 2 is twice as far as from 2 to 1; heights count downwards.
    assert places[1][1] - places[0][1] == pytest.approx(2 * (places[2][1] - places[1][1]), abs=0.2)
    (two,) = _marks(svg, "polyline", "after")
    assert two["points"].split(",")[0] == f"{places[1][0]}"


def test_a_chart_alone_is_an_image() -> None:
    image = ET.fromstring(standalone(line_chart("t", {"<one>": [(1, 1)]}, ("x", "y"))))
    assert image.tag == "{http://www.w3.org/2000/svg}svg"
    assert image.find("{http://www.w3.org/2000/svg}style") is not None


def test_a_chart_of_nothing_is_empty() -> None:
    assert not _marks(line_chart("t", {"one": []}, ("x", "y")), "polyline", "after")
