"""Options that only some models have a use for. One that is given and would have no effect is refused."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

from deepconsensus_py.errors import ModelError

AUTO, FP32, BF16 = PRECISIONS = ("auto", "fp32", "bf16")
"""What networks may be asked to compute in; ``models.device`` says what that means."""


@dataclass(frozen=True, slots=True)
class Option:
    """An option that not all models understand.

    Attributes:
        flag: what the command calls it.
        models: those that it applies to.
        default: its value where it is not given, in models that it applies to.
    """

    flag: str
    models: str
    default: object = None


INSERTION_TRIM, SKIP_WINDOWS_ABOVE, DRAFT_CALIBRATION = "insertion_trim", "skip_windows_above", "draft_calibration"
DEVICE, PRECISION, TRIAGE = "device", "precision", "triage"

SKIP_ABOVE: float = 45
"""Mean quality (Phred) above which column models keep the draft of a window, as the original does."""

OPTIONS = {
    INSERTION_TRIM: Option("--ins-trim", "column models"),
    SKIP_WINDOWS_ABOVE: Option("--skip-windows-above", "column models", SKIP_ABOVE),
    DRAFT_CALIBRATION: Option("--ccs-calibration", "column models", "skip"),
    DEVICE: Option("--device", "networks", "cpu"),
    PRECISION: Option("--precision", "networks", AUTO),
    TRIAGE: Option("--triage", "all models but 'vote'", True),
}

OF_COLUMNS = frozenset({INSERTION_TRIM, SKIP_WINDOWS_ABOVE, DRAFT_CALIBRATION})
"""Of models that call windows of columns: the vote and the column networks."""

OF_NETWORKS = frozenset({DEVICE, PRECISION})


def require_understood(model: str, understood: Set[str], given: Mapping[str, object]) -> None:
    """Refuse options that a model has no use for.

    Args:
        model: its name.
        understood: names of the options that it understands.
        given: values by name; None where the option was not given.

    Raises:
        ModelError: one was given.
    """
    for name, value in given.items():
        if value is not None and name not in understood:
            option = OPTIONS[name]
            raise ModelError(f"{option.flag} has no effect with model {model!r}; it applies to {option.models}")


def resolved(understood: Set[str], given: Mapping[str, object]) -> dict[str, object]:
    """The values that hold: the defaults of what was not given; None of what the model does not understand."""
    return {
        name: OPTIONS[name].default if value is None and name in understood else value for name, value in given.items()
    }
