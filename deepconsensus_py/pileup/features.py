"""The feature spec that every column model carries, and the rows of its input tensor.

The tensor is DeepConsensus v1.2's: ``(windows, rows, width)`` with one row per pass for bases, pulse widths,
inter-pulse durations and strand, then the draft, its qualities if the model reads them, and four rows of SNR.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from deepconsensus_py.errors import ModelError

PASS_FEATURES = ("bases", "pulse_widths", "inter_pulse_durations", "strands")
"""Features with one row per pass, in the tensor's order."""

TAGS = {"pulse_widths": "pw", "inter_pulse_durations": "ip", "snr": "sn"}
"""What a spec may require of every pass, and the BAM tags that hold it."""


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """The encoding that a model needs; plain JSON values throughout.

    Attributes:
        max_passes: passes that become features; all passes make columns.
        width: columns of a window.
        insertion_trim: longest insertion kept, bp; longer ones are removed entirely; 0 keeps all.
        smart_windows: take windows from the draft's ``wl`` tag instead of every ``width`` columns.
        use_draft_qualities: the tensor has a row of draft qualities, which the draft must then have.
        required: fields that every pass among the features must have; others default to zeros.
        pulse_width_max: clip of pulse widths, codec V1 codes.
        inter_pulse_duration_max: clip of inter-pulse durations, codec V1 codes.
        snr_max: clip of signal-to-noise ratios.
    """

    max_passes: int = 20
    width: int = 100
    insertion_trim: int = 5
    smart_windows: bool = False
    use_draft_qualities: bool = False
    required: tuple[str, ...] = tuple(TAGS)
    pulse_width_max: int = 255
    inter_pulse_duration_max: int = 255
    snr_max: float = 500.0

    def __post_init__(self) -> None:
        if self.max_passes < 1 or self.width < 1 or self.insertion_trim < 0:
            raise ModelError(
                f"a feature spec needs max_passes and width of at least 1 and no negative insertion_trim, not "
                f"{self.max_passes}, {self.width} and {self.insertion_trim}; use an undamaged model file"
            )
        if unknown := set(self.required) - set(TAGS):
            raise ModelError(f"a feature spec cannot require {sorted(unknown)}, only some of {sorted(TAGS)}")

    def to_dict(self) -> dict[str, Any]:
        """The spec as plain JSON values."""
        return {**asdict(self), "required": list(self.required)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "FeatureSpec":
        """The spec of ``to_dict``'s values.

        Raises:
            ModelError: a value is missing, unknown or impossible.
        """
        names = {field.name for field in fields(cls)}
        if set(values) != names:
            raise ModelError(
                f"this feature spec has the values {sorted(values)} where this version reads {sorted(names)}; "
                "use the version that wrote it"
            )
        return cls(**{**values, "required": tuple(values["required"])})


def row_slices(spec: FeatureSpec) -> dict[str, slice]:
    """Which rows of the tensor hold which feature, in order.

    Returns:
        slices by feature name: ``PASS_FEATURES``, ``draft``, ``draft_quality`` where the spec uses it, ``snr``.
    """
    counts = dict.fromkeys(PASS_FEATURES, spec.max_passes) | {"draft": 1}
    if spec.use_draft_qualities:
        counts["draft_quality"] = 1
    counts["snr"] = 4
    stops = np.cumsum(list(counts.values())).tolist()
    return {name: slice(stop - count, stop) for (name, count), stop in zip(counts.items(), stops, strict=True)}


def row_count(spec: FeatureSpec) -> int:
    """Rows of the tensor: 85, or 86 with draft qualities, for 20 passes."""
    return int(row_slices(spec)["snr"].stop)
