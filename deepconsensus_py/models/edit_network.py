"""The run network: which edit an undecided run of the draft needs, from the set of its passes.

Passes come in any number and no order, so the tokens of an item are a set: one for the run, one for each pass, all
attending to each other on the shared trunk. What the hidden Markov model says of the run is added to the output, so
that an untrained network is that model.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.corrector import ALIKE, Arrays
from deepconsensus_py.edits.classes import EDIT_CLASSES, EDITED
from deepconsensus_py.edits.method import SPEC
from deepconsensus_py.edits.tokens import COVERED, PASS_FIELDS, RATE_STEP, RATIO_STEP, RUN_FIELDS, RUN_PARTS, SCORE_STEP
from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.network import CorrectionNetwork
from deepconsensus_py.pacbio.molecule import A, N

CPU_BATCH, GPU_BATCH = 1 << 8, 1 << 14
"""Undecided runs: on a processor as many as its cache holds the layers of (a third faster than four times as many), on
a GPU what fills it."""

STEP = 64
"""Runs that a batch on a processor is padded to a multiple of: four sizes, where items take 0.05 ms each."""

_USUAL_PASSES = 10

_SURE = (-1000.0, 40.0)
"""Nats beyond which pooled evidence makes no difference."""

PASS_INPUTS = PASS_FIELDS - 1 + EDITED
"""Channels of a pass token: its fields but whether it covers the run, own ratios twice."""

_TWICE = RUN_PARTS["evidence"] + RUN_PARTS["by_strand"] + RUN_PARTS["tracts"]
RUN_INPUTS = RUN_FIELDS + _TWICE + RUN_PARTS["evidence"] + (N - A - 1) * RUN_PARTS["letters"]
"""Channels of a run token: its fields, own evidence twice and once more per pass, letters as four."""


@dataclass(frozen=True, slots=True)
class EditConfig:
    """A run network.

    Attributes:
        trunk: the layers that the tokens go through; without positions, as they have none.
        floor: probability that a run is wrong which the evidence decides, and of a base for no reason at all.
    """

    trunk: TrunkConfig
    floor: float = 1e-5

    @classmethod
    def of(cls, *, layers: int = 2, d: int = 64, heads: int = 4, ff: int = 128, dropout: float = 0.0) -> "EditConfig":
        """A network of full attention, by its sizes."""
        attention = tuple(replace(entry, dropout=dropout) for entry in preset("full"))
        return cls(TrunkConfig(layers, d, heads, ff, attention, norm="layer", position="none"))

    def flops(self, passes: int) -> int:
        """Floating point operations of one item with this many passes, two per multiply-add of the matrix products."""
        trunk, tokens = self.trunk, passes + 1
        embedded = passes * PASS_INPUTS + RUN_INPUTS
        layer = 4 * tokens * trunk.d**2 + 2 * tokens**2 * trunk.d + 2 * tokens * trunk.d * trunk.ff
        # Of the last layer the token of the run alone is wanted.
        last = (2 * tokens + 2) * trunk.d**2 + 2 * tokens * trunk.d + 2 * trunk.d * trunk.ff
        return 2 * (embedded * trunk.d + (trunk.layers - 1) * layer + last + trunk.d * len(EDIT_CLASSES))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"trunk": self.trunk.to_dict(), "floor": self.floor}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "EditConfig":
        """The record of ``to_dict``.

        Raises:
            ModelError: a field is missing, unknown or out of range.
        """
        try:
            return cls(**{**values, "trunk": TrunkConfig.from_dict(values["trunk"])})
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"not the configuration of a run network: {error}") from error


class EditNetwork(CorrectionNetwork):
    """Scores of the edits of a run.

    Args:
        config: layers, and the floor of the calls.
    """

    method, cpu_batch, gpu_batch, step = "edits", CPU_BATCH, GPU_BATCH, STEP
    config: EditConfig

    def __init__(self, config: EditConfig) -> None:
        super().__init__()
        self.config = config
        d = config.trunk.d
        self.embed_pass, self.embed_run = nn.Linear(PASS_INPUTS, d), nn.Linear(RUN_INPUTS, d)
        self.trunk = Trunk(config.trunk)
        self.out = nn.Linear(d, len(EDIT_CLASSES))
        self.slope = nn.Parameter(torch.full((EDITED,), 0.8))
        self.offset = nn.Parameter(torch.full((EDITED,), -1.0))
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Scores ``float[n, 17]`` of ``edits.classes.EDIT_CLASSES``; their softmax are probabilities.

        Args:
            inputs: ``passes`` ``int8[n, passes, PASS_FIELDS]`` and ``run`` ``int16[n, RUN_FIELDS]``, as
                ``run_tokens.run_tokens`` makes them.
        """
        passes, parts = (
            inputs["passes"],
            dict(zip(RUN_PARTS, torch.split(inputs["run"], list(RUN_PARTS.values()), 1), strict=True)),
        )
        x = torch.cat([self.embed_run(_run_inputs(parts))[:, None], self.embed_pass(_pass_inputs(passes))], dim=1)
        mask = F.pad(passes[:, :, COVERED] > 0, (1, 0), value=True)
        learnt = self.out(self.trunk(Tokens(x, mask=mask), first=1)[:, 0]).float()
        evidence = (parts["evidence"].float() * SCORE_STEP).clamp(*_SURE)
        scores: Tensor = learnt + F.pad(evidence * self.slope + self.offset, (1, 0))
        return scores

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "EditNetwork":
        """A network by its configuration (``EditConfig.to_dict``)."""
        return cls(EditConfig.from_dict(config))

    def require_spec(self, spec: Mapping[str, Any], source: str) -> None:
        """Refuse another encoding than this version's."""
        if spec != SPEC:
            raise ModelError(f"{source}: an edit network of encoding {spec}, this version has {SPEC}; train it again")

    def arranged(self, inputs: Arrays) -> Arrays:
        """As many passes as alike ones have; with the token of the run a multiple, so that all matrices align alike."""
        passes = inputs["passes"]
        return {**inputs, "passes": np.pad(passes, ((0, 0), (0, -(passes.shape[1] + 1) % ALIKE), (0, 0)))}

    def cost(self) -> str:
        """What it computes, in words."""
        return f"{self.config.flops(_USUAL_PASSES):,} FLOPs per undecided run of {_USUAL_PASSES} passes"

    def summary(self) -> str:
        """What it is, in a line."""
        trunk = self.config.trunk
        return (
            f"runs and their passes as sets, {trunk.layers} layers of {trunk.d}, {self.parameter_count():,} parameters"
        )


