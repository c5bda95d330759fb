"""Windows of noisy passes for networks that write bases, and for those that label columns."""

from dataclasses import replace
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor, nn

from deepconsensus_py.attention import core
from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.attention.cost import LayerCost
from deepconsensus_py.attention.patterns import Full
from deepconsensus_py.attention.presets import preset
from deepconsensus_py.heads.head import Head
from deepconsensus_py.heads.label import UNJUDGED, Label
from deepconsensus_py.heads.seq2seq import Seq2Seq
from deepconsensus_py.lab.costs import layer_costs
from deepconsensus_py.lab.fit import Training, fit
from deepconsensus_py.lab.systems.transformer.passes import BASES, INSERTED, Windows, spelled, windows

LENGTH, SPARE, PASSES = 40, 8, 3
COLUMNS = LENGTH + SPARE
TRACKS = 1 + (1 + INSERTED) * PASSES
LONGEST = LENGTH + 6
"""Letters that are written at most; what is longer is wrong anyway."""

TRUNK = TrunkConfig(2, 64, 4, 128, preset("full"), norm="layer")
DECODER = TrunkConfig(2, 64, 4, 128, preset("causal"), norm="layer", cross=True)

Made = dict[str, Tensor]

Stages = tuple[tuple[float, int, int], ...]
"""Until which share of the steps windows have how many bases, and batches how many windows."""

WHOLE: Stages = ((1.0, LENGTH, 64),)
GROWING: Stages = ((0.25, 16, 64), (1.0, LENGTH, 32))


class RecurrentSeq2Seq(nn.Module):
    """A bidirectional encoder, a decoder, and attention of one head between them (Luong et al. 2015).

    It takes the batches of ``heads.seq2seq.Seq2Seq`` and gives the same logits.

    Args:
        tracks: tracks of a column.
        letters: symbols of every track, and letters of the output, both without 0.
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


def drawn(count: int, seed: int, *, bases: int = LENGTH, columns: int = COLUMNS) -> Windows:
    """Windows of this task."""
    return windows(count, bases=bases, passes=PASSES, columns=columns, seed=seed)


def batch_of(made: Windows) -> Made:
    """Windows as a batch for both kinds of head; a column's label says its base, and the one behind it if any."""
    labels = made.aligned[..., 0] * (BASES + 1) + made.aligned[..., 1]
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


def labeller(seed: int) -> Label:
    """The same encoder with a class for each column."""
    torch.manual_seed(seed)
    return Label(Trunk(TRUNK), vocabularies=(BASES + 1,) * TRACKS, classes=(BASES + 1) ** 2)


def recurrent(seed: int) -> RecurrentSeq2Seq:
    """Recurrent units of about as many parameters as the encoder and decoder."""
    torch.manual_seed(seed)
    return RecurrentSeq2Seq(tracks=TRACKS, letters=BASES, d=72, layers=2)


def trained(network: nn.Module, judge: Head, training: Training, seed: int, stages: Stages = WHOLE) -> float:
    """Train on windows drawn anew for each step; the head ``judge`` has the loss. Gives the last losses' mean."""

    def loss(step: int) -> Tensor:
        bases, items = next((bases, items) for share, bases, items in stages if step < share * training.steps)
        batch = batch_of(drawn(items, seed * 10**6 + step, bases=bases, columns=bases + SPARE))
        return judge.loss(network(batch), batch)

    reached = fit(network, loss, training)
    network.eval()
    return reached


@torch.inference_mode()
def written(head: Seq2Seq, made: Windows, *, width: int = 1) -> NDArray[np.int64]:
    """What the encoder and decoder write, ``int64[count, LONGEST]``."""
    return head.decode(batch_of(made), longest=LONGEST, width=width).numpy()


@torch.inference_mode()
def labelled(head: Label, made: Windows) -> NDArray[np.int64]:
    """What the labels of columns spell, ``int64[count, LONGEST]``."""
    classes = head.decode(batch_of(made)).numpy() * made.mask
    return spelled(np.stack([classes // (BASES + 1), classes % (BASES + 1)], axis=-1), LONGEST)


def right(found: NDArray[np.int64], made: Windows) -> NDArray[np.bool_]:
    """Which windows are right in every base."""
    truth = np.pad(made.truth, ((0, 0), (0, found.shape[1] - made.truth.shape[1])))
    exact: NDArray[np.bool_] = (found == truth).all(axis=1)
    return exact


held_out = partial(drawn, seed=9 * 10**8)
"""Windows that no training draws."""


def writer_layers(head: Seq2Seq) -> list[LayerCost]:
    """The cost of each layer of the encoder and of the decoder, whose own includes looking at the columns."""
    decoder = [_with_memory(layer) for layer in layer_costs(head.decoder, (LENGTH + 1,))]
    return [*layer_costs(head.trunk, (COLUMNS,)), *decoder]


def recurrent_layers(network: RecurrentSeq2Seq) -> list[LayerCost]:
    """The same of the recurrent units: two operations for each weight at each step, and attention between them."""
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
