"""Fit the expected errors of homopolymers that keep the draft, and how often the edits of models are wrong.

    python benchmarks/fit_expected_errors.py [--shared DIR] [--models pairhmm 'held/{zmw}/edits.safetensors'] [--seed 1]
                                             [--write]

The data are the homopolymers of reads of every molecule with truth, from all passes and from some, without those whose
truth no pass shows. ``{zmw}`` in a model becomes the ZMW number, for models that have not seen it. Printed are the
numbers of errors expected and found, of molecules that the numbers were not fitted to (three groups), by set and depth
and by quality; what the counts say of the highest quality; and the numbers. With ``--write`` they go into the package
(``edits/expected_errors.json``); those of models that were not counted stay.
"""

import argparse
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from itertools import repeat
from math import exp
from pathlib import Path

import numpy as np
from error_counts import Items, count, joined, tasks
from numpy.typing import NDArray
from reads import SHARED

from deepconsensus_py import edits
from deepconsensus_py.edits.expected_errors import COUNTED, FEW, SCORED, DecidedErrors, Readings, UndecidedErrors

GROUPS = 3
"""Of molecules: each is judged by the numbers fitted to the others."""

LEFT_OUT = ("lambda_rs2",)
"""Sets that are only judged: no pulse widths, and twice the errors of the other instruments."""

TRUSTED = ("human_1m", "sequel2", "lambda_sequel")
"""Sets whose truth is good enough for the highest qualities: an assembly of the same individual, many passes, a
phage."""

LEAST = 1e-5
"""Expected errors of a base that the counts must allow: Q50."""

CERTAIN, MANY = 1e-6, 8
"""Homopolymers for which the highest quality is counted: expected errors of a base without the least ones at most, and
passes at least."""

SPREAD = 0.06
"""``UndecidedErrors.spread``: as many of the errors that ``calibration.py`` finds lie at bases of higher quality beside
an uncertain one (2 % in drafts of 3 passes, 3 % in CCS reads, 5 % in Sequel II)."""

DEPTHS = ((1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 8), (9, 12), (13, 999))
PULL = 1.0
"""Precision of the prior of each coefficient but the first, as of a normal distribution."""

STEPS, SMALL = 100, 1e-5
"""Most steps of Newton's method, and the step that ends it."""

LEASTS = (0, 1e-5, 3e-5, 1e-4, 2e-4, 3e-4, 5e-4, 7e-4, 1e-3, 1.5e-3, 2e-3, 3e-3)
"""Least expected errors of undecided homopolymers that are tried."""

Reals = NDArray[np.float64]


def fit_exponential(x: Reals, errors: Reals, least: Reals | float) -> Reals:
    """Coefficients of the terms ``x`` whose exponential, with ``least`` errors added, makes the errors most likely."""
    prior = np.zeros(x.shape[1])
    prior[0] = np.log(max(errors.mean(), 1e-6))

    def curve(summed: Reals) -> tuple[Reals, Reals]:
        grown = np.exp(np.clip(summed, -30, 1))
        return least + grown, grown

    return _most_likely(x, errors, prior, curve)[0]


def fit_logistic(x: Reals, errors: Reals, least: float) -> tuple[Reals, float]:
    """The same of a logistic function of the sum, and minus the logarithm of the likelihood."""
    prior = np.zeros(x.shape[1])
    prior[1] = 1

    def curve(summed: Reals) -> tuple[Reals, Reals]:
        share = 1 / (1 + np.exp(-np.clip(summed, -30, 30)))
        return least + share, share * (1 - share)

    return _most_likely(x, errors, prior, curve)


def _most_likely(
    x: Reals, errors: Reals, prior: Reals, curve: Callable[[Reals], tuple[Reals, Reals]]
) -> tuple[Reals, float]:
    """Coefficients, and their loss: minus the logarithm of a Poisson likelihood and of a normal prior.

    Args:
        x: ``float64[n, terms]``.
        errors: ``float64[n]``.
        prior: ``float64[terms]`` where to start, and the mean of the prior; that of the first term is free.
        curve: the expected errors by the sum of the terms, and their derivative.
    """
    pull = PULL * (np.arange(len(prior)) > 0) + 1e-6

    def loss(coefficients: Reals) -> float:
        expected, _ = curve(x @ coefficients)
        return float((expected - errors * np.log(expected)).sum() + pull @ (coefficients - prior) ** 2 / 2)

    fitted, reached = prior.copy(), loss(prior)
    for _ in range(STEPS):
        expected, slope = curve(x @ fitted)
        gradient = x.T @ ((errors / expected - 1) * slope) - pull * (fitted - prior)
        curvature = (x * (slope * slope / expected)[:, None]).T @ x + np.diag(pull)
        step = np.linalg.solve(curvature, gradient)
        # Far from the solution a whole step can lead away from it.
        while (tried := loss(fitted + step)) > reached and abs(step).max() > SMALL:
            step /= 2
        if abs(step).max() <= SMALL:
            break
        fitted, reached = fitted + step, tried
    return fitted, reached


def fit_decided(items: Items) -> DecidedErrors:
    """Fit to homopolymers that keep the draft."""
    few = {}
    for depth in range(1, FEW):
        own = items.of(items.depth == depth)
        x = np.column_stack([np.ones(len(own.length)), np.log(own.length)])
        rate, power = fit_exponential(x, own.errors, np.zeros(len(x)))
        few[depth] = (float(f"{exp(rate):.3g}"), round(float(power), 3))
    many = items.depth >= FEW
    numbers = []
    for names, chosen in ((COUNTED, many & ~items.scored), (SCORED, many & items.scored)):
        own = items.of(chosen)
        x = readings_of(own).table(names)
        fitted = fit_exponential(x, own.errors, LEAST * own.length)
        numbers.append({name: round(float(value), 3) for name, value in zip(names, fitted, strict=True)})
    return DecidedErrors(LEAST, few, *numbers)


