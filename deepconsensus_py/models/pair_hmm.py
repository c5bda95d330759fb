"""The pair hidden Markov model as a corrector: error rates from the molecule's own passes, evidence of all of them.

The encoder refines the draft until the pooled evidence asks for no more edit (``hmm.consensus``); what is left of that
evidence says how sure each homopolymer run is. There is nothing to train but the two numbers by which the evidence for
each kind of edit becomes a probability, and the share of runs that are wrong without evidence for it.
"""

import json
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.hmm.consensus import refine
from deepconsensus_py.hmm.evidence import CHANGE as SCORED_CHANGE
from deepconsensus_py.hmm.evidence import PUT_IN, RunScores, pooled
from deepconsensus_py.models.column import kept_qualities
from deepconsensus_py.models.interface import Arrays, Calls, Features
from deepconsensus_py.pacbio.molecule import Zmw
from deepconsensus_py.runs.edits import CHANGE, EDITS, INSERTS, NONE, apply_edits
from deepconsensus_py.runs.homopolymers import Runs, find_runs

SCORE_STEP = 1 / 16
"""Nats of one step of the stored evidence."""

IMPOSSIBLE = -1000.0
"""Evidence, in nats, for an edit that is none: a base less than the run has, a base equal to its neighbour."""

BATCH = 1 << 16
"""Runs: those of some eight molecules of 12 kb."""

_MOST_NATS = 50.0

_SCORED = [
    int(np.flatnonzero((change == SCORED_CHANGE) & (base == PUT_IN))[0])
    for change, base in zip(CHANGE[1:], INSERTS[1:], strict=True)
]
"""Where the edits of ``runs.edits`` stand among those that the model scores."""


def encode_evidence(zmw: Zmw) -> Features:
    """Refine a draft and pool the evidence that is left.

    Args:
        zmw: molecule with aligned passes.

    Returns:
        Features whose items are the runs of the refined draft. Input: ``evidence`` ``int16[runs, 8]``, the passes'
        pooled log-likelihood ratios of the edits ``runs.edits.EDITS[1:]`` in steps of ``SCORE_STEP``. Layout:
        ``covered`` ``bool[runs]``, whether any pass says something about the run; the refined ``draft`` ``uint8[n]``,
        its ``draft_index`` ``int32[n]`` (position in the draft that was given, -1 for a new base), and
        ``draft_quality`` ``uint8[n]`` (Phred, of the draft that was given; 0 for a new base).

    Raises:
        MoleculeError: an alignment does not fit.
    """
    refined = refine(zmw)
    evidence = possible_evidence(refined.scores, find_runs(refined.bases))
    limit = np.iinfo(np.int16).max
    return Features(
        inputs={"evidence": np.rint(np.clip(evidence / SCORE_STEP, -limit, limit)).astype(np.int16)},
        layout={
            "covered": np.asarray(refined.scores.covered.any(axis=0)),
            "draft": refined.bases,
            "draft_index": refined.draft_index,
            "draft_quality": np.append(kept_qualities(zmw.draft), np.uint8(0))[refined.draft_index],
        },
    )


def possible_evidence(scores: RunScores, runs: Runs) -> NDArray[np.float64]:
    """Evidence ``float64[runs, 8]`` (nats) for ``runs.edits.EDITS[1:]``, ``IMPOSSIBLE`` where an edit is none."""
    evidence = pooled(scores.run_ratios[:, :, _SCORED])
    before = np.concatenate([[0], runs.base[:-1]])
    new = INSERTS[1:]
    too_short = runs.length[:, None] < -CHANGE[1:].astype(np.int64)
    doubled = (new > 0) & ((new == runs.base[:, None]) | (new == before[:, None]))
    evidence[too_short | doubled] = IMPOSSIBLE
    return evidence


class PairHmm:
    """A ``models.interface.Corrector`` whose items are homopolymer runs.

    No part of the draft is skipped: where the passes agree with it there is no evidence against it. Its qualities count
    only at the ends, where no pass says anything.
    """

    def __init__(self) -> None:
        self.name = "pairhmm"
        self.spec: Mapping[str, Any] = {"family": "pairhmm", "version": 1}
        self.calibration = "skip"
        self.batch = BATCH
        self.encoder: Callable[[Zmw], Features] = encode_evidence
        fitted = json.loads(resources.files("deepconsensus_py.models").joinpath("pair_hmm.json").read_text("utf-8"))
        self._slope = np.array([fitted["edits"][edit]["slope"] for edit in EDITS[1:]])
        self._offset = np.array([fitted["edits"][edit]["offset"] for edit in EDITS[1:]])
        self._floor = float(fitted["floor"])

    def select(self, features: Features, skip_above: float) -> NDArray[np.bool_]:  # noqa: ARG002
        """All runs; a mean quality of the draft says less than its passes do."""
        return np.ones(features.items, np.bool_)

    def forward(self, inputs: Arrays) -> NDArray[np.float32]:
        """Probabilities ``float32[runs, 9]`` of ``runs.edits.EDITS``; what lacks to 1 is that of another error."""
        odds = np.exp(np.minimum(inputs["evidence"] * SCORE_STEP * self._slope + self._offset, _MOST_NATS))
        kept = (1 - self._floor) / (1 + odds.sum(axis=1, keepdims=True))
        return np.concatenate([kept, odds * kept], axis=1).astype(np.float32)

    def call(
        self,
        features: Features,
        selected: NDArray[np.bool_],  # noqa: ARG002 - always all
        probabilities: NDArray[np.float32],
    ) -> Calls:
        """Make the likeliest edits; the doubt about a run lies on its first base.

        Args:
            features: the encoded molecule.
            selected: ``bool[runs]``, all.
            probabilities: ``float32[runs, 9]`` of ``runs.edits.EDITS``.
        """
        layout, covered = features.layout, features.layout["covered"]
        runs = find_runs(layout["draft"])
        classes = np.where(covered, probabilities.argmax(axis=1), NONE)
        bases, index = apply_edits(layout["draft"], runs, classes)
        given = np.power(10.0, layout["draft_quality"] / -10.0)
        of_base = np.append(np.where(np.repeat(covered, runs.length), self._floor, given), self._floor)
        error = of_base[index].astype(np.float32)
        first = np.minimum(_first_bases(runs, classes), max(len(bases) - 1, 0))
        # A run that is gone leaves its doubt to the base after it.
        np.maximum.at(error, first[covered], 1 - probabilities.max(axis=1)[covered])
        return Calls(
            bases,
            error,
            np.where(index < 0, -1, layout["draft_index"][index]).astype(np.int32),
            np.ones(len(bases), np.bool_),
        )


def _first_bases(runs: Runs, classes: NDArray[np.integer]) -> NDArray[np.int64]:
    """Where each run begins ``int64[runs]`` after its edit."""
    sizes = runs.length + np.maximum(CHANGE[classes], -runs.length) + (INSERTS[classes] != 0)
    return np.asarray(np.cumsum(sizes) - sizes, np.int64)
