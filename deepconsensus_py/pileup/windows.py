"""Windows: fixed-width slices of a pileup, as the small integers that a column model reads."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import GAP, N
from deepconsensus_py.pileup.columns import Integers
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.pileup.pileup import NO_QUALITY, Pileup

_Integer = TypeVar("_Integer", bound=np.integer)


@dataclass(frozen=True, slots=True, eq=False)
class WindowBounds:
    """Positions of the windows of one molecule that contain draft bases.

    They cover every draft base once, in order: ``draft_start[0]`` is 0, each ``draft_start`` is the ``draft_stop``
    before it, and the last ``draft_stop`` is the length of the draft.

    Attributes:
        start: ``int64[n]`` first column.
        stop: ``int64[n]`` one past the last column.
        draft_start: ``int64[n]`` position of the first draft base (the original's ``window_pos``).
        draft_stop: ``int64[n]`` one past the position of the last draft base.
        overflow: ``bool[n]`` the window has more columns than the model reads; it is not cut and keeps the draft.
        empty: number of windows dropped for lack of draft bases.
    """

    start: Integers
    stop: Integers
    draft_start: Integers
    draft_stop: Integers
    overflow: NDArray[np.bool_]
    empty: int

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """The windows of one molecule that the model can read, one for each ``~bounds.overflow``, in order.

    Rows of absent passes and columns past the end of a window are gaps. The draft has codes 0..4 here: its N is a gap.

    Attributes:
        bases: ``uint8[n, max_passes, width]`` base codes 0..4.
        pulse_widths: ``uint8[n, max_passes, width]`` codec V1 codes.
        inter_pulse_durations: ``uint8[n, max_passes, width]`` codec V1 codes.
        strands: ``uint8[n, max_passes]`` 0 absent, 1 forward, 2 reverse.
        draft: ``uint8[n, width]`` base codes 0..4.
        draft_quality: ``int8[n, width]`` Phred, -1 in gaps.
        draft_index: ``int32[n, width]`` position in the draft, -1 in gaps.
        snr: ``float32[n, 4]`` of A, C, G, T.
        position: ``int32[n]`` position of the first draft base.
        num_passes: ``int32[n]`` rows with a pass.
    """

    bases: NDArray[np.uint8]
    pulse_widths: NDArray[np.uint8]
    inter_pulse_durations: NDArray[np.uint8]
    strands: NDArray[np.uint8]
    draft: NDArray[np.uint8]
    draft_quality: NDArray[np.int8]
    draft_index: NDArray[np.int32]
    snr: NDArray[np.float32]
    position: NDArray[np.int32]
    num_passes: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.bases)


def window_bounds(pileup: Pileup, spec: FeatureSpec) -> WindowBounds:
    """Divide a pileup into windows: every ``spec.width`` columns, or smart windows from the draft's ``wl`` tag.

    Args:
        pileup: built with the same spec.
        spec: width and kind of windows.

    Returns:
        the windows in order. Fixed windows never overflow; the last is truncated at the end of the pileup. A smart
        window ends with its last draft base, so that gaps between two windows belong to the second.
    """
    at = pileup.draft_columns
    if pileup.window_widths is None:
        start = np.arange(0, at[-1] + 1, spec.width)
        stop = np.minimum(start + spec.width, pileup.columns)
    else:
        stop = at[np.cumsum(pileup.window_widths) - 1] + 1
        start = np.concatenate([[0], stop[:-1]])
    draft_start, draft_stop = np.searchsorted(at, start), np.searchsorted(at, stop)
    # Inside a long insertion a fixed window may hold no draft base; DeepConsensus drops it as well.
    filled = draft_stop > draft_start
    return WindowBounds(
        start=start[filled],
        stop=stop[filled],
        draft_start=draft_start[filled],
        draft_stop=draft_stop[filled],
        overflow=(stop - start > spec.width)[filled],
        empty=int((~filled).sum()),
    )


def cut_windows(pileup: Pileup, bounds: WindowBounds, spec: FeatureSpec) -> Windows:
    """Cut the windows that do not overflow.

    Args:
        pileup: the molecule.
        bounds: of its windows.
        spec: width and number of passes.
    """
    fits = ~bounds.overflow
    start, stop = bounds.start[fits], bounds.stop[fits]
    column = _index(start, stop, spec.width, pileup.columns)
    absent = spec.max_passes - pileup.num_passes
    draft = _cut(pileup.draft, column, GAP)
    draft[draft == N] = GAP
    return Windows(
        bases=_cut_passes(pileup.bases, column, absent),
        pulse_widths=_cut_passes(pileup.pulse_widths, column, absent),
        inter_pulse_durations=_cut_passes(pileup.inter_pulse_durations, column, absent),
        strands=np.tile(np.pad(pileup.strands, (0, absent)), (len(start), 1)),
        draft=draft,
        draft_quality=_cut(pileup.draft_quality, column, NO_QUALITY),
        draft_index=_cut(pileup.draft_index, column, -1),
        snr=np.tile(pileup.snr, (len(start), 1)),
        position=bounds.draft_start[fits].astype(np.int32),
        num_passes=np.full(len(start), pileup.num_passes, np.int32),
    )


def cut_slices(values: NDArray[_Integer], start: Integers, stop: Integers, width: int, fill: int) -> NDArray[_Integer]:
    """Slices of a row, right-padded or truncated to one width.

    Args:
        values: ``[columns]``.
        start: ``int64[n]`` first column of each slice.
        stop: ``int64[n]`` one past the last column of each slice.
        width: columns of each slice.
        fill: value past the end of a slice.

    Returns:
        ``[n, width]``, of the type of ``values``.
    """
    return _cut(values, _index(start, stop, width, len(values)), fill)


def _index(start: Integers, stop: Integers, width: int, beyond: int) -> Integers:
    """Columns of fixed-width slices ``int64[n, width]``, with ``beyond`` past the end of each."""
    index = start[:, None] + np.arange(width)
    index[index >= stop[:, None]] = beyond
    return index


def _cut(values: NDArray[_Integer], column: Integers, fill: int) -> NDArray[_Integer]:
    """The windows of one row: ``[n, width]``."""
    return np.append(values, values.dtype.type(fill))[column]


def _cut_passes(values: NDArray[np.uint8], column: Integers, absent: int) -> NDArray[np.uint8]:
    """The windows of all passes, with gaps in the rows of absent ones: ``uint8[n, max_passes, width]``."""
    rows = np.pad(values, ((0, absent), (0, 1)))
    return np.ascontiguousarray(rows[:, column].swapaxes(0, 1))


def mean_draft_qualities(pileup: Pileup, bounds: WindowBounds) -> NDArray[np.float64]:
    """Phred quality ``float64[n]`` of the mean error probability of each window's draft bases.

    DeepConsensus's ``avg_ccs_bq``, by which it skips windows; 0 if all qualities are 0.
    """
    quality = pileup.draft_quality[pileup.draft_columns].astype(np.float64)
    count = bounds.draft_stop - bounds.draft_start
    error = np.add.reduceat(10 ** (-quality / 10), bounds.draft_start) / count
    return np.where(error < 1, -10 * np.log10(error), 0.0)
