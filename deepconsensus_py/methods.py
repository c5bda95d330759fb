"""The methods of correction, one row each; reading them imports nothing.

A method lives in a room of its own (NumPy: what it encodes, and how reads are called from probabilities); its network,
where it has one, in ``models`` (torch). A new method is a row here and those two.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

DEFAULT = "edits"
"""The model that corrects unless another is asked for: bundled, of the method ``edits``."""

VOTE, PAIR_HMM = "vote", "pairhmm"


@dataclass(frozen=True, slots=True)
class MethodRow:
    """Where the two halves of a method are, as ``module:class``.

    Attributes:
        method: a ``corrector.Method`` with a class method ``of(header, given)``, which makes it of a model file's
            header (empty for methods without files) and of the options that were given, by name. Its class attribute
            ``options`` names those that it understands.
        network: a ``models.network.CorrectionNetwork``, whose weights a model file holds; empty for methods that
            compute their probabilities themselves (``corrector.Computing``), which are models by their own names.
        preload: modules to import where worker processes are forked from, so that each has compiled code loaded.
        summary: one line about a method without a network; networks describe themselves.
    """

    method: str
    network: str = ""
    preload: tuple[str, ...] = ()
    summary: str = ""


METHODS = {
    "edits": MethodRow(
        "deepconsensus_py.edits.method:EditMethod",
        "deepconsensus_py.models.edit_network:EditNetwork",
        preload=("deepconsensus_py.edits.compiled",),
    ),
    "columns": MethodRow(
        "deepconsensus_py.pileup.method:ColumnMethod",
        "deepconsensus_py.models.column_network:ColumnNetwork",
    ),
    PAIR_HMM: MethodRow(
        "deepconsensus_py.edits.pair_hmm:PairHmm",
        preload=("deepconsensus_py.edits.compiled",),
        summary="pair hidden Markov model, error rates from each molecule's own passes; no network",
    ),
    VOTE: MethodRow(
        "deepconsensus_py.pileup.vote:Vote",
        summary="per-column vote of the passes; no network",
    ),
}

WITHOUT_WEIGHTS = {name: row.summary for name, row in METHODS.items() if not row.network}
"""Models without a file, by name, with one line about each."""


def imported(place: str) -> Any:
    """The class that a row names as ``module:class``."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
