"""Count the errors of reads corrected by each other, by coverage and by the quality that the model gives them.

    python benchmarks/fit_overlap_qualities.py [--shared DIR] [--write]

The reads are those of ``overlaps.py``: CHM13, also with planted variants, and simulated ones of one to four haplotypes,
3- to 15-fold. Printed are the errors found by set and coverage, and those expected: of each half of the reads, by the
counts of the other half; then the probabilities by the counts of all. With ``--write`` these go into the package
(``overlaps/qualities.json``). A probability is one error more than were found over the bases, so that no quality is
higher than what was measured. Where coverage is high, and in telomeres, real reads alone count: simulated ones share no
errors.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from haplotypes import KnownRead, judge
from numpy.typing import NDArray
from overlaps import ROWS
from reads import SHARED

from deepconsensus_py import overlaps
from deepconsensus_py.overlaps.correction import correct_reads
from deepconsensus_py.overlaps.qualities import FoundErrors
from deepconsensus_py.polishing.read import PolishedRead

PREDICTED, COVERAGE = (0, 10, 20, 30), (3, 4, 6, 9, 13)
"""Lowest qualities of uncertain bases, fewest reads of the others."""

LAYOUT = FoundErrors(PREDICTED, (), COVERAGE, (), 0)
CLASSES = len(PREDICTED) + len(COVERAGE) + 1
NAMES = (*(f"Q{least}" for least in PREDICTED), *(f"{least} reads" for least in COVERAGE), "telomeres")

SETS = (
    ("haploid", 1, 0),
    ("diploid", 1, 0),
    ("diploid", 2, 0),
    ("simulated, haploid", 1, 15),
    ("simulated, diploid", 1, 6),
    ("simulated, diploid", 2, 3),
    ("simulated, diploid", 3, 10),
    ("simulated, tetraploid", 1, 6),
    ("copies, 0.2 %", 1, 6),
    ("copies, 0.5 %", 1, 6),
    ("copies, 1 %", 1, 6),
)
"""Row of ``overlaps.py``, seed, coverage."""

REAL, HIGH = ("haploid", "diploid"), 9
"""Rows of real reads, and the coverage from which they alone count, as in telomeres."""

MOST = 0.75
"""Share of random bases that are wrong."""


@dataclass(frozen=True, slots=True, eq=False)
class Bases:
    """Corrected bases.

    Attributes:
        read: number of the read.
        group: its class (``FoundErrors.classes``).
        errors: at it.
    """

    read: NDArray[np.int64]
    group: NDArray[np.int64]
    errors: NDArray[np.int64]

    def of(self, chosen: NDArray[np.bool_]) -> "Bases":
        """Some of them."""
        return Bases(*(getattr(self, one.name)[chosen] for one in fields(self)))

    def counts(self) -> NDArray[np.int64]:
        """Errors and bases ``int64[2, classes]``."""
        weights = (self.errors, np.ones_like(self.errors))
        return np.array([np.bincount(self.group, weight, CLASSES) for weight in weights]).astype(np.int64)


def joined(parts: Sequence[Bases]) -> Bases:
    return Bases(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Bases)))


def corrected_bases(name: str, seed: int, coverage: float, shared: Path) -> Bases:
    """The corrected bases of a set, where enough reads cover them."""
    reads = ROWS[name](argparse.Namespace(shared=shared, coverage=coverage, part=1), seed)
    used = dict[bytes, NDArray[np.int64]]()

    def noted(bases: NDArray[np.uint8], predicted: NDArray[np.uint8], by: NDArray[np.int64]) -> NDArray[np.uint8]:
        used[bases.tobytes()] = by
        return predicted

    corrected = correct_reads([one.draft for one in reads], qualities=noted)
    return joined(
        [
            bases_of(number, one, read, used[read.bases.tobytes()])
            for number, (one, read) in enumerate(zip(reads, corrected, strict=True))
            if one.counts and read.bases.tobytes() in used
        ]
    )


def bases_of(number: int, one: KnownRead, read: PolishedRead, used: NDArray[np.int64]) -> Bases:
    """The bases of a read that are corrected, with the qualities of the model."""
    groups = LAYOUT.classes(read.bases, read.qualities, used)
    return Bases(np.full(len(groups), number), groups, errors_at(read.bases, one)).of(used > 0)


def errors_at(bases: NDArray[np.uint8], read: KnownRead) -> NDArray[np.int64]:
    """Errors ``int64[n]`` at each base of a corrected read; of missing ones, at the base behind them."""
    found = judge(bases, read)
    at = np.minimum(found.places, len(bases) - 1)
    counts = np.bincount(at, minlength=len(bases))
    return counts[:: -1 if read.reverse else 1]


def fit(sets: Mapping[str, Bases]) -> FoundErrors:
    """Error probabilities; those of few reads are at least those of more."""
    every = joined(list(sets.values())).counts()
    real = joined([sets[name] for name in sets if name.startswith(REAL)]).counts()
    alone = np.isin(NAMES, [*(f"{least} reads" for least in COVERAGE if least >= HIGH), "telomeres"])
    errors, bases = np.where(alone, real, every)
    probability = np.minimum((errors + 1) / np.maximum(bases, 1), MOST)
    uncertain, agreed, telomeres = np.split(probability, [len(PREDICTED), CLASSES - 1])
    agreed = np.maximum.accumulate(agreed[::-1])[::-1]
    return FoundErrors(PREDICTED, _short(uncertain), COVERAGE, _short(agreed), _short(telomeres)[0])


def _short(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(f"{value:.3g}") for value in values)


def expected(fitted: FoundErrors, bases: Bases) -> NDArray[np.float64]:
    """Errors of each base as the qualities are written: rounded down."""
    rounded: NDArray[np.float64] = 10 ** (np.floor(-10 * np.log10(fitted.errors)) / -10)
    return rounded[bases.group]


def row(name: str, bases: Bases, wrong: NDArray[np.float64]) -> str:
    """Errors expected and found."""

    def cell(own: NDArray[np.bool_]) -> str:
        return f"{wrong[own].sum():.0f} / {bases.errors[own].sum():.0f}"

    ratio = 10 * np.log10(max(bases.errors.sum(), 0.5) / wrong.sum())
    cells = [cell(bases.group == number) for number in range(len(PREDICTED), CLASSES)]
    uncertain = cell(bases.group < len(PREDICTED))
    return " | ".join([f"| {name}", cell(bases.group >= 0), f"{ratio:+.1f}", uncertain, *cells]) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    sets = {
        f"{name}, seed {seed}" + (f", {coverage}-fold" if coverage else ""): corrected_bases(
            name, seed, coverage, args.shared
        )
        for name, seed, coverage in SETS
    }
    show(sets, args.write)


def show(sets: Mapping[str, Bases], write: bool) -> None:
    halves = [{name: bases.of(bases.read % 4 // 2 == half) for name, bases in sets.items()} for half in (0, 1)]
    fitted = [fit(half) for half in halves]
    titles = ("reads", "errors expected / found", "Phred too high", "uncertain bases", *NAMES[len(PREDICTED) :])
    print("|", " | ".join(titles), "|")
    print("|---" * len(titles) + "|")
    for name in sets:
        # Each half by the counts of the other one.
        judged = [(half[name], expected(by, half[name])) for half, by in zip(halves, fitted[::-1], strict=True)]
        both, wrong = joined([bases for bases, _ in judged]), np.concatenate([errors for _, errors in judged])
        print(row(name, both, wrong), flush=True)
    text = json.dumps(asdict(fit(sets)))
    print(text)
    if write:
        Path(overlaps.__path__[0], "qualities.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
