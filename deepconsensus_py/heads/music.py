"""Notes one after another, each from those before it (Huang et al. 2019, Music Transformer)."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.distributions import Categorical

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.position import Learned
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.heads.head import Batch, Head, Spec


class Music(Head):
    """The probabilities of each note given those before it.

    Args:
        trunk: an encoder whose patterns are all causal.
        notes: how many there are.
        voices: notes that sound together follow one another in this order; a note also knows its voice.
        places: rows of a table of learned absolute positions, 0 for none.
    """

    name = "music"

    def __init__(self, trunk: Trunk, *, notes: int, voices: int = 1, places: int = 0) -> None:
        super().__init__(trunk)
        d = trunk.config.d
        self.notes, self.start = notes, notes
        self.embedding = nn.Embedding(notes + 1, d)
        self.voice = Learned((voices,), d)
        self.positions = Learned((places,), d) if places else None
        for table in (*self.voice.tables, *(() if self.positions is None else self.positions.tables)):
            nn.init.normal_(table)  # as loud as the notes, or places are learned late
        self.out = nn.Linear(d, notes)
        self.inputs: Mapping[str, Spec] = {"notes": Spec(("B", "n"), torch.int64, 0, notes - 1)}

    def tokens(self, batch: Batch) -> Tokens:
        """The notes, each one place later, behind a start."""
        return self._placed(F.pad(batch["notes"], (1, -1), value=self.start), first=0)

    def forward(self, batch: Batch) -> Tensor:
        """Logits ``[B, n, notes]`` of each note."""
        logits: Tensor = self.out(self.trunk(self.tokens(batch)))
        return logits

    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        """Mean negative logarithm of the chance of a note, in nats."""
        return F.cross_entropy(out.flatten(0, 1), batch["notes"].flatten())

    def metrics(self, out: Tensor, batch: Batch) -> dict[str, float]:
        """Nats per note, and the share of notes that are the likeliest."""
        right = out.argmax(-1) == batch["notes"]
        return {"nats": float(self.loss(out, batch)), "accuracy": float(right.float().mean())}

    @torch.inference_mode()
    def decode(self, primer: Tensor, *, length: int, temperature: float = 1.0) -> Tensor:
        """Continue a piece, sampling note by note.

        Args:
            primer: ``int64[B, m]``, may have no notes.
            length: notes of the whole.
            temperature: divides the logits.

        Returns:
            ``int64[B, length]``, which begins with the primer.
        """
        cache, notes = self.trunk.new_cache(), primer
        new = F.pad(primer, (1, 0), value=self.start)
        while notes.shape[1] < length:
            tokens = self._placed(new, first=notes.shape[1] + 1 - new.shape[1])
            logits = self.out(self.trunk(tokens, cache=cache)[:, -1])
            new = Categorical(logits=logits / temperature).sample().unsqueeze(1)  # type: ignore[no-untyped-call]
            notes = torch.cat([notes, new], dim=1)
        return notes

    def _placed(self, written: Tensor, *, first: int) -> Tokens:
        places = torch.arange(first, first + written.shape[1], device=written.device).unsqueeze(-1)
        x = self.embedding(written) + self.voice(places % len(self.voice.tables[0]))
        if self.positions is not None:
            x = x + self.positions(places)
        return Tokens(x, coords=places)
