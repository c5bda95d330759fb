import pytest
import torch
from heads.example_contrast import EXAMPLE, WORDS, batch

from deepconsensus_py.heads.contrast import ContrastHead, contrast


def drawn() -> ContrastHead:
    torch.manual_seed(0)
    head = EXAMPLE.build(EXAMPLE.trunk)
    assert isinstance(head, ContrastHead)
    return head.eval()


@torch.no_grad()
def test_words_are_told_from_the_picture_and_the_words_before() -> None:
    head, given = drawn(), batch(0)
    seen = head.seen(given)
    before = head.told(seen, head.read(given["caption"]))
    words = given["caption"].clone()
    words[:, 4] = (words[:, 4] + 1) % WORDS
    after = head.told(seen, head.read(words))
    assert torch.equal(after[:, :4], before[:, :4])
    assert not torch.equal(after[:, 4], before[:, 4])
    assert not torch.equal(head.told(head.seen(batch(1)), head.read(given["caption"]))[:, 0], before[:, 0])


@torch.no_grad()
def test_the_vector_of_a_text_sees_all_its_words_and_no_picture() -> None:
    head, given = drawn(), batch(0)
    before = head.text_vector(head.read(given["caption"]))
    for place in range(given["caption"].shape[1]):
        words = given["caption"].clone()
        words[:, place] = (words[:, place] + 1) % WORDS
        assert not torch.equal(head.text_vector(head.read(words)), before)
    other = {**given, "image": batch(1)["image"]}
    out, changed = head(given), head(other)
    torch.testing.assert_close(before.norm(dim=-1), torch.ones(3))
    assert not torch.equal(out[:, :3], changed[:, :3])


@torch.no_grad()
def test_one_query_reads_for_the_contrast_and_the_others_for_the_words() -> None:
    head, given = drawn(), batch(0)
    before = head(given)
    head.queries[:, 0] += 1.0
    after = head(given)
    assert not torch.equal(after[:, :3], before[:, :3])
    assert torch.equal(after[:, 3:], before[:, 3:])


def test_contrast_asks_in_both_directions() -> None:
    alike = torch.tensor([[0.0, 5.0], [0.0, 5.0]])
    rows, columns = (torch.nn.functional.cross_entropy(x, torch.arange(2)) for x in (alike, alike.T))
    assert float(contrast(alike)) == pytest.approx(float((rows + columns) / 2))
    assert float(contrast(100 * torch.eye(2))) == pytest.approx(0.0)


@torch.no_grad()
def test_writing_takes_the_likeliest_word_after_those_written() -> None:
    head, given = drawn(), batch(0)
    written = head.write(given)
    assert written.shape == given["caption"].shape
    assert (written[:, 0] == 0).all()
    told = head.told(head.seen(given), head.read(written))
    assert torch.equal(told[:, :-1].argmax(-1), written[:, 1:])


def test_metrics_count_pairs_and_words() -> None:
    head, given = drawn(), batch(0)
    words = torch.nn.functional.one_hot(given["caption"][:, 1:], WORDS).float()
    alike = torch.eye(3)
    assert head.metrics(torch.cat([alike, words.flatten(1)], 1), given) == {"paired": 1.0, "words": 1.0}
    wrong = torch.cat([alike.roll(1, 0), words.flatten(1)], 1)
    assert head.metrics(wrong, given) == {"paired": 0.0, "words": 1.0}
    assert float(head.loss(torch.cat([100 * alike, 100 * words.flatten(1)], 1), given)) == pytest.approx(0.0, abs=1e-6)
