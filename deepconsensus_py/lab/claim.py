"""What a claim is, and what a run of it shows: figures, costs, curves and notes."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that a run shows.

    Attributes:
        name: what is measured.
        ours: the value.
        baseline: the same of the baseline; None if there is none.
        target: the target in words; empty if the number is for information only.
        holds: whether the target is met; None without a target, or in a run too small to tell.
    """

    name: str
    ours: float
    baseline: float | None = None
    target: str = ""
    holds: bool | None = None


@dataclass(frozen=True, slots=True)
class CostLine:
    """What one of the compared systems costs: the columns of ``attention.cost.Cost``, by name."""

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
        costs: a line for each system that is compared.
        curves: of a plot, if the claim is about a curve.
        axes: labels of the plot's axes.
        notes: what a reader must know, and what was tried if a target was missed; complete sentences.
    """

    figures: tuple[Figure, ...]
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
            figures=tuple(Figure(**figure) for figure in values["figures"]),
            costs=tuple(CostLine(**line) for line in values["costs"]),
            curves=tuple(Curve(c["name"], tuple(c["x"]), tuple(c["y"])) for c in values["curves"]),
            axes=(values["axes"][0], values["axes"][1]),
            notes=tuple(values["notes"]),
        )


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
        on_reads: what it may be good for on sequencing reads, a sentence.
        seeds: of a full run.
        run: shows it.
    """

    number: int
    id: str
    system: str
    text: str
    baseline: str
    on_reads: str
    seeds: tuple[int, ...]
    run: Callable[[Size], Shown]


def at_least(name: str, ours: float, target: float, *, baseline: float | None = None, judged: bool = True) -> Figure:
    """A figure whose target is a minimum; not ``judged`` in a run too small to tell."""
    return Figure(name, ours, baseline, f">= {target:g}", ours >= target if judged else None)


def at_most(name: str, ours: float, target: float, *, baseline: float | None = None, judged: bool = True) -> Figure:
    """A figure whose target is a maximum; not ``judged`` in a run too small to tell."""
    return Figure(name, ours, baseline, f"<= {target:g}", ours <= target if judged else None)
