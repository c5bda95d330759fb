"""What a row of the table of claims is, and what showing it gives."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a row.

    Attributes:
        name: what is measured.
        ours: the value.
        baseline: that of the system it is measured against; None where there is none.
        target: what it is to reach, in words; empty where the number is for information.
        holds: whether it is reached; None where it is for information, or the run is too small to tell.
    """

    name: str
    ours: float
    baseline: float | None = None
    target: str = ""
    holds: bool | None = None


@dataclass(frozen=True, slots=True)
class CostLine:
    """What one system of a row costs: the columns of ``attention.cost.Cost``, by name."""

    system: str
    columns: dict[str, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """A line of the row's plot, ``y`` over ``x``."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """What running a row gave.

    Attributes:
        figures: the numbers; those that a claim is judged by have a target.
        costs: a line for each system.
        curves: where a curve is the claim.
        axes: names of the plot's axes.
        notes: what a reader must know, a sentence each; where a number is missed, what was tried.
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
        """The record of ``to_dict``."""
        return cls(
            figures=tuple(Figure(**figure) for figure in values["figures"]),
            costs=tuple(CostLine(**line) for line in values["costs"]),
            curves=tuple(Curve(c["name"], tuple(c["x"]), tuple(c["y"])) for c in values["curves"]),
            axes=(values["axes"][0], values["axes"][1]),
            notes=tuple(values["notes"]),
        )


@dataclass(frozen=True, slots=True)
class Size:
    """How much a row is to do.

    Attributes:
        fast: only what is exact or counted, and training of a few steps to see that all of it runs; some seconds.
        seeds: of the training runs.
    """

    fast: bool
    seeds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table.

    Attributes:
        number: its place.
        id: its name on the command line.
        system: whose claim it is.
        claim: the claimed property, in a sentence.
        baseline: what it is measured against.
        on_reads: what it is good for on reads, in a sentence.
        seeds: of a full run.
        run: shows it.
    """

    number: int
    id: str
    system: str
    claim: str
    baseline: str
    on_reads: str
    seeds: tuple[int, ...]
    run: Callable[[Size], Shown]


def at_least(name: str, ours: float, target: float, *, baseline: float | None = None, judged: bool = True) -> Figure:
    """A number that is to be as large as the target; not ``judged`` in a run too small to tell."""
    return Figure(name, ours, baseline, f">= {target:g}", ours >= target if judged else None)


def at_most(name: str, ours: float, target: float, *, baseline: float | None = None, judged: bool = True) -> Figure:
    """A number that is to be as small as the target; not ``judged`` in a run too small to tell."""
    return Figure(name, ours, baseline, f"<= {target:g}", ours <= target if judged else None)
