"""Why runs are called as they are: what each pass says about the doubted ones, and which passes decided.

Evidence is the hidden Markov model's, pass by pass. Of a run network there are two more answers: where the token of the
run looks (attention), and how the call would be without each pass (occlusion).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepconsensus_py.attention.explain import occlusion, recorded_maps, rollout
from deepconsensus_py.edits.classes import NAMES, NONE
from deepconsensus_py.edits.refine import TemplateState, refine
from deepconsensus_py.edits.tokens import CANDIDATE, possible_evidence, run_evidence, run_tokens, undecided_runs
from deepconsensus_py.models.edit_network import EditNetwork
from deepconsensus_py.pacbio.molecule import BASES, Pass, Zmw

MOST_CANDIDATES = 4

Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """An edit of a run, and what speaks for it.

    Attributes:
        edit: a name of ``edits.classes``; ``none`` leaves the run as it is.
        evidence: of all passes together, nats (``edits.evidence.pooled``); 0 for ``none``.
        by_pass: ``float64[passes]`` log-likelihood ratio of each pass, nats; NaN where it does not cover the run.
        probability: that the network gives it; None where no network was asked.
    """

    edit: str
    evidence: float
    by_pass: Reals
    probability: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """Which passes a run network's call of a run hangs on.

    Attributes:
        attention: ``float64[passes]`` weight of each pass in the last layer's view from the run, mean of its heads; NaN
            for a pass without a token.
        rollout: ``float64[passes]`` likewise, through all layers (``attention.explain.rollout``).
        occlusion: ``float64[passes]`` nats by which the log-odds of the call fall without the pass: without its token,
            and without it in all evidence that is pooled.
        log_odds: of the call, nats.
    """

    attention: Reals
    rollout: Reals
    occlusion: Reals
    log_odds: float

    @property
    def agreement(self) -> float:
        """Rank correlation of attention and the size of occlusion; NaN where there are too few passes to tell."""
        there = np.isfinite(self.attention) & (self.attention > 0)
        if there.sum() < 3:
            return float("nan")
        looked, mattered = (np.argsort(np.argsort(v[there])) for v in (self.attention, np.abs(self.occlusion)))
        return float(np.corrcoef(looked, mattered)[0, 1])


@dataclass(frozen=True, slots=True, eq=False)
class RunCase:
    """A run that passes speak against.

    Attributes:
        position: of its first base in the draft that was given; of the base before it where that one is new.
        base: its letter.
        length: bases.
        candidates: the likeliest edits, first the likeliest; that of a network's call where ``decision`` is given.
        decision: of a run network, where one was asked.
    """

    position: int
    base: str
    length: int
    candidates: tuple[Candidate, ...]
    decision: Decision | None = None


def doubted_runs(zmw: Zmw, start: int, stop: int) -> tuple[RunCase, ...]:
    """The runs of a stretch of the draft as it was given that a share of the passes speaks against.

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
    for run in chosen.tolist():
        order = np.argsort(-evidence[run], kind="stable")[:MOST_CANDIDATES]
        likely = [int(k) + 1 for place, k in enumerate(order) if not place or evidence[run, k] > CANDIDATE]
        cases.append(_case(found, run, [_candidate(found, evidence, run, edit, zmw) for edit in likely]))
    return tuple(cases)


def undecided_cases(zmw: Zmw, network: EditNetwork, start: int, stop: int) -> tuple[RunCase, ...]:
    """The runs of a stretch of the draft that are left to a run network, with its calls and what they hang on.

    Args:
        zmw: molecule with aligned passes.
        network: on the CPU, in float32.
        start: position in the draft that was given.
        stop: one past the last position.

    Returns:
        Cases of the refined draft. A pass is left out of the evidence about it, not of what refined it.

    Raises:
        MoleculeError: there is no pass, or an alignment does not fit.
    """
    refined = refine(zmw)
    evidence = run_evidence(refined)
    chosen = _between(refined, undecided_runs(evidence), start, stop)
    if not len(chosen):
        return ()
    scores, decisions = _decide(zmw, refined, network, chosen)
    probabilities = scores.log_softmax(-1).exp().numpy()
    nats = possible_evidence(refined)
    cases = []
    for run, likelihoods, decision in zip(chosen.tolist(), probabilities, decisions, strict=True):
        order = np.argsort(-likelihoods, kind="stable")[:MOST_CANDIDATES].tolist()
        found = [_candidate(refined, nats, run, edit, zmw) for edit in order]
        found = [replace(one, probability=float(likelihoods[k])) for one, k in zip(found, order, strict=True)]
        cases.append(_case(refined, run, found, decision))
    return tuple(cases)


