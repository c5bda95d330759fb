"""Explain homopolymer calls: the evidence of each pass, and the passes that a call depends on.

Evidence is that of the hidden Markov model, by pass. An edit network adds two views: the attention of the homopolymer
token, and occlusion, the change of the call without each pass.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepconsensus_py.attention.explain import occlusion, recorded_maps, rollout
from deepconsensus_py.edits.classes import EDIT_CLASSES, NONE, EditClass
from deepconsensus_py.edits.refine import TemplateState, refine
from deepconsensus_py.edits.tokens import (
    CANDIDATE,
    edit_evidence,
    homopolymer_tokens,
    possible_evidence,
    undecided_homopolymers,
)
from deepconsensus_py.models.edit_network import EditNetwork, EditScorer
from deepconsensus_py.pacbio.molecule import BASES, Pass, Zmw

MOST_CANDIDATES = 4

Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A candidate edit of a homopolymer and its evidence.

    Attributes:
        edit: one of ``edits.classes.EDIT_CLASSES``.
        evidence: pooled over all passes, nats (``edits.evidence.pooled``); 0 for ``none``.
        by_pass: ``float64[passes]`` log-likelihood ratio of each pass, nats; NaN where it does not span the
            homopolymer.
        probability: posterior of the network; None without a network.
    """

    edit: EditClass
    evidence: float
    by_pass: Reals
    probability: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """The passes that an edit network's call depends on.

    Attributes:
        attention: ``float64[passes]`` attention from the homopolymer to each pass in the last layer, mean of the heads
            and of an ensemble's members; NaN for a pass without a token.
        rollout: ``float64[passes]`` likewise through all layers (``attention.explain.rollout``).
        occlusion: ``float64[passes]`` decrease of the log-odds of the call, nats, without the pass: without its token
            and its share of the pooled evidence.
        log_odds: of the call, nats.
    """

    attention: Reals
    rollout: Reals
    occlusion: Reals
    log_odds: float

    @property
    def agreement(self) -> float:
        """Rank correlation of attention and absolute occlusion; NaN for fewer than three passes."""
        there = np.isfinite(self.attention) & (self.attention > 0)
        if there.sum() < 3:
            return float("nan")
        looked, mattered = (np.argsort(np.argsort(v[there])) for v in (self.attention, np.abs(self.occlusion)))
        return float(np.corrcoef(looked, mattered)[0, 1])


@dataclass(frozen=True, slots=True, eq=False)
class HomopolymerCase:
    """A homopolymer with candidate edits.

    Attributes:
        position: of its first base in the input draft, or of the base before it if the first is an insertion.
        base: its base.
        length: bp.
        candidates: the most likely edits, best first; with ``decision``, the first is the network's call.
        decision: of an edit network, if one was given.
    """

    position: int
    base: str
    length: int
    candidates: tuple[Candidate, ...]
    decision: Decision | None = None


def candidate_cases(zmw: Zmw, start: int, stop: int) -> tuple[HomopolymerCase, ...]:
    """Homopolymers with candidate edits in a stretch of the input draft.

    Args:
        zmw: molecule with aligned passes.
        start: draft position.
        stop: one past the last draft position.

    Raises:
        MoleculeError: there is no pass, or an alignment does not fit.
    """
    found = refine(zmw, rounds=0)
    evidence = possible_evidence(found)
    chosen = _between(found, np.flatnonzero(found.scores.scored), start, stop)
    cases = []
    for homopolymer in chosen.tolist():
        order = np.argsort(-evidence[homopolymer], kind="stable")[:MOST_CANDIDATES]
        likely = [int(k) + 1 for place, k in enumerate(order) if not place or evidence[homopolymer, k] > CANDIDATE]
        cases.append(
            _case(found, homopolymer, [_candidate(found, evidence, homopolymer, edit, zmw) for edit in likely])
        )
    return tuple(cases)


def undecided_cases(zmw: Zmw, network: EditScorer, start: int, stop: int) -> tuple[HomopolymerCase, ...]:
    """Undecided homopolymers in a stretch of the draft, with the calls of an edit network and what they depend on.

    Args:
        zmw: molecule with aligned passes.
        network: on the CPU, in float32.
        start: position in the input draft.
        stop: one past the last position.

    Returns:
        Cases of the refined draft. Occlusion removes a pass from the evidence, not from the refinement.

    Raises:
        MoleculeError: there is no pass, or an alignment does not fit.
    """
    refined = refine(zmw)
    evidence = edit_evidence(refined)
    chosen = _between(refined, undecided_homopolymers(evidence), start, stop)
    if not len(chosen):
        return ()
    scores, decisions = _decide(zmw, refined, network, chosen)
    probabilities = scores.log_softmax(-1).exp().numpy()
    nats = possible_evidence(refined)
    cases = []
    for homopolymer, likelihoods, decision in zip(chosen.tolist(), probabilities, decisions, strict=True):
        order = np.argsort(-likelihoods, kind="stable")[:MOST_CANDIDATES].tolist()
        found = [_candidate(refined, nats, homopolymer, edit, zmw) for edit in order]
        found = [replace(one, probability=float(likelihoods[k])) for one, k in zip(found, order, strict=True)]
        cases.append(_case(refined, homopolymer, found, decision))
    return tuple(cases)


