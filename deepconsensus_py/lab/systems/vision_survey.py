"""A claim of surveys of attention in vision: one trunk, with three heads, recognises, detects and segments."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from statistics import mean

import torch
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.config import AttentionConfig, BiasConfig, TrunkConfig
from deepconsensus_py.attention.cost import LayerCost, cost
from deepconsensus_py.attention.patterns import Full
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.heads.label import Label
from deepconsensus_py.heads.vision import BottleneckStage, Residual, Vision
from deepconsensus_py.lab import tracks
from deepconsensus_py.lab.claim import Arm, Claim, CostLine, Figure, Shown, Size, exact, found_at_least, measured
from deepconsensus_py.lab.costs import cost_line, counts, image_cost
from deepconsensus_py.lab.fit import Training, fit
from deepconsensus_py.lab.images import BATCH as OF_IMAGES
from deepconsensus_py.lab.images import SIDE, accuracy, digit_images, digit_network, learn, stem

TRUNK = TrunkConfig(
    layers=3,
    d=64,
    heads=4,
    ff=128,
    attention=(AttentionConfig(Full(), bias=BiasConfig("shaw", (4,))),),
    norm="layer",
    position="none",
)
"""Of all three heads; offsets are in columns of a window, or in pixels of an image row."""

FEATURES, PATCH = 32, 2
"""Width of the convolutional stage before the trunk in the image head, and side of a patch of its features."""

BATCH, LEARNED, TESTED = 32, 3000, 600
BEHIND = 0.02
"""How far attention may be behind convolution."""

ATTENTION, CONVOLUTION = "attention", "convolution"

KERNEL = 7
"""Tokens that a convolution sees."""


class ConvolutionLayer(nn.Module):
    """A normalised convolution and a linear layer, added to their input: ``[B, n, d]`` to the same."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.norm, self.convolve = nn.LayerNorm(d), nn.Conv1d(d, d, KERNEL, padding=KERNEL // 2)
        self.mix = nn.Linear(d, d)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        seen = self.convolve(self.norm(x).transpose(1, 2)).transpose(1, 2)
        mixed: Tensor = self.mix(torch.relu(seen))
        return x + mixed


class Convolutions(nn.Module):
    """A stack of convolutions in place of a trunk, and a final layer norm.

    Args:
        config: of the trunk that it replaces; with an inner width of twice ``d``, both have as many parameters.
    """

    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.Sequential(*(ConvolutionLayer(config.d) for _ in range(config.layers)), nn.LayerNorm(config.d))

    def forward(self, tokens: Tokens) -> Tensor:
        """``[B, n, d]``, as a trunk's."""
        seen: Tensor = self.layers(tokens.x)
        return seen

    def costs(self, n: int) -> list[LayerCost]:
        """Of each layer, for a number of tokens."""
        return [LayerCost(n, 0, 2 * (KERNEL + 1) * self.config.d**2, 0, 0)] * self.config.layers


@dataclass(frozen=True, slots=True)
class Track:
    """A task along windows: makes its windows, its number of classes, and scores the logits of test windows."""

    make: Callable[[int, int], tracks.Tracks]
    classes: int
    score: Callable[[Tensor, Tensor], float]


def f1(logits: Tensor, labels: Tensor) -> float:
    """F1, averaged over the classes."""
    called = logits.argmax(-1)
    hits = [((called == kind) & (labels == kind)).sum() for kind in range(logits.shape[-1])]
    either = [(called == kind).sum() + (labels == kind).sum() for kind in range(logits.shape[-1])]
    return mean(float(2 * hit / total.clamp(min=1)) for hit, total in zip(hits, either, strict=True))


TRACKS = {
    "segmentation of homopolymers, F1": Track(tracks.track_segments, tracks.CLASSES, f1),
    "detection of a variant, its column right": Track(tracks.variants, 2, tracks.found),
}
DIGITS = "recognition of digits, accuracy"


