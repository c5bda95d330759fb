"""The measured rates that a simulation draws from, and their arrays indexed by base code and run length."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import BASES

SEQUENCED = "ATCG"


class BaseClass(IntEnum):
    """How a read base came about; pulse widths and inter-pulse durations differ between classes."""

    MATCH = 0
    INSERTION_COGNATE = 1
    INSERTION_NONCOGNATE = 2
    INSERTION_MULTI = 3
    MISMATCH = 4
    MATCH_AFTER_DELETION = 5


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviations of the natural logarithm of the error rates.

    Attributes:
        mismatch: of mismatches.
        insertion: of insertion events.
        deletion: of deleted bases.
    """

    mismatch: float
    insertion: float
    deletion: float


@dataclass(frozen=True, slots=True, eq=False)
class PassProfile:
    """Errors, kinetics and signal of single passes; all rates are per template base.

    The rates are those to draw with. An alignment shows a deletion beside an insertion as one mismatch, so to be
    measured as often as in the real reads, deletions and insertions are drawn more and mismatches less often
    (``drawn_per_measured`` in the table, found by drawing, aligning and comparing).

    Attributes:
        run_length_share: ``float64[12]`` share of template runs of length 1, 2, … (the last entry: 12 or more).
        deletion: ``float64[13, 6]`` probability by run length (index 0 unused; 12: 12 or more) and base code.
        substitution: ``float64[6, 6]`` probability that the template base (row) is read as another (column).
        cognate_insertion: ``float64[13]`` probability by run length of one more base of the run.
        foreign_insertion: probability of one inserted base that differs from both neighbours.
        long_insertion: probability of an insertion of two or more bases.
        long_insertion_cognate_share: share of those that repeat the neighbouring base.
        long_insertion_length: ``float64[k]`` probability of length 2, 3, …
        inserted_base: ``float64[6]`` composition of inserted bases by base code.
        between_molecules: spread of the rates over molecules.
        between_passes: spread of the rates over the passes of a molecule.
        pulse_width: ``uint8[6, 101]`` percentiles by ``BaseClass``, codec V1 codes.
        inter_pulse_duration: ``uint8[6, 101]`` percentiles by ``BaseClass``, codec V1 codes.
        snr_mean: ``float64[4]`` of A, C, G, T.
        snr_sd: ``float64[4]`` of A, C, G, T.
        adapter_gap: mean and standard deviation of the bases between two passes.
    """

    run_length_share: NDArray[np.float64]
    deletion: NDArray[np.float64]
    substitution: NDArray[np.float64]
    cognate_insertion: NDArray[np.float64]
    foreign_insertion: float
    long_insertion: float
    long_insertion_cognate_share: float
    long_insertion_length: NDArray[np.float64]
    inserted_base: NDArray[np.float64]
    between_molecules: Spread
    between_passes: Spread
    pulse_width: NDArray[np.uint8]
    inter_pulse_duration: NDArray[np.uint8]
    snr_mean: NDArray[np.float64]
    snr_sd: NDArray[np.float64]
    adapter_gap: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class DraftProfile:
    """Errors and base qualities of draft consensus reads.

    Attributes:
        passes: ``float64[k]`` numbers of passes for which ``error_rate`` was measured, ascending.
        error_rate: ``float64[k]`` errors per base.
        log_sd_between_molecules: spread of the natural logarithm of the rate over molecules with equal passes.
        reference_rate: errors per base of the drafts behind the four rates below.
        run_insertion: ``float64[11]`` inserted bases per run, by run length (index 0 unused; 10: 10 or more).
        run_deletion: ``float64[11]`` deleted bases per run, by run length.
        foreign_insertion: inserted bases that are in no run, per base.
        mismatch: mismatches per base.
        quality: ``float64[94]`` share of bases by Phred quality.
        error_quality: ``float64[94]`` the same of bases that carry an error.
    """

    passes: NDArray[np.float64]
    error_rate: NDArray[np.float64]
    log_sd_between_molecules: float
    reference_rate: float
    run_insertion: NDArray[np.float64]
    run_deletion: NDArray[np.float64]
    foreign_insertion: float
    mismatch: float
    quality: NDArray[np.float64]
    error_quality: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """An instrument and chemistry.

    Attributes:
        source: what the numbers were measured on.
        passes: single passes.
        drafts: draft consensus reads.
    """

    source: str
    passes: PassProfile
    drafts: DraftProfile


