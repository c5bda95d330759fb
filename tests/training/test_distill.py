import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.errors import InputError
from deepconsensus_py.models.column_network import ColumnConfig, ColumnNetwork
from deepconsensus_py.models.weights import Model, read_model, save_model
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.training.config import Stage, TrainConfig
from deepconsensus_py.training.distill import Student, cut_student
from deepconsensus_py.training.loop import train
from deepconsensus_py.training.task import tasks_of


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of three layers, all of which do something."""
    tables = ("bases", "pulse_widths", "inter_pulse_durations", "strands", "snr")
    trunk = TrunkConfig(3, 16, 2, 32, preset("banded12"))
    torch.manual_seed(0)
    network = ColumnNetwork(ColumnConfig(6, 100, dict.fromkeys(tables, 2), trunk))
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("alpha"):
                parameter.fill_(0.5)
    path = tmp_path_factory.mktemp("teacher") / "teacher.safetensors"
    save_model(path, Model("teacher", network, FeatureSpec(max_passes=6).to_dict()))
    return path


def config_of(example_file: Path, teacher: Path, **changes: Any) -> TrainConfig:
    config = TrainConfig(
        task="distill",
        name="student",
        init=str(teacher),
        average=0.0,
        held_out=(4194370,),
        model={"layers": [0, 2], "dropout": 0.0},
        data={"examples": [str(example_file)], "batch": 16},
        stages=(Stage(steps=30, learning_rate=0.003, every=10),),
    )
    return dataclasses.replace(config, **changes)


def test_a_student_of_all_layers_is_the_teacher(teacher: Path) -> None:
    whole = read_model(teacher).network
    student = cut_student(whole, Student(layers=(0, 1, 2), dropout=0.0))
    assert all(torch.equal(student.state_dict()[name], tensor) for name, tensor in whole.state_dict().items())


def test_a_student_has_the_layers_that_are_named(teacher: Path) -> None:
    whole = read_model(teacher).network
    student = cut_student(whole, Student(layers=(2, 0)))
    assert student.config.trunk.layers == 2
    ours, theirs = student.trunk.encoder.blocks, whole.trunk.encoder.blocks
    for new, old in ((0, 2), (1, 0)):
        for name, tensor in theirs[old].state_dict().items():
            assert torch.equal(ours[new].state_dict()[name], tensor)
    ours[0].attention.alpha.data.fill_(7.0)
    assert theirs[2].attention.alpha.item() == 0.5


def test_a_student_comes_nearer_to_its_teacher(example_file: Path, teacher: Path, tmp_path: Path) -> None:
    # Without the truth, which the teacher does not know either.
    config = config_of(
        example_file,
        teacher,
        model={"layers": [0, 2], "dropout": 0.0, "truth_weight": 0.0, "teacher_weight": 1000.0},
        stages=(Stage(steps=60, learning_rate=0.001, every=20),),
    )
    tasks = tasks_of(config)
    batches = list(tasks[0].held_out())
    with torch.no_grad():
        before = sum(tasks[0].loss(tasks[0].network, batch)[0].item() for batch in batches)
    path = train(tasks, config, tmp_path)
    with torch.no_grad():
        after = sum(tasks[0].loss(read_model(path).network, batch)[0].item() for batch in batches)
    assert after < 0.7 * before


def test_the_teacher_itself_loses_nothing(example_file: Path, teacher: Path) -> None:
    config = config_of(example_file, teacher, model={"layers": [0, 1, 2], "dropout": 0.0, "truth_weight": 0.0})
    (task,) = tasks_of(config)
    loss, _ = task.loss(task.network, next(iter(task.held_out())))
    assert loss.item() == 0.0


def test_wrong_students_are_refused(example_file: Path, teacher: Path) -> None:
    with pytest.raises(InputError, match=r"model\.layers must be some of 0 to 2, the teacher's, not \(3,\)"):
        tasks_of(config_of(example_file, teacher, model={"layers": [3]}))
    with pytest.raises(InputError, match="init must be the model file of the teacher"):
        tasks_of(config_of(example_file, teacher, init=None))
