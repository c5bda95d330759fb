"""Options that only some models support; an option without effect is refused."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

from deepconsensus_py.errors import ModelError

AUTO, FP32, BF16 = PRECISIONS = ("auto", "fp32", "bf16")
"""Numeric precisions of networks (see ``models.device``)."""

_, ON, OFF = KINETICS = (AUTO, "on", "off")
"""Which polished reads get kinetics: those whose CCS reads have them, all, or none."""

UNBINNED, _ = QV_BINS = ("none", "pacbio")
"""Base qualities as they are, or in the bins of PacBio."""

REPORT, SPLIT = HD_FINDER = ("report", "split")
"""What is done with heteroduplexes, if they are looked for: they are counted, or become a read for each strand."""


@dataclass(frozen=True, slots=True)
class Option:
    """An option that not all models support.

    Attributes:
        flag: its name on the command line.
        models: those that it applies to.
        default: its default in these models.
    """

    flag: str
    models: str
    default: object = None


INSERTION_TRIM, SKIP_WINDOWS_ABOVE, DRAFT_CALIBRATION = "insertion_trim", "skip_windows_above", "draft_calibration"
DEVICE, PRECISION, TRIAGE = "device", "precision", "triage"

SKIP_ABOVE: float = 45
"""Mean quality (Phred) above which column models keep the draft of a window, as in DeepConsensus."""

OPTIONS = {
    INSERTION_TRIM: Option("--ins-trim", "column models"),
    SKIP_WINDOWS_ABOVE: Option("--skip-windows-above", "column models", SKIP_ABOVE),
    DRAFT_CALIBRATION: Option("--ccs-calibration", "column models", "skip"),
    DEVICE: Option("--device", "networks", "cpu"),
    PRECISION: Option("--precision", "networks", AUTO),
    TRIAGE: Option("--triage", "all models but 'vote'", True),
}

OF_COLUMNS = frozenset({INSERTION_TRIM, SKIP_WINDOWS_ABOVE, DRAFT_CALIBRATION})
"""Options of models that call windows of columns: the vote and column networks."""

OF_NETWORKS = frozenset({DEVICE, PRECISION})


def require_understood(model: str, understood: Set[str], given: Mapping[str, object]) -> None:
    """Refuse options that have no effect with a model.

    Args:
        model: its name.
        understood: names of the options that it supports.
        given: values by name; None for options not given.

    Raises:
        ModelError: one was given.
    """
    for name, value in given.items():
        if value is not None and name not in understood:
            option = OPTIONS[name]
            raise ModelError(f"{option.flag} has no effect with model {model!r}; it applies to {option.models}")


def resolved(understood: Set[str], given: Mapping[str, object]) -> dict[str, object]:
    """Option values with defaults filled in; None for options that the model does not support."""
    return {
        name: OPTIONS[name].default if value is None and name in understood else value for name, value in given.items()
    }
