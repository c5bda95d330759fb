"""Metrics of ZMWs: the fields of ccs, one object to a line."""

import io
import json

import pytest

from deepconsensus_py.reports.outcomes import Outcome
from deepconsensus_py.reports.zmw import ZmwFacts, ZmwResult
from deepconsensus_py.reports.zmw_metrics import joined, metrics_line, metrics_lines

FACTS = ZmwFacts(full_passes=4, median_length=990, polymerase_length=5120, wall_start=91, wall_end=5529991)


def test_fields_are_those_of_ccs_in_their_order() -> None:
    zmw = ZmwResult(
        "m64011_200315_001815/7/ccs",
        Outcome.SUCCESS,
        full_passes=3,
        length_before=1000,
        length_after=1001,
        coverage=4.20049,
        accuracy=0.9985,
        tandem_repeat=True,
        facts=FACTS,
    )
    assert metrics_line(zmw) == (
        '{"effective_coverage": 4.2, "has_tandem_repeat": true, "insert_size": 1001, "num_full_passes": 3, '
        '"polymerase_length": 5120, "predicted_accuracy": 0.9985, "status": "SUCCESS", "wall_end": 5529991, '
        '"wall_start": 91, "zmw": "m64011_200315_001815/7"}\n'
    )


@pytest.mark.parametrize(
    ("zmw", "size"),
    [
        (ZmwResult("m/1/ccs", Outcome.SUCCESS, length_before=5, length_after=6, facts=FACTS), 6),
        (ZmwResult("m/1/ccs", Outcome.ERROR, length_before=5, facts=FACTS), 5),
        (ZmwResult("m/1/ccs", Outcome.NO_USABLE_PASS, facts=FACTS), 990),
        (ZmwResult("m/1/ccs", Outcome.NO_SUBREADS), 0),
    ],
)
def test_the_insert_is_the_read_or_else_the_draft_or_else_a_subread(zmw: ZmwResult, size: int) -> None:
    found = json.loads(metrics_line(zmw))
    assert (found["insert_size"], found["effective_coverage"], found["predicted_accuracy"]) == (size, -1.0, -1.0)


@pytest.mark.parametrize(
    ("name", "zmw"), [("m/1/ccs", "m/1"), ("m/1/ccs/rev", "m/1/rev"), ("not a name", "not a name")]
)
def test_names(name: str, zmw: str) -> None:
    assert json.loads(metrics_line(ZmwResult(name, Outcome.ERROR)))["zmw"] == zmw


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_file_is_json_and_its_lines_come_back(count: int) -> None:
    lines = [metrics_line(ZmwResult(f"m/{n}/ccs", Outcome.ERROR)) for n in range(count)]
    text = "".join(joined(lines))
    assert [zmw["zmw"] for zmw in json.loads(text)["zmws"]] == [f"m/{n}" for n in range(count)]
    assert list(metrics_lines(io.StringIO(text))) == lines


@pytest.mark.parametrize("text", ["", '{"zmws": []}', '{"zmws": [\n{},\n{}\n'])
def test_another_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"it does not begin|its end is missing"):
        list(metrics_lines(io.StringIO(text)))
