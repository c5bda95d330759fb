"""Relative positions: a learned vector for each clipped offset between query and key.

Shaw, Uszkoreit and Vaswani 2018, "Self-Attention with Relative Position Representations". The task is a relation
between places, wherever they are: to copy the token a fixed number of tokens back.
"""

from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.config import AttentionConfig, BiasConfig, TrunkConfig
from deepconsensus_py.attention.patterns import Full
from deepconsensus_py.heads.label import UNJUDGED, Label
from deepconsensus_py.lab.claim import (
    Arm,
    Claim,
    Curve,
    Figure,
    Shown,
    Size,
    at_least,
    at_most,
    found_at_least,
    found_at_most,
    measured,
)
from deepconsensus_py.lab.costs import cost_line
from deepconsensus_py.lab.fit import Training, fit

LETTERS, BACK, REACH = 16, 8, 16
SHORTEST, LONGEST, BATCH = 24, 64, 32
LENGTHS = (64, 96, 128, 192, 256)
TESTED = 256

SYSTEMS = ("relative", "sinusoid", "absolute")
LATER = ("rotary", "alibi")
"""Positions of later papers, beside the others and not judged."""

RATES = (1e-3, 3e-3, 1e-2)
"""Each system has its best one, by its accuracy on the longest sequences of training."""

STEPS, SOLVED = 800, 0.95
TUNING_SEED = 0

Integers = NDArray[np.int64]


def copies(count: int, *, length: int, back: int, letters: int, seed: int) -> tuple[Integers, Integers]:
    """Draw random letters, each to be labelled with the letter ``back`` tokens before it.

    Returns:
        Symbols ``int64[count, length, 1]`` and labels ``int64[count, length]``, ``UNJUDGED`` where there is none.

    Raises:
        ValueError: the sequence is too short.
    """
    if not 0 < back < length:
        raise ValueError(f"in {length} tokens, none is {back} before another")
    symbols = np.random.default_rng(seed).integers(letters, size=(count, length))
    labels = np.full_like(symbols, UNJUDGED)
    labels[:, back:] = symbols[:, :-back]
    return symbols[..., None], labels


