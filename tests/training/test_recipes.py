import dataclasses
import re
from pathlib import Path

import pytest

from deepconsensus_py.training.augment import Augmentation
from deepconsensus_py.training.columns import ColumnModel, WindowData
from deepconsensus_py.training.config import Stage, TrainConfig, read_record, record
from deepconsensus_py.training.distill import Student
from deepconsensus_py.training.edits import EditData, EditModel
from deepconsensus_py.training.task import TASKS

RECIPES = sorted((Path(__file__).resolve().parents[2] / "recipes").glob("*.yaml"))
MODELS = {"columns": ColumnModel, "distill": Student, "edits": EditModel}
DATA = {"columns": WindowData, "distill": WindowData, "edits": EditData}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipes_are_configurations(path: Path) -> None:
    config = read_record(TrainConfig, path)
    assert config.task in TASKS
    assert config.name in {path.stem, "student"}
    record(MODELS[config.task], config.model, where="model.")
    for stage in config.stages:
        record(DATA[config.task], {**config.data, **stage.data}, where="data.")


def test_the_recipe_of_columns_is_of_the_originals_size() -> None:
    config = read_record(TrainConfig, next(path for path in RECIPES if path.stem == "columns"))
    network = record(ColumnModel, config.model, where="model.").network_config()
    assert (network.trunk.layers, network.trunk.d, network.embedded) == (6, 280, 560)


def test_the_page_names_every_key() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "training_reference.md").read_text()
    named = {name for row in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    kinds = (TrainConfig, Stage, ColumnModel, WindowData, Augmentation, Student, EditModel, EditData)
    assert [(k.__name__, f.name) for k in kinds for f in dataclasses.fields(k) if f.name not in named] == []
