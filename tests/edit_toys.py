"""Evidence and run networks made at random, for tests of what must hold for any."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from deepconsensus_py.corrector import Arrays
from deepconsensus_py.edits.classes import EDITED
from deepconsensus_py.edits.method import SPEC
from deepconsensus_py.edits.tokens import IMPOSSIBLE, RUN_PARTS, SCORE_STEP, RunEvidence
from deepconsensus_py.models.edit_network import EditConfig, EditNetwork
from deepconsensus_py.models.weights import Model


def random_evidence(seed: int = 0, *, passes: int = 6, runs: int = 60, most: int = 127) -> RunEvidence:
    """Evidence of passes that cover stretches of a draft; ratios reach up to ``most`` steps."""
    rng = np.random.default_rng(seed)
    ends = np.sort(rng.integers(0, runs + 1, (passes, 2)), axis=1)
    place = np.arange(runs)
    covered = (place >= ends[:, :1]) & (place < ends[:, 1:])
    ratios = rng.integers(-most, most + 1, (passes, runs, EDITED)) * covered[..., None]
    pooled = rng.integers(-400, 60, (runs, EDITED))
    pooled[rng.random(pooled.shape) < 0.2] = IMPOSSIBLE / SCORE_STEP
    steps = rng.integers(1, 4, runs).cumsum() % 4 + 1
    return RunEvidence(
        base=steps.astype(np.uint8),
        length=rng.integers(1, 9, runs).astype(np.int32),
        ratios=ratios.astype(np.int8),
        covered=covered,
        reverse=rng.random(passes) < 0.5,
        deviates=rng.random((passes, runs)) < 0.3,
        pooled=pooled.astype(np.int16),
        tracts=rng.integers(-100, 100, (runs, 2)).astype(np.int16),
        rates=rng.integers(0, 3000, RUN_PARTS["rates"]).astype(np.int16),
    )


def with_passes(evidence: RunEvidence, rows: np.ndarray) -> RunEvidence:
    """Some of the passes, in another order."""
    picked = {name: getattr(evidence, name)[rows] for name in ("ratios", "covered", "reverse", "deviates")}
    return replace(evidence, **picked)


def part(run: np.ndarray, name: str) -> np.ndarray:
    """A part of the tokens of runs."""
    names = list(RUN_PARTS)
    start = sum(RUN_PARTS[before] for before in names[: names.index(name)])
    return run[:, start : start + RUN_PARTS[name]]


def random_network(seed: int = 0, **sizes: int) -> EditNetwork:
    """A small network with every weight drawn at random."""
    torch.manual_seed(seed)
    network = EditNetwork(EditConfig.of(**{"layers": 2, "d": 16, "heads": 2, "ff": 24, **sizes})).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=0.3)
    return network


def random_model(seed: int = 0) -> Model:
    return Model("random", random_network(seed), SPEC, card="# Card")


def scores_of(network: EditNetwork, tokens: Arrays) -> Tensor:
    with torch.inference_mode():
        return network({name: torch.from_numpy(values) for name, values in tokens.items()})