def readings_of(items: Items) -> Readings:
    """The readings that the items were made of."""
    terms = {name: values.astype(np.float64) for name, values in items.terms.items()}
    return Readings(items.length, items.depth.astype(np.float64), items.scored, terms)


def fit_undecided(items: Items) -> UndecidedErrors:
    """Fit to homopolymers that a model was asked about."""
    x = UndecidedErrors().terms(items.wrong, items.depth)
    fits = {least: fit_logistic(x, items.errors, least) for least in LEASTS}
    least = min(fits, key=lambda one: fits[one][1])
    return UndecidedErrors(least, *(round(float(value), 3) for value in fits[least][0]), spread=SPREAD)


def held_out(items: Items, fit: Callable[[Items], DecidedErrors | UndecidedErrors]) -> Reals:
    """Expected errors of each homopolymer by the numbers fitted to other molecules."""
    names = np.unique(items.hole)
    group = np.searchsorted(names, items.hole) % GROUPS
    expected = np.zeros(len(items.errors))
    for number in range(GROUPS):
        own = group == number
        fitted = fit(items.of(~own & ~np.isin(items.kind, LEFT_OUT)))
        expected[own] = expected_by(fitted, items.of(own))
    return expected


def expected_by(fitted: DecidedErrors | UndecidedErrors, items: Items) -> Reals:
    """Expected errors of each homopolymer."""
    if isinstance(fitted, DecidedErrors):
        return fitted.errors(readings_of(items))
    return fitted.errors(items.wrong, items.depth)


def report(title: str, items: Items, expected: Reals) -> None:
    """Print errors expected and found by set and depth, then by quality."""
    print(f"\n{title}: errors expected / found, by passes\n{'':18}" + "".join(f"{f'{a}-{b}':>16}" for a, b in DEPTHS))
    for kind in np.unique(items.kind):
        own = items.kind == kind
        cells = []
        for low, high in DEPTHS:
            chosen = own & (items.depth >= low) & (items.depth <= high)
            cells.append(f"{expected[chosen].sum():.1f} / {items.errors[chosen].sum():.0f}")
        print(f"{kind:18}" + "".join(f"{cell:>16}" for cell in cells))
    quality = -10 * np.log10(expected / items.length)
    trusted = np.isin(items.kind, TRUSTED)
    for low in range(0, 55, 5):
        chosen = trusted & (quality >= low) & (quality < low + 5)
        if chosen.any():
            bases, found = items.length[chosen].sum(), items.errors[chosen].sum()
            print(f"Q{low:<3}{bases:10.0f} bases {expected[chosen].sum():10.1f} / {found:.0f}")


def report_highest(items: Items, fitted: DecidedErrors) -> None:
    """Print what the counts say of the highest quality, and its limit."""
    without = DecidedErrors(0.0, fitted.few, fitted.counted, fitted.scored)
    certain = (expected_by(without, items) < CERTAIN * items.length) & (items.depth >= MANY)
    print(f"\nat least {MANY} passes, errors expected of a base below {CERTAIN:g}: errors, bases, 95 % limits")
    for kinds in (*([kind] for kind in np.unique(items.kind)), TRUSTED):
        chosen = certain & np.isin(items.kind, kinds)
        wrong, bases = int(items.errors[chosen].sum()), float(items.length[chosen].sum())
        low, high = (limit / max(bases, 1) for limit in limits(wrong))
        print(f"{', '.join(kinds):40}{wrong:6}{bases:10.0f}   {low:.1e} to {high:.1e}")


def limits(events: int) -> tuple[float, float]:
    """95 % limits of the mean of a Poisson distribution by one number drawn from it."""

    def mean(share: float, below: int) -> float:
        low, high = 0.0, 2.0 * events + 20
        for _ in range(60):
            middle = (low + high) / 2
            terms = np.cumprod([exp(-middle), *(middle / i for i in range(1, below + 1))])
            low, high = (middle, high) if terms.sum() > share else (low, middle)
        return low

    return (mean(0.975, events - 1) if events else 0.0), mean(0.025, events)


def counted(model: str, args: argparse.Namespace) -> Items:
    """All homopolymers, of reads of one model."""
    work: Sequence = list(tasks(args.shared, args.seed))
    with ProcessPoolExecutor(args.processes) as pool:
        return joined([items for items in pool.map(count, work, repeat(model), chunksize=8) if items is not None])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--models", nargs="+", default=["pairhmm"], metavar="NAME|FILE")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    target = Path(edits.__path__[0], "expected_errors.json")
    result = json.loads(target.read_text())
    for number, model in enumerate(args.models):
        items = counted(model, args)
        asked = items.of(items.undecided)
        family = "pairhmm" if model == "pairhmm" else "edits"
        report(f"{family}: edits of the model", asked, held_out(asked, fit_undecided))
        result["undecided"][family] = asdict(fit_undecided(asked.of(~np.isin(asked.kind, LEFT_OUT))))
        if number == 0:
            kept = items.of(~items.undecided)
            report("homopolymers that keep the draft", kept, held_out(kept, fit_decided))
            fitted = fit_decided(kept.of(~np.isin(kept.kind, LEFT_OUT)))
            report_highest(kept, fitted)
            result["decided"] = asdict(fitted)
    result["source"] = "benchmarks/fit_expected_errors.py; see docs/accuracy.md"
    print(json.dumps(result, indent=1))
    if args.write:
        target.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
