"""Networks that correct windows of noisy passes, by writing bases or by labelling columns, and their training."""

from dataclasses import replace
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor, nn

from deepconsensus_py.attention import core
from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.attention.cost import LayerCost
from deepconsensus_py.attention.patterns import Full
from deepconsensus_py.heads.head import Head
from deepconsensus_py.heads.label import UNJUDGED, Label
from deepconsensus_py.heads.seq2seq import Seq2Seq
from deepconsensus_py.lab.costs import layer_costs
from deepconsensus_py.lab.fit import Training, fit
from deepconsensus_py.lab.systems.transformer.passes import BASES, INSERTED, PassWindows, pass_windows, spelled

LENGTH, SPARE, PASSES = 40, 8, 3
COLUMNS = LENGTH + SPARE
TRACKS = 1 + (1 + INSERTED) * PASSES
LONGEST = LENGTH + 6
"""Most letters that are written; anything longer is wrong."""

TRUNK = TrunkConfig(2, 64, 4, 128, preset("full"), norm="layer")
DECODER = TrunkConfig(2, 64, 4, 128, preset("causal"), norm="layer", cross=True)

SLOTS = {"labels of two slots": 2, "labels of four slots": 1 + INSERTED}
"""Bases that a label of a column has room for: its own and those behind it; the vote has as many as the second."""

Made = dict[str, Tensor]

Stages = tuple[tuple[float, int, int], ...]
"""Share of the steps and, up to there, bases of a window and windows of a batch."""

GROWING: Stages = ((0.25, 16, 64), (1.0, LENGTH, 32))


class RecurrentSeq2Seq(nn.Module):
    """Gated recurrent units: a bidirectional encoder, a decoder, and attention between them (Luong et al. 2015).

    It takes the batches of ``heads.seq2seq.Seq2Seq`` and gives the same logits.

    Args:
        tracks: symbols of a column.
        letters: values of a symbol and of the output, both without 0.
        d: width.
        layers: of the decoder.
    """

    def __init__(self, *, tracks: int, letters: int, d: int, layers: int) -> None:
        super().__init__()
        self.start = letters + 1
        self.columns = nn.ModuleList(nn.Embedding(letters + 1, d) for _ in range(tracks))
        self.written = nn.Embedding(letters + 2, d)
        self.encoder = nn.GRU(d, d, batch_first=True, bidirectional=True)
        self.narrow = nn.Linear(2 * d, d)
        self.decoder = nn.GRU(d, d, num_layers=layers, batch_first=True)
        self.join = nn.Linear(2 * d, d)
        self.out = nn.Linear(d, letters + 1)

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        """Logits ``[B, m + 1, letters + 1]``."""
        tracks = batch["symbols"].unbind(-1)
        x = torch.stack([embed(track) for embed, track in zip(self.columns, tracks, strict=True)]).sum(0)
        memory = self.narrow(self.encoder(x * len(tracks) ** -0.5)[0])
        written = F.pad(batch["target"], (1, 0), value=self.start)
        state = self.decoder(self.written(written))[0]
        heads = (part.unsqueeze(1) for part in (state, memory, memory))
        seen = core.attend(*heads, pattern=Full(), mask=batch["mask"]).squeeze(1)
        logits: Tensor = self.out(self.join(torch.cat([state, seen], dim=-1)).tanh())
        return logits


def drawn(count: int, seed: int, *, bases: int = LENGTH, columns: int = COLUMNS) -> PassWindows:
    """Draw windows."""
    return pass_windows(count, bases=bases, passes=PASSES, columns=columns, seed=seed)


def window_batch(made: PassWindows, slots: int = 2) -> Made:
    """Windows as a batch for both kinds of head; the label of a column has its base and those behind it, if any."""
    labels = (made.aligned[..., :slots] * (BASES + 1) ** np.arange(slots)).sum(-1)
    return {
        "symbols": torch.from_numpy(made.symbols),
        "mask": torch.from_numpy(made.mask),
        "target": torch.from_numpy(made.truth),
        "labels": torch.from_numpy(np.where(made.mask, labels, UNJUDGED)),
    }


