"""What a claim is, and what a run of it shows: figures, how the compared arms were trained, costs, curves and notes."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from deepconsensus_py.lab.interval import Measured, over_seeds

HOLDS, TIE, MISSES = "holds", "tie", "misses"
"""Verdicts: the 95 % interval lies on the target's side, includes the target, or lies beyond it."""

ENOUGH_SEEDS, CLEAR = 5, 3.0
"""Fewer seeds than this decide nothing if the margin is fewer than so many standard errors."""

Values = Sequence[float] | Measured
"""One value for each seed, or their mean with its error."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that a run shows.

    Attributes:
        name: what is measured.
        ours: the value; the mean over seeds if it was trained for.
        baseline: the same of the baseline; None if there is none.
        target: the target in words; empty if the number is for information only.
        verdict: ``holds``, ``tie`` or ``misses``; empty without a target, or in a run too small to tell. ``met`` and
            ``missed`` are those of results from before there were intervals.
        trained: whether the number depends on training, and so on seeds; others are exact or counted.
        interval: ends of the 95 % interval; None of exact numbers and of a single seed.
    """

    name: str
    ours: float
    baseline: float | None = None
    target: str = ""
    verdict: str = ""
    trained: bool = False
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Arm:
    """How one of the compared systems was trained.

    Attributes:
        task: what it was trained for; arms of one task are compared with one another.
        name: of the system.
        steps: batches.
        examples: training examples seen, repetitions included.
        tried: settings of learning rate and the like that were tried before this one was kept, itself included.
    """

    task: str
    name: str
    steps: int
    examples: int
    tried: int = 1


@dataclass(frozen=True, slots=True)
class CostLine:
    """What one of the compared systems costs: the counts of ``attention.cost.Cost``, by name."""

    system: str
    columns: dict[str, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """A line of the plot, ``y`` over ``x``."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a run of a claim showed.

    Attributes:
        figures: the numbers; those that the claim is judged by have a target.
        arms: how the compared systems were trained; empty if nothing is.
        unequal: why arms of one task differ in steps, examples or tuning, a sentence; empty if they do not.
        costs: a line for each system that is compared.
        curves: of a plot, if the claim is about a curve.
        axes: labels of the plot's axes.
        notes: what a reader must know, and what was tried if a target was missed; complete sentences.
    """

    figures: tuple[Figure, ...]
    arms: tuple[Arm, ...] = ()
    unequal: str = ""
    costs: tuple[CostLine, ...] = ()
    curves: tuple[Curve, ...] = ()
    axes: tuple[str, str] = ("", "")
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Shown":
        """From the values of ``to_dict``."""
        return cls(
            figures=tuple(_figure(figure) for figure in values["figures"]),
            arms=tuple(Arm(**arm) for arm in values["arms"]),
            unequal=values["unequal"],
            costs=tuple(CostLine(**line) for line in values["costs"]),
            curves=tuple(Curve(c["name"], tuple(c["x"]), tuple(c["y"])) for c in values["curves"]),
            axes=(values["axes"][0], values["axes"][1]),
            notes=tuple(values["notes"]),
        )

    @property
    def unfair(self) -> list[str]:
        """Tasks whose arms differ in steps, examples or tuning."""
        tasks = dict.fromkeys(arm.task for arm in self.arms)
        spent = {task: {(a.steps, a.examples, a.tried) for a in self.arms if a.task == task} for task in tasks}
        return [task for task, efforts in spent.items() if len(efforts) > 1]


def _figure(values: dict[str, Any]) -> Figure:
    ends = values["interval"]
    return Figure(**{**values, "interval": None if ends is None else (ends[0], ends[1])})


@dataclass(frozen=True, slots=True)
class Size:
    """How much a run is to do.

    Attributes:
        fast: only judge what is exact or counted, and train for a few steps to see that everything runs; takes seconds.
        seeds: of the training runs.
    """

    fast: bool
    seeds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a system claims, and how it is shown.

    Attributes:
        number: its place on the page.
        id: its name on the command line and of its result file.
        system: whose claim it is.
        text: the claimed property, a sentence.
        baseline: what it is compared with, a sentence.
        seeds: of a full run.
        run: shows it.
    """

    number: int
    id: str
    system: str
    text: str
    baseline: str
    seeds: tuple[int, ...]
    run: Callable[[Size], Shown]


def at_least(name: str, ours: float, target: float, *, baseline: float | None = None) -> Figure:
    """An exact figure whose target is a minimum."""
    return exact(name, ours, f">= {target:g}", ours >= target, baseline=baseline)


def at_most(name: str, ours: float, target: float, *, baseline: float | None = None) -> Figure:
    """An exact figure whose target is a maximum."""
    return exact(name, ours, f"<= {target:g}", ours <= target, baseline=baseline)


def exact(name: str, ours: float, target: str, holds: bool, *, baseline: float | None = None) -> Figure:
    """An exact figure with a target in words."""
    return Figure(name, ours, baseline, target, HOLDS if holds else MISSES)


def measured(name: str, ours: Values, baseline: Values | None = None) -> Figure:
    """A figure that was trained for, with its interval, for information only."""
    return _trained(name, _measured(ours), baseline, "", "")


def found_at_least(
    name: str, ours: Values, target: float, *, baseline: Values | None = None, judged: bool = True
) -> Figure:
    """A figure that was trained for and whose target is a minimum; not ``judged`` in a run too small to tell."""
    of = _measured(ours)
    return _trained(name, of, baseline, f">= {target:g}", _verdict(of, target) if judged else "")


def found_at_most(
    name: str, ours: Values, target: float, *, baseline: Values | None = None, judged: bool = True
) -> Figure:
    """A figure that was trained for and whose target is a maximum; not ``judged`` in a run too small to tell."""
    of = _measured(ours)
    turned = Measured(-of.mean, of.error, of.freedom, of.seeds)
    return _trained(name, of, baseline, f"<= {target:g}", _verdict(turned, -target) if judged else "")


def _measured(values: Values) -> Measured:
    return values if isinstance(values, Measured) else over_seeds(values)


def _trained(name: str, ours: Measured, baseline: Values | None, target: str, verdict: str) -> Figure:
    beside = None if baseline is None else _measured(baseline).mean
    return Figure(name, ours.mean, beside, target, verdict, trained=True, interval=ours.interval)


def _verdict(of: Measured, least: float) -> str:
    """Whether a mean is at least so much: a tie if the interval, or too few seeds, cannot tell."""
    if of.interval is None or of.error is None:
        return TIE
    low, high = of.interval
    if of.seeds < ENOUGH_SEEDS and abs(of.mean - least) < CLEAR * of.error:
        return TIE
    return HOLDS if low >= least else MISSES if high < least else TIE
