"""The correction methods, one row each; importing this module imports no method.

A method has a room of its own (NumPy: encoding, and calling reads from probabilities); its network, if any, is in
``models`` (torch). A new method is a row here and those two.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

DEFAULT = "edits"
"""The default model: bundled, of the method ``edits``."""

VOTE, PAIR_HMM = "vote", "pairhmm"


@dataclass(frozen=True, slots=True)
class MethodRow:
    """The two halves of a method, as ``module:class``.

    Attributes:
        method: a ``corrector.Method`` with a class method ``of(header, given)``, which builds it from a model file's
            header (empty for methods without files) and the options given, by name. Its class attribute ``options``
            names those that it supports.
        network: a ``models.network.CorrectionNetwork``, with weights in model files; empty for methods without a
            network (``corrector.Computing``), which are models themselves.
        inference: a ``corrector.Network`` that computes networks on a CPU without torch: those that its ``supports``
            accepts, from weights of its ``shapes``; empty if torch computes all.
        blank: a function that gives the inputs of one item without evidence, for ``inference``: computing it loads the
            compiled code.
        preload: modules to import before worker processes are forked, so that compiled code is loaded once.
        summary: one line about a method without a network.
    """

    method: str
    network: str = ""
    inference: str = ""
    blank: str = ""
    preload: tuple[str, ...] = ()
    summary: str = ""


METHODS = {
    "edits": MethodRow(
        "deepconsensus_py.edits.method:EditMethod",
        "deepconsensus_py.models.edit_ensemble:EditEnsemble",
        "deepconsensus_py.edits.inference:EditInference",
        "deepconsensus_py.edits.inference:blank_item",
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
    """The class or function that a row names as ``module:class``."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