def _decide(
    zmw: Zmw, refined: TemplateState, network: EditNetwork, chosen: NDArray[np.int64]
) -> tuple[Tensor, list[Decision]]:
    """The network's scores of the chosen runs ``[n, 17]``, and what its calls hang on."""
    rows, passes = _rows(zmw, [p.source for p in refined.passes]), len(zmw.passes)
    with torch.inference_mode():
        with recorded_maps(network) as maps:
            scores: Tensor = network(_tensors(refined, chosen))
        called = scores.argmax(dim=-1)
        falls = occlusion(lambda there: log_odds(network(_tensors(refined, chosen, there)), called), len(rows))
    # The token of the run is the first; those of passes follow, as many as there may be.
    views = [view[:, 0, 1:].numpy() for view in (maps[-1].mean(dim=1), rollout(maps))]
    odds = log_odds(scores, called).tolist()
    attention, rolled = (_spread(view, rows[: view.shape[1]], passes) for view in views)
    fallen = _spread(falls.numpy(), rows, passes)
    return scores, [Decision(*parts) for parts in zip(attention, rolled, fallen, odds, strict=True)]


def log_odds(scores: Tensor, called: Tensor) -> Tensor:
    """Log-odds ``float[n]`` of one class of each row against all others."""
    own = scores.gather(1, called[:, None]).squeeze(1)
    return own - scores.scatter(1, called[:, None], -torch.inf).logsumexp(dim=1)


def _tensors(refined: TemplateState, chosen: NDArray[np.int64], there: Tensor | None = None) -> Mapping[str, Tensor]:
    """The network's input, of all passes or of those that are there."""
    if there is not None:
        refined = refined.of_passes(there.nonzero().flatten().tolist())
    return {name: torch.from_numpy(values) for name, values in run_tokens(run_evidence(refined), chosen).items()}


def _spread(values: NDArray[Any], rows: Sequence[int], passes: int) -> Reals:
    """``float64[n, passes]`` of all passes of a molecule, NaN for those without a value."""
    spread = np.full((len(values), passes), np.nan)
    spread[:, list(rows)] = values
    return spread


def _rows(zmw: Zmw, passes: Sequence[Pass]) -> list[int]:
    """Which of a molecule's passes these are; their alignments are others, and some may be lost."""
    number = {id(p.bases): row for row, p in enumerate(zmw.passes)}
    return [number[id(p.bases)] for p in passes]


def _between(refined: TemplateState, runs: NDArray[np.int64], start: int, stop: int) -> NDArray[np.int64]:
    """Those of the runs that begin between two positions of the draft that was given."""
    place = _places(refined)[refined.repeats.runs.start[runs]]
    return runs[(place >= start) & (place < stop)]


def _places(refined: TemplateState) -> NDArray[np.int64]:
    """Where each base of a refined draft stands in the draft that was given; of a new one, the base before it."""
    return np.maximum.accumulate(np.maximum(refined.draft_index, 0)).astype(np.int64)


def _case(
    refined: TemplateState, run: int, candidates: Sequence[Candidate], decision: Decision | None = None
) -> RunCase:
    runs = refined.repeats.runs
    position = int(_places(refined)[runs.start[run]])
    return RunCase(position, BASES[runs.base[run]], int(runs.length[run]), tuple(candidates), decision)


def _candidate(refined: TemplateState, nats: Reals, run: int, edit: int, zmw: Zmw) -> Candidate:
    scores, rows = refined.scores, _rows(zmw, [p.source for p in refined.passes])
    ratios = np.zeros(len(rows))
    if edit != NONE and scores.scored[run]:
        ratios = scores.ratios[:, np.count_nonzero(scores.scored[:run]), edit - 1].astype(np.float64)
    by_pass = _spread(np.where(scores.covered[:, run], ratios, np.nan)[None], rows, len(zmw.passes))[0]
    return Candidate(NAMES[edit], 0.0 if edit == NONE else float(nats[run, edit - 1]), by_pass)
