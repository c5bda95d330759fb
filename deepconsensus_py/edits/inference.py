"""Edit networks on a CPU, without torch: the forward pass of ``models.edit_network`` in NumPy and compiled layers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.vectors import SIZE
from deepconsensus_py.corrector import Arrays
from deepconsensus_py.edits.classes import EDIT_CLASSES, EDITED, NONE
from deepconsensus_py.edits.kinetics import KINETIC_FLAGS, KINETIC_STEP
from deepconsensus_py.edits.layers import ROWS, Floats, layer_norm, linear, mix, packed, scores
from deepconsensus_py.edits.method import SPEC
from deepconsensus_py.edits.tokens import (
    COVERED,
    HOMOPOLYMER_FIELDS,
    HOMOPOLYMER_PARTS,
    KINETICS,
    PASS_FIELDS,
    RATE_STEP,
    RATIO_STEP,
    REVERSE,
    SCORE_STEP,
)
from deepconsensus_py.options import FP32
from deepconsensus_py.pacbio.molecule import A, N

BATCH = 64
"""Items computed at once: as many as keep the layers in the cache of a core."""

PASS_INPUTS = PASS_FIELDS - 1 + EDITED
"""Channels of a pass token: its fields except the coverage flag, own ratios twice."""

_TWICE = HOMOPOLYMER_PARTS["evidence"] + HOMOPOLYMER_PARTS["by_strand"] + HOMOPOLYMER_PARTS["tandem_repeats"]
HOMOPOLYMER_INPUTS = (
    HOMOPOLYMER_FIELDS + _TWICE + HOMOPOLYMER_PARTS["evidence"] + (N - A - 1) * HOMOPOLYMER_PARTS["letters"]
)
"""Channels of a homopolymer token: its fields, own evidence twice and once more per pass, bases one-hot."""

PASS_GROUPS = {"neighbours": slice(EDITED, COVERED - 1), "kinetics": KINETICS}
"""Fields of a pass token that a network can do without, by name: ratios of adjacent homopolymers; kinetics."""

SURE = (-1000.0, 40.0)
"""Pooled evidence is clipped to this range, nats."""

CONFIDENT = 0.95
"""Probability of no edit from which on the first network of an ensemble decides alone.

