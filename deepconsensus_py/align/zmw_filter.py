"""Filters of ZMWs on their subreads and their draft: those of ``ccs``, with its defaults and in its order.

Source: ccs.how, "How does CCS work" (filters of subreads, ZMWs and drafts) and "Parameters".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from deepconsensus_py.errors import MoleculeError

if TYPE_CHECKING:
    from deepconsensus_py.pacbio.molecule import Draft, Pass

SHORTEST, LONGEST = 0.5, 2.0
"""Lengths of passes that a draft is made from, as shares of the median length."""

_SIMILAR = f"full passes of {SHORTEST:.0%} to {LONGEST:.0%} of the median length"

_SHORTCUT_BELOW = 2
"""Full passes below which ``ccs --all`` writes a subread instead of a consensus."""


@dataclass(frozen=True, slots=True)
class ZmwFilter:
    """Which ZMWs are polished, and with which of their passes. A ZMW ends in the first test that it fails.

    Attributes:
        min_snr: smallest signal-to-noise ratio of the four bases (tag ``sn``); ZMWs without the tag pass.
        top_passes: most full passes that are used, those nearest to the median length; 0 uses all.
        min_passes: fewest full passes of 50 to 200 % of the median length.
        min_length: fewest bases of the draft.
        max_length: most bases of the draft; 0 is no limit.
        min_tandem_repeat_length: bases from which a tandem repeat marks its ZMW; no test.
        keep_all: every ZMW shall be written (``polish --all``): those of fewer than two full passes end as
            ``low_pass_shortcut``, and ``min_passes`` and ``max_length`` do not apply.
    """

    min_snr: float = 2.5
    top_passes: int = 60
    min_passes: int = 3
    min_length: int = 10
    max_length: int = 50_000
    min_tandem_repeat_length: int = 1000
    keep_all: bool = False

    def used_passes(self, name: str, passes: "Sequence[Pass]") -> "tuple[Pass, ...]":
        """The passes that are used, in the order given.

        Args:
            name: of the ZMW's draft, for messages.
            passes: all passes of the ZMW.

        Raises:
            MoleculeError: the ZMW fails a test (``no_subreads``, ``poor_snr``, ``no_usable_pass``, ``too_few_passes``,
                ``low_pass_shortcut``).
        """
        if not passes:
            raise MoleculeError(f"{name}: no subreads found", outcome="no_subreads")
        self._require_signal(name, passes)
        length = median_length(passes)
        usable = [p for p in passes if is_usable(p, length)]
        if not usable:
            raise MoleculeError(f"{name}: its {len(passes)} subreads have no bases", outcome="no_usable_pass")
        self._require_full(
            name, usable, len(passes), f"full passes of {SHORTEST:.0%} to {LONGEST:.0%} of the median length"
        )
        return self._top(passes, length)

    def _require_signal(self, name: str, passes: "Sequence[Pass]") -> None:
        weakest = [float(min(p.snr)) for p in passes if p.snr is not None]
        if weakest and max(weakest) < self.min_snr:
            raise MoleculeError(
                f"{name}: signal-to-noise ratio {max(weakest):.2f} (tag sn) is below {self.min_snr:g}",
                outcome="poor_snr",
            )

    def _top(self, passes: "Sequence[Pass]", length: float) -> "tuple[Pass, ...]":
        """All passes without the full ones that are furthest from the median length."""
        full = [number for number, p in enumerate(passes) if p.is_full]
        if not self.top_passes or len(full) <= self.top_passes:
            return tuple(passes)
        full.sort(key=lambda number: abs(len(passes[number].bases) - length))
        dropped = set(full[self.top_passes :])
        return tuple(p for number, p in enumerate(passes) if number not in dropped)

    def require_consensus(self, draft: "Draft") -> None:
        """Refuse what ``ccs --all`` writes for ZMWs of few passes: a subread or unpolished draft, not a consensus.

        Raises:
            MoleculeError: the draft's ``rq`` is below 0, or its ``np`` below the fewest passes.
        """
        accuracy, full = draft.tag("rq"), draft.tag("np")
        if isinstance(accuracy, float) and accuracy < 0:
            raise self._too_few(f"{draft.name}: the CCS read is not a consensus (tag rq is {accuracy:g})")
        if isinstance(full, int) and full < self._fewest:
            raise self._too_few(
                f"{draft.name}: the CCS read has {full} full passes (tag np), at least {self._fewest} needed"
            )

    def require_length(self, draft: "Draft") -> None:
        """Refuse a draft that is too short or too long.

        Raises:
            MoleculeError: ``draft_too_short`` or ``draft_too_long``.
        """
        length = len(draft.bases)
        if length < self.min_length:
            reason = f"{draft.name}: its draft has {length} bases, at least {self.min_length} needed"
            raise MoleculeError(reason, outcome="draft_too_short")
        if length > self.max_length > 0 and not self.keep_all:
            reason = f"{draft.name}: its draft has {length} bases, at most {self.max_length} accepted"
            raise MoleculeError(reason, outcome="draft_too_long")

    def require_aligned(self, name: str, aligned: "Sequence[Pass]", total: int) -> None:
        """Refuse a ZMW of which too few passes align to the draft.

        Raises:
            MoleculeError: ``no_aligned_pass`` or ``too_few_aligned_passes``.
        """
        if not aligned:
            reason = f"{name}: none of its {total} subreads aligns to the draft"
            raise MoleculeError(reason, outcome="no_aligned_pass")
        self._require_full(name, aligned, total, "full passes that align", "too_few_aligned_passes")

    @property
    def _fewest(self) -> int:
        return _SHORTCUT_BELOW if self.keep_all else self.min_passes

    def _require_full(
        self, name: str, passes: "Sequence[Pass]", total: int, which: str, outcome: str | None = None
    ) -> None:
        full = sum(p.is_full for p in passes)
        if full < self._fewest:
            raise self._too_few(
                f"{name}: {full} of {total} subreads are {which}, at least {self._fewest} needed", outcome
            )

    def _too_few(self, reason: str, outcome: str | None = None) -> MoleculeError:
        return MoleculeError(reason, outcome=outcome or ("low_pass_shortcut" if self.keep_all else "too_few_passes"))


def median_length(passes: "Sequence[Pass]") -> float:
    """The median length of the full passes, or of all where none is full, in bases."""
    return median([len(p.bases) for p in passes if p.is_full] or [len(p.bases) for p in passes])


def is_usable(p: "Pass", length: float) -> bool:
    """Whether a pass is of 50 to 200 % of the median length, ``length``."""
    return SHORTEST * length <= len(p.bases) <= LONGEST * length and len(p.bases) > 0