def _pass_inputs(passes: Tensor) -> Tensor:
    """``float[n, passes, PASS_INPUTS]``; ratios twice, so that small and large ones both show."""
    ratios = passes[..., : COVERED - 1].float() * RATIO_STEP
    rest = passes[..., COVERED - 1 :].float()
    return torch.cat(
        [_squashed(ratios / 2), _squashed(ratios[..., :EDITED] / 6), rest[..., :1] / 6, rest[..., 2:]], dim=-1
    )


def _run_inputs(parts: Mapping[str, Tensor]) -> Tensor:
    """``float[n, RUN_INPUTS]``."""
    nats = {name: parts[name].float() * SCORE_STEP for name in ("evidence", "by_strand", "around", "tracts")}
    own = torch.cat([nats["evidence"], nats["by_strand"], nats["tracts"]], dim=1)
    depth = parts["depth"].float()
    mean = nats["evidence"] / depth.sum(dim=1, keepdim=True).clamp(min=1)
    letters = F.one_hot(parts["letters"].long(), N + 1)[..., A:N].flatten(1)
    lengths = parts["lengths"].float().clamp(min=1).log()
    rates = (parts["rates"].float() * RATE_STEP + 1e-3).log() / 2 + 1.5
    return torch.cat(
        [
            *(_squashed(own / 3), _squashed(own / 10), _squashed(nats["around"] / 6), mean.clamp(min=-5)),
            *(letters.float(), lengths, depth.log1p(), rates),
        ],
        dim=1,
    )


def _squashed(x: Tensor) -> Tensor:
    """The hyperbolic tangent, at a fifth of the time that torch takes for it on a processor."""
    return (2 * x).sigmoid() * 2 - 1