It does for half of the undecided homopolymers of real drafts. The mean of all networks edits none of these, and their
likelihood is the same within a thousandth (``docs/developers/networks.md``).
"""

_ENSEMBLE = "ensemble"
_FULL = {"kind": "full", "causal": False}
_PLAIN = {
    "norm": ("rezero", "layer"),
    "position": ("sinusoid", "none"),
    "shared": (False, False),
    "cross": (False, False),
}
"""Fields of a trunk with what they are if absent, and what is computed here."""

_one = np.float32(1)


def _supports(member: Mapping[str, Any]) -> bool:
    trunk = member["trunk"]
    layers, d, heads, ff = (trunk[name] for name in ("layers", "d", "heads", "ff"))
    plain = all(trunk.get(name, usual) == wanted for name, (usual, wanted) in _PLAIN.items())
    full = all(entry["pattern"] == _FULL and entry.get("bias") is None for entry in trunk["attention"])
    known = trunk.keys() <= {"layers", "d", "heads", "ff", "attention", *_PLAIN}
    groups = set(member.get("without", ())) <= PASS_GROUPS.keys()
    return bool(plain and full and known and groups and layers > 0 and d % (SIZE * heads) == 0 and ff % SIZE == 0)


def _shapes(trunk: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    d, ff, classes = trunk["d"], trunk["ff"], len(EDIT_CLASSES)
    linear = {"embed_pass": (d, PASS_INPUTS), "embed_run": (d, HOMOPOLYMER_INPUTS), "out": (classes, d)}
    shapes: dict[str, tuple[int, ...]] = {"slope": (EDITED,), "offset": (EDITED,)}
    norms = ["trunk.encoder.norm"]
    for layer in range(trunk["layers"]):
        block = f"trunk.encoder.blocks.{layer}"
        norms += [f"{block}.attention.norm", f"{block}.feed_forward.norm"]
        linear |= {f"{block}.feed_forward.layer.widen": (ff, d), f"{block}.feed_forward.layer.narrow": (d, ff)}
        shapes |= {f"{block}.attention.layer.{name}.weight": (d, d) for name in ("query", "key", "value", "out")}
    shapes |= {f"{name}.weight": size for name, size in linear.items()}
    shapes |= {f"{name}.bias": size[:1] for name, size in linear.items()}
    return shapes | {f"{name}.{part}": (d,) for name in norms for part in ("weight", "bias")}


def blank_item() -> Arrays:
    """Inputs of one homopolymer with one pass, without evidence: computing it loads the compiled code."""
    return {"passes": np.zeros((1, 1, PASS_FIELDS), np.int8), "run": np.zeros((1, HOMOPOLYMER_FIELDS), np.int16)}


class EditInference:
    """A ``corrector.Network`` of the method ``edits``, on a CPU, in float32.

    Args:
        config: of a model file that ``supports`` accepts.
        weights: ``float32`` arrays of the shapes of ``shapes``, by name.
        streams: number of threads that may call ``forward`` at once.
    """

    batch, precision = BATCH, FP32

    @staticmethod
    def supports(spec: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
        """Whether networks of this encoding and configuration are computed here; torch computes the others."""
        try:
            return spec == SPEC and all(map(_supports, config.get(_ENSEMBLE, [config])))
        except (ArithmeticError, AttributeError, LookupError, TypeError):
            return False  # torch's half of the method says what is wrong

    @staticmethod
    def shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
        """The shapes of the weights of a configuration, by their names in a model file."""
        if _ENSEMBLE not in config:
            return _shapes(config["trunk"])
        members = enumerate(config[_ENSEMBLE])
        return {f"networks.{i}.{name}": size for i, own in members for name, size in _shapes(own["trunk"]).items()}

    def __init__(self, config: Mapping[str, Any], weights: Arrays, streams: int) -> None:
        self.streams = streams
        members = config.get(_ENSEMBLE)
        if members is None:
            self._members = [_Member(config, weights)]
        else:
            self._members = [_Member(own, _within(f"networks.{i}.", weights)) for i, own in enumerate(members)]

    def forward(self, inputs: Arrays) -> Floats:
        """Probabilities ``float32[n, 18]`` of ``edits.classes.EDIT_CLASSES``.

        They are the first member's where it is ``CONFIDENT`` of no edit, else the mean of all members'.

        Args:
            inputs: ``passes`` and ``run``, as ``tokens.homopolymer_tokens`` makes them.
        """
        passes = inputs["passes"]
        ends = np.cumsum(list(HOMOPOLYMER_PARTS.values()))[:-1]
        parts = dict(zip(HOMOPOLYMER_PARTS, np.split(inputs["run"], ends, axis=1), strict=True))
        real = np.ones((len(passes), passes.shape[1] + 1), np.bool_)
        real[:, 1:] = passes[:, :, COVERED] > 0
        evidence = (parts["evidence"] * np.float32(SCORE_STEP)).clip(*SURE)
        of_homopolymers, of_passes = homopolymer_inputs(parts), pass_inputs(passes)
        first, *others = self._members
        found = first.probabilities(of_homopolymers, of_passes, real, evidence)
        unsure = np.flatnonzero(found[:, NONE] < CONFIDENT)
        if others and len(unsure):
            asked = of_homopolymers[unsure], of_passes[unsure], real[unsure], evidence[unsure]
            every = [found[unsure], *(member.probabilities(*asked) for member in others)]
            mean = np.mean(every, axis=0, dtype=np.float32)
            found[unsure] = mean / mean.sum(axis=1, keepdims=True)
        return found


class _Member:
    """One network.

    Args:
        config: its own.
        weights: its own, by name.
    """

    def __init__(self, config: Mapping[str, Any], weights: Arrays) -> None:
        self._trunk = config["trunk"]
        plain = {name: np.array(values, np.float32) for name, values in weights.items()}
        for group in config.get("without", ()):
            # A field without weights has no effect, as if it were 0.
            plain["embed_pass.weight"][:, _channels(PASS_GROUPS[group])] = 0
        for block in range(self._trunk["layers"]):
            at = f"trunk.encoder.blocks.{block}.attention.layer"
            plain[f"{at}.kept"] = np.concatenate([plain.pop(f"{at}.{name}.weight") for name in ("key", "value")])
        self._weights = {name: packed(values) if values.ndim == 2 else values for name, values in plain.items()}

    def probabilities(
        self, of_homopolymers: Floats, of_passes: Floats, real: NDArray[np.bool_], evidence: Floats
    ) -> Floats:
        """Probabilities ``float32[n, 18]``.

        Args:
            of_homopolymers: ``[n, HOMOPOLYMER_INPUTS]``.
            of_passes: ``[n, passes, PASS_INPUTS]``.
            real: ``bool[n, 1 + passes]`` which tokens there are.
            evidence: ``[n, EDITED]`` pooled evidence, nats.
        """
        items, tokens = real.shape
        x = np.empty((_rows(items * tokens), self._trunk["d"]), np.float32)
        x[items * tokens :] = 0
        placed = x[: items * tokens].reshape(items, tokens, -1)
        placed[:, 0] = self._linear("embed_run", _padded(of_homopolymers))[:items]
        embedded = self._linear("embed_pass", _padded(of_passes.reshape(-1, PASS_INPUTS)))
        placed[:, 1:] = embedded[: items * (tokens - 1)].reshape(items, tokens - 1, -1)
        for layer in range(self._trunk["layers"]):
            # The last layer computes only the homopolymer tokens.
            asking = 1 if layer == self._trunk["layers"] - 1 else tokens
            x = self._block(f"trunk.encoder.blocks.{layer}", x, real, asking)
        found = self._linear("out", self._norm("trunk.encoder.norm", x))[:items, : len(EDIT_CLASSES)]
        found[:, 1:] += evidence * self._weights["slope"] + self._weights["offset"]
        found = np.exp(found - found.max(axis=1, keepdims=True))
        probabilities: Floats = found / found.sum(axis=1, keepdims=True)
        return probabilities

    def _block(self, name: str, x: Floats, real: NDArray[np.bool_], asking: int) -> Floats:
        """Attention of the first ``asking`` tokens of each item to all, and feed-forward; may change ``x``."""
        items, tokens = real.shape
        normed = self._norm(f"{name}.attention.norm", x)
        kept = np.zeros((len(x), 2 * x.shape[1]), np.float32)
        linear(normed, self._weights[f"{name}.attention.layer.kept"], kept)
        if asking < tokens:
            x, normed = (_padded(rows[: items * tokens : tokens]) for rows in (x, normed))
        queries = np.zeros_like(x)
        linear(normed, self._weights[f"{name}.attention.layer.query.weight"], queries)
        weights = np.empty((items, self._trunk["heads"], asking, tokens), np.float32)
        scores(queries, kept, real, weights)
        mixed = np.zeros_like(x)
        mix(np.exp(weights, out=weights), kept, mixed)
        linear(mixed, self._weights[f"{name}.attention.layer.out.weight"], x)
        hidden = self._linear(f"{name}.feed_forward.layer.widen", self._norm(f"{name}.feed_forward.norm", x))
        x += self._weights[f"{name}.feed_forward.layer.narrow.bias"]
        linear(np.maximum(hidden, 0, out=hidden), self._weights[f"{name}.feed_forward.layer.narrow.weight"], x)
        return x

    def _norm(self, name: str, x: Floats) -> Floats:
        normed = np.empty_like(x)
        layer_norm(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"], normed)
        return normed

    def _linear(self, name: str, x: Floats) -> Floats:
        """A linear layer; its outputs are padded to a multiple of ``SIZE``."""
        bias, weights = self._weights[f"{name}.bias"], self._weights[f"{name}.weight"]
        result = np.zeros((len(x), len(weights) * SIZE), np.float32)
        result[:, : len(bias)] = bias
        linear(x, weights, result)
        return result


def _channels(fields: slice) -> slice:
    """The inputs of a pass that are made of some of its fields, other than its own ratios and flags before kinetics."""
    shift = 0 if fields.stop < COVERED else EDITED - 1
    return slice(fields.start + shift, fields.stop + shift)


def _within(prefix: str, weights: Arrays) -> Arrays:
    return {name.removeprefix(prefix): values for name, values in weights.items() if name.startswith(prefix)}


def _rows(rows: int) -> int:
    return rows + -rows % ROWS


def _padded(x: Floats) -> Floats:
    """Rows as ``linear`` takes them: more rows of zeros, contiguous."""
    padded = np.zeros((_rows(len(x)), x.shape[1]), np.float32)
    padded[: len(x)] = x
    return padded


def pass_inputs(passes: NDArray[np.int8]) -> Floats:
    """``float32[n, passes, PASS_INPUTS]``; see ``models.edit_network``."""
    ratios = passes[..., : COVERED - 1] * np.float32(RATIO_STEP)
    kinetics = passes[..., KINETICS].astype(np.float32)
    parts: list[NDArray[Any]] = [
        _squashed(ratios / 2),
        _squashed(ratios[..., :EDITED] / 6),
        passes[..., COVERED - 1 : COVERED] / np.float32(6),
        passes[..., REVERSE : REVERSE + 1],
        kinetics[..., :KINETIC_FLAGS],
        _squashed(kinetics[..., KINETIC_FLAGS:] * np.float32(KINETIC_STEP)),
    ]
    return np.concatenate(parts, axis=-1, dtype=np.float32)


def homopolymer_inputs(parts: Arrays) -> Floats:
    """``float32[n, HOMOPOLYMER_INPUTS]`` of the parts of homopolymer tokens; see ``models.edit_network``."""
    names = ("evidence", "by_strand", "around", "tandem_repeats")
    nats = {name: parts[name] * np.float32(SCORE_STEP) for name in names}
    own = np.concatenate([nats["evidence"], nats["by_strand"], nats["tandem_repeats"]], axis=1)
    depth = parts["depth"].astype(np.float32)
    mean = nats["evidence"] / np.maximum(depth.sum(axis=1, keepdims=True), 1)
    joined: list[NDArray[Any]] = [
        _squashed(own / 3),
        _squashed(own / 10),
        _squashed(nats["around"] / 6),
        np.maximum(mean, -5),
        (parts["letters"][..., None] == np.arange(A, N)).reshape(len(depth), -1),
        np.log(np.maximum(parts["lengths"].astype(np.float32), 1)),
        np.log1p(depth),
        np.log(parts["rates"] * np.float32(RATE_STEP) + np.float32(1e-3)) / 2 + np.float32(1.5),
    ]
    return np.concatenate(joined, axis=1, dtype=np.float32)


def _squashed(x: NDArray[Any]) -> Floats:
    """Hyperbolic tangent, at half the time of NumPy's own."""
    # Clipped, so that nothing overflows: at 20 it is 1 in float32.
    squashed: Floats = np.float32(2) / (_one + np.exp(np.float32(-2) * np.clip(x, -20, 20))) - _one
    return squashed
