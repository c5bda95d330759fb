"""Expected errors of homopolymers: of those that keep the draft, and of those that a model decides.

The more passes agree on a homopolymer, the less likely an error; how much each adds depends on the error rates of the
molecule and on the homopolymer's length. Where a model decides, its odds are corrected for depth.
``benchmarks/fit_expected_errors.py`` fits the numbers (``expected_errors.json``) to molecules with known truth.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.rows import largest
from deepconsensus_py.edits.error_rates import PassModel
from deepconsensus_py.edits.refine import TemplateState
from deepconsensus_py.edits.repeats import LENGTH_CLASSES, Repeats
from deepconsensus_py.edits.tokens import CANDIDATE, possible_evidence
from deepconsensus_py.pacbio.molecule import A, N

STEP = 0.25
"""Resolution of stored numbers, Phred."""

FEW = 3
"""Passes below which nothing but the depth and the length is informative: the draft may be one of them."""

COUNTED = ("constant", "agreement", "support", "other", "length", "one strand", "neighbours", "repeat")
"""Terms of homopolymers that are not scored, by name in ``expected_errors.json``; ``Readings`` explains them."""

SCORED = ("constant", "evidence", "depth", "share", "one strand", "neighbours", "repeat")
"""Terms of scored homopolymers."""

_LEAST_EVIDENCE = -40.0
"""Nats; less makes no difference."""

_WHERE_ASKED = -10.0
"""Nats where a model decides: few errors besides those that it expects."""

_MOST_NATS = 4.6
"""Most that a pass can contribute, as in ``evidence.pooled``."""

_MOST_ERRORS = 0.75
"""Per base: the share of random bases that are wrong."""

_LEAST_WRONG = 1e-7

_FEWEST_COPIES = 2

_HIGHEST = np.iinfo(np.uint8).max

Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """How the passes read each homopolymer of a refined draft.

    Attributes:
        length: ``float64[homopolymers]`` bases.
        depth: ``float64[homopolymers]`` spanning passes.
        scored: ``bool[homopolymers]`` whether edits of it were scored.
        terms: by the names of ``COUNTED`` and ``SCORED``, ``float64[homopolymers]`` each. ``agreement``: evidence of
            the passes without a difference against a length change by one, nats. ``support``: most passes with the same
            change; ``share``: of the spanning ones. ``other``: passes with other differences. ``neighbours``: largest
            share of the passes that support a change of an adjacent homopolymer. ``evidence``: pooled evidence of the
            best edit, nats, and -10 where a model decides. ``repeat``: copies of the tandem repeat of two or three
            bases that it lies in, over two. ``length``, ``depth`` and ``repeat`` are logarithms.
    """

    length: Reals
    depth: Reals
    scored: NDArray[np.bool_]
    terms: Mapping[str, Reals]

    def table(self, names: Sequence[str]) -> Reals:
        """The terms ``float64[homopolymers, names]``."""
        found: Reals = np.column_stack([self.terms[name] for name in names])
        return found


def readings_of(state: TemplateState) -> Readings:
    """How the passes read each homopolymer of a draft."""
    scores, candidates = state.scores, state.candidates
    length = state.repeats.homopolymers.length.astype(np.float64)
    reverse = scores.reverse
    by_strand = np.stack([scores.covered[~reverse].sum(axis=0), scores.covered[reverse].sum(axis=0)])
    depth = by_strand.sum(axis=0).astype(np.float64)
    spanning = np.maximum(depth, 1)
    support = candidates.support.astype(np.float64)
    share = np.minimum(support / spanning, 1)
    beside, best = np.pad(support, 1), largest(possible_evidence(state))
    return Readings(
        length=length,
        depth=depth,
        scored=scores.scored,
        terms={
            "constant": np.ones(len(length)),
            "agreement": _agreement(state),
            "support": support,
            "share": share,
            "other": np.maximum(candidates.deviates.sum(axis=0) - support, 0),
            "length": np.log(length),
            "depth": np.log(spanning),
            "one strand": (by_strand.min(axis=0) == 0).astype(np.float64),
            "neighbours": np.minimum(np.maximum(beside[:-2], beside[2:]) / spanning, 1),
            "repeat": np.log(_copies(state.repeats) / _FEWEST_COPIES),
            # Where a model decides, its own probabilities count.
            "evidence": np.where(best > CANDIDATE, _WHERE_ASKED, np.maximum(best, _LEAST_EVIDENCE)),
        },
    )


def _copies(repeats: Repeats) -> Reals:
    """Copies ``float64[homopolymers]`` of the longest tandem repeat that each lies in; ``_FEWEST_COPIES`` in none."""
    tandem = repeats.tandem_repeats
    ends = repeats.homopolymer_of[np.stack([tandem.start, tandem.stop - 1])]
    inside = ends[1] - ends[0] + 1
    number = np.repeat(np.arange(len(inside)), inside)
    homopolymer = np.arange(len(number)) - np.repeat(np.cumsum(inside) - inside, inside) + ends[0][number]
    copies = np.full(len(repeats.homopolymers), float(_FEWEST_COPIES))
    np.maximum.at(copies, homopolymer, ((tandem.stop - tandem.start) / tandem.unit)[number])
    return copies


def _agreement(state: TemplateState) -> Reals:
    """Evidence ``float64[homopolymers]`` of the passes without a difference that the length is right, nats."""
    clean = state.scores.covered & ~state.candidates.deviates
    strands = (~state.scores.reverse, state.scores.reverse)
    agreement: Reals = np.zeros(clean.shape[1])
    for rows, model in zip(strands, state.rates, strict=True):
        agreement += clean[rows].sum(axis=0) * _nats(state, model)
    return agreement


def _nats(state: TemplateState, model: PassModel) -> Reals:
    """What a pass that shows the homopolymer as it is says against one more and one less base, whichever is less."""
    homopolymers = state.repeats.homopolymers
    base, length = homopolymers.base, homopolymers.length
    longer, shorter = np.minimum(length, LENGTH_CLASSES - 1), np.clip(length - 2, 0, LENGTH_CLASSES - 1)
    lost = (length + 1) * model.deletion[base, longer]
    gained = np.where(length > 1, (length - 1) * model.cognate[base, shorter], model.foreign[A:N].sum())
    nats: Reals = np.minimum(-np.log(np.clip(np.maximum(lost, gained), 1e-9, 0.5)), _MOST_NATS)
    return nats


@dataclass(frozen=True, slots=True, eq=False)
class DecidedErrors:
    """Fitted numbers of homopolymers that keep the draft.

    Attributes:
        least: expected errors of a base at the least.
        few: for one and for two passes, expected errors of a homopolymer of one base, and their power of its length.
        counted: coefficients of ``COUNTED``; expected errors are ``least`` and the exponential of the sum.
        scored: coefficients of ``SCORED``.
    """

    least: float
    few: Mapping[int, tuple[float, float]]
    counted: Mapping[str, float]
    scored: Mapping[str, float]

    @classmethod
    def of(cls, fitted: Mapping[str, Any]) -> "DecidedErrors":
        """Build from an object of ``expected_errors.json``."""
        few = {int(depth): (float(rate), float(power)) for depth, (rate, power) in fitted["few"].items()}
        return cls(float(fitted["least"]), few, fitted["counted"], fitted["scored"])

    def errors(self, readings: Readings) -> Reals:
        """Expected errors ``float64[homopolymers]`` of homopolymers that keep the draft."""
        summed = np.where(readings.scored, *(self._sum(readings, names) for names in (self.scored, self.counted)))
        expected = self.least * readings.length + np.exp(np.minimum(summed, 0))
        for depth, (rate, power) in self.few.items():
            few = readings.depth == depth
            expected[few] = rate * readings.length[few] ** power
        bounded: Reals = np.minimum(expected, _MOST_ERRORS * readings.length)
        return bounded

    @staticmethod
    def _sum(readings: Readings, fitted: Mapping[str, float]) -> Reals:
        summed: Reals = readings.table(tuple(fitted)) @ np.array(list(fitted.values()))
        return summed


@dataclass(frozen=True, slots=True, eq=False)
class UndecidedErrors:
    """Fitted numbers of homopolymers that a model decides: a line in the log-odds that its edit is wrong.

    Attributes:
        least: expected errors at the least, beyond those by the line.
        constant: its constant.
        odds: coefficient of the model's log-odds.
        depth: coefficient of the logarithm of the depth.
        two: added at two passes, and one.
        spread: share of the expected errors that lies elsewhere than where the model's edits are, in the homopolymer
            or at an adjacent base.
    """

    least: float = 0.0
    constant: float = 0.0
    odds: float = 1.0
    depth: float = 0.0
    two: float = 0.0
    spread: float = 0.0

    def terms(self, wrong: NDArray[np.floating[Any]], depth: NDArray[np.integer]) -> Reals:
        """The terms ``float64[homopolymers, 4]`` of the line: ``constant``, ``odds``, ``depth``, ``two``."""
        held = np.clip(wrong.astype(np.float64), _LEAST_WRONG, 1 - _LEAST_WRONG)
        few = depth < FEW
        return np.column_stack([np.ones(len(held)), np.log(held / (1 - held)), np.log(np.maximum(depth, 1)), few])

    def errors(self, wrong: NDArray[np.floating[Any]], depth: NDArray[np.integer]) -> Reals:
        """Expected errors ``float64[homopolymers]``.

        Args:
            wrong: ``[homopolymers]`` probability that the edit is wrong, according to the model.
            depth: ``[homopolymers]`` spanning passes.
        """
        logit = self.terms(wrong, depth) @ np.array([self.constant, self.odds, self.depth, self.two])
        expected: Reals = np.minimum(self.least + 1 / (1 + np.exp(-logit)), 1)
        return expected


@cache
def _fitted() -> Mapping[str, Any]:
    text = resources.files("deepconsensus_py.edits").joinpath("expected_errors.json").read_text("utf-8")
    fitted: Mapping[str, Any] = json.loads(text)
    return fitted


@cache
def decided_errors() -> DecidedErrors:
    """The numbers in the package."""
    return DecidedErrors.of(_fitted()["decided"])


@cache
def undecided_errors(family: str) -> UndecidedErrors:
    """The numbers of a family of models: ``edits`` or ``pairhmm``."""
    return UndecidedErrors(**_fitted()["undecided"][family])


def expected_errors_of(state: TemplateState) -> NDArray[np.uint8]:
    """Expected errors of the homopolymers of a refined draft if they keep it.

    Returns:
        ``uint8[homopolymers]`` Phred in steps of ``STEP``.
    """
    phred = -10 * np.log10(decided_errors().errors(readings_of(state)))
    return np.rint(np.clip(phred / STEP, 0, _HIGHEST)).astype(np.uint8)


def errors_of(stored: NDArray[np.uint8]) -> Reals:
    """Expected errors ``float64[homopolymers]`` of what ``expected_errors_of`` stores."""
    errors: Reals = np.power(10.0, stored * (-STEP / 10))
    return errors
