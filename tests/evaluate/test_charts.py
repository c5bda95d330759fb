"""Charts: marks where the values are, in the page's colours, texts escaped; equal charts are equal files."""

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepconsensus_py.evaluate.charts import (
    AFTER,
    LINES,
    MOST_BINS,
    VARIABLES,
    Pair,
    calibration_chart,
    distribution_chart,
    histogram_chart,
    inline,
    line_chart,
    pair_chart,
    save_chart,
)


def _axis(figure: Figure) -> Axes:
    (axis,) = figure.axes
    return axis


def _stairs(figure: Figure) -> dict[str, list[float]]:
    return {patch.get_label(): patch.get_data().values.tolist() for patch in _axis(figure).patches}


def test_pairs_have_two_marks_to_a_row_in_order() -> None:
    axis = _axis(pair_chart([Pair("a", 9, 3), Pair("b", 0, 4)], "errors"))
    marks = {line.get_label(): line.get_xydata().tolist() for line in axis.lines}
    assert marks == {"before": [[9, 0], [0, 1]], "after": [[3, 0], [4, 1]]}
    assert [label.get_text() for label in axis.get_yticklabels()] == ["a", "b"]
    assert axis.yaxis_inverted()


def test_histograms_count_every_value_once() -> None:
    found = _stairs(histogram_chart(Counter([20, 21, 21.9, 30]), Counter([30, 31.9, 32]), 2, "Phred"))
    assert found == {"before": [3, 0, 0, 0, 0, 1, 0], "after": [0, 0, 0, 0, 0, 2, 1]}


def test_a_value_beyond_all_others_makes_bins_wider_not_more() -> None:
    (counts,) = _stairs(histogram_chart({}, {8: 3, 2**31: 1}, 1, "passes")).values()
    assert len(counts) <= MOST_BINS + 1
    assert sum(counts) == 4


def test_a_histogram_without_a_before_has_one_outline() -> None:
    assert _stairs(histogram_chart({}, {3: 2, 5: 1}, 1, "passes")) == {"after": [2, 0, 1]}


def test_runs_are_drawn_as_shares_of_their_own_reads() -> None:
    axis = _axis(distribution_chart([{1: 1, 2: 3}, {1: 100, 2: 300}, {}], 1, "passes"))
    assert [patch.get_data().values.tolist() for patch in axis.patches] == [[25, 75], [25, 75]]
    assert len({patch.get_edgecolor() for patch in axis.patches}) == 2


def test_the_ninth_run_has_the_colour_of_the_first() -> None:
    axis = _axis(distribution_chart([{1: 1}] * (len(LINES) + 1), 1, "passes"))
    colours = [patch.get_edgecolor() for patch in axis.patches]
    assert len(set(colours)) == len(LINES)
    assert colours[-1] == colours[0]


def test_calibration_points_have_the_area_of_their_bases() -> None:
    axis = _axis(calibration_chart({"": [(10, 10, 5), (40, 20, 500)]}))
    (points,) = axis.collections
    assert points.get_offsets().tolist() == [[10, 10], [40, 20]]
    small, large = points.get_sizes()
    assert large == pytest.approx(100 * small)
    assert axis.lines[0].get_xydata().tolist() == [[0, 0], [40, 40]]


def test_lines_go_through_their_points_and_are_cut_above() -> None:
    axis = _axis(line_chart({"one": [(1, 40), (2, 2), (3, 1)], "two": [(2, 3)]}, ("steps", "loss"), below=4))
    lines = {line.get_label(): line.get_xydata().tolist() for line in axis.lines}
    assert lines == {"one": [[1, 4], [2, 2], [3, 1]], "two": [[2, 3]]}
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["one", "two"]


EMPTY = [
    pair_chart([], "errors"),
    pair_chart([Pair("a", 0, 0)], "errors"),
    histogram_chart({}, {}, 2, "Phred"),
    distribution_chart([{}, {}], 2, "Phred"),
    calibration_chart({"": []}),
    line_chart({"one": []}, ("x", "y")),
]


@pytest.mark.parametrize("figure", EMPTY)
def test_no_values_still_make_a_chart(figure: Figure) -> None:
    root = ET.fromstring(inline(figure, "t"))
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == "t"


def test_texts_are_escaped_and_stay_texts() -> None:
    root = ET.fromstring(inline(pair_chart([Pair("<a> & b", 1, 2)], "errors"), '<t">'))
    assert root.attrib["aria-label"] == '<t">'
    assert {"<a> & b", "errors"} <= {text.text for text in root.iter("text")}


def test_colours_of_a_page_are_its_style_sheets() -> None:
    svg = inline(histogram_chart({1: 1}, {1: 1}, 1, "x"), "t")
    assert f"var({VARIABLES[AFTER]})" in svg
    assert [colour for colour in VARIABLES if colour in svg] == []


def test_charts_of_a_page_share_no_ids() -> None:
    charts = [inline(histogram_chart({}, {n: 1}, 1, "x"), "t") for n in (1, 7)]
    first, second = ({mark.attrib["id"] for mark in ET.fromstring(svg).iter() if "id" in mark.attrib} for svg in charts)
    assert all(name in second or np.isin(name, list(first)) for name in first)


def test_equal_charts_are_equal_files_and_images(tmp_path: Path) -> None:
    for name in "ab":
        save_chart(line_chart({"<one>": [(1, 1), (2, 3)]}, ("x", "y")), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    image = ET.parse(tmp_path / "a").getroot()
    assert image.tag == "{http://www.w3.org/2000/svg}svg"
    assert "<one>" in {text.text for text in image.iter("{http://www.w3.org/2000/svg}text")}
