"""One model on several devices."""

from collections.abc import Sequence
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.corrector import Arrays, Calls, Corrector, Features


class Replicas:
    """A ``corrector.Corrector`` that gives each batch to one of several alike that has a lane free.

    Args:
        correctors: of one model, each on a device of its own.
    """

    def __init__(self, correctors: Sequence[Corrector]) -> None:
        self._first = first = correctors[0]
        self.name, self.spec, self.calibration = first.name, first.spec, first.calibration
        self.options, self.encoder, self.batch = first.options, first.encoder, first.batch
        self.lanes = sum(corrector.lanes for corrector in correctors)
        self._free: SimpleQueue[Corrector] = SimpleQueue()
        for lane in range(max(corrector.lanes for corrector in correctors)):
            for corrector in correctors:
                if lane < corrector.lanes:
                    self._free.put(corrector)

    def select(self, features: Features, skip_above: float) -> NDArray[np.bool_]:
        """As the model does."""
        return self._first.select(features, skip_above)

    def forward(self, inputs: Arrays) -> NDArray[np.float32]:
        """Probabilities of a batch, from the device that has been free for longest."""
        corrector = self._free.get()
        try:
            return corrector.forward(inputs)
        finally:
            self._free.put(corrector)

    def call(self, features: Features, selected: NDArray[np.bool_], probabilities: NDArray[np.float32]) -> Calls:
        """As the model does."""
        return self._first.call(features, selected, probabilities)