def _decide(
    zmw: Zmw, refined: TemplateState, network: EditScorer, chosen: NDArray[np.int64]
) -> tuple[Tensor, list[Decision]]:
    """The network's scores of the chosen homopolymers ``[n, 18]``, and what its calls depend on."""
    rows, passes = _rows(zmw, [p.source for p in refined.passes]), len(zmw.passes)
    with torch.inference_mode():
        tensors = _tensors(refined, chosen)
        scores: Tensor = network(tensors)
        called = scores.argmax(dim=-1)
        attended = [_attention(member, tensors) for member in network.members]
        falls = occlusion(lambda there: log_odds(network(_tensors(refined, chosen, there)), called), len(rows))
    # The homopolymer token is first, the pass tokens follow, up to the maximum.
    views = [torch.stack(maps).mean(dim=0)[:, 0, 1:].numpy() for maps in zip(*attended, strict=True)]
    odds = log_odds(scores, called).tolist()
    attention, rolled = (_spread(view, rows[: view.shape[1]], passes) for view in views)
    fallen = _spread(falls.numpy(), rows, passes)
    return scores, [Decision(*parts) for parts in zip(attention, rolled, fallen, odds, strict=True)]


def _attention(network: EditNetwork, tensors: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Attention ``float[n, tokens, tokens]`` of a network: in its last layer, and through all layers."""
    with recorded_maps(network) as maps:
        network(tensors)
    return maps[-1].mean(dim=1), rollout(maps)


def log_odds(scores: Tensor, called: Tensor) -> Tensor:
    """Log-odds ``float[n]`` of one class of each row against all others."""
    own = scores.gather(1, called[:, None]).squeeze(1)
    return own - scores.scatter(1, called[:, None], -torch.inf).logsumexp(dim=1)


def _tensors(refined: TemplateState, chosen: NDArray[np.int64], there: Tensor | None = None) -> Mapping[str, Tensor]:
    """The network's input from all passes or those in ``there``."""
    if there is not None:
        refined = refined.of_passes(there.nonzero().flatten().tolist())
    return {
        name: torch.from_numpy(values) for name, values in homopolymer_tokens(edit_evidence(refined), chosen).items()
    }


def _spread(values: NDArray[Any], rows: Sequence[int], passes: int) -> Reals:
    """``float64[n, passes]`` for all passes of a molecule, NaN where there is no value."""
    spread = np.full((len(values), passes), np.nan)
    spread[:, list(rows)] = values
    return spread


def _rows(zmw: Zmw, passes: Sequence[Pass]) -> list[int]:
    """Indices of these passes in the molecule; refinement changes alignments and may lose passes."""
    number = {id(p.bases): row for row, p in enumerate(zmw.passes)}
    return [number[id(p.bases)] for p in passes]


def _between(refined: TemplateState, homopolymers: NDArray[np.int64], start: int, stop: int) -> NDArray[np.int64]:
    """The homopolymers that start between two positions of the input draft."""
    place = _places(refined)[refined.repeats.homopolymers.start[homopolymers]]
    return homopolymers[(place >= start) & (place < stop)]


def _places(refined: TemplateState) -> NDArray[np.int64]:
    """Position of each base of a refined draft in the input draft; of an inserted one, that of the base before it."""
    return np.maximum.accumulate(np.maximum(refined.draft_index, 0)).astype(np.int64)


def _case(
    refined: TemplateState, homopolymer: int, candidates: Sequence[Candidate], decision: Decision | None = None
) -> HomopolymerCase:
    homopolymers = refined.repeats.homopolymers
    position = int(_places(refined)[homopolymers.start[homopolymer]])
    return HomopolymerCase(
        position,
        BASES[homopolymers.base[homopolymer]],
        int(homopolymers.length[homopolymer]),
        tuple(candidates),
        decision,
    )


def _candidate(refined: TemplateState, nats: Reals, homopolymer: int, edit: int, zmw: Zmw) -> Candidate:
    scores, rows = refined.scores, _rows(zmw, [p.source for p in refined.passes])
    ratios = np.zeros(len(rows))
    if edit != NONE and scores.scored[homopolymer]:
        ratios = scores.ratios[:, np.count_nonzero(scores.scored[:homopolymer]), edit - 1].astype(np.float64)
    by_pass = _spread(np.where(scores.covered[:, homopolymer], ratios, np.nan)[None], rows, len(zmw.passes))[0]
    return Candidate(EDIT_CLASSES[edit], 0.0 if edit == NONE else float(nats[homopolymer, edit - 1]), by_pass)
