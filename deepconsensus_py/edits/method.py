"""The edit method: which edit, if any, each homopolymer run of the draft needs, by the evidence of all passes."""

from collections.abc import Mapping, Set
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.corrector import Calls, Features
from deepconsensus_py.edits.calls import call_runs, layout_of
from deepconsensus_py.edits.candidates import SHARE
from deepconsensus_py.edits.classes import EDIT_CLASSES, NONE
from deepconsensus_py.edits.refine import refine
from deepconsensus_py.edits.tokens import run_evidence, run_tokens, undecided_runs
from deepconsensus_py.options import OF_NETWORKS, TRIAGE
from deepconsensus_py.pacbio.molecule import Zmw

SPEC = {"family": "edits", "version": 3, "doubt_share": SHARE}
"""What shards and model files call the encoding."""


class EditMethod:
    """A ``corrector.Method`` whose items are the undecided runs of a draft.

    Args:
        name: the model's name in headers and reports.
        floor: probability that a base is wrong which the evidence of many passes decides.
        calibration: quality map fitted with it (``polishing.qualities.Calibration``), or ``"skip"``.
        triage: whether the network is spared the runs that hardly any pass contradicts.
    """

    options: Set[str] = OF_NETWORKS | {TRIAGE}

    def __init__(self, name: str, floor: float, *, calibration: str = "skip", triage: bool = True) -> None:
        self.name, self.calibration = name, calibration
        self.spec: Mapping[str, Any] = SPEC
        self._floor, self._triage = floor, triage

    @classmethod
    def of(cls, header: Mapping[str, Any], given: Mapping[str, Any]) -> "EditMethod":
        """The method of an edit network, by its file's header and the options that were given.

        Raises:
            KeyError, TypeError, ValueError: the header is damaged.
        """
        floor, calibration = float(header["config"]["floor"]), header["calibration"]
        return cls(header["name"], floor, calibration=calibration, triage=given.get(TRIAGE) is not False)

    def encode(self, zmw: Zmw) -> Features:
        """Refine a draft and encode its undecided runs (``encode_runs``)."""
        return encode_runs(zmw, triage=self._triage)

    def select(self, features: Features, skip_above: float) -> NDArray[np.bool_]:  # noqa: ARG002
        """All undecided runs; a mean quality of the draft says less than its passes do."""
        return np.ones(features.items, np.bool_)

    def call(
        self,
        features: Features,
        selected: NDArray[np.bool_],  # noqa: ARG002 - always all
        probabilities: NDArray[np.float32],
    ) -> Calls:
        """Make the likeliest edits; where the evidence decides, the draft stays.

        Args:
            features: the encoded molecule.
            selected: ``bool[items]``, all.
            probabilities: ``float32[items, 17]`` of ``edits.classes.EDIT_CLASSES``.
        """
        every = np.zeros((len(features.layout["depth"]), len(EDIT_CLASSES)), np.float32)
        every[:, NONE] = 1
        # The probabilities of no item have no shape.
        every[features.layout["undecided"]] = probabilities.reshape(-1, len(EDIT_CLASSES))
        return call_runs(features.layout, every, self._floor)


def encode_runs(zmw: Zmw, *, triage: bool = True) -> Features:
    """Refine a draft and say what each pass knows of the runs that are undecided.

    Args:
        zmw: molecule with aligned passes.
        triage: whether the network is spared the runs that hardly any pass speaks against (``edits.candidates``,
            ``run_tokens.CANDIDATE``).

    Returns:
        Features whose items are the undecided runs of the refined draft, or all that passes cover. Inputs:
        ``run_tokens.run_tokens``. Layout: ``run_calls.layout_of``, and ``undecided`` ``int64[items]`` their numbers.

    Raises:
        MoleculeError: an alignment does not fit.
    """
    refined = refine(zmw, share=SHARE if triage else 0)
    evidence = run_evidence(refined)
    undecided = undecided_runs(evidence) if triage else np.flatnonzero(evidence.covered.any(axis=0))
    return Features(run_tokens(evidence, undecided), {**layout_of(zmw, refined), "undecided": undecided})
