"""A claim of surveys of attention in vision: one trunk, with three heads, recognises, detects and segments."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.cost import cost
from deepconsensus_py.lab.claim import (
    Arm,
    Claim,
    CostLine,
    Figure,
    Shown,
    Size,
    at_most,
    exact,
    found_at_least,
    measured,
)
from deepconsensus_py.lab.costs import counts, layer_costs, parameters
from deepconsensus_py.lab.fit import Training, fit
from deepconsensus_py.lab.interval import over_items
from deepconsensus_py.lab.scenes import scenes
from deepconsensus_py.lab.systems.vision_survey.heads import (
    DETECTION,
    RECOGNITION,
    SEGMENTATION,
    SIDE,
    TRUNK,
    Convolutions,
    Labelled,
    ThreeHeads,
    answers,
    labelled,
    loss,
    scores,
)

ATTENTION, CONVOLUTION = "attention", "convolution"
SYSTEMS = (ATTENTION, CONVOLUTION)
BATCH, STEPS, TESTED = 32, 600, 1000
RATES = (1e-3, 3e-3)
"""Each system has its best one, by its loss on scenes that are not tested on, with a quarter of the steps."""

TUNING_SEED, TEST_SEED = 90, 91
BEHIND = 0.02
"""How far attention may be behind convolution."""

HEADS = {
    RECOGNITION: "share of quadrants whose object is right",
    DETECTION: "intersection over union of boxes",
    SEGMENTATION: "intersection over union of pixels",
}

Scores = dict[str, NDArray[np.float64]]
"""Head to scores, ``float64[seeds, scenes]``."""


def reproduce(size: Size) -> Shown:
    """Train three heads at once, on a trunk and on convolutions, and judge both on other scenes."""
    steps, judged = (4 if size.fast else STEPS), not size.fast
    tested = labelled(scenes(40 if size.fast else TESTED, seed=TEST_SEED))
    rates = {system: _best_rate(system, max(1, steps // 4)) for system in SYSTEMS}
    found = {
        system: _stacked(
            [_scores(_trained(system, seed, Training(steps, rates[system])), tested) for seed in size.seeds]
        )
        for system in SYSTEMS
    }
    common = scores(_most_common(tested), tested)
    return Shown(
        figures=(
            *(figure for head in HEADS for figure in _figures(head, found, common[head].numpy(), judged=judged)),
            _interchangeable(),
            _sizes(),
        ),
        arms=tuple(Arm("three heads", system, steps, steps * BATCH, tried=len(RATES)) for system in SYSTEMS),
        costs=tuple(_cost(system) for system in SYSTEMS),
        notes=(
            "Scenes of 16x16 pixels hold two objects of three shapes and four colours in two of the four quadrants. "
            "Each network has one trunk over 64 patches, or as many residual 3x3 convolutions in its place, and three "
            "heads, trained together: what is in each quadrant, the edges of its box, and the shape that each pixel "
            "belongs to.",
            "Every scene of training is new; the same scenes test both systems and all seeds, and intervals are over "
            "seeds and scenes. Means by seed: " + "; ".join(f"{head} {_listed(found, head)}" for head in HEADS) + ".",
            "Learning rates: " + ", ".join(f"{system} {rate:g}" for system, rate in rates.items()) + ".",
            "The most common answer: an empty quadrant, the most common edges, background.",
        ),
    )


def _figures(head: str, found: dict[str, Scores], common: NDArray[np.float64], *, judged: bool) -> list[Figure]:
    ours, theirs = found[ATTENTION][head], found[CONVOLUTION][head]
    name = f"{head}, {HEADS[head]}"
    return [
        found_at_least(f"{name}: attention minus convolution", over_items(ours - theirs), -BEHIND, judged=judged),
        found_at_least(f"{name}: attention minus the most common answer", over_items(ours - common), 0, judged=judged),
        measured(name, over_items(ours), over_items(theirs)),
    ]


def _network(system: str, seed: int) -> ThreeHeads:
    torch.manual_seed(seed)
    return ThreeHeads(Trunk(TRUNK) if system == ATTENTION else Convolutions(TRUNK))


def _trained(system: str, seed: int, training: Training) -> ThreeHeads:
    network = _network(system, seed)

    def batch_loss(step: int) -> Tensor:
        drawn = labelled(scenes(BATCH, seed=10**5 * (1 + seed) + step))
        return loss(network(drawn.image), drawn)

    fit(network, batch_loss, training)
    return network.eval()


@torch.inference_mode()
def _scores(network: ThreeHeads, tested: Labelled) -> dict[str, Tensor]:
    return scores(answers(network(tested.image)), tested)


def _stacked(runs: list[dict[str, Tensor]]) -> Scores:
    return {head: np.stack([run[head].numpy() for run in runs]) for head in HEADS}


def _best_rate(system: str, steps: int) -> float:
    kept = labelled(scenes(200, seed=TUNING_SEED))

    def left(rate: float) -> float:
        network = _trained(system, TUNING_SEED, Training(steps, rate))
        with torch.inference_mode():
            return float(loss(network(kept.image), kept))

    return min(RATES, key=left)


def _most_common(tested: Labelled) -> dict[str, Tensor]:
    """The most common answers in scenes of training, for every tested scene."""
    known = labelled(scenes(2000, seed=10**5))
    edges = torch.where(known.box < 0, known.box[known.box[..., 0] >= 0].mode(0).values, known.box)
    return {
        RECOGNITION: known.kind.flatten().mode().values.expand_as(tested.kind),
        DETECTION: edges.flatten(0, 1).mode(0).values.expand_as(tested.box),
        SEGMENTATION: known.mask.flatten().mode().values.expand_as(tested.mask),
    }


def _listed(found: dict[str, Scores], head: str) -> str:
    return ", ".join(f"{system} {' '.join(f'{of:.3f}' for of in found[system][head].mean(1))}" for system in SYSTEMS)


def _interchangeable() -> Figure:
    """Whether a trunk's weights can be those of another network's trunk, its heads staying as they are."""
    one, other = _network(ATTENTION, 0), _network(ATTENTION, 1)
    heads = [other.recognise.weight.clone(), other.detect.weight.clone(), other.segment.weight.clone()]
    other.trunk.load_state_dict(one.trunk.state_dict(), strict=True)
    same = all(torch.equal(weight, other.trunk.state_dict()[name]) for name, weight in one.trunk.state_dict().items())
    kept = all(map(torch.equal, heads, (other.recognise.weight, other.detect.weight, other.segment.weight)))
    return exact(
        "heads that stay as they are if the trunk is exchanged", 3 if same and kept else 0, "= 3", same and kept
    )


def _sizes() -> Figure:
    ours, theirs = (parameters(_network(system, 0)) for system in SYSTEMS)
    return at_most("parameters of the network with a trunk over those of the convolutions", ours / theirs, 1)


def _cost(system: str) -> CostLine:
    network, drawn = _network(system, 0).eval(), labelled(scenes(BATCH, seed=0))
    trunk = network.trunk
    layers = trunk.costs() if isinstance(trunk, Convolutions) else layer_costs(trunk, (SIDE, SIDE))
    with torch.inference_mode():
        return counts(system, cost(lambda: network(drawn.image), network, layers, items=BATCH, repeats=1))


CLAIM = Claim(
    number=18,
    id="survey",
    system="Surveys of attention in vision",
    text="Attention serves recognition, detection and segmentation, with three heads on one trunk.",
    baseline="Convolutions of the same size; the most common answer.",
    seeds=(1, 2, 3),
    run=reproduce,
)
