"""The efficiency misnomer: parameters, operations, pairs and bytes rank the same systems in different orders.

Dehghani, Arnab, Beyer, Vaswani and Tay 2022, "The Efficiency Misnomer".
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import torch

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import AttentionConfig, TrunkConfig
from deepconsensus_py.attention.cost import Cost, cost, flop_counter
from deepconsensus_py.attention.patterns import BlockLocal
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.lab.claim import Claim, Figure, Shown, Size, at_least, exact
from deepconsensus_py.lab.costs import counted_on_images, counts, layer_costs
from deepconsensus_py.lab.images import SIDE, digit_network

COLUMNS = TrunkConfig(layers=6, d=280, heads=2, ff=2048, attention=preset("banded12"))
"""The correction model's trunk, of ``COLUMN_SHAPE``."""

CELLS = TrunkConfig(layers=6, d=64, heads=2, ff=256, attention=preset("axial"))
COLUMN_SHAPE, CELL_SHAPE = (100,), (20, 100)

BAND, FULL, BLOCKS = "columns, band 12 as a mask", "columns, full", "columns, blocks of 20 with halos of 12"
SHARED, THREE = "columns, one layer used six times", "columns, three layers"
ALONE, CONVOLUTION = "stand-alone", "convolution"
HALF, FIVE, AXIAL = "columns, band 12, bfloat16", "columns, five layers", "cells, axial"

MEASURES = ("parameters", "weight_bytes", "flops", "executed", "pairs", "largest_bytes")
"""What is counted."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The cost of a system, and its counts by the names of ``MEASURES``."""

    cost: Cost
    counts: Mapping[str, float]


EXHIBITS = (
    (
        ALONE,
        CONVOLUTION,
        "parameters",
        "largest_bytes",
        "Attention has fewer parameters than a convolution, and larger tensors.",
    ),
    (
        BAND,
        BLOCKS,
        "pairs",
        "executed",
        "A mask makes pairs useless, but they are computed all the same: fewer pairs, more operations.",
    ),
    (SHARED, THREE, "parameters", "flops", "Sharing weights saves parameters but no operations."),
    (HALF, FIVE, "weight_bytes", "parameters", "Half the precision means fewer bytes with more parameters."),
    (AXIAL, BAND, "flops", "pairs", "Narrow tokens mean fewer operations with more pairs."),
    (
        AXIAL,
        FULL,
        "parameters",
        "largest_bytes",
        "Few weights for many tokens: fewer parameters with larger tensors.",
    ),
)
"""Two systems, a measure in which the first has less, one in which it has more, and why."""


def reproduce(_: Size) -> Shown:
    """Count all systems; a fast run does the same."""
    torch.manual_seed(0)
    systems = {name: _counted(*made) for name, made in _systems().items()}
    systems |= {name: _pixels(name) for name in (ALONE, CONVOLUTION)}
    held = [_inverted(systems, *exhibit[:4]) for exhibit in EXHIBITS]
    whole, once = systems[BAND].counts, systems[SHARED].counts
    six = Trunk(COLUMNS).encoder.blocks
    of_block = sum(weight.numel() for weight in six[0].parameters())
    return Shown(
        figures=(
            at_least("examples whose order is reversed", sum(held), 3),
            *(
                exact(
                    f"{first} over {second}: ratio of {less}, and as baseline of {more}",
                    systems[first].counts[less] / systems[second].counts[less],
                    "one below 1, the other above",
                    inverted,
                    baseline=systems[first].counts[more] / systems[second].counts[more],
                )
                for (first, second, less, more, _), inverted in zip(EXHIBITS, held, strict=True)
            ),
            _equal("one layer used six times: FLOPs of six layers", once["flops"], whole["flops"]),
            _equal(
                "one layer used six times: parameters that six layers have more",
                whole["parameters"] - once["parameters"],
                5 * of_block,
            ),
            _equal("a band as a mask: executed FLOPs of full", whole["executed"], systems[FULL].counts["executed"]),
            Figure("pairs of systems that two measures rank in opposite order", _opposed(systems), _compared(systems)),
        ),
        costs=tuple(counts(name, system.cost) for name, system in systems.items()),
        notes=(
            *(f"{first} against {second}: {why}" for first, second, *_, why in EXHIBITS),
            "In the figures of the examples, ours is the ratio of the first measure and the baseline that of the "
            "second.",
            "Stand-alone and convolution are the networks of claim sasa on an image of 16x16.",
            "FLOPs are the useful ones, of allowed pairs; executed are those that torch counts while the system "
            "runs, masked pairs included.",
            f"Eight-bit weights of the trunk would be {_eight_bit() / whole['weight_bytes']:.2f} of the bytes of "
            "single precision, one scale per output included; the number of operations stays the same.",
        ),
    )


