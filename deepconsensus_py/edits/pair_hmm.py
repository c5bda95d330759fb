"""The pair hidden Markov model as a corrector: error rates and evidence from the molecule's own passes.

The encoder refines the draft until no edit is supported (``edits.refine``); the remaining pooled evidence gives the
posterior of each homopolymer with a candidate edit. Fitted parameters: slope and offset of the log-odds for each edit
class; those of error probabilities are in ``edits.expected_errors``.
"""

import json
from collections.abc import Callable, Mapping, Set
from functools import partial
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.rows import largest
from deepconsensus_py.corrector import Arrays, Calls, Features
from deepconsensus_py.edits.calls import call_edits, layout_of
from deepconsensus_py.edits.candidates import SHARE
from deepconsensus_py.edits.classes import NAMES
from deepconsensus_py.edits.expected_errors import undecided_errors
from deepconsensus_py.edits.refine import refine
from deepconsensus_py.edits.tokens import CANDIDATE, SCORE_STEP, edit_evidence
from deepconsensus_py.methods import PAIR_HMM
from deepconsensus_py.options import TRIAGE
from deepconsensus_py.pacbio.molecule import Zmw

BATCH = 1 << 16
"""Homopolymers: about eight molecules of 12 kb."""

_MOST_NATS = 50.0


def encode_evidence(zmw: Zmw, *, triage: bool = True) -> Features:
    """Refine a draft and pool the remaining evidence.

    Args:
        zmw: molecule with aligned passes.
        triage: whether homopolymers where the passes support the draft (``edits.candidates``) are not scored.

    Returns:
        Features whose items are the homopolymers of the refined draft. Input: ``evidence`` ``int16[homopolymers, 17]``,
            pooled log-likelihood ratios of the edits ``edits.classes.EDIT_CLASSES[1:]`` in steps of ``SCORE_STEP``.
            Layout: ``calls.layout_of``.

    Raises:
        MoleculeError: an alignment does not fit.
    """
    refined = refine(zmw, share=SHARE if triage else 0)
    return Features(inputs={"evidence": edit_evidence(refined).pooled}, layout=layout_of(zmw, refined))


class PairHmm:
    """A ``corrector.Method`` whose items are homopolymers and which needs no network.

    Draft qualities are used only at the ends, which no pass spans.

    Args:
        triage: whether homopolymers where the passes support the draft are not scored.
    """

    options: Set[str] = frozenset({TRIAGE})

    def __init__(self, *, triage: bool = True) -> None:
        self.name = PAIR_HMM
        self.spec: Mapping[str, Any] = {"family": PAIR_HMM, "version": 4}
        self.calibration = "skip"
        self.batch, self.streams = BATCH, 1
        # A function rather than a method: worker processes need not be able to import the class.
        self.encode: Callable[[Zmw], Features] = partial(encode_evidence, triage=triage)
        fitted = json.loads(resources.files("deepconsensus_py.edits").joinpath("pair_hmm.json").read_text("utf-8"))
        self._slope = np.array([fitted["edits"][edit]["slope"] for edit in NAMES[1:]])
        self._offset = np.array([fitted["edits"][edit]["offset"] for edit in NAMES[1:]])
        self._undecided = undecided_errors(PAIR_HMM)

    @classmethod
    def of(cls, header: Mapping[str, Any], given: Mapping[str, Any]) -> "PairHmm":  # noqa: ARG003 - has no file
        """Build from the options given."""
        return cls(triage=given.get(TRIAGE) is not False)

    def select(self, features: Features, skip_above: float) -> NDArray[np.bool_]:  # noqa: ARG002
        """All homopolymers; the passes are more informative than a mean draft quality."""
        return np.ones(features.items, np.bool_)

    def forward(self, inputs: Arrays) -> NDArray[np.float32]:
        """Probabilities ``float32[homopolymers, 18]`` of ``EDIT_CLASSES``; no edit where none has the evidence."""
        evidence = inputs["evidence"]
        # Few homopolymers have any evidence: that of the others is not even converted.
        some = np.flatnonzero(largest(evidence) > CANDIDATE / SCORE_STEP)
        odds = np.exp(np.minimum(evidence[some] * SCORE_STEP * self._slope + self._offset, _MOST_NATS))
        kept = 1 / (1 + odds.sum(axis=1, keepdims=True))
        probabilities = np.zeros((len(evidence), 1 + odds.shape[1]), np.float32)
        probabilities[:, 0] = 1
        probabilities[some] = np.concatenate([kept, odds * kept], axis=1)
        return probabilities

    def call(
        self,
        features: Features,
        selected: NDArray[np.bool_],  # noqa: ARG002 - always all
        probabilities: NDArray[np.float32],
    ) -> Calls:
        """Apply the most likely edits.

        Args:
            features: the encoded molecule.
            selected: ``bool[homopolymers]``, all.
            probabilities: ``float32[homopolymers, 18]`` of ``edits.classes.EDIT_CLASSES``.
        """
        return call_edits(features.layout, probabilities, self._undecided)
