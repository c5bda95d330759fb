"""Quality maps for polished reads: which there are to choose from, and what they do on molecules that were held out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deepconsensus_py.errors import InputError
from deepconsensus_py.evaluate.calibration_bins import CAP, bin_counts
from deepconsensus_py.evaluate.calibration_counts import QualityCounts, count_errors, total
from deepconsensus_py.evaluate.calibration_fit import fit_knots, fit_line, held_out, surprise
from deepconsensus_py.evaluate.read_errors import find_errors
from deepconsensus_py.evaluate.reads import load_reads
from deepconsensus_py.pacbio.names import MoleculeId
from deepconsensus_py.polishing.qualities import Calibration, LinearCalibration

COLUMNS = ("bases", "errors", "expected_errors", "ece", f"ece_cap{CAP}", "surprise", "map")

FITS = (fit_line, fit_knots)


@dataclass(frozen=True, slots=True, eq=False)
class TriedMap:
    """A quality map.

    Attributes:
        calibration: fitted to all molecules.
        counts: of all molecules, each mapped by what was fitted to the others; None with a single molecule.
    """

    calibration: Calibration
    counts: QualityCounts | None


def count_reads(paths: Sequence[Path], truth: Path, *, min_passes: int = 0) -> list[QualityCounts]:
    """Bases and errors at each quality, by molecule.

    Args:
        paths: polished reads: BAM, FASTQ; each may have a read of a molecule.
        truth: FASTA of the true sequence of each molecule.
        min_passes: leave out reads of fewer, by tag ``np``.

    Raises:
        InputError: a file cannot be read, a read has no qualities, or none has a truth.
    """
    truths = load_reads(truth).reads
    counts: dict[MoleculeId, list[QualityCounts]] = {}
    for path in paths:
        for molecule, read in load_reads(path).reads.items():
            if molecule in truths and (read.passes or 0) >= min_passes:
                booked = find_errors(read, truths[molecule].bases).booked
                if booked is None:
                    raise InputError(
                        f"{path}: read {read.name} has no base qualities; give polished reads, BAM or FASTQ"
                    )
                counts.setdefault(molecule, []).append(count_errors(booked))
    if not counts:
        raise InputError(
            f"{paths[0]}: none of its reads is of a molecule of {truth}; check movie and ZMW numbers, and --min-np"
        )
    return [total(own) for own in counts.values()]


def try_maps(groups: Sequence[QualityCounts]) -> list[TriedMap]:
    """The qualities as they are, the likeliest line and the likeliest knots.

    Args:
        groups: a molecule each, or a set of them.
    """
    everything = total(groups)
    fitted = (TriedMap(fit(everything), held_out(groups, fit) if len(groups) > 1 else None) for fit in FITS)
    return [TriedMap(LinearCalibration(), everything), *fitted]


def as_text(tried: Sequence[TriedMap], groups: int, noun: str) -> Iterator[str]:
    """A line for each map.

    Args:
        tried: the maps.
        groups: how many there were to hold out.
        noun: what they are.
    """
    yield "\t".join(COLUMNS)
    for one in tried:
        yield "\t".join([*(_cells(one.counts) if one.counts else "." * (len(COLUMNS) - 1)), str(one.calibration)])
    how = f"each of {groups} {noun} mapped by what was fitted to the others" if groups > 1 else "held out: nothing"
    yield f"{how}; the maps in the last column are fitted to all"


def _cells(counts: QualityCounts) -> Iterator[str]:
    bins = bin_counts(counts)
    yield from (str(bins.bases), f"{bins.errors:.0f}", f"{bins.expected_errors:.1f}")
    for error in (bins.expected_calibration_error(), bins.expected_calibration_error(CAP)):
        yield "." if error is None else f"{error:.2f}"
    yield f"{surprise(counts):.1f}"
