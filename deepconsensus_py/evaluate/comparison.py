"""Compare reads with their truth and, optionally, with the reads they were made from.

Trimming or dropping a read must not look like an improvement: baseline errors in ends that the read no longer covers
count as hidden errors, and a missing read has all the errors of its baseline.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError
from deepconsensus_py.evaluate.alignment import FREE_END
from deepconsensus_py.evaluate.calibration_counts import CalibrationBins, bin_errors
from deepconsensus_py.evaluate.read_errors import ReadErrors, capped_phred, find_errors
from deepconsensus_py.evaluate.reads import ReadSet
from deepconsensus_py.pacbio.names import MoleculeId


@dataclass(frozen=True, slots=True, eq=False)
class MoleculeComparison:
    """One molecule with a truth.

    Attributes:
        molecule: its ZMW.
        truth_length: bp.
        passes: tag ``np`` of the baseline or, without one, of the read.
        read: the read's errors, or None if it is missing.
        baseline: the baseline's errors, or None if there is none.
        read_quality: tag ``rq`` of the read, or None.
        unsupported: ``bool[n]`` bases of the truth that no pass shows (``truth_support``), or None if unknown.
    """

    molecule: MoleculeId
    truth_length: int
    passes: int | None
    read: ReadErrors | None
    baseline: ReadErrors | None
    read_quality: float | None
    unsupported: NDArray[np.bool_] | None = None

    @property
    def absent(self) -> bool:
        """Whether neither file has the molecule."""
        return self.read is None and self.baseline is None

    @property
    def truth_bases(self) -> int:
        """Truth bases that are evaluated."""
        judged = self.read or self.baseline
        return judged.truth_bases if judged else 0

    @property
    def hidden(self) -> int:
        """Errors of the baseline in free ends of the truth that the read does not cover."""
        if self.read is None or self.baseline is None:
            return 0
        start, end = self.read.truth_span
        baseline_end = self.baseline.truth_span[1]
        left_is_free, right_is_free = start <= FREE_END, self.truth_length - end <= FREE_END
        return sum(
            event.length
            for event in self.baseline.events
            if (left_is_free and event.position < start) or (right_is_free and end <= event.position < baseline_end)
        )

    @property
    def errors(self) -> int:
        """Errors charged to the read."""
        if self.read is not None:
            return self.read.total + self.hidden
        return self.baseline.total if self.baseline else 0

    @property
    def at_unsupported(self) -> int:
        """Errors of the read where no pass shows the truth."""
        if self.read is None or self.unsupported is None:
            return 0
        last = len(self.unsupported) - 1
        return sum(event.length for event in self.read.events if self.unsupported[min(event.position, last)])

    @property
    def quality(self) -> float | None:
        """Empirical Phred of the read, two decimals."""
        return None if self.read is None else empirical_quality(self.errors, self.read.truth_bases)

    @property
    def fixed(self) -> int:
        """Error events of the baseline that the read does not have, where both align."""
        return len(self._baseline_keys() - self._read_keys())

    @property
    def new(self) -> int:
        """Error events of the read that the baseline does not have."""
        return len(self._read_keys() - self._baseline_keys())

    def _read_keys(self) -> set[object]:
        return {event.key for event in self.read.events} if self.read and self.baseline else set()

    def _baseline_keys(self) -> set[object]:
        if self.read is None or self.baseline is None:
            return set()
        start, end = self.read.truth_span
        return {event.key for event in self.baseline.events if start <= event.position < end}


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """All molecules with a truth.

    Attributes:
        molecules: in the order of the truth file.
        with_baseline: whether a baseline was given.
        reads_without_truth: number of reads without a truth, not evaluated.
        calibration: of the base qualities, or None without qualities.
        with_subreads: whether subreads were given.
    """

    molecules: tuple[MoleculeComparison, ...]
    with_baseline: bool
    reads_without_truth: int
    calibration: CalibrationBins | None
    with_subreads: bool = False

    @property
    def judged(self) -> tuple[MoleculeComparison, ...]:
        """Molecules in at least one of the files."""
        return tuple(m for m in self.molecules if not m.absent)


def compare(
    truths: ReadSet,
    reads: ReadSet,
    baseline: ReadSet | None = None,
    *,
    min_passes: int = 0,
    holes: Collection[int] = (),
    unsupported: Mapping[MoleculeId, NDArray[np.bool_]] | None = None,
) -> Comparison:
    """Evaluate reads.

    Args:
        truths: the true sequence of each molecule.
        reads: to evaluate.
        baseline: the reads they were made from.
        min_passes: skip molecules whose baseline (without one, whose read) has fewer passes.
        holes: only these ZMWs; all if empty.
        unsupported: bases of the truths that no pass shows (``truth_support``), if subreads were given.

    Raises:
        InputError: there is nothing to evaluate.
    """
    chosen = [m for m in truths.reads if (not holes or m.hole in holes)]
    counted = baseline or reads
    if min_passes:
        chosen = [m for m in chosen if m in counted.reads and (counted.reads[m].passes or 0) >= min_passes]
    known = unsupported or {}
    molecules = tuple(_compare_molecule(m, truths, reads, baseline, known.get(m)) for m in chosen)
    if all(m.absent for m in molecules):
        raise InputError(
            f"{reads.path}: none of its reads is of a molecule of {truths.path} that is asked for; check that movie "
            "and ZMW numbers agree, and --min-np and --zmws"
        )
    booked = [m.read.booked for m in molecules if m.read and m.read.booked]
    return Comparison(
        molecules=molecules,
        with_baseline=baseline is not None,
        reads_without_truth=len(reads.reads.keys() - truths.reads.keys()),
        calibration=bin_errors(booked) if booked else None,
        with_subreads=unsupported is not None,
    )


def empirical_quality(errors: int, bases: int) -> float:
    """Phred of the errors per base, two decimals; without errors, as if one additional base were wrong."""
    return round(capped_phred(errors / bases if errors else 1 / (bases + 1)), 2)


def _compare_molecule(
    molecule: MoleculeId,
    truths: ReadSet,
    reads: ReadSet,
    baseline: ReadSet | None,
    unsupported: NDArray[np.bool_] | None,
) -> MoleculeComparison:
    truth = truths.reads[molecule].bases
    read = reads.reads.get(molecule)
    before = baseline.reads.get(molecule) if baseline else None
    source = before or read
    return MoleculeComparison(
        molecule=molecule,
        truth_length=len(truth),
        passes=source.passes if source else None,
        read=find_errors(read, truth) if read else None,
        baseline=find_errors(before, truth) if before else None,
        read_quality=read.read_quality if read else None,
        unsupported=unsupported,
    )
