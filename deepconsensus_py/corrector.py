"""The one interface of all correctors: vote, the column networks and whatever comes after them.

The ``encoder`` runs in worker processes (NumPy only), ``forward`` on the device, ``select`` and ``call`` where the
reads are put together. The engine knows nothing else of a model.
"""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import Zmw

Arrays = Mapping[str, NDArray[Any]]

ALIKE = 4
"""Second axes (passes) are alike where they are the same multiple of this, rounded down. Sums over paddings of unlike
lengths round differently, and what becomes of an item must not depend on its batch."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """One molecule as a corrector sees it; what a feature shard stores.

    Attributes:
        inputs: what ``forward`` takes: integer arrays whose first axis is the item (a window, for column correctors),
            so that items of many molecules are concatenated into one batch. Their second axis may differ between
            molecules (passes); it is padded with zeros, which must mean that there is nothing, to the longest of the
            batch, which holds only alike ones (``ALIKE``).
        layout: what ``select`` and ``call`` need besides: draft bases and qualities, where each item lies.
    """

    inputs: Arrays
    layout: Arrays

    @property
    def items(self) -> int:
        """Number of items."""
        return len(next(iter(self.inputs.values())))


@dataclass(frozen=True, slots=True, eq=False)
class Calls:
    """The bases of one polished read, before qualities are calibrated.

    Attributes:
        bases: ``uint8[n]`` base codes without gaps.
        error_probability: ``float32[n]`` probability that the base is wrong.
        draft_index: ``int32[n]`` position of the base in the draft, -1 for an inserted base.
        from_model: ``bool[n]`` True where the model called the base, False where the draft was kept.
    """

    bases: NDArray[np.uint8]
    error_probability: NDArray[np.float32]
    draft_index: NDArray[np.int32]
    from_model: NDArray[np.bool_]


class Corrector(Protocol):
    """A model that corrects drafts.

    Attributes:
        name: what the header and the report call it.
        spec: the encoding it needs, as plain JSON values; two correctors with equal specs take the same shards.
        options: names of the options (``options``) that it understands.
        calibration: quality map fitted with the model, as ``polishing.qualities.Calibration`` reads it, or ``"skip"``.
        encoder: turns a molecule with aligned passes into integers; a function that pickles small (without weights),
            so that worker processes can run it. It raises MoleculeError where the molecule lacks what the model needs.
    """

    name: str
    spec: Mapping[str, Any]
    options: Set[str]
    calibration: str
    encoder: Callable[[Zmw], Features]

    @property
    def batch(self) -> int:
        """Items of one ``forward`` where there are enough; it bounds memory and keeps the device busy."""
        ...

    @property
    def lanes(self) -> int:
        """Batches that ``forward`` takes at a time, each from a thread of its own."""
        ...

    def select(self, features: Features, skip_above: float) -> NDArray[np.bool_]:
        """Which items ``bool[items]`` the network must see; the draft is kept in the others.

        Args:
            features: the encoded molecule.
            skip_above: keep the draft where its mean quality (Phred) is above this; 0 never does.
        """
        ...

    def forward(self, inputs: Arrays) -> NDArray[np.float32]:
        """Probabilities ``float32[items, ...]`` of a batch, on the model's device; of each item for itself."""
        ...

    def call(self, features: Features, selected: NDArray[np.bool_], probabilities: NDArray[np.float32]) -> Calls:
        """Put the called read together from the items that were run and the draft elsewhere.

        Args:
            features: the encoded molecule.
            selected: ``bool[items]``, as ``select`` gave it.
            probabilities: ``float32[selected.sum(), ...]``, in item order.
        """
        ...
