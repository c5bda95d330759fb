"""Explain the calls of a column network: the passes and columns that they depend on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepconsensus_py.attention.explain import occlusion, recorded_maps, rollout
from deepconsensus_py.models.column_network import ColumnNetwork
from deepconsensus_py.models.edit_explanation import log_odds
from deepconsensus_py.pacbio.molecule import BASES, GAP, Zmw
from deepconsensus_py.pileup.features import PASS_FEATURES, FeatureSpec
from deepconsensus_py.pileup.method import INPUTS, encode_columns

NEAR = 10
"""Columns on either side that are examined."""

UNSURE = 0.01
"""Error probability from which a column is explained even if the draft is kept."""

MOST = 12

EMPTY = {"bases": GAP, "pulse_widths": 0, "inter_pulse_durations": 0, "draft": GAP, "draft_quality": -1}
"""Values of an empty column."""

Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ColumnCase:
    """A column of the pileup whose call differs from the draft or is unsure.

    Attributes:
        position: in the draft; of the base before it in a gap.
        draft: base of the draft, empty in a gap.
        probabilities: ``float64[5]`` of gap, A, T, C, G.
        log_odds: of the call, nats.
        passes: ``float64[passes]`` decrease of the log-odds of the call without each pass, nats; NaN for passes that
            the network does not read.
        letters: draft bases of the columns from ``NEAR`` before to ``NEAR`` after, empty in gaps.
        attention: ``float64[2 NEAR + 1]`` attention of this column to each of these, through all layers
            (``attention.explain.rollout``); NaN outside the window.
        columns: ``float64[2 NEAR + 1]`` decrease of the log-odds with that column empty, nats; NaN likewise.
    """

    position: int
    draft: str
    probabilities: Reals
    log_odds: float
    passes: Reals
    letters: tuple[str, ...]
    attention: Reals
    columns: Reals

    @property
    def call(self) -> str:
        """The base called, empty for a gap."""
        return BASES[int(self.probabilities.argmax())].strip()


def column_cases(zmw: Zmw, network: ColumnNetwork, spec: FeatureSpec, start: int, stop: int) -> tuple[ColumnCase, ...]:
    """Columns of a stretch of the draft that a network changes or calls unsure; the least sure if there are many.

    Args:
        zmw: molecule with aligned passes.
        network: on the CPU, in float32.
        spec: its encoding.
        start: draft position.
        stop: one past the last draft position.

    Raises:
        MoleculeError: the molecule lacks what the network needs, or an alignment does not fit.
    """
    features = encode_columns(zmw, spec)
    places = np.maximum.accumulate(features.layout["draft_index"], axis=1)
    windows = np.flatnonzero(((places >= start) & (places < stop)).any(axis=1))
    if not len(windows):
        return ()
    inputs = {name: torch.from_numpy(features.inputs[name][windows]) for name in INPUTS}
    with torch.inference_mode():
        with recorded_maps(network) as maps:
            scores: Tensor = network(inputs)
        probabilities = scores.double().log_softmax(-1).exp().numpy()
    views = rollout(maps).numpy()
    own, draft = places[windows], features.inputs["draft"][windows]
    unsure = (probabilities.argmax(-1) != draft) | (1 - probabilities.max(-1) >= UNSURE)
    found = np.argwhere(unsure & (own >= start) & (own < stop))
    least_sure = np.argsort(probabilities.max(-1)[tuple(found.T)], kind="stable")[:MOST]
    cases = []
    for window, column in found[np.sort(least_sure)].tolist():
        one = {name: values[window : window + 1] for name, values in inputs.items()}
        called = scores[window, column].argmax()
        near = np.arange(column - NEAR, column + NEAR + 1)
        inside = (near >= 0) & (near < draft.shape[1])
        kept = near[inside]
        attention, fallen = (np.full(len(near), np.nan) for _ in range(2))
        attention[inside] = views[window, column, kept]
        fallen[inside] = _without_columns(network, one, column, called, kept)
        letters = [BASES[draft[window, at]].strip() if 0 <= at < draft.shape[1] else "" for at in near]
        cases.append(
            ColumnCase(
                position=int(own[window, column]),
                draft=BASES[draft[window, column]].strip(),
                probabilities=probabilities[window, column],
                log_odds=float(log_odds(scores[window, column][None], called[None])),
                passes=_without_passes(network, one, column, called, len(zmw.passes)),
                letters=tuple(letters),
                attention=attention,
                columns=fallen,
            )
        )
    return tuple(cases)


def _without_passes(
    network: ColumnNetwork, one: Mapping[str, Tensor], column: int, called: Tensor, passes: int
) -> Reals:
    seen = min(passes, one["bases"].shape[1])

    def score(there: Tensor) -> Tensor:
        left = {name: one[name].clone() for name in PASS_FEATURES}
        for values in left.values():
            values[:, :seen][:, ~there] = 0
        return _odds(network, {**one, **left}, column, called)

    fallen = np.full(passes, np.nan)
    fallen[:seen] = occlusion(score, seen).numpy()
    return fallen


def _without_columns(
    network: ColumnNetwork, one: Mapping[str, Tensor], column: int, called: Tensor, near: NDArray[np.int64]
) -> Reals:
    def score(there: Tensor) -> Tensor:
        left = {name: one[name].clone() for name in EMPTY}
        for name, values in left.items():
            values[..., torch.from_numpy(near)[~there]] = EMPTY[name]
        return _odds(network, {**one, **left}, column, called)

    fallen: Reals = occlusion(score, len(near)).double().numpy()
    return fallen


def _odds(network: ColumnNetwork, inputs: Mapping[str, Tensor], column: int, called: Tensor) -> Tensor:
    with torch.inference_mode():
        return log_odds(network(inputs)[:, column], called[None])[0]
