"""Pictures and texts in one space, and texts told from pictures: contrastive captioning (Yu et al. 2022, CoCa)."""

import math
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.config import AttentionConfig, TrunkConfig
from deepconsensus_py.attention.patterns import Full
from deepconsensus_py.attention.position import Learned
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.heads.head import Batch, Head, Spec

CAPTION_WEIGHT = 2.0  # of the loss of captions beside that of contrast
CHANNELS = 3
TEMPERATURE = 0.07  # by which cosines are divided at first; learned


class ContrastHead(Head):
    """Which text goes with which picture, and what is the text of a picture, from one pass.

    Queries read the picture out (attentional pooling): one for the contrast, several for the text. The first layer of
    the text does not see the picture, so that its last token, of no word, stands for the text alone; the second does.

    Args:
        trunk: of the patches of a picture.
        words: vocabulary, of which the first starts a text and the second ends it.
        longest: words of a text, start and end counted.
        size: pixels of a picture's side.
        patch: pixels of a patch's side.
        queries: that read the picture out for the text.
    """

    name = "contrast"

    def __init__(
        self,
        trunk: Trunk,
        *,
        words: int,
        longest: int = 8,
        size: int = 16,
        patch: int = 4,
        queries: int = 16,
    ) -> None:
        super().__init__(trunk)
        d, self.patch, self.longest = trunk.config.d, patch, longest
        self.inputs: Mapping[str, Spec] = {
            "image": Spec(("B", CHANNELS, size, size), torch.float32),
            "caption": Spec(("B", longest), torch.int64, low=0, high=words - 1),
        }
        self.patches = nn.Linear(CHANNELS * patch**2, d)
        self.places = Learned((size // patch, size // patch), d)
        self.words, self.order = nn.Embedding(words, d), Learned((longest,), d)
        for table in (*self.places.tables, *self.order.tables):
            nn.init.normal_(table, std=0.5)  # nearly as loud as words, or places are learned late
        self.whole = nn.Parameter(0.02 * torch.randn(1, 1, d))
        self.queries = nn.Parameter(0.02 * torch.randn(1, 1 + queries, d))
        self.pooler = Trunk(_config(trunk, causal=False, cross=True))
        self.text = Trunk(_config(trunk, causal=True, cross=False))
        self.teller = Trunk(_config(trunk, causal=True, cross=True))
        self.of_image, self.of_text, self.next = nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, words)
        self.scale = nn.Parameter(torch.tensor(-math.log(TEMPERATURE)))

    def tokens(self, batch: Batch) -> Tokens:
        """A token for each patch of the picture, at (y, x)."""
        cut = batch["image"].unfold(2, self.patch, self.patch).unfold(3, self.patch, self.patch)
        places = torch.cartesian_prod(*(torch.arange(side, device=cut.device) for side in cut.shape[2:4]))
        return Tokens(
            self.patches(cut.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)) + self.places(places), places
        )

    def seen(self, batch: Batch) -> Tokens:
        """The picture, encoded."""
        tokens = self.tokens(batch)
        return Tokens(self.trunk(tokens), tokens.coords)

    def pooled(self, seen: Tokens, queries: Tensor) -> Tensor:
        """``[B, k, d]``: what queries ``[1, k, d]`` read out of the picture."""
        read: Tensor = self.pooler(Tokens(queries.expand(len(seen.x), -1, -1)), Tokens(seen.x))
        return read

    def read(self, words: Tensor) -> Tensor:
        """``[B, n + 1, d]``: the words ``int64[B, n]`` in the light of those before; the last stands for all."""
        order = torch.arange(words.shape[1], device=words.device).unsqueeze(1)
        x = torch.cat([self.words(words) + self.order(order), self.whole.expand(len(words), -1, -1)], 1)
        encoded: Tensor = self.text(Tokens(x))
        return encoded

    def told(self, seen: Tokens, read: Tensor) -> Tensor:
        """Logits ``[B, n, words]`` of the words that follow each of a text read so far."""
        logits: Tensor = self.next(self.teller(Tokens(read[:, :-1]), Tokens(self.pooled(seen, self.queries[:, 1:]))))
        return logits

    def image_vector(self, seen: Tokens) -> Tensor:
        """``[B, d]`` of length 1."""
        return nn.functional.normalize(self.of_image(self.pooled(seen, self.queries[:, :1])[:, 0]), dim=-1)

    def text_vector(self, read: Tensor) -> Tensor:
        """``[B, d]`` of length 1."""
        return nn.functional.normalize(self.of_text(read[:, -1]), dim=-1)

    def alike(self, seen: Tokens, read: Tensor) -> Tensor:
        """Scores ``[B, B]`` of every text for every picture."""
        return self.scale.exp() * self.image_vector(seen) @ self.text_vector(read).T

    def forward(self, batch: Batch) -> Tensor:
        """``[B, B + (n - 1) * words]``: for each picture the scores of all texts, then the logits of each next word."""
        seen, read = self.seen(batch), self.read(batch["caption"])
        told = self.told(seen, read)[:, :-1]
        return torch.cat([self.alike(seen, read), told.flatten(1)], 1)

    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        """Contrast, and ``CAPTION_WEIGHT`` times the cross-entropy of the words."""
        alike, told = self._parts(out, batch)
        words = nn.functional.cross_entropy(told.flatten(0, 1), batch["caption"][:, 1:].flatten())
        return contrast(alike) + CAPTION_WEIGHT * words

    def metrics(self, out: Tensor, batch: Batch) -> dict[str, float]:
        """``paired``: pictures whose own text is the most alike; ``words``: next words that are right."""
        alike, told = self._parts(out, batch)
        paired = alike.argmax(1) == torch.arange(len(alike), device=alike.device)
        right = told.argmax(-1) == batch["caption"][:, 1:]
        return {"paired": float(paired.double().mean()), "words": float(right.double().mean())}

    def write(self, batch: Batch) -> Tensor:
        """Texts ``int64[B, longest]`` of the pictures, each word the likeliest; the first word starts them."""
        seen = self.seen(batch)
        words = torch.zeros(len(seen.x), 1, dtype=torch.int64, device=seen.x.device)
        for _ in range(self.longest - 1):
            words = torch.cat([words, self.told(seen, self.read(words))[:, -1:].argmax(-1)], 1)
        return words

    def _parts(self, out: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        count = len(batch["caption"])
        return out[:, :count], torch.unflatten(out[:, count:], 1, (self.longest - 1, -1))


def contrast(alike: Tensor) -> Tensor:
    """Cross-entropy of the right text for each picture and of the right picture for each text, their mean."""
    own = torch.arange(len(alike), device=alike.device)
    return (nn.functional.cross_entropy(alike, own) + nn.functional.cross_entropy(alike.T, own)) / 2


def _config(trunk: Trunk, *, causal: bool, cross: bool) -> TrunkConfig:
    attention = (AttentionConfig(Full(causal)),)
    return replace(trunk.config, layers=1, attention=attention, position="none", shared=False, cross=cross)
