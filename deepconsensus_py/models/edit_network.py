"""The edit network: the posterior of each edit class of an undecided homopolymer, from the set of its passes.

Passes are unordered and vary in number, so the tokens of an item are a set: one for the homopolymer and one per pass,
all attending to each other in the trunk. The evidence of the hidden Markov model is added to the output, so that an
untrained network equals that model.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
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
from deepconsensus_py.corrector import PASS_BIN, Arrays
from deepconsensus_py.edits.classes import EDIT_CLASSES, EDITED
from deepconsensus_py.edits.inference import HOMOPOLYMER_INPUTS, PASS_GROUPS, PASS_INPUTS, SURE
from deepconsensus_py.edits.kinetics import KINETIC_FLAGS, KINETIC_STEP
from deepconsensus_py.edits.method import SPEC
from deepconsensus_py.edits.tokens import (
    COVERED,
    HOMOPOLYMER_PARTS,
    KINETICS,
    RATE_STEP,
    RATIO_STEP,
    REVERSE,
    SCORE_STEP,
)
from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.edit_upgrade import upgraded_weights
from deepconsensus_py.models.network import CorrectionNetwork
from deepconsensus_py.pacbio.molecule import A, N

CPU_BATCH, GPU_BATCH = 1 << 8, 1 << 14
"""Undecided homopolymers per batch: on a CPU as many as keep the layers in cache (a third faster than four times as
many), on a GPU enough to fill it."""

STEP = 64
"""CPU batches are padded to a multiple of this: only four sizes, at 0.05 ms an item."""

_USUAL_PASSES = 10

UNUSED = "floor"
"""An error probability in the configurations of earlier files; base qualities no longer follow from it."""


@dataclass(frozen=True, slots=True)
class EditConfig:
    """Configuration of an edit network.

    Attributes:
        trunk: its layers; without position embedding, as tokens are a set.
        without: names of ``PASS_GROUPS`` that are zeros to it.
    """

    trunk: TrunkConfig
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.without:
            if name not in PASS_GROUPS:
                raise ValueError(f"a network can be without {', '.join(PASS_GROUPS)}, not {name!r}")

    @classmethod
    def of(cls, *, layers: int = 2, d: int = 64, heads: int = 4, ff: int = 128, dropout: float = 0.0) -> "EditConfig":
        """A network with full attention, from its sizes."""
        attention = tuple(replace(entry, dropout=dropout) for entry in preset("full"))
        return cls(TrunkConfig(layers, d, heads, ff, attention, norm="layer", position="none"))

    def flops(self, passes: int) -> int:
        """Floating point operations of one item with this many passes, two per multiply-add of the matrix products."""
        trunk, tokens = self.trunk, passes + 1
        embedded = passes * PASS_INPUTS + HOMOPOLYMER_INPUTS
        layer = 4 * tokens * trunk.d**2 + 2 * tokens**2 * trunk.d + 2 * tokens * trunk.d * trunk.ff
        # The last layer computes only the homopolymer token.
        last = (2 * tokens + 2) * trunk.d**2 + 2 * tokens * trunk.d + 2 * trunk.d * trunk.ff
        return 2 * (embedded * trunk.d + (trunk.layers - 1) * layer + last + trunk.d * len(EDIT_CLASSES))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        found: dict[str, Any] = {"trunk": self.trunk.to_dict()}
        # Absent if empty, as in files of version 0.2.
        return {**found, "without": list(self.without)} if self.without else found

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "EditConfig":
        """The record of ``to_dict``.

        Raises:
            ModelError: a field is missing, unknown or out of range.
        """
        try:
            trunk, without = TrunkConfig.from_dict(values["trunk"]), tuple(values.get("without", ()))
            rest = {name: value for name, value in values.items() if name != UNUSED}
            return cls(**{**rest, "trunk": trunk, "without": without})
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ModelError(f"not the configuration of an edit network: {error}") from error


class EditScorer(CorrectionNetwork):
    """Scores the edits of homopolymers: an edit network, or several."""

    method, cpu_batch, gpu_batch, step = "edits", CPU_BATCH, GPU_BATCH, STEP

    @property
    @abstractmethod
    def members(self) -> Sequence["EditNetwork"]:
        """The networks whose probabilities it averages."""

    @classmethod
    def upgraded(
        cls, spec: Mapping[str, Any], state: Mapping[str, Tensor]
    ) -> tuple[Mapping[str, Any], dict[str, Tensor]]:
        """Weights of version 3, which had neither proposed edits nor kinetics, with weights of 0 for these."""
        if spec != {**SPEC, "version": 3}:
            return spec, dict(state)
        return SPEC, upgraded_weights(state)

    def require_spec(self, spec: Mapping[str, Any], source: str) -> None:
        """Refuse any encoding but this version's."""
        if spec != SPEC:
            raise ModelError(f"{source}: an edit network of encoding {spec}, this version has {SPEC}; train it again")

    def arranged(self, inputs: Arrays) -> Arrays:
        """Pad passes: with the homopolymer token a multiple of ``PASS_BIN``, so that matrices are aligned equally."""
        passes = inputs["passes"]
        return {**inputs, "passes": np.pad(passes, ((0, 0), (0, -(passes.shape[1] + 1) % PASS_BIN), (0, 0)))}

    def cost(self) -> str:
        """Its computing cost, in words."""
        flops = sum(member.config.flops(_USUAL_PASSES) for member in self.members)
        return f"{flops:,} FLOPs per undecided homopolymer with {_USUAL_PASSES} passes"


