"""Columns in, letters out, by gated recurrent units: what the Transformer did away with."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from deepconsensus_py.attention import core
from deepconsensus_py.attention.patterns import Full


class RecurrentSeq2Seq(nn.Module):
    """A bidirectional encoder, a decoder, and attention of one head between them (Luong et al. 2015).

    It takes the batches of ``heads.seq2seq.Seq2Seq`` and gives the same logits.

    Args:
        tracks: tracks of a column.
        letters: symbols of every track, and letters of the output, both without 0.
        d: width.
        layers: of the decoder.
    """

    def __init__(self, *, tracks: int, letters: int, d: int, layers: int) -> None:
        super().__init__()
        self.start = letters + 1
        self.columns = nn.ModuleList(nn.Embedding(letters + 1, d) for _ in range(tracks))
        self.written = nn.Embedding(letters + 2, d)
        self.encoder = nn.GRU(d, d, batch_first=True, bidirectional=True)
        self.narrow = nn.Linear(2 * d, d)
        self.decoder = nn.GRU(d, d, num_layers=layers, batch_first=True)
        self.join = nn.Linear(2 * d, d)
        self.out = nn.Linear(d, letters + 1)

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        """Logits ``[B, m + 1, letters + 1]``."""
        tracks = batch["symbols"].unbind(-1)
        x = torch.stack([embed(track) for embed, track in zip(self.columns, tracks, strict=True)]).sum(0)
        memory = self.narrow(self.encoder(x * len(tracks) ** -0.5)[0])
        written = F.pad(batch["target"], (1, 0), value=self.start)
        state = self.decoder(self.written(written))[0]
        heads = (part.unsqueeze(1) for part in (state, memory, memory))
        seen = core.attend(*heads, pattern=Full(), mask=batch["mask"]).squeeze(1)
        logits: Tensor = self.out(self.join(torch.cat([state, seen], dim=-1)).tanh())
        return logits
