from pathlib import Path
from xml.etree import ElementTree as ET

from training_toys import CONFIG

from deepconsensus_py.training.checkpoint import LogLine, in_words, loss_curve, model_card, write_curve, write_log

ROWS = [
    LogLine("first", 4, 1.5, 100.0, None, 0.01, 33.3),
    LogLine("first", 8, 2.5, 2.0, 3.0, 0.01, 33.3),
    LogLine("second", 10, 4.0, 1.0, 2.0, 0.005, 1 / 3),
]


def test_the_table_has_a_line_for_each_row(tmp_path: Path) -> None:
    write_log(tmp_path / "log.csv", ROWS)
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert lines[0] == "stage,step,seconds,loss,held_out_loss,learning_rate,items_per_second"
    assert lines[1] == "first,4,1.5,100,,0.01,33.3"
    assert lines[3] == "second,10,4,1,2,0.005,0.333333"


def test_the_curve_continues_from_stage_to_stage(tmp_path: Path) -> None:
    training, held_out = (line.get_xydata().tolist() for line in loss_curve(ROWS).axes[0].lines)
    # Twice the median of 100, 2, 1, 3 and 2 is 4.
    assert training == [[4, 4], [8, 2], [18, 1]]
    assert held_out == [[8, 3], [18, 2]]
    write_curve(tmp_path / "curve.svg", ROWS)
    assert ET.parse(tmp_path / "curve.svg").getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_the_card_says_how_each_stage_ended() -> None:
    card = model_card(CONFIG, ROWS)
    assert card.startswith("# line\n\n## Training\n\nBy deepconsensus-py")
    assert "- first 8: loss 2, held out 3, rate 0.01, 33 items/s, 2 s" in card
    assert in_words(ROWS[2]) in card
    assert in_words(ROWS[0]) not in card
