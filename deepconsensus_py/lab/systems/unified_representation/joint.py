"""Four tasks of different modalities, each with its head, to be trained on one trunk or on a trunk each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.config import AttentionConfig, BiasConfig, TrunkConfig
from deepconsensus_py.attention.patterns import Full
from deepconsensus_py.heads.correct import Correct
from deepconsensus_py.heads.head import Batch, Head
from deepconsensus_py.heads.label import Label
from deepconsensus_py.heads.navigate import NavigateHead
from deepconsensus_py.heads.vision import BottleneckStage, Residual, Vision
from deepconsensus_py.lab import reads as windows
from deepconsensus_py.lab import tracks, walks
from deepconsensus_py.lab.fit import Training, fit
from deepconsensus_py.lab.images import SIDE, digit_images, stem
from deepconsensus_py.models.alignment_loss import shift_left
from deepconsensus_py.models.column_network import ColumnTokens

TRUNK = TrunkConfig(
    layers=2,
    d=64,
    heads=4,
    ff=128,
    attention=(AttentionConfig(Full(), bias=BiasConfig("shaw", (8,))),),
    norm="layer",
    position="none",
)
FEATURES, PATCH = 32, 2
"""Width of the convolutional stage before the trunk in the image head, and side of a patch of its features."""

BATCH = 16
Rows = Callable[[np.ndarray], dict[str, Tensor]]
"""A batch of some rows of the data."""


@dataclass(frozen=True, slots=True, eq=False)
class JointTask:
    """A task.

    Attributes:
        head: makes the head on a trunk.
        learned: makes training batches, of rows below ``count``.
        count: rows of the training data.
        tested: the test batch.
        measure: the metric of the head that is reported.
        trivial: what that metric is without learning, by a rule of one line.
    """

    head: Callable[[Trunk], Head]
    learned: Rows
    count: int
    tested: Batch
    measure: str
    trivial: float


def tasks(seed: int, *, learned: int, tested: int) -> dict[str, JointTask]:
    """The four tasks.

    Args:
        seed: of the training data.
        learned: training windows.
        tested: most test items of each task.
    """
    pileups, segments = windows.without_draft(windows.simulated(learned, seed)), tracks.track_segments(learned, seed)
    digits, other_digits = digit_images(seed)
    images = {"image": digits.image, "label": digits.label}
    houses = range(100, 100 + max(1, learned // 100))
    ways = walks.joined_walks(houses, 100)
    called = windows.without_draft(windows.simulated(tested, 10**6))
    marked = tracks.track_segments(tested, 10**6)
    seen = _rows({"image": other_digits.image, "label": other_digits.label}, np.arange(min(tested, 597)))
    walked = walks.collated(walks.joined_walks(range(20), max(1, tested // 40)))
    return {
        "pileup: windows called exactly": JointTask(
            lambda trunk: Correct(trunk, ColumnTokens(windows.config(trunk.config))),
            partial(_rows, pileups),
            learned,
            called,
            "exact",
            voted_exactly(called),
        ),
        "sequence: homopolymer segments, F1": JointTask(
            lambda trunk: Label(trunk, vocabularies=tracks.VOCABULARIES, classes=tracks.CLASSES),
            partial(_rows, segments),
            learned,
            marked,
            "f1",
            _most_common_f1(marked["labels"]),
        ),
        "image: digits, accuracy": JointTask(
            _hybrid,
            partial(_rows, images),
            len(digits.label),
            seen,
            "accuracy",
            float((seen["label"] == digits.label.mode().values).float().mean()),
        ),
        "words and graph: next door, accuracy": JointTask(
            lambda trunk: NavigateHead(trunk, words=walks.VOCABULARY, kinds=walks.KIND_SIZES),
            lambda rows: walks.collated([ways[row] for row in rows]),
            len(ways),
            walked,
            "accuracy",
            towards_the_goal(walked),
        ),
    }


def voted_exactly(pileups: windows.WindowTensors) -> float:
    """Share of windows in which the most common symbol of each column, over the passes, spells the truth."""
    there = (pileups["strands"] > 0)[:, :, None]
    counts = [((pileups["bases"] == symbol) & there).sum(1) for symbol in range(len(windows.BASES))]
    vote = torch.stack(counts, -1).argmax(-1)
    return float((shift_left(vote) == shift_left(pileups["labels"])).all(1).float().mean())


def _most_common_f1(labels: Tensor) -> float:
    """F1, averaged over the classes, of the most common class everywhere."""
    count = float((labels == labels.flatten().mode().values).sum())
    return 2 * count / (count + labels.numel()) / tracks.CLASSES


def towards_the_goal(walked: Mapping[str, Tensor]) -> float:
    """Share of steps at which the next door is the open one that leads most towards the goal; at the goal, to stop."""
    way = walked["way"]
    along = (way * walked["goal"][:, :, None]).sum(-1) / way.norm(dim=-1).clamp(min=1e-9)
    along = along.masked_fill(~walked["open"], -torch.inf)
    along[..., walks.STOP] = torch.where(walked["goal"].norm(dim=-1) < 1e-6, torch.inf, -torch.inf)
    judged = walked["choice"] >= 0
    return float((along.argmax(-1) == walked["choice"])[judged].float().mean())


def learn_jointly(heads: Mapping[str, Head], of: Mapping[str, JointTask], training: Training, *, seed: int) -> None:
    """Train heads in turn, one batch of each task after the other; ``training.steps`` are steps per task."""
    drawn, names = np.random.default_rng(seed), list(heads)

    def loss(step: int) -> Tensor:
        name = names[step % len(names)]
        batch = of[name].learned(drawn.integers(of[name].count, size=BATCH))
        return heads[name].loss(heads[name](batch), batch)

    steps = training.steps * len(names)
    fit(nn.ModuleList(heads.values()), loss, Training(steps, training.rate, warm=training.warm * len(names)))


@torch.inference_mode()
def judged(head: Head, task: JointTask) -> float:
    """The task's metric on its test batch."""
    head.eval()
    return head.metrics(head(task.tested), task.tested)[task.measure]


def _rows(values: Mapping[str, Tensor], rows: np.ndarray) -> dict[str, Tensor]:
    index = torch.from_numpy(rows)
    return {name: of[index] for name, of in values.items()}


def _hybrid(trunk: Trunk) -> Vision:
    features = Residual(stem(FEATURES), FEATURES, [BottleneckStage(FEATURES, 1)])
    return Vision(trunk, classes=10, shape=(1, SIDE, SIDE), patch=PATCH, features=features, cls=False)