class EditNetwork(EditScorer):
    """Scores the edits of a homopolymer.

    Args:
        config: of its layers.
    """

    config: EditConfig

    def __init__(self, config: EditConfig) -> None:
        super().__init__()
        self.config = config
        d = config.trunk.d
        self.embed_pass, self.embed_run = nn.Linear(PASS_INPUTS, d), nn.Linear(HOMOPOLYMER_INPUTS, d)
        self.trunk = Trunk(config.trunk)
        self.out = nn.Linear(d, len(EDIT_CLASSES))
        self.slope = nn.Parameter(torch.full((EDITED,), 0.8))
        self.offset = nn.Parameter(torch.full((EDITED,), -1.0))
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Scores ``float[n, 18]`` of ``edits.classes.EDIT_CLASSES``; their softmax gives probabilities.

        Args:
            inputs: ``passes`` ``int8[n, passes, PASS_FIELDS]`` and ``run`` ``int16[n, HOMOPOLYMER_FIELDS]``, as
                ``tokens.homopolymer_tokens`` makes them.
        """
        passes = self._read(inputs["passes"])
        parts = dict(
            zip(HOMOPOLYMER_PARTS, torch.split(inputs["run"], list(HOMOPOLYMER_PARTS.values()), 1), strict=True)
        )
        x = torch.cat(
            [self.embed_run(_homopolymer_inputs(parts))[:, None], self.embed_pass(_pass_inputs(passes))], dim=1
        )
        mask = F.pad(passes[:, :, COVERED] > 0, (1, 0), value=True)
        learnt = self.out(self.trunk(Tokens(x, mask=mask), first=1)[:, 0]).float()
        evidence = (parts["evidence"].float() * SCORE_STEP).clamp(*SURE)
        scores: Tensor = learnt + F.pad(evidence * self.slope + self.offset, (1, 0))
        return scores

    def _read(self, passes: Tensor) -> Tensor:
        """The pass tokens without the fields that this network does not read."""
        if self.config.without:
            passes = passes.clone()
            for name in self.config.without:
                passes[..., PASS_GROUPS[name]] = 0
        return passes

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "EditNetwork":
        """Build from a configuration (``EditConfig.to_dict``)."""
        return cls(EditConfig.from_dict(config))

    @property
    def members(self) -> Sequence["EditNetwork"]:
        """Itself."""
        return (self,)

    def summary(self) -> str:
        """One line about it."""
        trunk = self.config.trunk
        return (
            f"homopolymers and their passes as sets, {trunk.layers} layers of {trunk.d}, "
            f"{self.parameter_count():,} parameters"
        )


def _pass_inputs(passes: Tensor) -> Tensor:
    """``float[n, passes, PASS_INPUTS]``; ratios at two scales, so that small and large ones both resolve."""
    ratios = passes[..., : COVERED - 1].float() * RATIO_STEP
    differing, reverse = passes[..., COVERED - 1 : COVERED].float() / 6, passes[..., REVERSE : REVERSE + 1].float()
    kinetics = passes[..., KINETICS].float()
    flags, logs = kinetics[..., :KINETIC_FLAGS], kinetics[..., KINETIC_FLAGS:] * KINETIC_STEP
    return torch.cat(
        [_squashed(ratios / 2), _squashed(ratios[..., :EDITED] / 6), differing, reverse, flags, _squashed(logs)],
        dim=-1,
    )


def _homopolymer_inputs(parts: Mapping[str, Tensor]) -> Tensor:
    """``float[n, HOMOPOLYMER_INPUTS]``."""
    nats = {name: parts[name].float() * SCORE_STEP for name in ("evidence", "by_strand", "around", "tandem_repeats")}
    own = torch.cat([nats["evidence"], nats["by_strand"], nats["tandem_repeats"]], dim=1)
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
    """Hyperbolic tangent, at a fifth of the time of torch's own on a CPU."""
    return (2 * x).sigmoid() * 2 - 1
