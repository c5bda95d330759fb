"""The claim of Mesh-TensorFlow: one layout runs a trunk on any mesh of processes."""

import statistics

import torch

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import make_pattern
from deepconsensus_py.attention.cost import cost, layer_cost
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.lab.claim import Claim, CostLine, Figure, Shown, Size, at_most, exact
from deepconsensus_py.lab.costs import counts
from deepconsensus_py.lab.systems.mesh_tensorflow.meshes import (
    BATCH,
    CONFIG,
    LENGTH,
    MESHES,
    Seen,
    SeenFfn,
    count,
    expected,
    on_one_process,
    spread,
)

CLOSE = 1e-5
"""Largest difference of losses that counts as equal."""


def reproduce(size: Size) -> Shown:
    """Train on every mesh with every layout, and count; a fast run uses two processes at most."""
    seeds = size.seeds[:1] if size.fast else size.seeds
    runs = [(on_one_process(seed), *spread(seed, 2 if size.fast else 4)) for seed in seeds]
    _, meshes, ffn = runs[0]
    figures = [
        at_most(
            f"largest difference of a loss in 5 steps, {name}",
            _apart([(one, meshes[name]) for one, meshes, _ in runs]),
            CLOSE,
        )
        for name in meshes
    ]
    return Shown(
        figures=(*figures, *_counts(meshes), *_ffn(ffn)),
        costs=(_cost(),),
        notes=(
            "Published: up to 5 billion parameters on up to 512 TPU cores.",
            f"Mean loss of the last step: {statistics.mean(one.losses[-1] for one, _, _ in runs):.4f}. The trunk has "
            f"{CONFIG.layers} layers of {CONFIG.heads} heads, so that at most {CONFIG.heads} processes can share "
            "them; one layer has a relative bias, whose table every process keeps whole.",
            "All-reduces of a training step: "
            + "; ".join(f"{name} {seen.step}" for name, seen in meshes.items())
            + ". Of these, three are backward for queries, keys and values, one for each relative bias and widening "
            "layer, and one for the gradients of the parts of a batch.",
            "At the size of the correction model, splitting the batch is what pays; heads and inner width are split "
            "if a model does not fit on one device.",
        ),
    )


def _apart(pairs: list[tuple[Seen, Seen]]) -> float:
    return max(abs(a - b) for one, other in pairs for a, b in zip(one.losses, other.losses, strict=True))


def _counts(meshes: dict[str, Seen]) -> list[Figure]:
    trunk = Trunk(CONFIG)
    figures = []
    for name, seen in meshes.items():
        (_, model), layout = MESHES[name]
        right, each = expected(trunk, model), 2 if "heads" in layout else 0
        figures += [
            exact(
                f"parameters of a process, {name}",
                seen.parameters,
                f"= {right}: sharded / {model} + replicated",
                seen.parameters == right,
                baseline=count(trunk),
            ),
            exact(
                f"all-reduces of a layer forward, {name}",
                seen.forward / CONFIG.layers,
                f"= {each}",
                seen.forward == each * CONFIG.layers,
            ),
        ]
    return figures


def _ffn(seen: SeenFfn) -> list[Figure]:
    return [
        at_most("280 -> 2048 -> 280, inner width on 2: largest error forward", seen.forward_error, CLOSE),
        at_most("280 -> 2048 -> 280, inner width on 2: largest error of a gradient", seen.gradient_error, CLOSE),
        exact("280 -> 2048 -> 280, inner width on 2: all-reduces forward", seen.forward, "= 1", seen.forward == 1),
        exact(
            "280 -> 2048 -> 280, inner width on 2: parameters of a process",
            seen.parameters,
            "= 574744",
            seen.parameters == 574_744,
            baseline=1_149_208,
        ),
    ]


def _cost() -> CostLine:
    trunk, batch = Trunk(CONFIG).eval(), torch.randn(BATCH, LENGTH, CONFIG.d)
    layers = [
        layer_cost(make_pattern(entry.pattern, heads=CONFIG.heads, d=CONFIG.d), (LENGTH,), d=CONFIG.d, ff=CONFIG.ff)
        for entry in CONFIG.attention
    ]
    with torch.no_grad():
        found = cost(lambda: trunk(Tokens(batch)), trunk, layers, items=BATCH, repeats=1)
    return counts("one process", found)


CLAIM = Claim(
    number=6,
    id="mesh",
    system="Mesh-TensorFlow (Shazeer et al. 2018)",
    text="A layout of named dimensions runs one program on any mesh of processes, with the same results.",
    baseline="The same training in one process.",
    seeds=(1, 2),
    run=reproduce,
)
