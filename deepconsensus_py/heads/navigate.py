"""An agent that walks from room to room while it reads a description of a way.

The description is encoded once; a decoder over the rooms so far attends to it and chooses the next door, or stops (Jain
et al. 2019, vision-and-language navigation judged by fidelity). On reads: a walk along a partial-order graph of passes,
evaluated by how closely it follows the molecule and not by where it ends.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.config import AttentionConfig
from deepconsensus_py.attention.patterns import Full
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.heads.head import Batch, Head, Spec

UNJUDGED = -100
"""The choice of a step behind the end of a way."""

AXES = 2
"""Numbers of a displacement."""


class NavigateHead(Head):
    """Doors chosen one after the other, from a description, the rooms so far and the bearing of the goal.

    Args:
        trunk: encodes the description.
        words: vocabulary; word 0 is the filler behind its end.
        kinds: values of each number that names a room; the last of each is none, for stopping.
    """

    name: ClassVar[str] = "navigate"

    def __init__(self, trunk: Trunk, *, words: int, kinds: tuple[int, ...]) -> None:
        super().__init__(trunk)
        d, names = trunk.config.d, len(kinds)
        self.inputs: Mapping[str, Spec] = {
            "words": Spec(("B", "W"), torch.int64, 0, words - 1),
            "room": Spec(("B", "T", names), torch.int64, 0, max(kinds) - 1),
            "goal": Spec(("B", "T", AXES), torch.float32),
            "door": Spec(("B", "T", "K", names), torch.int64, 0, max(kinds) - 1),
            "way": Spec(("B", "T", "K", AXES), torch.float32),
            "open": Spec(("B", "T", "K"), torch.bool),
            "choice": Spec(("B", "T"), torch.int64, UNJUDGED),
        }
        causal = (AttentionConfig(Full(causal=True)),)
        self.decoder = Trunk(replace(trunk.config, cross=True, attention=causal))
        self.word, self.before = nn.Embedding(words, d), nn.Embedding(words, d)
        self.rooms = nn.ModuleList(nn.Embedding(size, d) for size in kinds)
        self.goal, self.way = nn.Linear(AXES, d), nn.Linear(AXES, d)
        self.option = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, d), nn.ReLU(), nn.Linear(d, d))
        self.choose = nn.Linear(d, d)

    def tokens(self, batch: Batch) -> Tokens:
        """The words ``[B, W, d]``, each with the one before it."""
        words = batch["words"]
        before = nn.functional.pad(words[:, :-1], (1, 0))
        return Tokens(self.word(words) + self.before(before), mask=words > 0)

    def read(self, batch: Batch) -> Tokens:
        """The description encoded, to be kept for all steps of a walk."""
        tokens = self.tokens(batch)
        return Tokens(self.trunk(tokens), mask=tokens.mask)

    def forward(self, batch: Batch, memory: Tokens | None = None) -> Tensor:
        """Logits of the doors at each step ``[B, T, K]``, given the rooms up to it.

        Args:
            batch: see ``inputs``; ``choice`` is not read.
            memory: that of ``read``, where it is known.
        """
        here = self._named(batch["room"]) + self.goal(batch["goal"])
        walked = self.decoder(Tokens(here), self.read(batch) if memory is None else memory)
        options = self.option(self._named(batch["door"]) + self.way(batch["way"]))
        logits = torch.einsum("btd,btkd->btk", self.choose(walked), options)
        return logits.masked_fill(~batch["open"], torch.finfo(logits.dtype).min)

    def _named(self, names: Tensor) -> Tensor:
        parts = zip(self.rooms, names.unbind(-1), strict=True)
        return torch.stack([table(values) for table, values in parts]).sum(0)

    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        """Cross-entropy of the doors that are to be chosen."""
        return nn.functional.cross_entropy(out.flatten(0, 1), batch["choice"].flatten(), ignore_index=UNJUDGED)

    def metrics(self, out: Tensor, batch: Batch) -> dict[str, float]:
        """``accuracy``: how often the likeliest door is the one to be chosen."""
        judged = batch["choice"] != UNJUDGED
        return {"accuracy": float((out.argmax(-1) == batch["choice"])[judged].float().mean())}

    @torch.inference_mode()
    def decode(self, batch: Batch, memory: Tokens) -> Tensor:
        """The likeliest door of the last step ``int64[B]``."""
        chosen: Tensor = self(batch, memory)[:, -1].argmax(-1)
        return chosen
