"""The correction of columns: a token for each column of a pileup, a class for each token."""

from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.heads.columns import ColumnHead
from deepconsensus_py.heads.head import Batch
from deepconsensus_py.models.column_network import CLASSES, ColumnTokens


class Correct(ColumnHead):
    """The network of DeepConsensus on any trunk (Baid et al. 2023).

    Args:
        trunk: what attends.
        columns: makes tokens of columns; may be another head's, to reuse its weights.
    """

    name = "correct"

    def __init__(self, trunk: Trunk, columns: ColumnTokens) -> None:
        super().__init__(trunk, columns.config)
        self.columns = columns
        self.output = nn.Linear(trunk.config.d, CLASSES)

    def tokens(self, batch: Batch) -> Tokens:
        """A token for each column."""
        return Tokens(self.columns.tokens(batch))

    def forward(self, batch: Batch) -> Tensor:
        """See ``ColumnHead``."""
        logits: Tensor = self.output(self.trunk(self.tokens(batch)))
        return logits
