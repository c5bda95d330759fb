"""Run networks behind the interface of all correctors."""

from collections.abc import Callable, Mapping, Set
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from deepconsensus_py.corrector import ALIKE, Arrays, Calls, Features
from deepconsensus_py.edits.calls import call_runs
from deepconsensus_py.edits.classes import EDITS, NONE
from deepconsensus_py.edits.method import encode_runs
from deepconsensus_py.models.device import Device, choose_precision, lay_out
from deepconsensus_py.models.edit_network import RunNetwork
from deepconsensus_py.models.weights import Model
from deepconsensus_py.options import AUTO, OF_NETWORKS, TRIAGE
from deepconsensus_py.pacbio.molecule import Zmw

CPU_BATCH, GPU_BATCH = 1 << 8, 1 << 14
"""Undecided runs: on a processor as many as its cache holds the layers of (a third faster than four times as many), on
a GPU what fills it."""

STEP = 64
"""Runs that a batch on a processor is padded to a multiple of: four sizes, where items take 0.05 ms each."""


class RunCorrector:
    """A ``corrector.Corrector`` whose items are the undecided runs of a draft.

    Args:
        model: a run network and its calibration.
        device: where the network runs; it is moved there.
        precision: what the network computes in, one of ``names.PRECISIONS``.
        triage: whether the network is spared the runs that hardly any pass speaks against.

    Raises:
        ModelError: the device cannot compute in this precision.
    """

    options: Set[str] = OF_NETWORKS | {TRIAGE}

    def __init__(self, model: Model, *, device: str = "cpu", precision: str = AUTO, triage: bool = True) -> None:
        assert isinstance(model.network, RunNetwork)
        self.name, self.calibration = model.name, model.calibration
        self.spec: Mapping[str, Any] = dict(model.spec)
        self.batch = CPU_BATCH if device == "cpu" else GPU_BATCH
        self.encoder: Callable[[Zmw], Features] = partial(encode_runs, triage=triage)
        self._device = Device(device, self.batch, STEP)
        self.lanes = self._device.lanes
        self.precision = choose_precision(precision, model.agreement, self._device.torch)
        self._network = lay_out(model.network.to(device), self.precision)

    def select(self, features: Features, skip_above: float) -> NDArray[np.bool_]:  # noqa: ARG002
        """All undecided runs; a mean quality of the draft says less than its passes do."""
        return np.ones(features.items, np.bool_)

    def forward(self, inputs: Arrays) -> NDArray[np.float32]:
        """Probabilities ``float32[items, 17]`` of ``edits.classes.EDITS``."""
        passes = inputs["passes"]
        # As many as alike ones have; with the token of the run a multiple, so that all matrices are aligned the same.
        passes = np.pad(passes, ((0, 0), (0, -(passes.shape[1] + 1) % ALIKE), (0, 0)))
        return self._device.run(self._probabilities, {**inputs, "passes": passes})

    def _probabilities(self, tensors: Mapping[str, Tensor]) -> Tensor:
        scores: Tensor = self._network(tensors)
        return scores.log_softmax(-1).exp()

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
            probabilities: ``float32[items, 17]`` of ``edits.classes.EDITS``.
        """
        every = np.zeros((len(features.layout["depth"]), len(EDITS)), np.float32)
        every[:, NONE] = 1
        # The probabilities of no item have no shape.
        every[features.layout["undecided"]] = probabilities.reshape(-1, len(EDITS))
        return call_runs(features.layout, every, self._network.config.floor)
