"""Evidence and edit networks made at random, for tests of what must hold for any."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from deepconsensus_py.align.cigar import EQUAL
from deepconsensus_py.corrector import Arrays
from deepconsensus_py.edits.aligned_pass import AlignedPass, align_pass
from deepconsensus_py.edits.classes import EDITED
from deepconsensus_py.edits.kinetics import Kinetics
from deepconsensus_py.edits.method import SPEC
from deepconsensus_py.edits.repeats import Homopolymers
from deepconsensus_py.edits.tokens import HOMOPOLYMER_PARTS, IMPOSSIBLE, SCORE_STEP, EditEvidence
from deepconsensus_py.models.edit_network import EditConfig, EditNetwork, EditScorer
from deepconsensus_py.models.weights import Model
from deepconsensus_py.pacbio.molecule import Alignment, Pass


def random_evidence(seed: int = 0, *, passes: int = 6, homopolymers: int = 60, most: int = 127) -> EditEvidence:
    """Evidence of passes that cover stretches of a draft; ratios reach up to ``most`` steps."""
    rng = np.random.default_rng(seed)
    ends = np.sort(rng.integers(0, homopolymers + 1, (passes, 2)), axis=1)
    place = np.arange(homopolymers)
    covered = (place >= ends[:, :1]) & (place < ends[:, 1:])
    ratios = rng.integers(-most, most + 1, (passes, homopolymers, EDITED)) * covered[..., None]
    pooled = rng.integers(-400, 60, (homopolymers, EDITED))
    pooled[rng.random(pooled.shape) < 0.2] = IMPOSSIBLE / SCORE_STEP
    steps = rng.integers(1, 4, homopolymers).cumsum() % 4 + 1
    base, length = steps.astype(np.uint8), rng.integers(1, 9, homopolymers).astype(np.int32)
    reverse = rng.random(passes) < 0.5
    return EditEvidence(
        base=base,
        length=length,
        ratios=ratios.astype(np.int8),
        covered=covered,
        reverse=reverse,
        deviates=rng.random((passes, homopolymers)) < 0.3,
        pooled=pooled.astype(np.int16),
        tandem_repeats=rng.integers(-100, 100, (homopolymers, 2)).astype(np.int16),
        rates=rng.integers(0, 3000, HOMOPOLYMER_PARTS["rates"]).astype(np.int16),
        kinetics=_random_kinetics(base, length, reverse, rng),
    )


def _random_kinetics(base: np.ndarray, length: np.ndarray, reverse: np.ndarray, rng: np.random.Generator) -> Kinetics:
    """Kinetics of passes that equal the whole draft."""
    draft = np.repeat(base, length)
    return Kinetics(
        Homopolymers((length.cumsum() - length).astype(np.int32), length, base),
        tuple(equal_pass(draft, rng, reverse=bool(own)) for own in reverse),
    )


def equal_pass(draft: np.ndarray, rng: np.random.Generator, *, reverse: bool) -> AlignedPass:
    """A pass that equals the draft, with random kinetics."""
    widths, durations = rng.integers(0, 256, (2, len(draft)), np.uint8)
    alignment = Alignment(0, np.array([EQUAL], np.uint8), np.array([len(draft)], np.int32))
    return align_pass(Pass("toy/1/0_1", draft, widths, durations, None, alignment, reverse), draft)


def with_passes(evidence: EditEvidence, rows: np.ndarray) -> EditEvidence:
    """Some of the passes, in another order."""
    picked = {name: getattr(evidence, name)[rows] for name in ("ratios", "covered", "reverse", "deviates")}
    passes = tuple(evidence.kinetics.passes[row] for row in rows)
    return replace(evidence, **picked, kinetics=replace(evidence.kinetics, passes=passes))


def part(homopolymer: np.ndarray, name: str) -> np.ndarray:
    """A part of the tokens of homopolymers."""
    names = list(HOMOPOLYMER_PARTS)
    start = sum(HOMOPOLYMER_PARTS[before] for before in names[: names.index(name)])
    return homopolymer[:, start : start + HOMOPOLYMER_PARTS[name]]


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


def scores_of(network: EditScorer, tokens: Arrays) -> Tensor:
    with torch.inference_mode():
        return network({name: torch.from_numpy(values) for name, values in tokens.items()})
