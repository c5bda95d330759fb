"""The interface of all models that correct drafts; the engine uses nothing else of them.

A ``Method`` encodes molecules (in worker processes), selects the items that go through the network, and calls reads; a
``Network`` computes their probabilities on its device. ``deepconsensus_py.methods`` has a row for each.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import HIGHEST_QUALITY, Draft, Zmw

Arrays = Mapping[str, NDArray[Any]]

PASS_BIN = 4
"""Items share a batch only if their numbers of passes (the second axis) fall in the same bin of this width. Sums over
differently padded axes round differently, and a result must not depend on the rest of the batch."""

UNKNOWN_DRAFT_QUALITY = 20
"""Phred of kept bases of a draft with neither qualities nor ``rq``: the least that counts as HiFi."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """An encoded molecule, as stored in feature shards.

    Attributes:
        inputs: for ``forward``: integer arrays whose first axis is the item (a window, for the column method), so that
            items of many molecules are concatenated into one batch. Their second axis (passes) may differ between
            molecules; it is padded to the longest of the batch with zeros, which must mean absent (see ``PASS_BIN``).
        layout: for ``select`` and ``call``: draft bases and qualities, positions of items.
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
        from_model: ``bool[n]`` whether the model called the base or the draft was kept.
    """

    bases: NDArray[np.uint8]
    error_probability: NDArray[np.float32]
    draft_index: NDArray[np.int32]
    from_model: NDArray[np.bool_]


class Method(Protocol):
    """A way to correct drafts, except for the network. NumPy only, and small to pickle: worker processes run it.

    Attributes:
        name: the model's name in headers and reports.
        spec: the encoding it needs, as plain JSON values; two methods with equal specs take the same feature shards.
        options: names of the options (``deepconsensus_py.options``) that it supports.
        calibration: quality map fitted with the model, as ``polishing.qualities.Calibration`` reads it, or ``"skip"``.
    """

    name: str
    spec: Mapping[str, Any]
    options: Set[str]
    calibration: str

    def encode(self, zmw: Zmw) -> Features:
        """Encode a ZMW with aligned passes as integers.

        Raises:
            MoleculeError: the ZMW lacks what the model needs.
        """
        ...

    def select(self, features: Features, skip_above: float) -> NDArray[np.bool_]:
        """Which items ``bool[items]`` go through the network; the others keep the draft.

        Args:
            features: the encoded molecule.
            skip_above: keep the draft where its mean quality (Phred) is above this; 0 disables.
        """
        ...

    def call(self, features: Features, selected: NDArray[np.bool_], probabilities: NDArray[np.float32]) -> Calls:
        """Assemble the read from the selected items and the draft elsewhere.

        Args:
            features: the encoded molecule.
            selected: ``bool[items]`` from ``select``.
            probabilities: ``float32[selected.sum(), ...]``, in item order.
        """
        ...


class Network(Protocol):
    """Computes probabilities of encoded items on its device."""

    @property
    def batch(self) -> int:
        """Items of a full batch: bounds memory and keeps the device busy."""
        ...

    @property
    def streams(self) -> int:
        """Number of threads that may call ``forward`` at once."""
        ...

    def forward(self, inputs: Arrays) -> NDArray[np.float32]:
        """Probabilities ``float32[items, ...]`` of a batch; those of an item depend on that item alone."""
        ...


class Computing(Method, Network, Protocol):
    """A method that needs no network: it computes its probabilities in NumPy."""


@dataclass(frozen=True, slots=True, eq=False)
class Corrector:
    """A model that corrects drafts.

    Attributes:
        method: encodes molecules and calls reads.
        network: computes probabilities.
    """

    method: Method
    network: Network

    @classmethod
    def of(cls, method: Computing) -> "Corrector":
        """A method that needs no network."""
        return cls(method, method)


def kept_qualities(draft: Draft) -> NDArray[np.uint8]:
    """Qualities ``uint8[n]`` of bases where the draft is kept."""
    if draft.qualities is not None:
        return np.minimum(draft.qualities, np.uint8(HIGHEST_QUALITY))
    accuracy = draft.tag("rq")
    quality = float(UNKNOWN_DRAFT_QUALITY)
    # ccs writes rq -1 where it has no estimate.
    if accuracy is not None and 0 <= accuracy <= 1:
        quality = -10 * np.log10(max(1 - accuracy, 10 ** (-HIGHEST_QUALITY / 10)))
    return np.full(len(draft.bases), np.rint(quality), np.uint8)
