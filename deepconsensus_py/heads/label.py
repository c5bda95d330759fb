"""A class for every token: tracks along a read, and tasks whose answer stands at a place of the input."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.position import Learned
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.heads.head import Batch, Head, Spec

UNJUDGED = -100
"""The label of a token that has none."""


class Label(Head):
    """Symbols in, a class for each token out.

    Args:
        trunk: an encoder, or with a causal pattern one that looks back only.
        vocabularies: symbols of each track; a token is the sum of what stands in its tracks, over the root of theirs.
        classes: classes of a token.
        places: rows of a table of learned absolute positions, 0 for none.
    """

    name = "label"

    def __init__(self, trunk: Trunk, *, vocabularies: tuple[int, ...], classes: int, places: int = 0) -> None:
        super().__init__(trunk)
        self.classes, d = classes, trunk.config.d
        self.embeddings = nn.ModuleList(nn.Embedding(size, d) for size in vocabularies)
        self.positions = Learned((places,), d) if places else None
        for table in () if self.positions is None else self.positions.tables:
            nn.init.normal_(table)  # as loud as the symbols, or positions are learned late
        self.out = nn.Linear(d, classes)
        self.inputs: Mapping[str, Spec] = {
            "symbols": Spec(("B", "n", len(vocabularies)), torch.int64, 0, max(vocabularies) - 1),
            "mask": Spec(("B", "n"), torch.bool),
            "labels": Spec(("B", "n"), torch.int64, UNJUDGED, classes - 1),
        }

    def tokens(self, batch: Batch) -> Tokens:
        """See ``Head``."""
        tracks = batch["symbols"].unbind(-1)
        x = torch.stack([embed(track) for embed, track in zip(self.embeddings, tracks, strict=True)]).sum(0)
        x = x * len(tracks) ** -0.5  # or many tracks would drown the positions
        if self.positions is not None:
            x = x + self.positions(torch.arange(x.shape[1], device=x.device).unsqueeze(-1))
        mask = batch["mask"]
        return Tokens(x, mask=None if bool(mask.all()) else mask)

    def forward(self, batch: Batch) -> Tensor:
        """Logits ``[B, n, classes]``."""
        logits: Tensor = self.out(self.trunk(self.tokens(batch)))
        return logits

    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        """Mean cross-entropy of the judged tokens, in nats."""
        return F.cross_entropy(out.flatten(0, 1), batch["labels"].flatten(), ignore_index=UNJUDGED)

    def metrics(self, out: Tensor, batch: Batch) -> dict[str, float]:
        """Share of judged tokens that are right, and the mean F1 of the classes among them."""
        judged = batch["labels"] != UNJUDGED
        called, true = out.argmax(-1)[judged], batch["labels"][judged]
        every = torch.arange(self.classes, device=out.device).unsqueeze(-1)
        hits = ((called == every) & (true == every)).sum(1)
        total = (called == every).sum(1) + (true == every).sum(1)
        f1 = (2 * hits / total.clamp(min=1))[(true == every).any(1)]
        return {"accuracy": float((called == true).float().mean()), "f1": float(f1.mean())}

    @torch.inference_mode()
    def decode(self, batch: Batch) -> Tensor:
        """The likeliest class of each token, ``int64[B, n]``."""
        return self.forward(batch).argmax(-1)
