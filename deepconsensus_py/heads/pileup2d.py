"""Correct columns with a token for each cell of the pileup: one pass in one column.

Passes are a set: no position, bias or pattern distinguishes them.
"""

import torch
from torch import Tensor, nn

from deepconsensus_py.attention import core
from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.config import AttentionConfig, PerHeadConfig, SomePattern
from deepconsensus_py.attention.patterns import BlockLocal, Full
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.heads.columns import ColumnHead
from deepconsensus_py.heads.head import Batch
from deepconsensus_py.models.column_network import CLASSES, INPUTS, ColumnConfig, ScaledEmbedding, column_codes

CELL = ("bases", "pulse_widths", "inter_pulse_durations", "strands")
"""Features by pass; all others are by column."""


class Pileup2D(ColumnHead):
    """Cells attend to one another, and each column pools its passes by attention.

    Args:
        trunk: what attends; without positions, its cells are (pass, column).
        config: inputs and embeddings; nothing is condensed but each cell, to the width of the trunk.

    Raises:
        ValueError: the trunk could tell one pass from another by its place.
    """

    name = "pileup2d"

    def __init__(self, trunk: Trunk, config: ColumnConfig) -> None:
        super().__init__(trunk, config)
        if trunk.config.position != "none" or not all(_alike(e, config.max_passes) for e in trunk.config.attention):
            raise ValueError("pileup2d: passes have no order, so its trunk has no positions, biases or blocks of them")
        self.config, d = config, trunk.config.d
        self.tables = nn.ModuleDict({name: ScaledEmbedding(*size) for name, size in config.tables.items()})
        of_column = [name for name in config.inputs if name not in CELL]
        copies = {name: 4 if name == "snr" else 1 for name in config.inputs}
        widths = [
            sum(config.embeddings[INPUTS[name].table] * copies[name] for name in names) for names in (CELL, of_column)
        ]
        self.cell, self.column = nn.Linear(widths[0], d), nn.Linear(widths[1], d)
        self.query = nn.Parameter(torch.randn(d) / d**0.5)
        self.output = nn.Linear(2 * d, CLASSES)

    def tokens(self, batch: Batch) -> Tokens:
        """A token for each cell, pass by pass; those of absent passes are masked."""
        return self._cells(batch, self._columns(batch))

    def forward(self, batch: Batch) -> Tensor:
        """See ``ColumnHead``."""
        columns = self._columns(batch)
        tokens = self._cells(batch, columns)
        cells = torch.unflatten(self.trunk(tokens), 1, (self.config.max_passes, -1))
        logits: Tensor = self.output(torch.cat([self._pool(cells, columns, batch["strands"] > 0), columns], dim=-1))
        return logits

    def _columns(self, batch: Batch) -> Tensor:
        """Features of each column besides its passes, ``float[B, width, d]``."""
        names = [name for name in self.config.inputs if name not in CELL]
        parts = [self._embedded(name, batch[name]).flatten(2).expand(-1, self.config.width, -1) for name in names]
        columns: Tensor = self.column(torch.cat(parts, dim=-1))
        return columns

    def _cells(self, batch: Batch, columns: Tensor) -> Tokens:
        passes, width = batch["bases"].shape[1:]
        parts = [self._embedded(name, batch[name]).expand(-1, width, -1, -1) for name in CELL]
        cells = self.cell(torch.cat(parts, dim=-1)) + columns.unsqueeze(2)
        grid = torch.meshgrid(torch.arange(passes), torch.arange(width), indexing="ij")
        coords = torch.stack([axis.flatten() for axis in grid], dim=-1).to(cells.device)
        there = (batch["strands"] > 0).repeat_interleave(width, dim=1)
        return Tokens(cells.transpose(1, 2).flatten(1, 2), coords, there)

    def _embedded(self, name: str, values: Tensor) -> Tensor:
        """``float[B, width or 1, copies, channels]``."""
        embedded: Tensor = self.tables[INPUTS[name].table](column_codes(name, values))
        return embedded

    def _pool(self, cells: Tensor, columns: Tensor, there: Tensor) -> Tensor:
        """One vector for each column of its passes, ``float[B, width, d]`` of ``[B, passes, width, d]``."""
        heads = self.trunk.config.heads
        k = torch.unflatten(cells.transpose(1, 2).flatten(0, 1), -1, (heads, -1)).transpose(1, 2)
        q = torch.unflatten((columns + self.query).flatten(0, 1), -1, (heads, -1)).unsqueeze(2)
        mask = there.repeat_interleave(cells.shape[2], dim=0)
        pooled = core.attend(q, k, k, pattern=Full(), mask=mask)
        return torch.unflatten(pooled.flatten(1), 0, columns.shape[:2])


def _alike(entry: AttentionConfig, passes: int) -> bool:
    """Whether all passes are treated alike."""
    return (entry.bias is None or entry.bias.kind in ("shaw", "skew")) and _alike_pattern(entry.pattern, passes)


def _alike_pattern(pattern: SomePattern, passes: int) -> bool:
    if isinstance(pattern, PerHeadConfig):
        return all(_alike_pattern(part, passes) for part in pattern.parts)
    if isinstance(pattern, BlockLocal):
        alone = pattern.blocks[0] == 1 and pattern.halos == (0, 0)
        together = pattern.blocks[0] >= passes and pattern.exacts[0] is None
        return not pattern.causal and (alone or together)
    return not getattr(pattern, "causal", False)
