"""Column networks behind the interface of all correctors."""

from collections.abc import Mapping, Set

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from deepconsensus_py.corrector import Arrays
from deepconsensus_py.models.device import Device, choose_precision, lay_out
from deepconsensus_py.models.weights import Model, column_network
from deepconsensus_py.options import AUTO, OF_COLUMNS, OF_NETWORKS, TRIAGE
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.pileup.method import ColumnCorrector

STEP = 8
"""Windows that a batch on a processor is padded to a multiple of, where each takes some ms."""


class NetworkCorrector(ColumnCorrector):
    """A column network with its weights.

    Args:
        model: network, feature spec and calibration.
        device: where the network runs; it is moved there.
        insertion_trim: longest insertion (bases) that is kept; None for what the model was trained with.
        precision: what the network computes in, one of ``names.PRECISIONS``.
        triage: whether windows that the model's triage clears keep the draft, where the model has one.

    Raises:
        ModelError: the device cannot compute in this precision.
    """

    options: Set[str] = OF_COLUMNS | OF_NETWORKS | {TRIAGE}

    def __init__(
        self,
        model: Model,
        *,
        device: str = "cpu",
        insertion_trim: int | None = None,
        precision: str = AUTO,
        triage: bool = True,
    ) -> None:
        super().__init__(
            model.name,
            FeatureSpec.from_dict(model.spec),
            calibration=model.calibration,
            device=device,
            insertion_trim=insertion_trim,
            least_doubt=model.triage.threshold if triage and model.triage else 0.0,
        )
        self._device = Device(device, self.batch, STEP)
        self.lanes = self._device.lanes
        self.precision = choose_precision(precision, model.agreement, self._device.torch)
        self._network = lay_out(column_network(model).to(device), self.precision)

    def forward(self, inputs: Arrays) -> NDArray[np.float32]:
        """Probabilities ``float32[items, width, 5]`` of gap, A, T, C, G in every column."""
        return self._device.run(self._probabilities, inputs)

    def _probabilities(self, tensors: Mapping[str, Tensor]) -> Tensor:
        logits: Tensor = self._network(tensors)
        return logits.log_softmax(-1).exp()
