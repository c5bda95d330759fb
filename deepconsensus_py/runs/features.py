"""Evidence and likelihoods as small integers for a network: a table of passes and runs, a table of runs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import A, C, G, T
from deepconsensus_py.runs import kernels
from deepconsensus_py.runs.candidates import candidate_runs
from deepconsensus_py.runs.edits import EDITS
from deepconsensus_py.runs.evidence import RunEvidence
from deepconsensus_py.runs.likelihood import RunLikelihoods, fit_lengths, log_ratios
from deepconsensus_py.runs.spec import LOG_SCALE, PASS_FEATURES, RUN_FEATURES, TANH_SCALE, RunSpec

_FINE, _COARSE, _NEIGHBOURS = 4.0, 15.0, 8.0
_LOCAL = 12
_HIGHEST = 127
# Typical natural logarithms of 1 + code, in Sequel and Sequel II subreads.
_CENTRES = {"shortest": 2.0, "mean_pulse": 2.4, "longest_pulse": 2.6, "wait": 2.0, "mean_wait": 1.6}


@dataclass(frozen=True, slots=True, eq=False)
class RunFeatures:
    """One molecule, in one orientation, as a run network reads it.

    Attributes:
        passes: ``int8[runs, passes, len(PASS_FEATURES)]``; all 0 where a pass does not cover a run.
        runs: ``int8[runs, len(RUN_FEATURES)]``.
        covered: ``bool[runs, passes]``.
        reverse: ``bool[passes]``.
        candidates: ``bool[runs]`` which runs may need an edit.
    """

    passes: NDArray[np.int8]
    runs: NDArray[np.int8]
    covered: NDArray[np.bool_]
    reverse: NDArray[np.bool_]
    candidates: NDArray[np.bool_]


def encode_runs(evidence: RunEvidence, spec: RunSpec, lengths: NDArray[np.float32] | None = None) -> RunFeatures:
    """Turn the evidence of a molecule into the integers of a network.

    Args:
        evidence: of the molecule.
        spec: the encoding.
        lengths: what is read of runs of each length, by ``fit_lengths``; None to estimate it from this evidence.
    """
    likelihoods = log_ratios(evidence, fit_lengths(evidence) if lengths is None else lengths)
    chosen = _widest(evidence, spec.max_passes)
    kept = evidence if len(chosen) == evidence.passes else evidence.take(chosen)
    return RunFeatures(
        passes=_pass_table(kept, likelihoods.ratios[chosen]),
        runs=_run_table(evidence, likelihoods),
        covered=np.ascontiguousarray(kept.covered.T),
        reverse=kept.reverse,
        candidates=candidate_runs(likelihoods.by_strand, evidence.runs, evidence.quality),
    )


def _widest(evidence: RunEvidence, most: int) -> NDArray[np.intp]:
    """Numbers of the passes that cover most runs, in their order."""
    covered = evidence.covered.sum(axis=1)
    return np.sort(np.argsort(-covered, kind="stable")[:most])


def _pass_table(evidence: RunEvidence, ratios: NDArray[np.float32]) -> NDArray[np.int8]:
    covered, delta = evidence.covered, np.clip(evidence.delta, -3, 3).astype(np.int8)
    table = np.zeros((len(PASS_FEATURES), *covered.shape), np.int8)
    rows = dict(zip(PASS_FEATURES, table, strict=True))
    rows["delta"][:] = delta
    comparisons: dict[str, Callable[[NDArray[np.int8]], NDArray[np.bool_]]] = {
        "one_less": lambda d: d == -1,
        "one_more": lambda d: d == 1,
        "fewer": lambda d: d < -1,
        "more": lambda d: d > 1,
    }
    for name, holds in comparisons.items():
        rows[name][:] = holds(delta)
    rows["others"][:] = np.minimum(evidence.others, 2)
    rows["inserted"][:] = evidence.inserted > 0
    rows["covered"][:] = covered
    _fill_kinetics(rows, evidence)
    first = list(PASS_FEATURES).index(f"ratio_{EDITS[1]}")
    table[first : first + ratios.shape[-1]] = _quantised(np.tanh(ratios / 2), TANH_SCALE).transpose(2, 0, 1)
    rows["local_errors"][:] = _quantised(3 * _local_errors(evidence), LOG_SCALE) * covered
    rows["reverse"][:] = evidence.reverse[:, None] * covered
    return np.ascontiguousarray(table.transpose(2, 1, 0))


def _fill_kinetics(rows: dict[str, NDArray[np.int8]], evidence: RunEvidence) -> None:
    codes, steps = np.log1p(np.arange(256)), np.arange(256) / kernels.LOG_UNITS
    for name, field, values, centre in (
        ("shortest_pulse", kernels.PW_MIN, codes, _CENTRES["shortest"]),
        ("mean_pulse", kernels.PW_LOG_MEAN, steps, _CENTRES["mean_pulse"]),
        ("longest_pulse", kernels.PW_MAX, codes, _CENTRES["longest_pulse"]),
        ("longest_wait", kernels.IP_MAX, codes, _CENTRES["wait"]),
        ("mean_wait", kernels.IP_LOG_MEAN, steps, _CENTRES["mean_wait"]),
        ("next_wait", kernels.IP_NEXT, codes, _CENTRES["wait"]),
        ("inserted_pulse", kernels.PW_INSERTED, codes, _CENTRES["shortest"]),
        ("inserted_wait", kernels.IP_INSERTED, codes, _CENTRES["wait"]),
    ):
        lookup = _quantised(values - centre, LOG_SCALE)
        lookup[0] = 0  # nothing was read there
        rows[name][:] = lookup[evidence.cells[..., field]]
    rows["kinetics"][:] = evidence.kinetics[:, None] & evidence.covered


def _local_errors(evidence: RunEvidence) -> NDArray[np.float32]:
    """Share ``float32[passes, runs]`` of the runs around a run where a pass differs from the draft."""
    differs = ((evidence.delta != 0) | (evidence.others > 0) | (evidence.inserted > 0)) & evidence.covered
    sums = [_windowed(flags) - flags for flags in (differs, evidence.covered)]
    share: NDArray[np.float32] = (sums[0] / np.maximum(sums[1], 1)).astype(np.float32)
    return share


def _windowed(flags: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Number of True within ``_LOCAL`` to both sides, in each row."""
    total = np.cumsum(np.pad(flags, ((0, 0), (_LOCAL + 1, _LOCAL))), axis=1, dtype=np.int32)
    return total[:, 2 * _LOCAL + 1 :] - total[:, : -2 * _LOCAL - 1]


