"""Distillation: train a column network with fewer layers on the truth and on the outputs of a teacher."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from deepconsensus_py.errors import InputError
from deepconsensus_py.models.alignment_loss import distillation_loss
from deepconsensus_py.models.column_network import ColumnNetwork
from deepconsensus_py.models.weights import network_of, read_model
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.training.columns import LABELS, ColumnTask, StageWindows, alignment_losses, stage_windows
from deepconsensus_py.training.config import TrainConfig, record
from deepconsensus_py.training.task import Batch, Task

BLOCKS = "trunk.encoder.blocks."


@dataclass(frozen=True, slots=True)
class Student:
    """Model section of a recipe: the student; defaults are those of DeepConsensus v1.2.

    Attributes:
        layers: the teacher's layers that it keeps, from 0.
        dropout: of its attention weights.
        teacher_weight: of the mean squared difference of the probabilities.
        truth_weight: of the alignment loss.
        temperature: divisor of both logits.
    """

    layers: tuple[int, ...] = (1, 2, 3, 4, 5)
    dropout: float = 0.1
    teacher_weight: float = 1e5
    truth_weight: float = 1.0
    temperature: float = 1.0


class DistillTask(ColumnTask):
    """Windows, the alignment loss, and the difference from a teacher.

    Args:
        network: the student.
        spec: the encoding of both.
        windows: its examples.
        teacher: the network to imitate.
        student: weights of the losses.
    """

    def __init__(
        self,
        network: ColumnNetwork,
        spec: FeatureSpec,
        windows: StageWindows,
        *,
        teacher: ColumnNetwork,
        student: Student,
    ) -> None:
        super().__init__(network, spec, windows)
        self._teacher, self._student = teacher.eval().requires_grad_(False), student

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, int]:
        """Summed loss and the number of windows."""
        student, logits = self._student, network(batch).float()
        with torch.no_grad():
            taught = self._teacher.to(logits.device)(batch).float()
        from_truth = alignment_losses(logits, batch)
        from_teacher = distillation_loss(logits, taught, temperature=student.temperature)
        losses = student.truth_weight * from_truth + student.teacher_weight * from_teacher
        return losses.sum(), len(batch[LABELS])


def make_tasks(config: TrainConfig) -> list[Task]:
    """A task for each stage; ``init`` is the teacher, ``model`` a ``Student``, ``data`` a ``windows.WindowData``.

    Raises:
        InputError: the configuration or the examples cannot be used.
        ModelError: the teacher cannot be read.
    """
    if config.init is None:
        raise InputError("init must be the model file of the teacher")
    student = record(Student, config.model, where="model.")
    teacher = read_model(config.init)
    of_columns = network_of(teacher, ColumnNetwork)
    network, spec = cut_student(of_columns, student), FeatureSpec.from_dict(teacher.spec)
    return [
        DistillTask(network, spec, windows, teacher=of_columns, student=student)
        for windows in stage_windows(config, spec)
    ]


def cut_student(teacher: ColumnNetwork, student: Student) -> ColumnNetwork:
    """A network of some of the teacher's layers, with all weights from the teacher.

    DeepConsensus reinitialises the ReZero factors and the last norm; here they are the teacher's.

    Raises:
        InputError: the teacher has no such layer.
    """
    trunk = teacher.config.trunk
    if not student.layers or not set(student.layers) <= set(range(trunk.layers)):
        raise InputError(f"model.layers must be some of 0 to {trunk.layers - 1}, the teacher's, not {student.layers}")
    attention = tuple(
        replace(trunk.attention[layer % len(trunk.attention)], dropout=student.dropout) for layer in student.layers
    )
    config = replace(teacher.config, trunk=replace(trunk, layers=len(student.layers), attention=attention))
    taken = {f"{BLOCKS}{old}.": f"{BLOCKS}{new}." for new, old in enumerate(student.layers)}
    state = {}
    for name, tensor in teacher.state_dict().items():
        if not name.startswith(BLOCKS):
            state[name] = tensor
        for old, new in taken.items():
            if name.startswith(old):
                state[new + name.removeprefix(old)] = tensor
    network = ColumnNetwork(config)
    network.load_state_dict(state)
    return network
