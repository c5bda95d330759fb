"""The pair hidden Markov model as a corrector: error rates from the molecule's own passes, evidence of all of them.

The encoder refines the draft until the pooled evidence asks for no more edit (``edits.refine``); what is left of that
evidence says how sure each homopolymer run is. There is nothing to train but the two numbers by which the evidence for
each kind of edit becomes a probability, and the share of runs that are wrong without evidence for it.
"""

import json
from collections.abc import Mapping, Set
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.corrector import Arrays, Calls, Features
from deepconsensus_py.edits.calls import call_runs, layout_of
from deepconsensus_py.edits.candidates import SHARE
from deepconsensus_py.edits.classes import NAMES
from deepconsensus_py.edits.refine import refine
from deepconsensus_py.edits.tokens import SCORE_STEP, run_evidence
from deepconsensus_py.methods import PAIR_HMM
from deepconsensus_py.options import TRIAGE
from deepconsensus_py.pacbio.molecule import Zmw

BATCH = 1 << 16
"""Runs: those of some eight molecules of 12 kb."""

_MOST_NATS = 50.0


def encode_evidence(zmw: Zmw, *, triage: bool = True) -> Features:
    """Refine a draft and pool the evidence that is left.

    Args:
        zmw: molecule with aligned passes.
        triage: whether the runs that hardly any pass speaks against (``edits.candidates``) are left as they are.

    Returns:
        Features whose items are the runs of the refined draft. Input: ``evidence`` ``int16[runs, 16]``, the passes'
        pooled log-likelihood ratios of the edits ``edits.classes.EDIT_CLASSES[1:]`` in steps of ``SCORE_STEP``. Layout:
        ``run_calls.layout_of``.

    Raises:
        MoleculeError: an alignment does not fit.
    """
    refined = refine(zmw, share=SHARE if triage else 0)
    return Features(inputs={"evidence": run_evidence(refined).pooled}, layout=layout_of(zmw, refined))


class PairHmm:
    """A ``corrector.Method`` whose items are homopolymer runs, and which computes their probabilities itself.

    Of the draft's qualities only those at the ends count, where no pass says anything.

    Args:
        triage: whether the runs that hardly any pass contradicts are left as they are.
    """

    options: Set[str] = frozenset({TRIAGE})

    def __init__(self, *, triage: bool = True) -> None:
        self.name = PAIR_HMM
        self.spec: Mapping[str, Any] = {"family": PAIR_HMM, "version": 3}
        self.calibration = "skip"
        self.batch, self.lanes = BATCH, 1
        self._triage = triage
        fitted = json.loads(resources.files("deepconsensus_py.edits").joinpath("pair_hmm.json").read_text("utf-8"))
        self._slope = np.array([fitted["edits"][edit]["slope"] for edit in NAMES[1:]])
        self._offset = np.array([fitted["edits"][edit]["offset"] for edit in NAMES[1:]])
        self._floor = float(fitted["floor"])

    @classmethod
    def of(cls, header: Mapping[str, Any], given: Mapping[str, Any]) -> "PairHmm":  # noqa: ARG003 - has no file
        """The model, by the options that were given."""
        return cls(triage=given.get(TRIAGE) is not False)

    def encode(self, zmw: Zmw) -> Features:
        """Refine a draft and pool the evidence that is left (``encode_evidence``)."""
        return encode_evidence(zmw, triage=self._triage)

    def select(self, features: Features, skip_above: float) -> NDArray[np.bool_]:  # noqa: ARG002
        """All runs; a mean quality of the draft says less than its passes do."""
        return np.ones(features.items, np.bool_)

    def forward(self, inputs: Arrays) -> NDArray[np.float32]:
        """Probabilities ``float32[runs, 17]`` of ``EDIT_CLASSES``; they and another error's add up to 1."""
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
            probabilities: ``float32[runs, 17]`` of ``edits.classes.EDIT_CLASSES``.
        """
        return call_runs(features.layout, probabilities, self._floor)
