"""A molecule between its two halves: encoded (on any machine), and not yet corrected."""

from dataclasses import dataclass

from deepconsensus_py.models.interface import Features
from deepconsensus_py.pacbio.molecule import Draft


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """What the encoding stage yields for every molecule, whether it streams on to the model or into a shard.

    Attributes:
        draft: the draft, with what the polished read takes over from it.
        features: the corrector's input, or None where the molecule could not be encoded.
        outcome: the molecule's row in the report where ``features`` is None, e.g. ``"missing_kinetics"``; else empty.
        reason: one sentence that says why ``features`` is None; else empty.
        passes: number of aligned passes that the molecule was encoded from.
        full_passes: how many of them are full ones.
    """

    draft: Draft
    features: Features | None
    outcome: str = ""
    reason: str = ""
    passes: int = 0
    full_passes: int = 0