@cache
def load_profile(name: str = "sequel") -> Profile:
    """A bundled profile.

    Args:
        name: a file of ``simulate/profiles`` without its ending; its ``source`` entry names the measured reads.
    """
    table = json.loads(files("deepconsensus_py.simulate").joinpath(f"profiles/{name}.json").read_text("ascii"))
    return Profile(table["source"], _pass_profile(table), _draft_profile(table))


def _by_base(values: Mapping[str, float]) -> NDArray[np.float64]:
    """``float64[6]`` indexed by base code."""
    return np.array([values.get(base, 0.0) for base in BASES])


def _normalised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    share: NDArray[np.float64] = values / values.sum()
    return share


def _pass_profile(table: Mapping[str, Any]) -> PassProfile:
    by_base = _by_base(table["deletion_by_base"])
    by_run = np.concatenate(([0.0], table["deletion_by_run_length"]))
    mean = by_base[[BASES.index(base) for base in SEQUENCED]].mean()
    substitution = np.zeros((len(BASES), len(BASES)))
    for pair, rate in table["substitution"].items():
        substitution[BASES.index(pair[0]), BASES.index(pair[2])] = rate
    drawn = table["drawn_per_measured"]
    gap = table["adapter_gap"]
    return PassProfile(
        run_length_share=_normalised(np.array(table["run_length_share"])),
        deletion=drawn["deletion"] * np.outer(by_run, by_base / mean),
        substitution=drawn["mismatch"] * substitution,
        cognate_insertion=drawn["insertion"] * np.concatenate(([0.0], table["cognate_insertion_by_run_length"])),
        foreign_insertion=drawn["insertion"] * table["foreign_insertion"],
        long_insertion=drawn["insertion"] * table["long_insertion"],
        long_insertion_cognate_share=table["long_insertion_cognate_share"],
        long_insertion_length=_normalised(np.array(list(table["long_insertion_length"].values()))),
        inserted_base=_by_base(table["inserted_base"]),
        between_molecules=Spread(**table["log_sd_between_molecules"]),
        between_passes=Spread(**table["log_sd_between_passes"]),
        pulse_width=_percentiles(table["pulse_width_quantiles"]),
        inter_pulse_duration=_percentiles(table["inter_pulse_duration_quantiles"]),
        snr_mean=np.array([table["snr_mean"][channel] for channel in "ACGT"]),
        snr_sd=np.array([table["snr_sd"][channel] for channel in "ACGT"]),
        adapter_gap=(gap["mean"], gap["sd"]),
    )


def _percentiles(by_class: Mapping[str, list[int]]) -> NDArray[np.uint8]:
    return np.array([by_class[base_class.name.lower()] for base_class in BaseClass], np.uint8)


def _draft_profile(table: Mapping[str, Any]) -> DraftProfile:
    return DraftProfile(
        passes=np.array(table["draft_passes"]),
        error_rate=np.array(table["draft_error_rate_by_passes"]),
        log_sd_between_molecules=table["draft_log_sd_between_molecules"],
        reference_rate=table["draft_reference_rate"],
        run_insertion=np.concatenate(([0.0], table["draft_insertion_by_run_length"])),
        run_deletion=np.concatenate(([0.0], table["draft_deletion_by_run_length"])),
        foreign_insertion=table["draft_foreign_insertion"],
        mismatch=table["draft_mismatch"],
        quality=_normalised(np.array(table["draft_quality_histogram"], float)),
        error_quality=_normalised(np.array(table["draft_error_quality_histogram"], float)),
    )
