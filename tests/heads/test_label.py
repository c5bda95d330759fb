"""Labels are counted where they are judged, padding is nobody's context, and relative positions move with the input."""

import pytest
import torch

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.config import AttentionConfig, BiasConfig, TrunkConfig
from deepconsensus_py.attention.patterns import Full
from deepconsensus_py.heads.head import check_batch
from deepconsensus_py.heads.label import UNJUDGED, Label


def head(places: int = 0) -> Label:
    torch.manual_seed(0)
    attention = AttentionConfig(Full(), bias=BiasConfig("shaw", (3,)))
    trunk = Trunk(TrunkConfig(2, 16, 2, 32, (attention,), norm="layer", position="none"))
    return Label(trunk, vocabularies=(6,), classes=3, places=places).double().eval()


def padded(symbols: torch.Tensor, before: int, total: int) -> dict[str, torch.Tensor]:
    n = symbols.shape[1]
    every = torch.randint(6, (len(symbols), total, 1), generator=torch.Generator().manual_seed(before))
    every[:, before : before + n] = symbols
    mask = torch.zeros(len(symbols), total, dtype=torch.bool)
    mask[:, before : before + n] = True
    return {"symbols": every, "mask": mask, "labels": torch.zeros(len(symbols), total, dtype=torch.int64)}


@pytest.mark.parametrize(("places", "moves"), [(0, True), (32, False)])
def test_moving_the_input_within_padding_moves_the_output_of_relative_positions_alone(
    places: int, *, moves: bool
) -> None:
    symbols = torch.randint(6, (2, 9, 1), generator=torch.Generator().manual_seed(0))
    label = head(places)
    first = label(padded(symbols, 0, 20))[:, :9]
    later = label(padded(symbols, 7, 20))[:, 7:16]
    difference = float((first - later).detach().abs().max())
    assert difference < 1e-12 if moves else difference > 1e-4


def test_only_judged_tokens_count() -> None:
    label = head()
    batch = padded(torch.zeros(1, 6, 1, dtype=torch.int64), 0, 6)
    batch["labels"] = torch.tensor([[0, 0, 0, 1, UNJUDGED, UNJUDGED]])
    check_batch(label, batch)
    out = torch.full((1, 6, 3), -20.0)
    for token, called in enumerate([0, 0, 1, 1, 2, 2]):
        out[0, token, called] = 20.0
    metrics = label.metrics(out, batch)
    assert metrics["accuracy"] == pytest.approx(0.75)
    # Of class 0 two of three with none too many, of class 1 one of one with one too many.
    assert metrics["f1"] == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert float(label.loss(out, batch)) == pytest.approx(40 / 4)


def test_decoding_is_the_likeliest_class() -> None:
    label = head()
    batch = padded(torch.arange(6).view(1, 6, 1), 0, 6)
    assert (label.decode(batch) == label(batch).argmax(-1)).all()
    batch["symbols"] = batch["symbols"] + 1
    with pytest.raises(ValueError, match="symbols"):
        check_batch(label, batch)