def reproduce(size: Size) -> Shown:
    """Train three heads on a trunk each, and the same on convolutions, and judge both on other data."""
    steps, judged = (4 if size.fast else 900), not size.fast
    scores = {
        task: {
            system: [_track(task, system, seed, steps, fast=size.fast) for seed in size.seeds]
            for system in (ATTENTION, CONVOLUTION)
        }
        for task in TRACKS
    }
    scores[DIGITS] = {
        system: [_digits(system, seed, steps=min(steps, 250)) for seed in size.seeds]
        for system in (ATTENTION, CONVOLUTION)
    }
    figures = []
    for task, of in scores.items():
        ours, theirs = of[ATTENTION], of[CONVOLUTION]
        most = [_majority(task, seed, fast=size.fast) for seed in size.seeds]
        behind, ahead = ([a - b for a, b in zip(ours, others, strict=True)] for others in (theirs, most))
        figures += [
            found_at_least(f"{task}: attention minus convolution", behind, -BEHIND, judged=judged),
            measured(task, ours, theirs),
            found_at_least(f"{task}: attention minus the most common answer", ahead, 0, judged=judged),
        ]
    return Shown(
        figures=(*figures, _interchangeable()),
        arms=_arms(steps),
        costs=_costs(),
        notes=(
            f"{steps} batches of {BATCH} windows (digits: {min(steps, 250)} of 64 images); {LEARNED} windows for "
            f"training, and {TESTED} of other molecules for testing.",
            "By seed, attention and convolution: "
            + "; ".join(
                f"{task} {', '.join(f'{a:.3f} and {c:.3f}' for a, c in zip(*of.values(), strict=True))}"
                for task, of in scores.items()
            )
            + ".",
            "Windows: the same embeddings and outputs, on a trunk or on the same number of convolutional layers of 7 "
            "columns with as many parameters. Segments are predicted from the passes alone; the variant is one base "
            "in half of the passes that have a base there.",
            "Segments depend on neighbours, which convolutions have built in and full attention must learn from its "
            "relative positions. Tried, one seed each: offsets up to 16 at 200 batches, F1 0.626; up to 4 at 400, "
            "0.917; sinusoids as well, 0.888; two layers at 600 batches, 0.935 (convolution: 0.974); a third layer, "
            "0.953. F1 rises with batches and layers: hence three layers and 900 batches here.",
            "Digits: the trunk follows a convolutional stem and one bottleneck (a hybrid); patches of the image "
            "itself are behind convolution at this number of images, as claim vit shows.",
        ),
    )


def _arms(steps: int) -> tuple[Arm, ...]:
    spent = {**dict.fromkeys(TRACKS, (steps, BATCH)), DIGITS: (min(steps, 250), OF_IMAGES)}
    return tuple(
        Arm(task, system, batches, batches * size)
        for task, (batches, size) in spent.items()
        for system in (ATTENTION, CONVOLUTION)
    )


def _head(task: str, system: str) -> Label:
    trunk = Trunk(TRUNK) if system == ATTENTION else Convolutions(TRUNK)
    return Label(trunk, vocabularies=tracks.VOCABULARIES, classes=TRACKS[task].classes)  # type: ignore[arg-type]


def _hybrid() -> Vision:
    features = Residual(stem(FEATURES), FEATURES, [BottleneckStage(FEATURES, 1)])
    return Vision(Trunk(TRUNK), classes=10, shape=(1, SIDE, SIDE), patch=PATCH, features=features, cls=False)


@cache
def _windows(task: str, count: int, seed: int) -> tracks.Tracks:
    return TRACKS[task].make(count, seed)


def _learned(task: str, seed: int, *, fast: bool) -> tracks.Tracks:
    return _windows(task, 100 if fast else LEARNED, seed)


def _tested(task: str, *, fast: bool) -> tracks.Tracks:
    return _windows(task, 50 if fast else TESTED, 10**6)


