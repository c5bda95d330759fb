"""Run networks behind the interface of all correctors."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from deepconsensus_py.models.interface import Arrays, Calls, Features
from deepconsensus_py.models.run_calls import call_runs
from deepconsensus_py.models.run_encoder import encode_runs
from deepconsensus_py.models.run_network import RunNetwork
from deepconsensus_py.models.weights import Model
from deepconsensus_py.pacbio.molecule import Zmw
from deepconsensus_py.runs.edits import EDITS, NONE

BATCH = 1 << 10
"""Undecided runs: as many as a processor's cache holds the layers of (a third faster than four times as many)."""


class RunCorrector:
    """A ``models.interface.Corrector`` whose items are the undecided runs of a draft.

    Args:
        model: a run network and its calibration.
        device: where the network runs; it is moved there.
    """

    def __init__(self, model: Model, *, device: str = "cpu") -> None:
        assert isinstance(model.network, RunNetwork)
        self.name, self.calibration = model.name, model.calibration
        self.spec: Mapping[str, Any] = dict(model.spec)
        self.batch = BATCH
        self.encoder: Callable[[Zmw], Features] = encode_runs
        self.device = torch.device(device)
        self._network = model.network.to(device).eval()

    def select(self, features: Features, skip_above: float) -> NDArray[np.bool_]:  # noqa: ARG002
        """All undecided runs; a mean quality of the draft says less than its passes do."""
        return np.ones(features.items, np.bool_)

    def forward(self, inputs: Arrays) -> NDArray[np.float32]:
        """Probabilities ``float32[items, 17]`` of ``runs.edits.EDITS``."""
        with torch.inference_mode():
            tensors = {name: torch.from_numpy(values).to(self.device) for name, values in inputs.items()}
            probabilities: NDArray[np.float32] = self._network(tensors).log_softmax(-1).exp().cpu().numpy()
        return probabilities

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
            probabilities: ``float32[items, 17]`` of ``runs.edits.EDITS``.
        """
        every = np.zeros((len(features.layout["covered"]), len(EDITS)), np.float32)
        every[:, NONE] = 1
        # The probabilities of no item have no shape.
        every[features.layout["undecided"]] = probabilities.reshape(-1, len(EDITS))
        return call_runs(features.layout, every, self._network.config.floor)
