"""Items without evidence: networks compute one to load their compiled code before the first molecule is there."""

import numpy as np

from deepconsensus_py.corrector import Arrays
from deepconsensus_py.edits.tokens import HOMOPOLYMER_FIELDS, PASS_FIELDS


def blank_edits() -> Arrays:
    """Inputs of one homopolymer with one pass, as ``edits.tokens.homopolymer_tokens`` makes them."""
    return {"passes": np.zeros((1, 1, PASS_FIELDS), np.int8), "run": np.zeros((1, HOMOPOLYMER_FIELDS), np.int16)}
