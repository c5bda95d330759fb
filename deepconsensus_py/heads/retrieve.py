"""Answers read from documents that are found by the same model: retrieval trained through what it is good for.

The likelihood of an answer is summed over the documents found, so that a document that helps is found more often
(Guu et al. 2020, REALM). With more of them, and a hand in which hold the answer, it is REALM++ (Balachandran et al.
2021).
"""

import math
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from deepconsensus_py.attention import core
from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.config import AttentionConfig
from deepconsensus_py.attention.patterns import Full
from deepconsensus_py.attention.position import Additive
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.heads.head import Batch, Head, Spec

BLANK = 0  # the token of the blank, and of what fills up short documents
INDEXED_AT_ONCE = 64
LEAST_CHANCE = 1e-12  # of a word, so that its logarithm is a number


class RetrieveHead(Head):
    """The word for the blank of a question, from documents.

    The trunk encodes questions and documents alike. From both come vectors whose product says which document helps; the
    reader attends from the question to the words of one document, and points at one of them to copy it, or at a
    sentinel that stands for the vocabulary. Beside the documents found stands a null document, of one learned token.

    Args:
        trunk: an encoder that sees neighbouring words.
        words: vocabulary, the blank counted.
        supervised: the loss also asks for documents that hold the answer.
    """

    name = "retrieve"

    def __init__(self, trunk: Trunk, *, words: int, supervised: bool = False) -> None:
        super().__init__(trunk)
        d, self.supervised = trunk.config.d, supervised
        self.inputs: Mapping[str, Spec] = {
            "question": Spec(("B", "q"), torch.int64, low=0, high=words - 1),
            "documents": Spec(("all", "n"), torch.int64, low=0, high=words - 1),
            "found": Spec(("B", "k"), torch.int64, low=0),
            "answer": Spec(("B",), torch.int64, low=1, high=words - 1),
        }
        self.words = nn.Embedding(words, d)
        self.null = nn.Parameter(torch.randn(d))
        self.weigh, self.place = nn.Linear(d, 1), nn.Linear(d, d)
        attention = (AttentionConfig(Full()),)
        self.reader = Trunk(replace(trunk.config, layers=1, attention=attention, shared=False, cross=True))
        self.copying = nn.Parameter(torch.zeros(()))
        self.sharpness = nn.Parameter(torch.tensor(math.log(10.0)))

    def tokens(self, batch: Batch) -> Tokens:
        """A token for each word of the questions."""
        return Tokens(self.words(batch["question"]))

    def forward(self, batch: Batch) -> Tensor:
        """Log probabilities ``[B, 1 + k, words]`` of document and word together; the null document is the first."""
        question, documents = self.trunk(self.tokens(batch)), self.encoded(batch["documents"])
        chances = self.scores(question, documents, batch["found"]).log_softmax(1)
        return chances.unsqueeze(-1) + self.read(batch, question, documents)

    def encoded(self, documents: Tensor) -> Tokens:
        """Documents ``int64[all, n]``, encoded."""
        mask = documents != BLANK
        return Tokens(self.trunk(Tokens(self.words(documents), mask=mask)), mask=mask)

    def scores(self, question: Tensor, documents: Tokens, found: Tensor) -> Tensor:
        """``[B, 1 + k]``: how much each document found promises, by vectors of now and not of the index."""
        null = nn.functional.normalize(self.place(self.null), dim=-1).expand(len(found), 1, -1)
        candidates = torch.cat([null, self.vectors(documents)[found]], 1)
        alike: Tensor = torch.exp(self.sharpness) * torch.einsum(
            "bkd,bd->bk", candidates, self.vectors(Tokens(question))
        )
        return alike

    def read(self, batch: Batch, question: Tensor, documents: Tokens) -> Tensor:
        """Log probabilities ``[B, 1 + k, words]`` of the word, given the document."""
        assert documents.mask is not None
        null = nn.functional.pad(self.null.view(1, 1, -1), (0, 0, 0, documents.x.shape[1] - 1))
        x = torch.cat([null, documents.x])
        mask = torch.cat([torch.arange(x.shape[1], device=x.device).unsqueeze(0) == 0, documents.mask])
        words = torch.cat([torch.zeros_like(batch["documents"][:1]), batch["documents"]])
        rows = nn.functional.pad(batch["found"] + 1, (1, 0)).flatten()
        k = len(rows) // len(question)
        read = self.reader(Tokens(question.repeat_interleave(k, 0)), Tokens(x[rows], mask=mask[rows]))
        read = read[(batch["question"] == BLANK).repeat_interleave(k, 0)]
        made = read @ self.words.weight.T / math.sqrt(read.shape[-1])
        vocabulary, places = self._pointed(read, x[rows], words[rows] != BLANK, made.logsumexp(-1))
        chances: Tensor = (made.log_softmax(-1).exp() * vocabulary).scatter_add(1, words[rows], places)
        return chances.clamp(min=LEAST_CHANCE).log().view(len(question), k, -1)

    def _pointed(self, read: Tensor, document: Tensor, real: Tensor, sentinel: Tensor) -> tuple[Tensor, Tensor]:
        """How likely the word is one of the vocabulary ``[r, 1]``, and that of each place of the document ``[r, n]``.

        The pointer is attention of the core. With the total score ``[r]`` of the vocabulary as the sentinel's, words
        and places are one distribution (Gu et al. 2016, CopyNet; Merity et al. 2017, pointer sentinels).
        """
        keys = nn.functional.pad(document, (0, 0, 1, 0)).unsqueeze(1)
        bias = Additive(nn.functional.pad(sentinel[:, None, None, None], (0, document.shape[1])))
        asked, mask = (torch.exp(self.copying) * read)[:, None, None], nn.functional.pad(real, (1, 0), value=True)
        weights: list[Tensor] = []
        core.attend(asked, keys, keys, pattern=Full(), bias=bias, mask=mask, need_weights=weights)
        return weights[0][:, 0, 0, :1], weights[0][:, 0, 0, 1:]

    def vectors(self, encoded: Tokens) -> Tensor:
        """``[B, d]`` of length 1, from the encoded words of questions or documents, each word weighed by itself."""
        weights = self.weigh(encoded.x).sigmoid()
        weights = weights if encoded.mask is None else weights * encoded.mask.unsqueeze(-1)
        return nn.functional.normalize(self.place((weights * encoded.x).sum(1)), dim=-1)

    @torch.no_grad()
    def index(self, documents: Tensor) -> Tensor:
        """The vectors of all documents, to be kept for a while."""
        return torch.cat([self.vectors(self.encoded(part)) for part in torch.split(documents, INDEXED_AT_ONCE)])

    @torch.no_grad()
    def search(self, question: Tensor, index: Tensor, k: int) -> Tensor:
        """Rows ``int64[B, k]`` of the documents that promise most to questions ``int64[B, q]``."""
        vectors = self.vectors(Tokens(self.trunk(self.tokens({"question": question}))))
        return (vectors @ index.T).topk(k, dim=1).indices

    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        """Minus the log likelihood of the answer, over all documents together; supervised, of its holders beside."""
        loss = -self._answered(out, batch).logsumexp(1).mean()
        if not self.supervised:
            return loss
        holds = (batch["documents"] == batch["answer"].view(-1, 1, 1)).any(-1).gather(1, batch["found"])
        chances = out.logsumexp(-1)[:, 1:].masked_fill(~holds, -1e9).logsumexp(1)
        some = holds.any(1)
        return loss - (chances * some).sum() / some.sum().clamp(min=1)

    def metrics(self, out: Tensor, batch: Batch) -> dict[str, float]:
        """``exact``: answers that are right; ``utility``: nats that documents add to reading none."""
        answered = self._answered(out, batch)
        alone = answered[:, 0] - out[:, 0].logsumexp(-1)
        right = out.logsumexp(1).argmax(-1) == batch["answer"]
        utility = answered.logsumexp(1) - alone
        return {"exact": float(right.double().mean()), "utility": float(utility.double().mean())}

    def _answered(self, out: Tensor, batch: Batch) -> Tensor:
        return out.gather(-1, batch["answer"].view(-1, 1, 1).expand(-1, out.shape[1], -1)).squeeze(-1)
