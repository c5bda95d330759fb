"""Networks that are still being read, or that share their batches among devices. Without torch."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.corrector import Arrays, Network


class Loading:
    """A ``corrector.Network`` that a thread reads, so that molecules can be encoded meanwhile.

    What needs it waits for it, and raises what kept it from being read.

    Args:
        read: gives the network.
    """

    def __init__(self, read: Callable[[], Network]) -> None:
        self._network: Future[Network] = Future()
        Thread(target=self._fill, args=(read,), name="model", daemon=True).start()

    @property
    def batch(self) -> int:
        """Items of a full batch."""
        return self._network.result().batch

    @property
    def lanes(self) -> int:
        """Batches at a time."""
        return self._network.result().lanes

    def forward(self, inputs: Arrays) -> NDArray[np.float32]:
        """As the network does."""
        return self._network.result().forward(inputs)

    def _fill(self, read: Callable[[], Network]) -> None:
        try:
            self._network.set_result(read())
        except BaseException as fault:  # noqa: BLE001 - raised where the network is needed
            self._network.set_exception(fault)


class Replicas:
    """A ``corrector.Network`` that gives each batch to one of several alike that has a lane free.

    Args:
        networks: of one model, each on a device of its own.
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        self.batch = networks[0].batch
        self.lanes = sum(network.lanes for network in networks)
        self._free: SimpleQueue[Network] = SimpleQueue()
        for lane in range(max(network.lanes for network in networks)):
            for network in networks:
                if lane < network.lanes:
                    self._free.put(network)

    def forward(self, inputs: Arrays) -> NDArray[np.float32]:
        """Probabilities of a batch, from the device that has been free for longest."""
        network = self._free.get()
        try:
            return network.forward(inputs)
        finally:
            self._free.put(network)
