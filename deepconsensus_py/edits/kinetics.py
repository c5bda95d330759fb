"""Kinetics of the passes at a homopolymer: how long the polymerase took for its bases and for those next to it.

Pulses that merged or were split, and pulses too short to be called, leave a trace in the durations around the error.
All durations are relative to the mean of the pass, as polymerases differ in speed, and ordered as the polymerase read
them, whatever the strand of the draft.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.edits.aligned_pass import AlignedPass
from deepconsensus_py.edits.repeats import Homopolymers
from deepconsensus_py.kernels import kernel
from deepconsensus_py.pacbio.codec import FRAMES_OF_CODE

KINETIC_STEP = 1 / 16
"""Resolution of stored logarithms of relative durations, nats."""

REACH = 5
"""Bases of the pass on either side of the homopolymer that are described."""

KINETIC_FLAGS = 2
"""Whether pulse widths are described, and whether inter-pulse durations are: the first fields."""

_SUMMARY = 3
_FIELDS_OF_KIND = _SUMMARY + 2 * REACH

KINETIC_FIELDS = KINETIC_FLAGS + 2 * _FIELDS_OF_KIND
"""The flags; mean, least and greatest pulse width of the homopolymer's bases; pulse widths of the bases before it and
of those after it; first, last and mean inter-pulse duration; inter-pulse durations of the bases before and after."""

_PULSE_WIDTHS, _INTER_PULSE_DURATIONS = range(2)

_FINE = 1 << 8
"""Parts of a step in sums, which are of whole numbers: the same whatever the order."""

_LOGS = np.rint(np.log1p(FRAMES_OF_CODE.astype(np.float64)) * (_FINE / KINETIC_STEP)).astype(np.int64)
"""Logarithm of one more than the frames of each codec V1 code."""

_MOST = np.iinfo(np.int8).max

Codes = NDArray[np.uint8]
Integers = NDArray[np.int32]
Fields = NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class Kinetics:
    """The kinetics of passes, to look up by homopolymer.

    Attributes:
        homopolymers: of the draft.
        passes: aligned to it.
    """

    homopolymers: Homopolymers
    passes: tuple[AlignedPass, ...]

    def fields(self, chosen: NDArray[np.int64], most: int) -> Fields:
        """Describe the kinetics of passes at some homopolymers.

        The bases of a pass at a homopolymer are those between the bases paired with the nearest draft bases on either
        side, whatever their letters.

        Args:
            chosen: ``int64[n]`` indices of homopolymers.
            most: number of passes to describe, the first.

        Returns:
            ``int8[n, passes, KINETIC_FIELDS]``: flags, and logarithms of durations relative to their geometric mean in
            the pass, in steps of ``KINETIC_STEP``. All 0 where the pass has no kinetics or does not span the
            homopolymer; 0 beyond the ends of the pass, and in place of the homopolymer's where the pass lacks it.
        """
        passes = self.passes[:most]
        start, stop = self.homopolymers.start[chosen], self.homopolymers.stop[chosen]
        fields = np.zeros((len(passes), len(chosen), KINETIC_FIELDS), np.int8)
        for p, described in zip(passes, fields, strict=True):
            widths, durations = p.source.pulse_widths, p.source.inter_pulse_durations
            if widths is None and durations is None:
                continue
            around = _around(p.pairs, start - np.int32(p.start), stop - np.int32(p.start))
            for kind, codes in ((_PULSE_WIDTHS, widths), (_INTER_PULSE_DURATIONS, durations)):
                if codes is not None:
                    # A copy: kernels are compiled again for arrays of another layout, or that are read-only.
                    in_time = np.array(codes[::-1] if p.reverse else codes, order="C")
                    _describe(described, kind, in_time, around, p.reverse)
        return fields.swapaxes(0, 1)


@kernel
def _around(pairs: Integers, start: Integers, stop: Integers) -> Integers:
    """Positions ``int32[n, 2]`` in the pass of the paired bases around stretches of the draft bases that it covers.

    Both are -1 if there is none on one side.
    """
    around = np.full((len(start), 2), -1, np.int32)
    for k in range(len(start)):
        before, after = start[k] - 1, stop[k]
        while 0 <= before < len(pairs) and pairs[before] < 0:
            before -= 1
        while 0 <= after < len(pairs) and pairs[after] < 0:
            after += 1
        if before >= 0 and 0 <= after < len(pairs):
            around[k, 0], around[k, 1] = pairs[before], pairs[after]
    return around


@kernel
def _describe(fields: Fields, kind: int, codes: Codes, around: Integers, reverse: bool) -> None:
    """Fill the fields ``int8[n, KINETIC_FIELDS]`` of one kind from codes in the order of sequencing."""
    mean = _mean(codes)
    column = KINETIC_FLAGS + kind * _FIELDS_OF_KIND
    for k in range(len(fields)):
        before, after = around[k]
        if before < 0:
            continue
        if reverse:
            before, after = len(codes) - 1 - after, len(codes) - 1 - before
        fields[k, kind] = 1
        if after - before > 1:
            _summarise(fields[k, column:], kind, codes[before + 1 : after], mean)
        for i in range(REACH):
            earlier, later = before - (REACH - 1 - i), after + i
            if earlier >= 0:
                fields[k, column + _SUMMARY + i] = _steps(_LOGS[codes[earlier]] - mean)
            if later < len(codes):
                fields[k, column + _SUMMARY + REACH + i] = _steps(_LOGS[codes[later]] - mean)


@kernel
def _mean(codes: Codes) -> int:
    total = 0
    for code in codes:
        total += _LOGS[code]
    return total // max(len(codes), 1)


@kernel(inline="always")
def _summarise(fields: Fields, kind: int, own: Codes, mean: int) -> None:
    centre = _steps(_mean(own) - mean)
    if kind == _PULSE_WIDTHS:
        # Logarithms rise with codes.
        fields[0] = centre
        fields[1], fields[2] = _steps(_LOGS[own.min()] - mean), _steps(_LOGS[own.max()] - mean)
    else:
        fields[0], fields[1] = _steps(_LOGS[own[0]] - mean), _steps(_LOGS[own[-1]] - mean)
        fields[2] = centre


@kernel(inline="always")
def _steps(difference: int) -> int:
    """The nearest number of steps that an ``int8`` holds."""
    return min(max((difference + _FINE // 2) // _FINE, -_MOST), _MOST)
