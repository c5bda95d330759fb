"""The two side files of a run: every molecule in exactly one outcome, and the run as a whole.

``OUT.zmws.tsv.gz`` has a row for each molecule; ``OUT.report.json`` has versions, parameters, stage times and counts.
"""

import gzip
import json
import resource
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from math import log10
from pathlib import Path
from typing import Any, TextIO

from deepconsensus_py.polishing.outcomes import Outcome
from deepconsensus_py.polishing.qualities import mean_quality
from deepconsensus_py.polishing.read import PolishedRead

COLUMNS = (
    "name",
    "outcome",
    "passes",
    "np",
    "length_before",
    "length_after",
    "quality_before",
    "quality_after",
    "windows",
    "windows_skipped",
    "windows_corrected",
    "reason",
)
TOTALS = ("molecules", "passes", "windows", "windows_skipped", "windows_corrected", "bases_in", "bases_out")
MOLECULES, REPORT = ".zmws.tsv.gz", ".report.json"
"""Endings of the two side files."""

FAULTS = frozenset({Outcome.ERROR, Outcome.MISSING_KINETICS, Outcome.EMPTY_SEQUENCE})
"""Outcomes that say something is wrong with the input: they make the command's exit status 3."""


def side_file(output: Path, suffix: str) -> Path:
    """``OUT.report.json`` beside ``OUT.bam``, ``OUT.fastq`` or ``OUT.fastq.gz``."""
    stem = output.with_suffix("") if output.suffix == ".gz" else output
    return stem.with_suffix(suffix)


@contextmanager
def side_stream(target: Path, path: Path) -> Iterator[TextIO]:
    """A side file to write into, compressed where its name ends in ``.gz``.

    Args:
        target: the temporary file behind ``path``, see ``pacbio.outputs.atomic_path``.
        path: the final name.
    """
    if path.suffix == ".gz":
        # No time of day in the file, so that equal runs write equal bytes.
        with gzip.GzipFile(target, "wb", mtime=0) as packed, TextIOWrapper(packed, "utf-8") as stream:
            yield stream
    else:
        with target.open("w", encoding="utf-8") as stream:
            yield stream


class MoleculeTable:
    """Counts the molecules of a run and writes a row for each.

    Attributes:
        outcomes: outcome to number of molecules.
        totals: sums over all molecules, under the report's names.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.outcomes: Counter[str] = Counter()
        self.totals: Counter[str] = Counter(dict.fromkeys(TOTALS, 0))
        self._stream = stream
        self._write(COLUMNS)

    def add(self, read: PolishedRead) -> None:
        """Count one molecule and write its row."""
        skipped = read.windows - read.corrected
        self.outcomes[read.outcome] += 1
        self.totals.update(
            molecules=1,
            passes=read.passes,
            windows=read.windows,
            windows_skipped=skipped,
            windows_corrected=read.corrected,
            bases_in=len(read.draft.bases),
            bases_out=len(read.bases) if read.passed else 0,
        )
        called = len(read.bases) > 0
        self._write(
            (
                read.name,
                read.outcome,
                read.passes,
                _or_dot(read.draft.tag("np")),
                len(read.draft.bases),
                len(read.bases) if called else ".",
                _draft_quality(read),
                f"{mean_quality(read.qualities):.2f}" if called else ".",
                read.windows,
                skipped,
                read.corrected,
                " ".join(read.reason.split()) or ".",
            )
        )

    @property
    def faulty(self) -> int:
        """Molecules that could not be processed."""
        return sum(count for outcome, count in self.outcomes.items() if outcome in FAULTS)

    def counts(self) -> dict[str, Any]:
        """The report's ``counts``."""
        return {**self.totals, "outcomes": {outcome: self.outcomes[outcome] for outcome in sorted(self.outcomes)}}

    def _write(self, row: Iterable[object]) -> None:
        if self._stream is not None:
            self._stream.write("\t".join(map(str, row)) + "\n")


def write_json(report: dict[str, Any], stream: TextIO) -> None:
    """Write a run's report."""
    json.dump(report, stream, indent=1)
    stream.write("\n")


def peak_memory() -> int:
    """Peak resident bytes of this process plus, where there were any, its largest finished child."""
    return 1024 * sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def _draft_quality(read: PolishedRead) -> str:
    """Predicted quality of the draft: from its base qualities, else from its tag ``rq``, else unknown."""
    if read.draft.qualities is not None and len(read.draft.qualities):
        return f"{mean_quality(read.draft.qualities):.2f}"
    accuracy = read.draft.tag("rq")
    # ccs writes rq -1 where it has no estimate.
    known = isinstance(accuracy, float) and 0 <= accuracy < 1
    return f"{-10 * log10(1 - accuracy):.2f}" if known else "."


def _or_dot(value: object) -> object:
    return "." if value is None else value
