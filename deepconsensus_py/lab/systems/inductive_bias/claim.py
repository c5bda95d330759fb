"""The claims: which image layers are equivariant to translation, and whether attention finds what decides."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from deepconsensus_py.attention.config import AttentionConfig, BiasConfig
from deepconsensus_py.attention.multihead import MultiHead
from deepconsensus_py.attention.patterns import Full
from deepconsensus_py.attention.position import Learned
from deepconsensus_py.attention.spatial import Halo, StandAlone
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.heads.vision import Vision
from deepconsensus_py.lab.claim import Arm, Claim, Figure, Shown, Size, at_least, at_most, found_at_least, measured
from deepconsensus_py.lab.costs import cost_line
from deepconsensus_py.lab.fit import Training, fit
from deepconsensus_py.lab.systems.inductive_bias.planted import (
    COLUMNS,
    area,
    attended,
    gradient_times_attention,
    judge_planted,
    occluded,
    planted_windows,
    shuffled,
)

CANVAS, MARGIN, WIDTH, BLOCK, HALO = 24, 8, 8, 4, 2  # pixels; only inner ones, out of reach of the border, are compared
STEPS, BATCH, TESTED = 1000, 64, 500
SAME, DIFFERENT = 1e-5, 1e-2


def reproduce(size: Size) -> Shown:
    """Measure the equivariance of untrained layers, and train networks whose answer has a known cause."""
    return Shown(
        figures=(*_equivariance(), *_explanation(size)),
        arms=(Arm("the planted cause", "transformer of windows", _steps(size), _steps(size) * BATCH),),
        costs=(
            cost_line("transformer of windows", judge_planted(0), planted_windows(64, seed=0).batch, (COLUMNS + 1,)),
        ),
        notes=(
            "Equivariance is measured as the difference between the output for a shifted image and the shifted "
            "output, inner pixels only; for full attention the coordinates of the tokens are shifted, as pixels at "
            "the border are keys like others.",
            f"The planted cause: {COLUMNS} columns, in one of which passes disagree; its most common base is the "
            "answer. The AUC is the probability that this column outranks another one. The last layer alone misses "
            "it if the first has already carried the information to other columns, so attention is followed through "
            "all layers.",
            "Shuffled: the weights of each layer are applied to the values of other tokens. Attention shows where "
            "layers look, occlusion what the answer depends on; both are needed.",
        ),
    )


def _equivariance() -> tuple[Figure, ...]:
    torch.manual_seed(0)
    convolution = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
    alone, halo = StandAlone(WIDTH, WIDTH, kernel=5, heads=2), Halo(WIDTH, WIDTH, around=(BLOCK, HALO), heads=2)
    return (
        at_most("shift by 1: convolution", _shifted(convolution, 1), SAME),
        at_most("shift by 1: stand-alone attention", _shifted(alone, 1), SAME),
        at_most("shift by 3: full attention, relative positions", _moved(absolute=False), SAME),
        at_least("shift by 3: full attention, absolute positions", _moved(absolute=True), DIFFERENT),
        at_most(f"shift by {BLOCK}: blocks of {BLOCK} and a halo", _shifted(halo, BLOCK), SAME),
        at_least(f"shift by {BLOCK - 1}: blocks of {BLOCK} and a halo", _shifted(halo, BLOCK - 1), DIFFERENT),
    )


@torch.inference_mode()
def _shifted(layer: Callable[[Tensor], Tensor], by: int) -> float:
    """Largest difference between the output for a shifted image and the shifted output, inner pixels only."""
    image = torch.randn(2, WIDTH, CANVAS, CANVAS)
    first, second = layer(image.roll((by, by), (2, 3))), layer(image).roll((by, by), (2, 3))
    inner = slice(MARGIN, CANVAS - MARGIN)
    return float((first - second)[..., inner, inner].abs().max())


@torch.inference_mode()
def _moved(*, absolute: bool) -> float:
    """Largest difference between full attention among pixels and among the same pixels at other coordinates."""
    bias = None if absolute else BiasConfig("rel2d", (MARGIN, MARGIN))
    layer = MultiHead(d=WIDTH, heads=2, attention=AttentionConfig(Full(), bias=bias))
    table = Learned((CANVAS, CANVAS), WIDTH)
    for rows in table.tables:
        nn.init.normal_(rows)
    x, place = torch.randn(2, MARGIN**2, WIDTH), torch.cartesian_prod(torch.arange(MARGIN), torch.arange(MARGIN))

    def out(coords: Tensor) -> Tensor:
        placed = x + table(coords) if absolute else x
        given: Tensor = layer(placed, Tokens(placed, coords))
        return given

    return float((out(place) - out(place + 3)).abs().max())


def _steps(size: Size) -> int:
    return 5 if size.fast else STEPS


def _explanation(size: Size) -> tuple[Figure, ...]:
    found = [_explained(seed, _steps(size)) for seed in size.seeds]
    every = {name: [run[name] for run in found] for name in found[0]}
    lost = [whole - other for whole, other in zip(every["accuracy"], every["shuffled"], strict=True)]
    judged = not size.fast
    return (
        measured("windows: accuracy", every["accuracy"]),
        found_at_least("AUC of attention, rolled out through both layers", every["rollout"], 0.9, judged=judged),
        measured("AUC of the last layer's attention alone", every["last layer"]),
        measured("AUC of gradients times tokens", every["gradient"]),
        found_at_least("AUC of occlusion", every["occlusion"], 0.9, judged=judged),
        found_at_least("accuracy lost if weights are applied to other values", lost, 0.2, judged=judged),
    )


def _explained(seed: int, steps: int) -> dict[str, float]:
    """Accuracy, also with shuffled values, and the AUC of each explanation."""
    head = judge_planted(seed)

    def loss(step: int) -> Tensor:
        batch = planted_windows(BATCH, seed=10**5 * seed + step).batch
        return head.loss(head(batch), batch)

    fit(head, loss, Training(steps, rate=2e-3))
    test = planted_windows(TESTED, seed=10**9 + seed)
    head.eval()
    scores = {
        **attended(head, test),
        "gradient": gradient_times_attention(head, test),
        "occlusion": occluded(head, test),
    }
    with shuffled(head, seed=seed):
        lost = _accuracy(head, test.batch)
    areas = {name: area(score, test.cause) for name, score in scores.items()}
    return {**areas, "accuracy": _accuracy(head, test.batch), "shuffled": lost}


@torch.inference_mode()
def _accuracy(head: Vision, batch: dict[str, Tensor]) -> float:
    return head.metrics(head(batch), batch)["accuracy"]


CLAIM = Claim(
    number=22,
    id="inductive",
    system="Inductive bias of convolutions, and attention as an explanation (surveys)",
    text="Layers are equivariant to translation if their positions are relative, and attention finds the cause.",
    baseline="Absolute positions and blocks, which are not equivariant; weights applied to shuffled values.",
    seeds=(1, 2, 3, 4, 5),
    run=reproduce,
)
