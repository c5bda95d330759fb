"""A molecule as it goes through the engine: encoded, then polished or with the reason why there is no read."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.corrector import Features
from deepconsensus_py.pacbio.molecule import Draft
from deepconsensus_py.polishing.outcomes import Outcome


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


@dataclass(frozen=True, slots=True, eq=False)
class PolishedRead:
    """What became of one molecule; the reads of a run come in the order of their drafts.

    Attributes:
        draft: the draft that was corrected.
        outcome: ``Outcome.SUCCESS`` where the read passed all filters; every molecule has exactly one outcome.
        reason: one sentence where the molecule could not be processed, else empty.
        bases: ``uint8[n]`` base codes without gaps; empty where nothing was called.
        qualities: ``uint8[n]`` Phred.
        draft_index: ``int32[n]`` position in the draft, -1 for an inserted base.
        passes: aligned passes that the read was made from.
        windows: items that the corrector divided the molecule into.
        corrected: items that the model was run on; the draft was kept in the others.
    """

    draft: Draft
    outcome: Outcome
    reason: str = ""
    bases: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    qualities: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    draft_index: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    passes: int = 0
    windows: int = 0
    corrected: int = 0

    @property
    def name(self) -> str:
        """The draft's name, which is the polished read's too."""
        return self.draft.name

    @property
    def passed(self) -> bool:
        """Whether the read was polished and passed all filters."""
        return self.outcome is Outcome.SUCCESS