def reproduce(size: Size) -> Shown:
    """Train with each kind of positions on short sequences, test on long and on shifted ones."""
    steps, judged = (20 if size.fast else STEPS), not size.fast
    rates = {system: _best_rate(system, steps // 2) for system in (*SYSTEMS, *LATER)}
    accuracy = {
        system: [_accuracies(system, Training(steps, rate), seed) for seed in size.seeds]
        for system, rate in rates.items()
    }
    mean = {system: [sum(of) / len(of) for of in zip(*runs, strict=True)] for system, runs in accuracy.items()}
    known, longest = ({system: [run[at] for run in runs] for system, runs in accuracy.items()} for at in (0, -1))
    ahead = [ours - theirs for ours, theirs in zip(longest["relative"], longest["sinusoid"], strict=True)]
    return Shown(
        figures=(
            *(
                found_at_least(
                    f"accuracy at {LENGTHS[0]} tokens, as in training: {system}", known[system], SOLVED, judged=judged
                )
                for system in SYSTEMS
            ),
            found_at_least(
                f"accuracy at {TESTED} tokens, trained on at most {LONGEST}",
                longest["relative"],
                SOLVED,
                baseline=longest["sinusoid"],
                judged=judged,
            ),
            found_at_least(f"the same, relative minus sinusoid, at {TESTED} tokens", ahead, 0, judged=judged),
            found_at_most(
                f"accuracy of absolute positions at {TESTED} tokens", longest["absolute"], 0.5, judged=judged
            ),
            *(
                measured(f"accuracy at {n} tokens: {system}", of[system], of["relative"])
                for n, of in ((LENGTHS[0], known), (TESTED, longest))
                for system in LATER
            ),
            *_shifts(),
        ),
        arms=tuple(Arm("copying", system, steps, steps * BATCH, tried=len(RATES)) for system in rates),
        costs=tuple(cost_line(system, _head(system, 0), _batch(8, TESTED, 0), (TESTED,)) for system in rates),
        curves=tuple(Curve(system, LENGTHS, tuple(values)) for system, values in mean.items()),
        axes=("tokens", "accuracy"),
        notes=(
            f"The task: label each of {LETTERS} letters with the letter {BACK} tokens before it. Accuracy at "
            f"{TESTED} by seed: {_listed(longest)}; at {LENGTHS[0]}: {_listed(known)}.",
            "Sinusoids are the paper's baseline; the absolute table collapses by construction, as no training sequence "
            f"reaches its rows beyond {LONGEST}.",
            "Rotary positions and ALiBi, of later papers, are trained alike and not judged; beside them are relative "
            "positions. ALiBi weighs a key by how near it is, and does not tell which it is.",
            "Learning rates, of the same number tried with one other seed and half the steps: "
            + ", ".join(f"{system} {rate:g}" for system, rate in rates.items())
            + ".",
            "The relative positions are those of the keys; those of the values exist in the backend dense.",
            "Published for WMT 2014: +1.3 BLEU English-German, +0.3 English-French; absolute positions beside the "
            "relative ones add nothing.",
        ),
    )


def _shifts() -> list[Figure]:
    name = "change of the output if the input is shifted by 32 within its padding"
    return [
        at_most(f"{name}: relative", _shift_error("relative"), 1e-5),
        *(at_least(f"the same: {system}", _shift_error(system), 1e-2) for system in SYSTEMS[1:]),
    ]


def _listed(of: dict[str, list[float]]) -> str:
    return "; ".join(f"{system} {', '.join(f'{value:.3f}' for value in values)}" for system, values in of.items())


def _best_rate(system: str, steps: int) -> float:
    def found(rate: float) -> float:
        return _accuracies(system, Training(steps, rate), TUNING_SEED)[0]

    return max(RATES, key=found)


def _head(system: str, seed: int) -> Label:
    torch.manual_seed(seed)
    bias = {"relative": BiasConfig("shaw", (REACH,)), "alibi": BiasConfig("alibi")}.get(system)
    position = system if system in {"sinusoid", "rotary"} else "none"
    config = TrunkConfig(1, 64, 4, 128, (AttentionConfig(Full(), bias=bias),), norm="layer", position=position)
    places = TESTED if system == "absolute" else 0
    return Label(Trunk(config), vocabularies=(LETTERS,), classes=LETTERS, places=places)


def _batch(count: int, length: int, seed: int) -> dict[str, Tensor]:
    symbols, labels = copies(count, length=length, back=BACK, letters=LETTERS, seed=seed)
    mask = torch.ones(count, length, dtype=torch.bool)
    return {"symbols": torch.from_numpy(symbols), "mask": mask, "labels": torch.from_numpy(labels)}


def _accuracies(system: str, training: Training, seed: int) -> list[float]:
    head = _head(system, seed)
    fit(head, partial(_loss, head, seed), training)
    head.eval()
    return [_accuracy(head, _batch(64, length, 10**6 + seed)) for length in LENGTHS]


def _loss(head: Label, seed: int, step: int) -> Tensor:
    length = int(torch.randint(SHORTEST, LONGEST + 1, ()))
    batch = _batch(BATCH, length, seed * 10**5 + step)
    return head.loss(head(batch), batch)


@torch.inference_mode()
def _accuracy(head: Label, batch: dict[str, Tensor]) -> float:
    return head.metrics(head(batch), batch)["accuracy"]


@torch.inference_mode()
def _shift_error(system: str) -> float:
    head, inner, shift = _head(system, 0).eval(), _batch(4, LONGEST, 0)["symbols"], 32
    outputs = []
    for start in (0, shift):
        batch = _batch(4, LONGEST + 2 * shift, 1)
        batch["symbols"][:, start : start + LONGEST] = inner
        batch["mask"] = torch.zeros_like(batch["symbols"][..., 0], dtype=torch.bool)
        batch["mask"][:, start : start + LONGEST] = True
        outputs.append(head(batch)[:, start : start + LONGEST])
    return float((outputs[0] - outputs[1]).abs().max())


CLAIM = Claim(
    number=3,
    id="shaw",
    system="Self-attention with relative position representations (Shaw et al. 2018)",
    text="Learned vectors per clipped offset replace absolute positions, and hold at lengths never trained on.",
    baseline="Sinusoids, and a learned table of absolute positions.",
    seeds=(1, 2, 3),
    run=reproduce,
)
