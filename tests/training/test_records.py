from pathlib import Path

import pytest

from deepconsensus_py.errors import InputError
from deepconsensus_py.training.config import Stage, TrainConfig, plain, read_record, record

TEXT = """
task: columns
name: one
held_out: [7, 9]
init: null
data: {batch: 3, examples: [a, b]}
stages:
  - {steps: 10, learning_rate: 1e-3}
  - {steps: 5, learning_rate: 1, name: last, data: {batch: 4}}
"""


def read(folder: Path, text: str) -> TrainConfig:
    path = folder / "train.yaml"
    path.write_text(text)
    return read_record(TrainConfig, path)


def test_a_file_becomes_records(tmp_path: Path) -> None:
    config = read(tmp_path, TEXT)
    assert config.held_out == (7, 9)
    assert config.init is None
    assert config.stages[0] == Stage(steps=10, learning_rate=0.001)
    assert config.stages[1].data == {"batch": 4}
    assert isinstance(config.stages[1].learning_rate, float)


def test_a_record_is_read_from_its_plain_values(tmp_path: Path) -> None:
    config = read(tmp_path, TEXT)
    assert record(TrainConfig, plain(config), where="") == config


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: one", "nmae: one", r"train\.yaml: nmae is unknown; known keys are task, stages"),
        ("task: columns\n", "", r"train\.yaml: task is missing"),
        ("steps: 10, ", "", r"stages\[0\]\.steps is missing"),
        ("steps: 10", "step: 10, steps: 10", r"stages\[0\]\.step is unknown"),
        ("steps: 10", "steps: 1.5", r"stages\[0\]\.steps must be an integer, not 1\.5"),
        ("steps: 10", "steps: true", r"stages\[0\]\.steps must be an integer"),
        ("steps: 10", "steps: 0", r"stages\[0\]\.steps must be 1 or more, not 0"),
        ("1e-3", "fast", r"stages\[0\]\.learning_rate must be a number, not 'fast'"),
        ("held_out: [7, 9]", "held_out: 7", r"held_out must be a list, not 7"),
        ("held_out: [7, 9]", "held_out: [7, x]", r"held_out\[1\] must be an integer, not 'x'"),
        ("name: one", "name: 1", r"name must be a string, not 1"),
        ("{batch: 3, examples: [a, b]}", "5", r"data must be a mapping, not 5"),
        ("  - {steps: 10, learning_rate: 1e-3}", "  - 3", r"stages\[0\] must be a mapping"),
        ("name: one", "schedule: x", "schedule is unknown"),
        ("name: one", "precision: half", "precision must be one of float32, bf16, not 'half'"),
        ("name: one", "average: 1.0", "average must be below 1"),
        ("name: last", "name: train", "stages must have unique names"),
        ("name: one", "name: a/b", "name must be a file name"),
        ("name: one", "name: [", "not YAML"),
        (TEXT, "just words", "not a mapping"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path, TEXT.replace(old, new))
    assert str(tmp_path / "train.yaml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.yaml: cannot be read"):
        read_record(TrainConfig, tmp_path / "none.yaml")


def test_top_level_keys_can_be_changed(tmp_path: Path) -> None:
    read(tmp_path, TEXT)
    assert read_record(TrainConfig, tmp_path / "train.yaml", {"seed": 5}).seed == 5
