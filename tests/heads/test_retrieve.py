import pytest
import torch
from heads.example_retrieve import EXAMPLE, WORDS, batch
from torch import Tensor

from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.heads.retrieve import RetrieveHead


def drawn(*, supervised: bool = False) -> RetrieveHead:
    torch.manual_seed(0)
    head = EXAMPLE.build(EXAMPLE.trunk)
    assert isinstance(head, RetrieveHead)
    head.supervised = supervised
    return head.eval()


@torch.no_grad()
def test_documents_and_words_are_one_distribution() -> None:
    out = drawn()(batch(0))
    torch.testing.assert_close(out.flatten(1).logsumexp(1), torch.zeros(3), atol=1e-5, rtol=0)


@torch.no_grad()
def test_the_loss_is_the_marginal_over_documents() -> None:
    head, given = drawn(), batch(0)
    encoded, documents = head.trunk(head.tokens(given)), head.encoded(given["documents"])
    chances = head.scores(encoded, documents, given["found"]).log_softmax(1).exp()
    words = head.read(given, encoded, documents).exp()
    marginal = (chances.unsqueeze(-1) * words).sum(1)
    wanted = -torch.stack([row[y] for row, y in zip(marginal, given["answer"], strict=True)]).log().mean()
    torch.testing.assert_close(head.loss(head(given), given), wanted)
    alone = torch.stack([row[0, y] for row, y in zip(words, given["answer"], strict=True)]).log().mean()
    assert head.metrics(head(given), given)["utility"] == pytest.approx(float(-wanted - alone), abs=1e-5)


@torch.no_grad()
def test_supervision_asks_for_documents_that_hold_the_answer() -> None:
    head, given = drawn(supervised=True), batch(0)
    out = head(given)
    chances = out.logsumexp(-1).exp()
    asked = []
    for item in range(3):
        rows = [1 + j for j, row in enumerate(given["found"][item]) if given["answer"][item] in given["documents"][row]]
        if rows:
            asked.append(-chances[item, rows].sum().log())
    assert asked
    head.supervised = False
    plain = head.loss(out, given)
    head.supervised = True
    torch.testing.assert_close(head.loss(out, given), plain + torch.stack(asked).mean())


@torch.no_grad()
def test_what_a_stale_index_found_is_scored_by_vectors_of_now() -> None:
    head, given = drawn(), batch(0)
    index = head.index(given["documents"])
    found = head.search(given["question"], index, 2)
    head.place.weight.normal_()
    fresh = head.index(given["documents"])
    encoded = head.trunk(head.tokens(given))
    scores = head.scores(encoded, head.encoded(given["documents"]), found)[:, 1:]
    asked = head.vectors(Tokens(encoded))
    wanted = torch.exp(head.sharpness) * (asked.unsqueeze(1) * fresh[found]).sum(-1)
    torch.testing.assert_close(scores, wanted)
    stale = torch.exp(head.sharpness) * (asked.unsqueeze(1) * index[found]).sum(-1)
    assert (scores - stale).abs().max() > 1e-3


@torch.no_grad()
def test_the_index_does_not_depend_on_what_fills_up() -> None:
    head, given = drawn(), batch(0)
    longer = torch.nn.functional.pad(given["documents"], (0, 5))
    torch.testing.assert_close(head.index(longer), head.index(given["documents"]))
    torch.testing.assert_close(head({**given, "documents": longer}), head(given))


@torch.no_grad()
def test_the_reader_copies_from_its_own_document_alone() -> None:
    head, given = drawn(), batch(0)
    head.copying.fill_(10.0)
    words = read(head, given)
    for item in range(3):
        for place, row in enumerate(given["found"][item]):
            likely = set(words[item, 1 + place].topk(1).indices.tolist())
            assert likely <= set(given["documents"][row].tolist())
    assert float(words[:, 0].max()) < 0.9


@torch.no_grad()
def test_words_and_places_share_one_softmax() -> None:
    head, given = drawn(), batch(0)
    head.copying.fill_(0.7)
    found, document = given["found"][:, 0], head.encoded(given["documents"])
    asked = head.reader(
        Tokens(head.trunk(head.tokens(given))), Tokens(document.x[found], mask=given["documents"][found] != 0)
    )[given["question"] == 0]
    chances = read(head, given)[:, 1]
    for item, row in enumerate(found):
        words = given["documents"][row]
        real, width = words != 0, asked.shape[-1] ** 0.5
        copied = document.x[row, real] @ asked[item] * 2.0137527 / width
        both = torch.cat([head.words.weight @ asked[item] / width, copied]).softmax(0)
        wanted = both[:WORDS].index_add(0, words[real], both[WORDS:])
        torch.testing.assert_close(chances[item], wanted, atol=1e-5, rtol=0)


def read(head: RetrieveHead, given: dict[str, Tensor]) -> Tensor:
    return head.read(given, head.trunk(head.tokens(given)), head.encoded(given["documents"])).exp()


@torch.no_grad()
def test_without_documents_the_null_document_remains() -> None:
    head, given = drawn(), batch(0)
    alone = head({**given, "found": torch.zeros(3, 0, dtype=torch.int64), "documents": given["documents"][:1]})
    assert alone.shape == (3, 1, WORDS)
    metrics = head.metrics(alone, given)
    assert metrics["utility"] == pytest.approx(0.0, abs=1e-6)