def _systems() -> dict[str, tuple[Trunk, tuple[int, ...]]]:
    blocks = (AttentionConfig(BlockLocal(20, 12), backend="blocked"),)
    configs = {
        FULL: replace(COLUMNS, attention=preset("full")),
        BAND: COLUMNS,
        BLOCKS: replace(COLUMNS, attention=blocks),
        SHARED: replace(COLUMNS, shared=True),
        THREE: replace(COLUMNS, layers=3),
        FIVE: replace(COLUMNS, layers=5),
    }
    made = {name: (Trunk(config).eval(), COLUMN_SHAPE) for name, config in configs.items()}
    half = {HALF: (Trunk(COLUMNS).eval().bfloat16(), COLUMN_SHAPE), AXIAL: (Trunk(CELLS).eval(), CELL_SHAPE)}
    return {**made, **half}


def _counted(trunk: Trunk, shape: tuple[int, ...]) -> Counted:
    coords = torch.cartesian_prod(*map(torch.arange, shape)).reshape(-1, len(shape))
    item = Tokens(torch.zeros(1, len(coords), trunk.config.d, dtype=next(trunk.parameters()).dtype), coords)
    with torch.inference_mode(), flop_counter() as counter:
        trunk(item)
    with torch.inference_mode():
        found = cost(lambda: trunk(item), trunk, layer_costs(trunk, shape), items=1, repeats=1)
    return Counted(found, _counts(found, counter.get_total_flops()))


def _pixels(system: str) -> Counted:
    network, image = digit_network(system, 0).eval(), torch.zeros(1, 1, SIDE, SIDE)
    found = counted_on_images(network, image)
    with torch.inference_mode(), flop_counter() as counter:
        network(image)
    return Counted(found, _counts(found, counter.get_total_flops()))


def _counts(found: Cost, executed: int) -> dict[str, float]:
    whole = {"flops": found.gemm + found.attention, "executed": float(executed)}
    return {**whole, **{name: float(getattr(found, name)) for name in MEASURES if name not in whole}}


def _inverted(systems: Mapping[str, Counted], first: str, second: str, less: str, more: str) -> bool:
    one, other = systems[first].counts, systems[second].counts
    return one[less] < other[less] and one[more] > other[more]


def _opposed(systems: Mapping[str, Counted]) -> int:
    orders = [
        {one.counts[name] < other.counts[name] for name in MEASURES if one.counts[name] != other.counts[name]}
        for one, other in combinations(systems.values(), 2)
    ]
    return sum(len(order) == 2 for order in orders)


def _compared(systems: Mapping[str, Counted]) -> int:
    return len(systems) * (len(systems) - 1) // 2


def _equal(name: str, ours: float, right: float) -> Figure:
    return exact(name, ours, "equal", ours == right, baseline=right)


def _eight_bit() -> int:
    weights = list(Trunk(COLUMNS).parameters())
    return sum(weight.numel() + 4 * len(weight) if weight.dim() > 1 else weight.nbytes for weight in weights)


CLAIM = Claim(
    number=15,
    id="misnomer",
    system="The efficiency misnomer (Dehghani et al. 2022)",
    text="Parameters, FLOPs, pairs and bytes contradict one another as measures of efficiency; all should be reported.",
    baseline="The order by another measure.",
    seeds=(1,),
    run=reproduce,
)
