"""What a column network is made of: its inputs, their embeddings, and its trunk."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.errors import ModelError

CLASSES = 5  # gap, A, T, C, G


@dataclass(frozen=True, slots=True)
class Input:
    """One kind of feature.

    Attributes:
        table: the embedding table it is looked up in; bases of passes and draft share one.
        codes: entries of that table; code 0 means absent.
        copies: values per column: ``"passes"``, or a number.
    """

    table: str
    codes: int
    copies: str | int


# In the order in which their embeddings are joined; the same names are those of the arrays.
INPUTS = {
    "bases": Input("bases", 5, "passes"),
    "pulse_widths": Input("pulse_widths", 256, "passes"),
    "inter_pulse_durations": Input("inter_pulse_durations", 256, "passes"),
    "strands": Input("strands", 3, "passes"),
    "draft": Input("bases", 5, 1),
    "draft_quality": Input("draft_quality", 95, 1),
    "snr": Input("snr", 501, 4),
}


@dataclass(frozen=True, slots=True)
class ColumnConfig:
    """A column network.

    Attributes:
        max_passes: passes it sees of a molecule.
        width: columns of a window.
        embeddings: channels of each embedding table.
        trunk: the layers; ``trunk.d`` is the width to which the joined embeddings are condensed.
        use_draft_qualities: whether the draft's base qualities are an input.
        condense: whether a linear map without bias takes the joined embeddings to ``trunk.d``; without it
            ``trunk.d`` is their own number, or one more (zeros) where that is odd.
    """

    max_passes: int
    width: int
    embeddings: Mapping[str, int]
    trunk: TrunkConfig
    use_draft_qualities: bool = False
    condense: bool = True

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the arrays it takes, in the order in which their embeddings are joined."""
        return tuple(name for name in INPUTS if name != "draft_quality" or self.use_draft_qualities)

    @property
    def tables(self) -> dict[str, tuple[int, int]]:
        """Codes and channels of each embedding table."""
        used = {INPUTS[name].table: INPUTS[name].codes for name in self.inputs}
        return {table: (codes, self.embeddings[table]) for table, codes in used.items()}

    @property
    def embedded(self) -> int:
        """Channels of the joined embeddings of one column."""
        return sum(self._copies(name) * self.embeddings[INPUTS[name].table] for name in self.inputs)

    def _copies(self, name: str) -> int:
        copies = INPUTS[name].copies
        return self.max_passes if isinstance(copies, str) else copies

    def flops(self) -> int:
        """Floating point operations of one window, two per multiply-add of the matrix products.

        Attention counts every pair of columns, which is what is computed on windows of this size, band or not.
        """
        trunk, columns = self.trunk, self.width
        condense = 2 * columns * self.embedded * trunk.d if self.condense else 0
        projections = 4 * 2 * columns * trunk.d**2
        attention = 2 * 2 * columns**2 * trunk.d
        feed_forward = 2 * 2 * columns * trunk.d * trunk.ff
        return condense + trunk.layers * (projections + attention + feed_forward) + 2 * columns * trunk.d * CLASSES

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        fields = {name: getattr(self, name) for name in ("max_passes", "width", "use_draft_qualities", "condense")}
        return {**fields, "embeddings": dict(self.embeddings), "trunk": self.trunk.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ColumnConfig":
        """The record of ``to_dict``.

        Raises:
            ModelError: a field is missing, unknown or out of range.
        """
        try:
            return cls(**{**values, "trunk": TrunkConfig.from_dict(values["trunk"])})
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"not the configuration of a column network: {error}") from error
