"""Decoding step by step is decoding at once, a beam finds what greed misses, and nothing looks ahead."""

import itertools

import pytest
import torch
from heads.examples import examples
from torch import Tensor

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.heads.seq2seq import END, Seq2Seq

(EXAMPLE,) = (example for example in examples() if example.name == "seq2seq")


@pytest.fixture
def head() -> Seq2Seq:
    torch.manual_seed(3)
    built = EXAMPLE.build(EXAMPLE.trunk).double().eval()
    assert isinstance(built, Seq2Seq)
    with torch.no_grad():
        built.out.weight.mul_(4)
    return built


def chance(head: Seq2Seq, batch: dict[str, Tensor], target: Tensor) -> Tensor:
    """The logarithm of the chance of each sequence, given at once."""
    with torch.no_grad():
        log = head({**batch, "target": target}).log_softmax(-1)
    expected = torch.nn.functional.pad(target, (0, 1))
    kept = (expected == END).cumsum(1) <= 1
    return (log.gather(-1, expected.unsqueeze(-1)).squeeze(-1) * kept).sum(1)


def test_greedy_takes_the_likeliest_letter_after_those_it_wrote(head: Seq2Seq) -> None:
    batch = EXAMPLE.batch(0)
    written = head.decode(batch, longest=9)
    assert written.shape == (2, 9)
    with torch.no_grad():
        likeliest = head({**batch, "target": written}).argmax(-1)[:, :9]
    going = (written == END).cumsum(1) <= 1
    assert torch.equal(likeliest[going], written[going])
    assert not written[~going].any()


def test_a_beam_as_wide_as_needed_finds_the_likeliest_of_all(head: Seq2Seq) -> None:
    batch = EXAMPLE.batch(1)
    found = head.decode(batch, longest=3)
    every = torch.tensor([row for row in itertools.product(range(5), repeat=3) if list(row) == _closed(row)])
    best = torch.stack([_of_letters(head, batch, row.expand(2, -1)) for row in every])
    ours, widest = (
        torch.stack([_of_letters(head, batch, rows[item].expand(2, -1))[item] for item in range(2)])
        for rows in (found, head.decode(batch, longest=3, width=25))
    )
    assert torch.allclose(widest, best.amax(0))
    assert (ours <= widest + 1e-9).all()


def _closed(row: tuple[int, ...]) -> list[int]:
    """The row with nothing after its first end."""
    ends = [place for place, letter in enumerate(row) if letter == END]
    return [letter if not ends or place < ends[0] else END for place, letter in enumerate(row)]


def _of_letters(head: Seq2Seq, batch: dict[str, Tensor], target: Tensor) -> Tensor:
    """The chance of the letters alone, where the sequence is cut before its end."""
    if (target[0] == END).any():
        return chance(head, batch, target)
    with torch.no_grad():
        log = head({**batch, "target": target.clone()}).log_softmax(-1)[:, :-1]
    return log.gather(-1, target.clone().unsqueeze(-1)).squeeze(-1).sum(1)


def test_later_letters_change_nothing_before_them(head: Seq2Seq) -> None:
    batch = EXAMPLE.batch(2)
    with torch.no_grad():
        before = head(batch)
        changed = {**batch, "target": batch["target"].clone()}
        changed["target"][:, 4] = changed["target"][:, 4] % 4 + 1
        after = head(changed)
    assert torch.equal(before[:, :5], after[:, :5])
    assert not torch.equal(before[:, 5:], after[:, 5:])


def test_padded_columns_say_nothing_and_others_do(head: Seq2Seq) -> None:
    batch = EXAMPLE.batch(2)
    with torch.no_grad():
        before = head(batch)
        other = {**batch, "symbols": batch["symbols"].clone()}
        other["symbols"][1, 9] = (other["symbols"][1, 9] + 1) % 5
        assert torch.equal(before, head(other))
        other["symbols"][1, 2] = (other["symbols"][1, 2] + 1) % 5
        assert not torch.equal(before[1], head(other)[1])


def test_what_is_judged_ends_with_the_end(head: Seq2Seq) -> None:
    batch = EXAMPLE.batch(0)
    out = torch.full((2, 8, 5), -30.0)
    expected = torch.nn.functional.pad(batch["target"], (0, 1))
    out.scatter_(-1, expected.unsqueeze(-1), 30.0)
    out[1, 6:] = 0.0  # behind the end of the second
    assert head.metrics(out, batch) == {"accuracy": 1.0, "exact": 1.0}
    assert float(head.loss(out, batch)) < 1e-6
    out[1, 5] = out[1, 5].roll(1)
    assert head.metrics(out, batch) == {"accuracy": pytest.approx(13 / 14), "exact": 0.5}


def test_the_second_trunk_must_decode() -> None:
    config = TrunkConfig(1, 16, 2, 16, preset("full"))
    with pytest.raises(ValueError, match="must be a decoder"):
        Seq2Seq(Trunk(config), Trunk(config), tracks=1, letters=4)
