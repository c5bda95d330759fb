"""Weights of edit networks of encoding version 3, for the present network.

That version had no class for edits that passes propose, and no kinetics. Their inputs get weights of 0, so that the
network computes what it did; the new class is scored by the hidden Markov model alone.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from deepconsensus_py.edits.classes import EDITED
from deepconsensus_py.edits.tokens import HOMOPOLYMER_PARTS, KINETICS, NEIGHBOURS

_SLOPE, _OFFSET = 0.8, -3.0
"""Of the evidence of proposed edits, as in ``edits/pair_hmm.json``."""

_NEIGHBOURS = 3 * len(NEIGHBOURS)


def upgraded_weights(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights for the present inputs and classes.

    Args:
        state: tensors of version 3 by name.
    """
    upgraded = dict(state)
    for name, new in (("embed_pass.weight", _new_of_passes()), ("embed_run.weight", _new_of_homopolymers())):
        if name in state and state[name].shape[1] == int((~new).sum()):
            widened = state[name].new_zeros(len(state[name]), len(new))
            widened[:, ~new] = state[name]
            upgraded[name] = widened
    for name, value in (("out.bias", 0.0), ("slope", _SLOPE), ("offset", _OFFSET)):
        if name in state:
            upgraded[name] = F.pad(state[name], (0, 1), value=value)
    if "out.weight" in state:
        upgraded["out.weight"] = F.pad(state["out.weight"], (0, 0, 0, 1))
    return upgraded


def _new(*sizes: int) -> Tensor:
    """Which channels are new: the last of each group of ``EDITED``, none of groups of other sizes."""
    groups = [torch.zeros(size, dtype=torch.bool) for size in sizes]
    for group in groups:
        if len(group) == EDITED:
            group[-1] = True
    return torch.cat(groups)


def _new_of_passes() -> Tensor:
    """Ratios of the pass and of its neighbours, its own again, disagreement, strand, kinetics."""
    kinetics = torch.ones(KINETICS.stop - KINETICS.start, dtype=torch.bool)
    return torch.cat([_new(EDITED, _NEIGHBOURS, EDITED, 2), kinetics])


def _new_of_homopolymers() -> Tensor:
    """Evidence of all passes and by strand at two scales, then once more per pass among the rest."""
    own = (EDITED, EDITED, EDITED, HOMOPOLYMER_PARTS["tandem_repeats"])
    letters = 4 * HOMOPOLYMER_PARTS["letters"]
    rest = sum(HOMOPOLYMER_PARTS[name] for name in ("lengths", "depth", "rates"))
    return _new(*own, *own, HOMOPOLYMER_PARTS["around"], EDITED, letters, rest)
