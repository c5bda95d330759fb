"""The spec that every run network carries: the features it reads, in order, with their scales."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from deepconsensus_py.errors import ModelError
from deepconsensus_py.runs.edits import EDITS

VERSION = 1
"""Raised when the meaning of a feature changes."""

LOG_SCALE, TANH_SCALE = 1 / 32, 1 / 127

PASS_FEATURES = {
    "delta": 0.5,
    "one_less": 1.0,
    "one_more": 1.0,
    "fewer": 1.0,
    "more": 1.0,
    "others": 1.0,
    "inserted": 1.0,
    "covered": 1.0,
    "shortest_pulse": LOG_SCALE,
    "mean_pulse": LOG_SCALE,
    "longest_pulse": LOG_SCALE,
    "longest_wait": LOG_SCALE,
    "mean_wait": LOG_SCALE,
    "next_wait": LOG_SCALE,
    "inserted_pulse": LOG_SCALE,
    "inserted_wait": LOG_SCALE,
    "kinetics": 1.0,
    **{f"ratio_{edit}": TANH_SCALE for edit in EDITS[1:]},
    "local_errors": LOG_SCALE,
    "reverse": 1.0,
}
"""Features of a pass at a run, in order, and what the stored integer is to be multiplied by.

``delta``: bases of the run's letter less the draft's, within 3; ``one_less`` .. ``more``: whether it is -1, 1, below
-1, above 1. ``others``: bases of other letters in the run, at most 2; ``inserted``: whether one stands in front of it.
``*_pulse``, ``*_wait``: natural logarithm of 1 + pulse width or inter-pulse duration (codes) of the run's letters, of
the base sequenced next, of the first base inserted; less about its mean, and 0 where unknown. ``ratio_*``: hyperbolic
tangent of half the log-likelihood ratio. ``local_errors``: share of the pass's runs within 12, without this one,
that differ from the draft, times 3."""

RUN_FEATURES = {
    **{
        f"{part}_{scale}_{edit}": TANH_SCALE
        for part in ("forward", "reverse", "both")
        for scale in ("fine", "coarse")
        for edit in EDITS[1:]
    },
    **{f"sum_{edit}": TANH_SCALE for edit in ("-1", "+1")},
    **{f"mean_{edit}": 1 / 16 for edit in ("-1", "-2", "+1", "+2")},
    **dict.fromkeys("ATCG", 1.0),
    "log_length": LOG_SCALE,
    "single": 1.0,
    "quality": 1 / 30,
    "doubt": TANH_SCALE,
    "has_quality": 1.0,
    **{f"{kind}_{strand}": LOG_SCALE for strand in ("forward", "reverse") for kind in ("insertions", "deletions")},
    **{f"passes_{strand}": 1 / 8 for strand in ("forward", "reverse")},
}
"""Features of a run, in order, and what the stored integer is to be multiplied by.

``forward_*``, ``reverse_*``, ``both_*``: log-likelihood ratios summed over the passes of a strand or all, as hyperbolic
tangents of a quarter (fine) and a fifteenth (coarse); ``sum_*``: of an eighth of all; ``mean_*``: of all, by pass.
``A`` .. ``G``: the letter; ``log_length``; ``single``: length 1. ``quality``: lowest draft quality / 30; ``doubt``:
exp(-quality / 8); both 0 where the draft has none. ``insertions_*``, ``deletions_*``: of the molecule, for each 10
draft bases. ``passes_*``: that cover the run, / 8."""


@dataclass(frozen=True, slots=True)
class RunSpec:
    """How a run network wants molecules encoded; plain JSON values throughout.

    Attributes:
        max_passes: passes that become features: those that cover most runs. All of them count in the features of runs.
        pass_features: names, in order; those of ``PASS_FEATURES``.
        run_features: names, in order; those of ``RUN_FEATURES``.
        edits: names of the classes, in order; those of ``EDITS``.
        version: of the features' meaning.
    """

    max_passes: int = 40
    pass_features: tuple[str, ...] = tuple(PASS_FEATURES)
    run_features: tuple[str, ...] = tuple(RUN_FEATURES)
    edits: tuple[str, ...] = EDITS
    version: int = VERSION

    def __post_init__(self) -> None:
        if self.max_passes < 1:
            raise ModelError(
                f"a run spec needs max_passes of at least 1, not {self.max_passes}; use an undamaged model file"
            )
        ours = (tuple(PASS_FEATURES), tuple(RUN_FEATURES), EDITS, VERSION)
        if (self.pass_features, self.run_features, self.edits, self.version) != ours:
            raise ModelError(
                f"the model wants run features of version {self.version} ({len(self.pass_features)} of passes, "
                f"{len(self.run_features)} of runs), this program makes version {VERSION} ({len(PASS_FEATURES)} and "
                f"{len(RUN_FEATURES)}); use the version that wrote the model"
            )

    def to_dict(self) -> dict[str, Any]:
        """The spec as plain JSON values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "RunSpec":
        """The spec of ``to_dict``'s values.

        Raises:
            ModelError: a value is missing, unknown or not what this version makes.
        """
        names = {field.name for field in fields(cls)}
        if set(values) != names:
            raise ModelError(
                f"this run spec has the values {sorted(values)} where this version reads {sorted(names)}; "
                "use the version that wrote it"
            )
        lists: dict[str, Any] = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        return cls(**{**values, **lists})
