"""The encoder of run networks; without torch, which worker processes would each have to load."""

from deepconsensus_py.hmm.consensus import refine
from deepconsensus_py.models.interface import Features
from deepconsensus_py.models.run_calls import layout_of
from deepconsensus_py.models.run_evidence import run_evidence
from deepconsensus_py.models.run_tokens import run_tokens, undecided_runs
from deepconsensus_py.pacbio.molecule import Zmw


def encode_runs(zmw: Zmw) -> Features:
    """Refine a draft and say what each pass knows of the runs that are undecided.

    Args:
        zmw: molecule with aligned passes.

    Returns:
        Features whose items are the undecided runs of the refined draft. Inputs: ``run_tokens.run_tokens``. Layout:
        ``run_calls.layout_of``, and ``undecided`` ``int64[items]`` the numbers of the runs.

    Raises:
        MoleculeError: an alignment does not fit.
    """
    refined = refine(zmw)
    evidence = run_evidence(refined)
    undecided = undecided_runs(evidence)
    return Features(run_tokens(evidence, undecided), {**layout_of(zmw, refined), "undecided": undecided})
