"""The encoder of run networks; without torch, which worker processes would each have to load."""

import numpy as np

from deepconsensus_py.corrector import Features
from deepconsensus_py.edits.calls import layout_of
from deepconsensus_py.edits.candidates import SHARE
from deepconsensus_py.edits.compact import run_evidence
from deepconsensus_py.edits.refine import refine
from deepconsensus_py.edits.tokens import run_tokens, undecided_runs
from deepconsensus_py.pacbio.molecule import Zmw


def encode_runs(zmw: Zmw, *, triage: bool = True) -> Features:
    """Refine a draft and say what each pass knows of the runs that are undecided.

    Args:
        zmw: molecule with aligned passes.
        triage: whether the network is spared the runs that hardly any pass speaks against (``edits.candidates``,
            ``run_tokens.CANDIDATE``).

    Returns:
        Features whose items are the undecided runs of the refined draft, or all that passes cover. Inputs:
        ``run_tokens.run_tokens``. Layout: ``run_calls.layout_of``, and ``undecided`` ``int64[items]`` their numbers.

    Raises:
        MoleculeError: an alignment does not fit.
    """
    refined = refine(zmw, share=SHARE if triage else 0)
    evidence = run_evidence(refined)
    undecided = undecided_runs(evidence) if triage else np.flatnonzero(evidence.covered.any(axis=0))
    return Features(run_tokens(evidence, undecided), {**layout_of(zmw, refined), "undecided": undecided})
