"""A model that is still being read."""

from collections.abc import Callable, Mapping, Set
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.corrector import Arrays, Calls, Corrector, Features
from deepconsensus_py.pacbio.molecule import Zmw


class Loading:
    """A ``corrector.Corrector`` that encodes before its network, and torch with it, has been read by a thread.

    What needs the network has it read, waits for it, and raises what kept it from being read.

    Args:
        name: of the model.
        calibration: its quality map.
        spec: the encoding it needs.
        encoder: its encoder.
        load: gives the whole model.
        options: that it understands.
    """

    def __init__(
        self,
        name: str,
        calibration: str,
        spec: Mapping[str, Any],
        encoder: Callable[[Zmw], Features],
        load: Callable[[], Corrector],
        *,
        options: Set[str],
    ) -> None:
        self.name, self.options = name, options
        self.spec, self.calibration, self.encoder = spec, calibration, encoder
        self._load, self._lock = load, Lock()
        self._corrector: Future[Corrector] | None = None

    def begin(self) -> Future[Corrector]:
        """Have the model read, if that has not begun yet."""
        with self._lock:
            if self._corrector is None:
                self._corrector = Future()
                Thread(target=self._fill, args=(self._corrector,), name="model", daemon=True).start()
        return self._corrector

    @property
    def batch(self) -> int:
        """Items of a full batch."""
        return self.whole.batch

    @property
    def lanes(self) -> int:
        """Batches at a time."""
        return self.whole.lanes

    @property
    def whole(self) -> Corrector:
        """The model, when it has been read."""
        return self.begin().result()

    def select(self, features: Features, skip_above: float) -> NDArray[np.bool_]:
        """As the model does."""
        return self.whole.select(features, skip_above)

    def forward(self, inputs: Arrays) -> NDArray[np.float32]:
        """As the model does."""
        return self.whole.forward(inputs)

    def call(self, features: Features, selected: NDArray[np.bool_], probabilities: NDArray[np.float32]) -> Calls:
        """As the model does."""
        return self.whole.call(features, selected, probabilities)

    def _fill(self, corrector: Future[Corrector]) -> None:
        try:
            corrector.set_result(self._load())
        except BaseException as fault:  # noqa: BLE001 - raised where the network is needed
            corrector.set_exception(fault)
