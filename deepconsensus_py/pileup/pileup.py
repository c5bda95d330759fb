"""The pileup of a molecule: its passes and its draft in spaced columns."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import GAP, HIGHEST_QUALITY, Draft, N, Pass, Zmw
from deepconsensus_py.pileup.columns import (
    Columns,
    Integers,
    Mask,
    Operations,
    filled_columns,
    joined_operations,
    misfits,
    short_enough,
    space,
    used_bases,
)
from deepconsensus_py.pileup.features import TAGS, FeatureSpec

FORWARD, REVERSE = 1, 2
NO_QUALITY = -1


@dataclass(frozen=True, slots=True, eq=False)
class Trimming:
    """Counts of the long insertions removed from a molecule.

    Attributes:
        operation_bases: bases of all CIGAR operations of all passes, deletions and clips included.
        insertions: insertions removed.
        bases: bases in them.
    """

    operation_bases: int
    insertions: int
    bases: int


@dataclass(frozen=True, slots=True, eq=False)
class Pileup:
    """The spaced matrix of one molecule and its first ``max_passes`` passes.

    An N in a pass becomes a gap without kinetics, as it is uninformative. An N in the draft keeps its code: it must not
    get lost.

    Attributes:
        bases: ``uint8[passes, columns]`` base codes 0..4, 0 in gaps.
        pulse_widths: ``uint8[passes, columns]`` codec V1 codes, 0 in gaps.
        inter_pulse_durations: ``uint8[passes, columns]`` codec V1 codes, 0 in gaps.
        strands: ``uint8[passes]`` 1 for passes of the draft's strand, 2 for the other.
        draft: ``uint8[columns]`` base codes 0..5, 0 in gaps.
        draft_quality: ``int8[columns]`` Phred 0..93, -1 in gaps; 0 throughout for a draft without qualities.
        draft_index: ``int32[columns]`` position in the draft, -1 in gaps.
        snr: ``float32[4]`` of A, C, G, T, from the first pass; zeros if it has none.
        window_widths: ``int32[windows]`` draft bases of each smart window, or None without smart windows.
        trimming: counts of the long insertions removed.
    """

    bases: NDArray[np.uint8]
    pulse_widths: NDArray[np.uint8]
    inter_pulse_durations: NDArray[np.uint8]
    strands: NDArray[np.uint8]
    draft: NDArray[np.uint8]
    draft_quality: NDArray[np.int8]
    draft_index: NDArray[np.int32]
    snr: NDArray[np.float32]
    window_widths: NDArray[np.int32] | None
    trimming: Trimming

    @property
    def num_passes(self) -> int:
        """Passes among the features."""
        return len(self.bases)

    @property
    def columns(self) -> int:
        """Number of columns."""
        return len(self.draft)

    @property
    def draft_columns(self) -> Integers:
        """``int64[draft]`` the column of each draft base."""
        return np.flatnonzero(self.draft_index >= 0)


def build_pileup(zmw: Zmw, spec: FeatureSpec) -> Pileup:
    """Place the aligned passes and the draft of a molecule in common columns.

    Args:
        zmw: the molecule; every pass aligned. All passes make columns, the first ``spec.max_passes`` are features.
        spec: the encoding that the model needs.

    Returns:
        the pileup, DeepConsensus v1.2's spaced matrix.

    Raises:
        MoleculeError: there is no pass, a required field is missing, or an alignment does not fit pass and draft.
    """
    _check_fields(zmw, spec)
    operations = _checked_operations(zmw)
    kept = short_enough(operations, spec.insertion_trim)
    columns = space(operations, kept, len(zmw.draft.bases))
    featured = zmw.passes[: spec.max_passes]
    bases, pulse_widths, inter_pulse_durations = _pass_rows(
        featured, filled_columns(operations, kept, columns, len(featured)), used_bases(operations, kept)
    )
    draft, draft_quality, draft_index = _draft_rows(zmw.draft, columns)
    return Pileup(
        bases=bases,
        pulse_widths=pulse_widths,
        inter_pulse_durations=inter_pulse_durations,
        strands=np.array([REVERSE if p.reverse else FORWARD for p in featured], np.uint8),
        draft=draft,
        draft_quality=draft_quality,
        draft_index=draft_index,
        snr=np.zeros(4, np.float32) if featured[0].snr is None else featured[0].snr,
        window_widths=_window_widths(zmw.draft) if spec.smart_windows else None,
        trimming=Trimming(int(operations.length.sum()), int((~kept).sum()), int(operations.length[~kept].sum())),
    )


def _check_fields(zmw: Zmw, spec: FeatureSpec) -> None:
    """Refuse a molecule that lacks what the model needs."""
    if not len(zmw.draft.bases):
        raise MoleculeError(f"{zmw.name}: the draft is empty; remove it from the drafts file")
    if not zmw.passes:
        raise MoleculeError(f"{zmw.name}: no pass aligns to the draft", outcome="no_aligned_pass")
    featured = zmw.passes[: spec.max_passes]
    for field in spec.required:
        lacking = [p.name for p in featured if getattr(p, field) is None]
        if lacking:
            raise MoleculeError(
                f"{zmw.name}: no '{TAGS[field]}' tag in {len(lacking)} of {len(featured)} subreads "
                f"(first {lacking[0]}); use subreads with kinetics, or a model that does not need them",
                outcome="missing_kinetics",
            )
    if spec.use_draft_qualities and zmw.draft.qualities is None:
        raise MoleculeError(
            f"{zmw.name}: the draft has no base qualities; use drafts with them, or a model that does not need them"
        )


def _checked_operations(zmw: Zmw) -> Operations:
    """The operations of all passes, checked against the passes and the draft."""
    alignments = [p.alignment for p in zmw.passes if p.alignment is not None]
    if len(alignments) < len(zmw.passes):
        raise MoleculeError(f"{zmw.name}: a pass is not aligned; align the subreads first", outcome="no_aligned_pass")
    operations = joined_operations(alignments)
    wrong = misfits(operations, [len(p.bases) for p in zmw.passes], len(zmw.draft.bases))
    if wrong.any():
        raise MoleculeError(
            f"{zmw.passes[int(np.argmax(wrong))].name}: its alignment does not fit the subread and the draft "
            f"{zmw.name} of {len(zmw.draft.bases)} bases; align the subreads to these drafts"
        )
    return operations


def _pass_rows(passes: Sequence[Pass], filled: Mask, used: Mask) -> list[NDArray[np.uint8]]:
    """Bases, pulse widths and inter-pulse durations of the passes, each ``uint8[passes, columns]``."""
    bases = np.concatenate([p.bases for p in passes])
    used, is_known = used[: len(bases)], bases != N
    place = np.flatnonzero(filled)
    rows = []
    for values in (bases, _joined(passes, "pulse_widths"), _joined(passes, "inter_pulse_durations")):
        row = np.zeros(filled.shape, np.uint8)
        # Bases of a pass and the columns it fills are both in order, so that one assignment serves all passes.
        row.ravel()[place] = (values * is_known)[used]
        rows.append(row)
    return rows


def _joined(passes: Sequence[Pass], field: str) -> NDArray[np.uint8]:
    """Concatenated kinetics of all passes; zeros for a pass without them."""
    values = [(getattr(p, field), len(p.bases)) for p in passes]
    return np.concatenate([np.zeros(length, np.uint8) if v is None else v for v, length in values])


def _draft_rows(draft: Draft, columns: Columns) -> tuple[NDArray[np.uint8], NDArray[np.int8], NDArray[np.int32]]:
    """Bases, qualities and positions of the draft, each ``[columns]``."""
    at = columns.of_draft[:-1]
    bases = np.full(columns.count, GAP, np.uint8)
    bases[at] = draft.bases
    quality = np.full(columns.count, NO_QUALITY, np.int8)
    quality[at] = 0 if draft.qualities is None else np.minimum(draft.qualities, HIGHEST_QUALITY)
    index = np.full(columns.count, -1, np.int32)
    index[at] = np.arange(len(draft.bases))
    return bases, quality, index


def _window_widths(draft: Draft) -> NDArray[np.int32]:
    """Draft bases of each smart window, from the tag ``wl``."""
    tag = draft.tag("wl")
    widths = np.asarray(() if tag is None else tag, np.int32)
    if (widths < 1).any() or widths.sum() != len(draft.bases):
        raise MoleculeError(
            f"{draft.name}: its window widths (tag 'wl') do not sum to its {len(draft.bases)} bases; "
            "write them with ccs, or polish without smart windows"
        )
    return widths
