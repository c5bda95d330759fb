"""Episodes as sequences: the action that follows what was seen and what is still to be earned.

Chen et al. 2021, Decision Transformer. On reads: the state is a partial consensus, an action the next base or none,
the return what the finished read is to be worth, so that a quality can be asked for.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.position import Learned
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.heads.head import Batch, Head, Spec

KINDS = 3
"""Tokens of a step: return to go, observation, action."""


class TrajectoryHead(Head):
    """Three tokens for each step, one learned vector of the step added to all three; actions from the observations'.

    Args:
        trunk: causal, without positions of its own.
        sizes: values that each number of an observation may have.
        actions: number of actions.
        steps: of the longest episode.
        dropout: probability that a number of a token is dropped in training.
    """

    name: ClassVar[str] = "trajectory"

    def __init__(self, trunk: Trunk, *, sizes: tuple[int, ...], actions: int, steps: int, dropout: float = 0.0) -> None:
        super().__init__(trunk)
        d = trunk.config.d
        self.inputs = {
            "returns": Spec(("B", "T"), torch.float32),
            "observation": Spec(("B", "T", len(sizes)), torch.int64, 0, max(sizes) - 1),
            "action": Spec(("B", "T"), torch.int64, 0, actions - 1),
        }
        self.returned = nn.Linear(1, d)
        self.seen = nn.ModuleList(nn.Embedding(size, d) for size in sizes)
        self.joined = nn.Sequential(nn.ReLU(), nn.Linear(d, d))
        self.done = nn.Embedding(actions, d)
        self.when = Learned((steps,), d)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(d)
        self.action = nn.Linear(d, actions)

    def tokens(self, batch: Batch) -> Tokens:
        """Return, observation and action of each step in turn, ``[B, 3 T, d]``; coordinates are (step, kind)."""
        returned = self.returned(batch["returns"].unsqueeze(-1))
        parts = zip(self.seen, batch["observation"].unbind(-1), strict=True)
        seen = self.joined(torch.stack([table(values) for table, values in parts]).sum(0))
        steps = torch.arange(seen.shape[1], device=seen.device)
        each = torch.stack([returned, seen, self.done(batch["action"])], dim=2)
        each = each + self.when(steps.unsqueeze(-1))[:, None]
        coords = torch.cartesian_prod(steps, torch.arange(KINDS, device=seen.device))
        return Tokens(self.dropout(self.norm(each.flatten(1, 2))), coords)

    def forward(self, batch: Batch) -> Tensor:
        """Logits of each step's action ``[B, T, actions]``, given only what precedes it."""
        logits: Tensor = self.action(self.trunk(self.tokens(batch))[:, 1::KINDS])
        return logits

    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        """Cross-entropy of the actions that were taken."""
        return nn.functional.cross_entropy(out.flatten(0, 1), batch["action"].flatten())

    def metrics(self, out: Tensor, batch: Batch) -> dict[str, float]:
        """``accuracy``: how often the likeliest action is the one that was taken."""
        return {"accuracy": float((out.argmax(-1) == batch["action"]).float().mean())}

    @torch.inference_mode()
    def act(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """The next action ``int64[B]``.

        Args:
            batch: the steps so far and the one to come, whose action is not read.
            generator: draws the action; without one it is the likeliest.
        """
        logits = self(batch)[:, -1]
        if generator is None:
            likeliest: Tensor = logits.argmax(-1)
            return likeliest
        noise = torch.rand(logits.shape, generator=generator).clamp_min(torch.finfo(logits.dtype).tiny)
        drawn: Tensor = (logits - (-noise.log()).log()).argmax(-1)  # Gumbel's trick
        return drawn