def writer(seed: int) -> Seq2Seq:
    """The encoder and decoder."""
    torch.manual_seed(seed)
    return Seq2Seq(Trunk(TRUNK), Trunk(DECODER), tracks=TRACKS, letters=BASES)


def labeller(seed: int, slots: int = 2) -> Label:
    """The same encoder, with a class for each column: all that so many slots can hold."""
    torch.manual_seed(seed)
    return Label(Trunk(TRUNK), vocabularies=(BASES + 1,) * TRACKS, classes=(BASES + 1) ** slots)


def recurrent(seed: int) -> RecurrentSeq2Seq:
    """A recurrent network with about as many parameters as the encoder and decoder."""
    torch.manual_seed(seed)
    return RecurrentSeq2Seq(tracks=TRACKS, letters=BASES, d=72, layers=2)


def trained(network: nn.Module, judge: Head, training: Training, seed: int, slots: int = 2) -> float:
    """Train on new windows at each step, the same for all networks, by the loss of the head ``judge``.

    Returns:
        The mean of the last losses.
    """

    def loss(step: int) -> Tensor:
        bases, items = _stage(step, training.steps)
        batch = window_batch(drawn(items, seed * 10**6 + step, bases=bases, columns=bases + SPARE), slots)
        return judge.loss(network(batch), batch)

    reached = fit(network, loss, training)
    network.eval()
    return reached


def windows_seen(steps: int) -> int:
    """Windows that a training of so many steps sees."""
    return sum(_stage(step, steps)[1] for step in range(steps))


def _stage(step: int, steps: int) -> tuple[int, int]:
    """Bases of a window, and windows of a batch."""
    return next((bases, items) for share, bases, items in GROWING if step < share * steps)


@torch.inference_mode()
def written(head: Seq2Seq, made: PassWindows, *, width: int = 1) -> NDArray[np.int64]:
    """The bases that the encoder and decoder write, ``int64[count, LONGEST]``."""
    return head.decode(window_batch(made), longest=LONGEST, width=width).numpy()


@torch.inference_mode()
def labelled(head: Label, made: PassWindows, slots: int = 2) -> NDArray[np.int64]:
    """The bases that the labels of columns spell, ``int64[count, LONGEST]``."""
    classes = head.decode(window_batch(made)).numpy() * made.mask
    return spelled(classes[..., None] // (BASES + 1) ** np.arange(slots) % (BASES + 1), LONGEST)


def right(found: NDArray[np.int64], made: PassWindows) -> NDArray[np.bool_]:
    """Which windows have every base right, ``bool[count]``."""
    truth = np.pad(made.truth, ((0, 0), (0, found.shape[1] - made.truth.shape[1])))
    exact: NDArray[np.bool_] = (found == truth).all(axis=1)
    return exact


held_out_windows = partial(drawn, seed=9 * 10**8)
"""Draws windows that no training has seen."""


def writer_layers(head: Seq2Seq) -> list[LayerCost]:
    """The cost of each layer of the encoder and of the decoder, cross-attention included."""
    decoder = [_with_memory(layer) for layer in layer_costs(head.decoder, (LENGTH + 1,))]
    return [*layer_costs(head.trunk, (COLUMNS,)), *decoder]


def recurrent_layers(network: RecurrentSeq2Seq) -> list[LayerCost]:
    """The same of the recurrent network: two operations per weight and step, and attention between the two."""
    weights = [sum(weight.numel() for weight in part.parameters()) for part in (network.encoder, network.decoder)]
    looking = 4 * network.out.in_features * COLUMNS
    return [
        LayerCost(COLUMNS, 0, 2 * weights[0], 0, 0),
        LayerCost(LENGTH + 1, (LENGTH + 1) * COLUMNS, 2 * weights[1], looking, 0),
    ]


def _with_memory(layer: LayerCost) -> LayerCost:
    d = DECODER.d
    projecting = 4 * d**2 + round(4 * d**2 * COLUMNS / layer.tokens)
    return replace(
        layer,
        pairs=layer.pairs + layer.tokens * COLUMNS,
        gemm=layer.gemm + projecting,
        attention=layer.attention + 4 * d * COLUMNS,
    )
