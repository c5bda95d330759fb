"""Routing Transformer: queries attend to the keys of their cluster, wherever they are.

Roy, Saffar, Vaswani and Grangier 2021, "Efficient Content-Based Sparse Attention with Routing Transformers". The task
is a relation between contents beyond any window: to find the value of the same key far away; in the causal form, the
value is always told before it is asked for, and no token sees later ones.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepconsensus_py.attention import core
from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.causal_routing import CausalRouting, attend_within, with_clusters
from deepconsensus_py.attention.config import AttentionConfig, PerHeadConfig, RoutingConfig, SomePattern, TrunkConfig
from deepconsensus_py.attention.patterns import BlockLocal, Full
from deepconsensus_py.attention.routing import Routing
from deepconsensus_py.heads.label import UNJUDGED, Label
from deepconsensus_py.lab.claim import (
    Arm,
    Claim,
    Curve,
    Figure,
    Shown,
    Size,
    at_most,
    found_at_least,
    found_at_most,
    measured,
)
from deepconsensus_py.lab.costs import cost_line
from deepconsensus_py.lab.fit import Training, fit

LENGTH, TOKENS = 1024, 4096
"""Tokens of a sequence, and of a batch."""

KEYS, VALUES = 256, 16
"""Keys and values of ``matches``; key 0 and value 0 are none, value 17 asks for the value of its key."""

ASKED = VALUES + 1

LOCAL, BACK = BlockLocal(64, 64), BlockLocal(64, (64, 0), causal=True)

CURRICULUM = ((0.2, 64), (0.4, 256), (1.0, LENGTH))
"""Share of the steps and, up to there, tokens of a sequence; the clusters keep their size."""

DECAY = 0.99
"""Decay of the centroids per step; with the published 0.999 they hardly move in so short a training."""

SIZES = (256, 1024, 4096, 16384)

FULL, NEAR, ROUTED = "full", "local", "routing + local"
DECAYS = {ROUTED: DECAY, f"{ROUTED}, decay 0.999": 0.999, f"{ROUTED}, centroids as drawn": 1.0}
"""Systems that route, and the decay of their centroids: as here, as published, and not moving at all."""

CAUSAL = "causal: "
"""What begins the names of the systems that look back only."""

SYSTEMS = tuple(f"{form}{name}" for form in ("", CAUSAL) for name in (FULL, NEAR, *DECAYS))

Integers = NDArray[np.int64]


def matches(
    count: int, *, length: int, pairs: int, apart: int, seed: int, causal: bool = False
) -> tuple[Integers, Integers]:
    """Draw sequences: keys with values in one part, the same keys asked for in the other, and nothing between.

    A token has two symbols: a key, 0 to ``KEYS``, 0 for none, and a value, 0 to 17: none, a value, or ``ASKED``. Keys
    of a sequence are all different. The label of a question is the value of its key, minus 1.

    Args:
        count: sequences.
        length: tokens of each.
        pairs: keys of each.
        apart: least number of tokens from a key's value to its question.
        seed: the same seed makes the same sequences.
        causal: values come before the questions for them; else in half of the sequences after.

    Returns:
        Symbols ``int64[count, length, 2]`` and labels ``int64[count, length]``, ``UNJUDGED`` where nothing is asked.

    Raises:
        ValueError: the sequence is too short, or there are too few keys.
    """
    half = (length - apart + 1) // 2
    if not 0 < pairs <= min(half, KEYS):
        raise ValueError(f"{pairs} pairs, {apart} apart, in {length} tokens: at most {min(half, KEYS)} fit")
    generator = np.random.default_rng(seed)
    keys = 1 + generator.random((count, KEYS)).argsort(1)[:, :pairs]
    values = generator.integers(1, VALUES + 1, size=(count, pairs))
    # Both parts in random order, so that the place of a key says nothing about the place of its question.
    told, asked = (generator.random((count, half)).argsort(1)[:, :pairs] for _ in range(2))
    asked += length - half
    flipped = generator.random((count, 1)) < (0.0 if causal else 0.5)
    told, asked = (np.where(flipped, length - 1 - at, at) for at in (told, asked))
    rows = np.arange(count)[:, None]
    symbols = np.zeros((count, length, 2), dtype=np.int64)
    symbols[rows, told, 0], symbols[rows, told, 1] = keys, values
    symbols[rows, asked, 0], symbols[rows, asked, 1] = keys, ASKED
    labels = np.full((count, length), UNJUDGED)
    labels[rows, asked] = values - 1
    return symbols, labels


def reproduce(size: Size) -> Shown:
    """Train with full, local and routed attention on distant pairs, and count the pairs of tokens that meet."""
    steps = 4 if size.fast else 500
    runs = {system: [_accuracy(*_trained(system, steps, seed)) for seed in size.seeds] for system in SYSTEMS}
    every = "; ".join(f"{system} {', '.join(f'{value:.3f}' for value in runs[system])}" for system in SYSTEMS)
    pairs = {n: float(Routing(*_clusters(n), heads=1, d=1).pairs((n,))) for n in SIZES}
    back = {n: float(CausalRouting(*_clusters(n), heads=1, d=1).pairs((n,))) for n in SIZES}
    return Shown(
        figures=(
            at_most("exponent of the number of pairs of a head, counted", _exponent(pairs), 1.55, baseline=2.0),
            *_figures(runs, "", judged=not size.fast),
            at_most("one cluster of all tokens: largest difference from full attention", _one_cluster(), 1e-5),
            Figure("change of outputs half a sequence earlier if the last token changes", _leak(ROUTED, LENGTH // 2)),
            at_most(f"{CAUSAL}exponent of the largest number of pairs of a head", _exponent(back), 1.55, baseline=2.0),
            *_figures(runs, CAUSAL, judged=not size.fast),
            at_most(f"{CAUSAL}one cluster: difference from full attention to earlier keys", _one_cluster_back(), 1e-5),
            at_most(
                f"{CAUSAL}change of all outputs before the last if the last token changes",
                _leak(f"{CAUSAL}{ROUTED}", LENGTH - 1),
                1e-5,
            ),
        ),
        arms=tuple(Arm("matching", system, steps, _examples(steps)) for system in SYSTEMS),
        costs=tuple(
            cost_line(system, _head(system, 0), _batch(1, LENGTH, 0, causal=False), (LENGTH,)) for system in SYSTEMS
        ),
        curves=(
            Curve("routing", SIZES, tuple(pairs.values())),
            Curve("causal routing, at most", SIZES, tuple(back.values())),
            Curve("local", SIZES, tuple(float(LOCAL.pairs((n,))) for n in SIZES)),
            Curve("full", SIZES, tuple(float(n * n) for n in SIZES)),
        ),
        axes=("tokens", "pairs of a head"),
        notes=(
            f"The task: {LENGTH // 4} keys with values, and the same keys asked for at least {LENGTH // 4} tokens "
            f"away. Half of the heads are local. Accuracy by seed: {every}.",
            f"All systems are trained on sequences of 64 and of 256 tokens first, then of {LENGTH}; none has "
            "positions.",
            "Clusters of encoders take the nearest tokens of the whole sequence, so that a later token changes which "
            "earlier ones meet, as the figure shows; masks alone would not help. In the causal form each token joins "
            "its nearest centroid and attends to the last tokens that joined it, as many as a cluster of an encoder "
            "has. Queries are keys there, as published; values always come before their questions.",
            "A token in several clusters gets the mean over them, a token in none gets 0, in every backend.",
            "Centroids as drawn are random directions that never move: what the others gain over them is what online "
            "k-means is good for.",
        ),
    )


def _figures(runs: dict[str, list[float]], form: str, *, judged: bool) -> list[Figure]:
    """The trained figures of the systems of a form; the causal ones are compared with causal ones."""
    routed, full, near = (runs[f"{form}{name}"] for name in (ROUTED, FULL, NEAR))
    share = [ours / max(theirs, 1e-9) for ours, theirs in zip(routed, full, strict=True)]
    return [
        found_at_least(f"{form}accuracy relative to full attention, {LENGTH} tokens", share, 0.9, judged=judged),
        found_at_least(f"{form}accuracy of full attention", full, 0.9, judged=judged),
        found_at_most(f"{form}accuracy of local attention alone (chance 0.06)", near, 0.2, judged=judged),
        *(
            measured(f"{form}accuracy, {name}, beside {ROUTED}", runs[f"{form}{name}"], routed)
            for name in DECAYS
            if name != ROUTED
        ),
    ]


def _examples(steps: int) -> int:
    return sum(TOKENS // _length(step, steps) for step in range(steps))


def _length(step: int, steps: int) -> int:
    return next(length for share, length in CURRICULUM if step < share * steps)


def _clusters(n: int) -> tuple[int, int]:
    return math.isqrt(n), n // math.isqrt(n)


def _exponent(pairs: dict[int, float]) -> float:
    """Slope of a line through the logarithms."""
    x, y = (torch.tensor(list(values), dtype=torch.float64).log() for values in (pairs.keys(), pairs.values()))
    x, y = x - x.mean(), y - y.mean()
    return float((x * y).sum() / (x * x).sum())


def _head(system: str, seed: int) -> Label:
    torch.manual_seed(seed)
    causal, name = system.startswith(CAUSAL), system.removeprefix(CAUSAL)
    local = BACK if causal else LOCAL
    pattern: SomePattern = Full(causal) if name == FULL else local
    if name in DECAYS and not causal:
        pattern = PerHeadConfig((local, RoutingConfig(*_clusters(LENGTH), decay=DECAYS[name])))
    trunk = Trunk(TrunkConfig(2, 64, 2, 128, (AttentionConfig(pattern),), norm="layer", position="none"))
    if name in DECAYS and causal:
        clusters, size = _clusters(LENGTH)
        trunk = with_clusters(trunk, clusters=clusters, size=size, decay=DECAYS[name])
    return Label(trunk, vocabularies=(KEYS + 1, VALUES + 2), classes=VALUES)


def _batch(count: int, length: int, seed: int, *, causal: bool) -> dict[str, Tensor]:
    symbols, labels = matches(count, length=length, pairs=length // 4, apart=length // 4, seed=seed, causal=causal)
    mask = torch.ones(count, length, dtype=torch.bool)
    return {"symbols": torch.from_numpy(symbols), "mask": mask, "labels": torch.from_numpy(labels)}


def _trained(system: str, steps: int, seed: int) -> tuple[Label, bool]:
    """The trained system, and whether it is causal."""
    head, causal = _head(system, seed), system.startswith(CAUSAL)

    def loss(step: int) -> Tensor:
        length = _length(step, steps)
        batch = _batch(TOKENS // length, length, seed * 10**5 + step, causal=causal)
        return head.loss(head(batch), batch)

    fit(head, loss, Training(steps, rate=2e-3))
    return head.eval(), causal


@torch.inference_mode()
def _accuracy(head: Label, causal: bool) -> float:
    batch = _batch(16, LENGTH, 10**7, causal=causal)
    return head.metrics(head(batch), batch)["accuracy"]


def _drawn(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    q, k, v = torch.randn(3, 2, 2, 96, 16, generator=torch.Generator().manual_seed(seed)).unbind(0)
    return q, k, v


@torch.inference_mode()
def _one_cluster() -> float:
    q, k, v = _drawn(0)
    routing = Routing(1, 96, heads=2, d=16).eval()
    return float((core.attend(q, k, v, pattern=routing) - core.attend(q, k, v, pattern=Full())).abs().max())


@torch.inference_mode()
def _one_cluster_back() -> float:
    q, _, v = _drawn(0)
    found = attend_within(CausalRouting(1, 96, heads=2, d=16).eval(), q, v)
    return float((found - core.attend(q, q, v, pattern=Full(causal=True))).abs().max())


@torch.inference_mode()
def _leak(system: str, before: int) -> float:
    """The largest change of the first outputs if the last token changes; two layers of local attention are short."""
    head, batch = _head(system, 0).eval(), _batch(1, LENGTH, 0, causal=system.startswith(CAUSAL))
    outputs = head(batch)
    batch["symbols"] = batch["symbols"].clone()
    batch["symbols"][:, -1] = torch.tensor([1, 1]) + (batch["symbols"][:, -1] == 1).long()
    return float((head(batch) - outputs)[:, :before].abs().max())


CLAIM = Claim(
    number=12,
    id="routing",
    system="Routing Transformer (Roy et al. 2021)",
    text="Attention within clusters by content finds what is far away, with n^1.5 pairs instead of n^2.",
    baseline="Full attention, and local attention alone.",
    seeds=(1, 2, 3),
    run=reproduce,
)