def _track(task: str, system: str, seed: int, steps: int, *, fast: bool) -> float:
    torch.manual_seed(seed)
    head, generator = _head(task, system), torch.Generator().manual_seed(seed)
    windows, tested = _learned(task, seed, fast=fast), _tested(task, fast=fast)

    def loss(_: int) -> Tensor:
        rows = torch.randint(len(windows["labels"]), (BATCH,), generator=generator)
        batch = {name: values[rows] for name, values in windows.items()}
        return head.loss(head(batch), batch)

    fit(head, loss, Training(steps, 3e-3))
    with torch.inference_mode():
        return TRACKS[task].score(head.eval()(tested), tested["labels"])


def _digits(system: str, seed: int, *, steps: int) -> float:
    images, tested = digit_images(seed)
    if system == CONVOLUTION:
        network = digit_network("convolution", seed, width=24)
        learn(network, network, images, Training(steps, 2e-3), seed=seed, shift=1)
        return accuracy(network, tested)
    torch.manual_seed(seed)
    head = _hybrid()
    learn(head, lambda image: head({"image": image}), images, Training(steps, 2e-3), seed=seed, shift=1)
    head.eval()
    return accuracy(lambda image: head({"image": image}), tested)


def _majority(task: str, seed: int, *, fast: bool) -> float:
    """The score of the most common answer of the training data on the test data."""
    if task == DIGITS:
        images, tested = digit_images(seed)
        return float((tested.label == images.label.mode().values).float().mean())
    learned, labels = _learned(task, seed, fast=fast)["labels"], _tested(task, fast=fast)["labels"]
    classes = TRACKS[task].classes
    if classes == 2:
        likely = torch.stack([torch.zeros(labels.shape[1]), learned.sum(0).float()], -1)
        return TRACKS[task].score(likely.expand(len(labels), -1, -1), labels)
    common = nn.functional.one_hot(learned.flatten().mode().values, classes).float()
    return TRACKS[task].score(common.expand(*labels.shape, classes), labels)


def _interchangeable() -> Figure:
    first, *others = (_hybrid(), *(_head(task, ATTENTION) for task in TRACKS))
    for head in others:
        head.trunk.load_state_dict(first.trunk.state_dict(), strict=True)
    equal = all(
        torch.equal(weight, head.trunk.state_dict()[name])
        for head in others
        for name, weight in first.trunk.state_dict().items()
    )
    return exact("heads whose trunks can exchange their weights", 3 if equal else 0, "= 3", equal)


def _costs() -> tuple[CostLine, ...]:
    lines, images = [], torch.zeros(50, 1, SIDE, SIDE)
    for task in TRACKS:
        tested, name = _tested(task, fast=True), task.split(",")[0]
        lines.append(cost_line(f"{name}: attention", _head(task, ATTENTION), tested, tested["labels"].shape[1:]))
        lines.append(_convolved(f"{name}: convolution", _head(task, CONVOLUTION), tested))
    lines.append(cost_line("digits: attention", _hybrid(), {"image": images}, (SIDE // 2 // PATCH,) * 2))
    return (*lines, image_cost("digits: convolution", digit_network("convolution", 0, width=24), images))


def _convolved(name: str, head: Label, batch: tracks.Tracks) -> CostLine:
    stack = head.trunk
    assert isinstance(stack, Convolutions)
    layers = stack.costs(batch["labels"].shape[1])
    with torch.inference_mode():
        return counts(name, cost(lambda: head(batch), head, layers, items=len(batch["labels"]), repeats=1))


CLAIM = Claim(
    number=18,
    id="survey",
    system="Surveys of attention in vision",
    text="Attention serves recognition, detection and segmentation, with heads on one trunk.",
    baseline="Convolutions of the same size; the most common answer.",
    on_reads="Tracks of homopolymers and of variant positions beside the corrected read.",
    seeds=(1, 2, 3),
    run=reproduce,
)