def _run_table(evidence: RunEvidence, likelihoods: RunLikelihoods) -> NDArray[np.int8]:
    runs, total = evidence.runs, likelihoods.by_strand.sum(axis=0)
    forward, reverse = likelihoods.by_strand
    passes = np.stack([evidence.covered[evidence.reverse == s].sum(axis=0) for s in (False, True)], axis=1)
    columns = [np.tanh(sums / scale) for sums in (forward, reverse, total) for scale in (_FINE, _COARSE)]
    columns.append(np.tanh(total[:, [0, 2]] / _NEIGHBOURS))
    columns.append(total[:, :4] / np.maximum(passes.sum(axis=1, keepdims=True), 1))
    columns.append(runs.base[:, None] == np.array([A, T, C, G]))
    columns.append(np.log(runs.length)[:, None])
    columns.append((runs.length == 1)[:, None])
    columns.append(_quality_columns(evidence))
    columns.append(np.tile(10 * _error_rates(evidence), (len(runs), 1)))
    columns.append(passes / 8)
    return _quantised(np.concatenate(columns, axis=1), np.array(list(RUN_FEATURES.values())))


def _quality_columns(evidence: RunEvidence) -> NDArray[np.float64]:
    """``quality``, ``doubt``, ``has_quality``."""
    if evidence.quality is None:
        return np.zeros((len(evidence.runs), 3))
    quality = evidence.quality.astype(np.float64)
    return np.stack([quality / 30, np.exp(-quality / 8), np.ones_like(quality)], axis=1)


def _error_rates(evidence: RunEvidence) -> NDArray[np.float64]:
    """Runs with bases too many and with bases too few, for each draft base, by strand: ``float64[4]``."""
    more, fewer = (evidence.delta > 0) | (evidence.inserted > 0), evidence.delta < 0
    rates = []
    for strand in (False, True):
        chosen = evidence.reverse == strand
        bases = max(1, int((evidence.covered[chosen] @ evidence.runs.length).sum()))
        rates += [more[chosen].sum() / bases, fewer[chosen].sum() / bases]
    return np.array(rates)


def _quantised(values: NDArray[np.floating[Any]], scale: float | NDArray[np.float64]) -> NDArray[np.int8]:
    steps: NDArray[np.int8] = np.clip(np.rint(values / scale), -_HIGHEST, _HIGHEST).astype(np.int8)
    return steps
