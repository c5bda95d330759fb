"""Columns in, a sequence of another length out: an encoder and a decoder (Vaswani et al. 2017)."""

from collections.abc import Mapping
from dataclasses import replace

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.heads.head import Batch, Head, Spec

END = 0
"""The letter after the last one, and what fills up short sequences; true letters count from 1."""

UNJUDGED = -100


class Seq2Seq(Head):
    """Columns of several tracks in, letters out, each in the light of those before it.

    Args:
        trunk: the encoder.
        decoder: a trunk with ``cross`` and a causal pattern, as wide as the encoder.
        tracks: tracks of a column.
        letters: symbols of every track, and letters of the output, both without 0.

    Raises:
        ValueError: the second trunk is no decoder, or of another width.
    """

    name = "seq2seq"

    def __init__(self, trunk: Trunk, decoder: Trunk, *, tracks: int, letters: int) -> None:
        super().__init__(trunk)
        d = trunk.config.d
        if not decoder.config.cross or decoder.config.d != d:
            raise ValueError(f"the second trunk must be a decoder (cross: true) of width {d}")
        self.decoder, self.letters = decoder, letters
        self.start = letters + 1
        self.columns = nn.ModuleList(nn.Embedding(letters + 1, d) for _ in range(tracks))
        self.written = nn.Embedding(letters + 2, d)
        self.out = nn.Linear(d, letters + 1)
        self.inputs: Mapping[str, Spec] = {
            "symbols": Spec(("B", "n", tracks), torch.int64, 0, letters),
            "mask": Spec(("B", "n"), torch.bool),
            "target": Spec(("B", "m"), torch.int64, END, letters),
        }

    def tokens(self, batch: Batch) -> Tokens:
        """What the encoder is given."""
        tracks = batch["symbols"].unbind(-1)
        x = torch.stack([embed(track) for embed, track in zip(self.columns, tracks, strict=True)]).sum(0)
        return Tokens(x * len(tracks) ** -0.5, mask=batch["mask"])

    def memory(self, batch: Batch) -> Tokens:
        """What the encoder makes of the columns, for the decoder to look at."""
        tokens = self.tokens(batch)
        return replace(tokens, x=self.trunk(tokens))

    def forward(self, batch: Batch) -> Tensor:
        """Logits ``[B, m + 1, letters + 1]`` of each letter of the target, and of the end, from the true ones before.

        Class 0 is the end.
        """
        written = F.pad(batch["target"], (1, 0), value=self.start)
        logits: Tensor = self.out(self.decoder(Tokens(self.written(written)), self.memory(batch)))
        return logits

    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        """Mean cross-entropy of the letters and the end, in nats."""
        return F.cross_entropy(out.flatten(0, 1), self._expected(batch).flatten(), ignore_index=UNJUDGED)

    def metrics(self, out: Tensor, batch: Batch) -> dict[str, float]:
        """Share of letters, and of whole sequences, that are the likeliest after the true ones before them."""
        expected = self._expected(batch)
        judged, right = expected != UNJUDGED, out.argmax(-1) == expected
        return {
            "accuracy": float(right[judged].float().mean()),
            "exact": float((right | ~judged).all(1).float().mean()),
        }

    @torch.inference_mode()
    def decode(self, batch: Batch, *, longest: int, width: int = 1) -> Tensor:
        """The likeliest sequences found, ``int64[B, longest]``, filled up with ``END``.

        Args:
            batch: ``symbols`` and ``mask``.
            longest: letters at most.
            width: sequences kept at each step, by the sum of their logarithms; 1 is greedy.
        """
        memory = _repeated(self.memory(batch), width)
        items, device = len(batch["symbols"]), memory.x.device
        cache = self.decoder.new_cache()
        score = torch.full((items, width), -torch.inf, device=device)
        score[:, 0] = 0.0  # all begin alike, so one stands for them
        letters = torch.full((items * width, 1), self.start, device=device)
        first_row = torch.arange(items, device=device).unsqueeze(1) * width
        for _ in range(longest):
            x = self.written(letters[:, -1:])
            chance = self.out(self.decoder(Tokens(x), memory, cache))[:, 0].log_softmax(-1)
            ended = (letters[:, -1] == END).unsqueeze(1)
            chance = torch.where(ended, self._only_end(chance), chance)
            total = score.unsqueeze(-1) + chance.view(items, width, -1)
            score, best = total.flatten(1).topk(width, dim=1)
            rows = (first_row + best // total.shape[-1]).flatten()
            letters = torch.cat([letters[rows], (best % total.shape[-1]).view(-1, 1)], dim=1)
            cache.reorder(rows)
            if bool((letters[:, -1] == END).all()):
                break
        best_letters = letters.view(items, width, -1)[:, 0, 1:]
        return F.pad(best_letters, (0, longest - best_letters.shape[1]), value=END)

    def _expected(self, batch: Batch) -> Tensor:
        target = F.pad(batch["target"], (0, 1), value=END)
        ended = (target == END).cumsum(1) > 1
        return target.masked_fill(ended, UNJUDGED)

    @staticmethod
    def _only_end(chance: Tensor) -> Tensor:
        only = torch.full_like(chance, -torch.inf)
        only[:, END] = 0.0
        return only


def _repeated(memory: Tokens, width: int) -> Tokens:
    """Each item so many times in a row."""
    mask = None if memory.mask is None else memory.mask.repeat_interleave(width, dim=0)
    return Tokens(memory.x.repeat_interleave(width, dim=0), mask=mask)
