"""The edit method: correct each homopolymer of the draft by the evidence of all passes."""

from collections.abc import Callable, Mapping, Set
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.corrector import Calls, Features
from deepconsensus_py.edits.calls import call_edits, layout_of
from deepconsensus_py.edits.candidates import SHARE
from deepconsensus_py.edits.classes import EDIT_CLASSES, NONE
from deepconsensus_py.edits.expected_errors import undecided_errors
from deepconsensus_py.edits.refine import refine
from deepconsensus_py.edits.tokens import edit_evidence, homopolymer_tokens, undecided_homopolymers
from deepconsensus_py.options import OF_NETWORKS, TRIAGE
from deepconsensus_py.pacbio.molecule import Zmw

FAMILY = "edits"
SPEC = {"family": FAMILY, "version": 4, "doubt_share": SHARE}
"""The encoding, as shards and model files record it."""


class EditMethod:
    """A ``corrector.Method`` whose items are the undecided homopolymers of a draft: those with a candidate edit.

    Args:
        name: the model's name in headers and reports.
        calibration: quality map fitted with it (``polishing.qualities.Calibration``), or ``"skip"``.
        triage: whether homopolymers where the passes support the draft skip the network.
    """

    options: Set[str] = OF_NETWORKS | {TRIAGE}

    def __init__(self, name: str, *, calibration: str = "skip", triage: bool = True) -> None:
        self.name, self.calibration = name, calibration
        self.spec: Mapping[str, Any] = SPEC
        self._undecided = undecided_errors(FAMILY)
        # A function rather than a method: worker processes need not be able to import the class.
        self.encode: Callable[[Zmw], Features] = partial(encode_edits, triage=triage)

    @classmethod
    def of(cls, header: Mapping[str, Any], given: Mapping[str, Any]) -> "EditMethod":
        """Build from a model file's header and the options given.

        Raises:
            KeyError, TypeError, ValueError: the header is damaged.
        """
        return cls(header["name"], calibration=header["calibration"], triage=given.get(TRIAGE) is not False)

    def select(self, features: Features, skip_above: float) -> NDArray[np.bool_]:  # noqa: ARG002
        """All undecided homopolymers; the passes are more informative than a mean draft quality."""
        return np.ones(features.items, np.bool_)

    def call(
        self,
        features: Features,
        selected: NDArray[np.bool_],  # noqa: ARG002 - always all
        probabilities: NDArray[np.float32],
    ) -> Calls:
        """Apply the most likely edits; homopolymers without a candidate edit keep the draft.

        Args:
            features: the encoded molecule.
            selected: ``bool[items]``, all.
            probabilities: ``float32[items, 18]`` of ``edits.classes.EDIT_CLASSES``.
        """
        every = np.zeros((len(features.layout["depth"]), len(EDIT_CLASSES)), np.float32)
        every[:, NONE] = 1
        # Without items the probabilities lack their second axis.
        every[features.layout["undecided"]] = probabilities.reshape(-1, len(EDIT_CLASSES))
        return call_edits(features.layout, every, self._undecided)


def encode_edits(zmw: Zmw, *, triage: bool = True) -> Features:
    """Refine a draft and encode the evidence of each pass at its undecided homopolymers.

    Args:
        zmw: molecule with aligned passes.
        triage: whether homopolymers where the passes support the draft skip the network (``edits.candidates``,
            ``tokens.CANDIDATE``).

    Returns:
        Features whose items are the undecided homopolymers of the refined draft, or all that a pass spans. Inputs:
        ``tokens.homopolymer_tokens``. Layout: ``calls.layout_of``, and ``undecided`` ``int64[items]``, their indices.

    Raises:
        MoleculeError: an alignment does not fit.
    """
    # A share of 0 makes every homopolymer a candidate.
    refined = refine(zmw, share=SHARE if triage else 0)
    evidence = edit_evidence(refined)
    undecided = undecided_homopolymers(evidence) if triage else np.flatnonzero(evidence.covered.any(axis=0))
    return Features(homopolymer_tokens(evidence, undecided), {**layout_of(zmw, refined), "undecided": undecided})
