"""The column network: inputs, embeddings and trunk."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.network import CorrectionNetwork

CLASSES = 5  # gap, A, T, C, G

CPU_BATCH, GPU_BATCH = 16, 2048
"""Windows per batch: on a CPU as many as keep the layers in cache, on a GPU enough to fill it."""

STEP = 8
"""CPU batches are padded to a multiple of this; a window takes some ms."""


@dataclass(frozen=True, slots=True)
class Input:
    """One input feature.

    Attributes:
        table: its embedding table; bases of passes and draft share one.
        codes: entries of that table; code 0 means absent.
        copies: values per column: ``"passes"``, or a number.
    """

    table: str
    codes: int
    copies: str | int


# In the order in which embeddings are concatenated; keys are the names of the arrays.
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
    """Configuration of a column network.

    Attributes:
        max_passes: passes of a molecule that it reads.
        width: columns of a window.
        embeddings: channels of each embedding table.
        trunk: the layers; the concatenated embeddings are condensed to ``trunk.d``.
        use_draft_qualities: whether the draft's base qualities are an input.
        condense: whether a linear map without bias condenses the embeddings to ``trunk.d``; otherwise ``trunk.d`` is
            their number, plus one (zeros) if that is odd.
    """

    max_passes: int
    width: int
    embeddings: Mapping[str, int]
    trunk: TrunkConfig
    use_draft_qualities: bool = False
    condense: bool = True

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the arrays it takes, in the order in which embeddings are concatenated."""
        return tuple(name for name in INPUTS if name != "draft_quality" or self.use_draft_qualities)

    @property
    def tables(self) -> dict[str, tuple[int, int]]:
        """Codes and channels of each embedding table."""
        used = {INPUTS[name].table: INPUTS[name].codes for name in self.inputs}
        return {table: (codes, self.embeddings[table]) for table, codes in used.items()}

    @property
    def embedded(self) -> int:
        """Channels of the concatenated embeddings of one column."""
        return sum(self._copies(name) * self.embeddings[INPUTS[name].table] for name in self.inputs)

    def _copies(self, name: str) -> int:
        copies = INPUTS[name].copies
        return self.max_passes if isinstance(copies, str) else copies

    def flops(self) -> int:
        """Floating point operations of one window, two per multiply-add of the matrix products.

        Attention counts every pair of columns: windows of this size are computed in full, banded or not.
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


class ScaledEmbedding(nn.Embedding):
    """An embedding scaled by the square root of its width; code 0 means absent and gives zeros."""

    def __init__(self, codes: int, channels: int) -> None:
        super().__init__(codes, channels, padding_idx=0)

    def reset_parameters(self) -> None:
        """Initialise rows so that the scaled output has unit variance."""
        if self.weight.is_meta:
            return  # Weights follow from a file; initialising them would import some 800 modules of torch, a second.
        nn.init.normal_(self.weight, std=self.embedding_dim**-0.5)
        self._fill_padding_idx_with_zero()

    def forward(self, codes: Tensor) -> Tensor:
        """``float[..., channels]`` of integer codes of any shape."""
        return F.embedding(codes, self.weight * math.sqrt(self.embedding_dim), padding_idx=0)


class ColumnTokens(nn.Module):
    """Columns as tokens: the concatenated, condensed embeddings of their features.

    Args:
        config: inputs, embeddings and width of the trunk.
    """

    def __init__(self, config: ColumnConfig) -> None:
        super().__init__()
        if not config.condense and config.trunk.d != config.embedded + config.embedded % 2:
            raise ModelError(f"a trunk {config.trunk.d} wide cannot take {config.embedded} channels uncondensed")
        self.config = config
        self.tables = nn.ModuleDict({name: ScaledEmbedding(*size) for name, size in config.tables.items()})
        self.condenser = nn.Linear(config.embedded, config.trunk.d, bias=False) if config.condense else None

    def tokens(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """One vector per column, ``float[n, width, trunk.d]``."""
        joined = self.embed(inputs)
        if self.condenser is None:
            return F.pad(joined, (0, self.config.trunk.d - self.config.embedded))
        condensed: Tensor = self.condenser(joined)
        return condensed

    def embed(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """The concatenated embeddings of every column, ``float[n, width, config.embedded]``."""
        _, passes, width = inputs["bases"].shape
        if passes != self.config.max_passes:
            raise ModelError(f"the network takes {self.config.max_passes} passes, the windows have {passes}")
        parts = []
        for name in self.config.inputs:
            codes = column_codes(name, inputs[name])
            parts.append(self.tables[INPUTS[name].table](codes).flatten(2).expand(-1, width, -1))
        return torch.cat(parts, dim=-1)


class ColumnNetwork(ColumnTokens, CorrectionNetwork):
    """The network of DeepConsensus (Baid et al. 2023) in all its variants.

    Args:
        config: inputs, widths and layers.
    """

    method, cpu_batch, gpu_batch, step = "columns", CPU_BATCH, GPU_BATCH, STEP
    config: ColumnConfig

    def __init__(self, config: ColumnConfig) -> None:
        super().__init__(config)
        self.trunk = Trunk(config.trunk)
        self.output = nn.Linear(config.trunk.d, CLASSES)
        for layer in (self.condenser, self.output):
            if layer is not None:
                nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Score the five classes at every column.

        Args:
            inputs: ``bases``, ``pulse_widths``, ``inter_pulse_durations`` ``uint8[n, passes, width]``, ``strands``
                ``uint8[n, passes]``, ``draft`` ``uint8[n, width]``, ``snr`` ``float32[n, 4]`` and, if the configuration
                uses it, ``draft_quality`` ``int16[n, width]`` (Phred, -1 in a gap).

        Returns:
            Logits ``float[n, width, 5]`` of gap, A, T, C, G.

        Raises:
            ModelError: the windows have a different number of passes.
        """
        logits: Tensor = self.output(self.trunk(Tokens(self.tokens(inputs))))
        return logits

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "ColumnNetwork":
        """Build from a configuration (``ColumnConfig.to_dict``)."""
        return cls(ColumnConfig.from_dict(config))

    def require_spec(self, spec: Mapping[str, Any], source: str) -> None:
        """Refuse windows of different sizes or inputs."""
        for key in ("max_passes", "width", "use_draft_qualities"):
            if spec.get(key) != getattr(self.config, key):
                raise ModelError(
                    f"{source}: the feature spec has {key} {spec.get(key)}, the network {key} "
                    f"{getattr(self.config, key)}; weights and spec must come from the same training"
                )

    def cost(self) -> str:
        """Its computing cost, in words."""
        return f"{self.config.flops():,} FLOPs per window"

    def summary(self) -> str:
        """One line about it."""
        config, trunk = self.config, self.config.trunk
        qualities = " and draft qualities" if config.use_draft_qualities else ""
        return (
            f"{trunk.layers} layers, {trunk.d} wide, {trunk.heads} heads, {self.parameter_count():,} parameters; "
            f"windows of {config.max_passes} passes{qualities} by {config.width} columns"
        )


def column_codes(name: str, values: Tensor) -> Tensor:
    """Codes ``int32[n, width, copies]``, or ``[n, 1, copies]`` for features that are constant over the window."""
    last = INPUTS[name].codes - 1
    if name in {"bases", "draft"}:
        values = values.where(values <= last, 0)  # bases other than A, T, C, G are uninformative
    elif name == "draft_quality":
        values = (values + 1).clamp(0, last)  # -1, a gap, is absent
    elif name == "snr":
        values = values.clamp(0, last)
    codes = values.to(torch.int32)  # signal-to-noise ratios are truncated
    if name in {"strands", "snr"}:
        return codes.unsqueeze(1)
    return codes.unsqueeze(-1) if codes.dim() == 2 else codes.transpose(1, 2)
