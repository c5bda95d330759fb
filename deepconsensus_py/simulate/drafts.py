"""Draft consensus reads: the truth with the errors and base qualities that ``ccs`` would leave in it.

The errors sit where those of measured drafts sit (mostly one base too many or too few in a homopolymer run) and come
as often as measured for the number of passes; they do not yet depend on what the simulated passes show.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import G
from deepconsensus_py.simulate.profile import DraftProfile
from deepconsensus_py.simulate.templates import homopolymer_runs

RISK_NOISE = 1.0  # standard deviation of what the quality of a base depends on beside its run, in log rate
HIGHEST_PROBABILITY = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class DraftSequence:
    """A draft before it is named and tagged.

    Attributes:
        bases: ``uint8[n]`` base codes.
        qualities: ``uint8[n]`` Phred.
    """

    bases: NDArray[np.uint8]
    qualities: NDArray[np.uint8]


def draw_draft(truth: NDArray[np.uint8], passes: int, profile: DraftProfile, rng: np.random.Generator) -> DraftSequence:
    """A draft of a molecule.

    Args:
        truth: ``uint8[n]`` base codes.
        passes: full passes behind the draft.
        profile: error rates and quality histograms.
        rng: source of randomness.
    """
    rate = np.interp(passes, profile.passes, profile.error_rate)
    deviation = profile.log_sd_between_molecules
    molecule = np.exp(rng.standard_normal() * deviation - deviation**2 / 2)
    factor = rate / profile.reference_rate * molecule
    bases, in_error = _change_runs(truth, profile, factor, rng)
    bases, in_error = _change_bases(bases, in_error, profile, factor, rng)
    return DraftSequence(bases, _draw_qualities(bases, in_error, profile, rng))


def _change_runs(
    truth: NDArray[np.uint8], profile: DraftProfile, factor: float, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Lengthen and shorten runs by one base; the first base of such a run carries the error."""
    runs = homopolymer_runs(truth)
    length = np.minimum(runs.lengths, len(profile.run_insertion) - 1)
    draw = rng.random(len(length))
    longer = np.minimum(profile.run_insertion[length] * factor, HIGHEST_PROBABILITY)
    shorter = np.minimum(profile.run_deletion[length] * factor, HIGHEST_PROBABILITY)
    change = (draw < longer).astype(np.int64) - (draw >= 1 - shorter)
    new_lengths = runs.lengths + change
    bases = np.repeat(truth[runs.starts], new_lengths)
    in_error = np.zeros(len(bases), bool)
    firsts = np.cumsum(new_lengths) - new_lengths
    in_error[np.minimum(firsts[change != 0], len(bases) - 1)] = True
    return bases, in_error


def _change_bases(
    bases: NDArray[np.uint8],
    in_error: NDArray[np.bool_],
    profile: DraftProfile,
    factor: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Mismatches and inserted bases that belong to no run."""
    mismatch = np.flatnonzero(rng.random(len(bases)) < profile.mismatch * factor)
    bases, in_error = bases.copy(), in_error.copy()
    bases[mismatch] = _another_base(bases[mismatch], rng)
    in_error[mismatch] = True
    before = np.flatnonzero(rng.random(len(bases)) < profile.foreign_insertion * factor)
    inserted = _another_base(bases[before], rng)
    return np.insert(bases, before, inserted), np.insert(in_error, before, True)


def _another_base(bases: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    return (1 + (bases - 1 + rng.integers(1, G, len(bases))) % G).astype(np.uint8)


def _draw_qualities(
    bases: NDArray[np.uint8],
    in_error: NDArray[np.bool_],
    profile: DraftProfile,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Measured qualities, the low ones for the bases at most risk; bases in error have their own histogram."""
    runs = homopolymer_runs(bases)
    length = np.minimum(runs.lengths, len(profile.run_insertion) - 1)
    risk = np.log(np.maximum(profile.run_insertion[length] + profile.run_deletion[length], profile.mismatch))
    noisy = risk[runs.index] + RISK_NOISE * rng.standard_normal(len(bases))
    rank = np.empty(len(bases))
    rank[np.argsort(-noisy, kind="stable")] = (np.arange(len(bases)) + 0.5) / max(len(bases), 1)
    qualities = np.searchsorted(np.cumsum(profile.quality), rank)
    errors = rng.random(int(in_error.sum()))
    qualities[in_error] = np.searchsorted(np.cumsum(profile.error_quality), errors)
    return np.minimum(qualities, len(profile.quality) - 1).astype(np.uint8)
