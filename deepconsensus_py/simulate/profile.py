"""Simulation profiles: error rates, kinetics, signal and drafts of an instrument, as arrays.

A profile is a JSON file. ``measured`` has the rates counted on real reads, ``drawn`` the probabilities to sample from;
they differ, because an alignment shows, for example, an adjacent deletion and insertion as one mismatch.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cache, cached_property
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.molecule import BASES, G

SEQUENCED = "ATCG"
LONGEST_HOMOPOLYMER = 15  # bases; longer homopolymers have its error rates
MOST_OBSERVED = 25  # observed bases of a homopolymer
CHANNELS = "ACGT"

_Floats = NDArray[np.float64]


class BaseClass(IntEnum):
    """Origin of a read base; kinetics differ between classes."""

    MATCH = 0
    INSERTION_COGNATE = 1
    INSERTION_NONCOGNATE = 2
    INSERTION_MULTI = 3
    MISMATCH = 4
    MATCH_AFTER_DELETION = 5


@dataclass(frozen=True, slots=True)
class Instrument:
    """The instrument in file headers.

    Attributes:
        platform: model, as in ``@RG PM``.
        movie: name of a movie.
        kits: chemistry and base caller, as in ``@RG DS``.
    """

    platform: str
    movie: str
    kits: str


@dataclass(frozen=True, slots=True)
class Burst:
    """Stretches of a pass with many insertions.

    Attributes:
        rate: starts per template base.
        length: mean template bases.
        factor: on insertions of foreign bases.
    """

    rate: float
    length: float
    factor: float


@dataclass(frozen=True, eq=False)
class PassProfile:
    """Errors of single passes; all rates are per template base or homopolymer, in read orientation.

    Attributes:
        homopolymer_share: ``float64[6, 12]`` share of the template's homopolymers by base code and length 1, 2, …
            (last: 12 or more).
        shorten: ``float64[6, 16]`` probability that a homopolymer is read too short, by base code and length.
        lengthen: ``float64[6, 16]`` the same of too long.
        shorten_amount: ``float64[16, k]`` probability of 1, 2, … bases less, given that there are less.
        lengthen_amount: ``float64[16, k]`` the same of bases more.
        shorten_context: ``float64[6, 6, 6]`` factor by base before, base, and base after the homopolymer's first base.
        lengthen_context: ``float64[6, 6, 6]`` the same of too long.
        homopolymer_correlation: ``float64[16]`` correlation, between two passes of a strand, of the normal deviates of
            observed homopolymer lengths.
        mismatch: ``float64[6, 6, 6, 6]`` probability by base before, base, base after, and base called.
        foreign_insertion: ``float64[6, 6, 6]`` probability by base before, base after, and the one inserted base, which
            differs from both.
        long_insertion: probability of two or more inserted bases, not counting homopolymers read too long.
        long_insertion_length: ``float64[31]`` probability by length; the last includes longer ones.
        long_insertion_cognate: probability that all bases of one equal an adjacent base.
        inserted_base: ``float64[6]`` composition of the other ones.
        burst: stretches with more insertions.
        molecules: ``float64[7, 7]`` covariance between molecules of the natural logarithms of mismatch rate, excess of
            the insertion rate over that of quiet molecules, deletion rate, and signal-to-noise ratios of A, C, G and T.
        snr: ``float64[4]`` median signal-to-noise ratios of A, C, G and T.
        strands: ``float64[3]`` standard deviation of the logarithms of the rates over a molecule's strands.
        passes: ``float64[3, 3]`` their covariance over passes.
        adapter_gap: mean and standard deviation of the bases between two passes.
    """

    homopolymer_share: _Floats
    shorten: _Floats
    lengthen: _Floats
    shorten_amount: _Floats
    lengthen_amount: _Floats
    shorten_context: _Floats
    lengthen_context: _Floats
    homopolymer_correlation: _Floats
    mismatch: _Floats
    foreign_insertion: _Floats
    long_insertion: float
    long_insertion_length: _Floats
    long_insertion_cognate: float
    inserted_base: _Floats
    burst: Burst
    molecules: _Floats
    snr: _Floats
    strands: _Floats
    passes: _Floats
    adapter_gap: tuple[float, float]

    @cached_property
    def observed_length(self) -> _Floats:
        """``float64[6, 16, 26]`` probability of the observed length of a homopolymer, by base code and true length."""
        observed = np.zeros((len(BASES), LONGEST_HOMOPOLYMER + 1, MOST_OBSERVED + 1))
        for length in range(LONGEST_HOMOPOLYMER + 1):
            observed[:, length, length] += 1 - self.shorten[:, length] - self.lengthen[:, length]
            for sign, changed, amounts in (
                (-1, self.shorten, self.shorten_amount),
                (1, self.lengthen, self.lengthen_amount),
            ):
                for number, share in enumerate(amounts[length], 1):
                    place = min(max(length + sign * number, 0), MOST_OBSERVED)
                    observed[:, length, place] += share * changed[:, length]
        return observed


@dataclass(frozen=True, slots=True, eq=False)
class Kinetics:
    """Pulse widths or inter-pulse durations.

    The rank of a value within its class is that of a normal deviate, the sum of independent parts.

    Attributes:
        quantiles: ``float64[6, 101]`` percentiles by ``BaseClass``, codec V1 codes.
        context: ``float64[6, 6, 6]`` part by base before, base, and base after.
        base: ``float64[6]`` part by base called, for inserted bases.
        molecule: variance of the part shared by the bases of a molecule.
        place: variance of the part shared by a template base in all passes of a strand.
        drift: variance of the part that changes along a pass.
        drift_length: mean bases between its changes.
    """

    quantiles: _Floats
    context: _Floats
    base: _Floats
    molecule: float
    place: float
    drift: float
    drift_length: float


@dataclass(frozen=True, slots=True, eq=False)
class DraftProfile:
    """Errors and base qualities of draft consensus reads.

    Attributes:
        passes: ``float64[k]`` numbers of full passes, ascending.
        error_rate: ``float64[k]`` mean errors per base at these.
        ambiguity: ``float64[k]`` mean ambiguous positions per base, at these.
        log_sd: standard deviation between molecules of the logarithm of their residual rate.
        noise: standard deviation of a consensus caller's error in evidence, nats.
        offsets: ``float64[5]`` nats added to the evidence for a longer homopolymer, a shorter one, a foreign insertion,
            a mismatch, and a repeat unit.
        quality_scores: ``float64[k]`` evidence for the best alternative at a correct base, nats, ascending.
        qualities: ``float64[k]`` Phred at these.
        error_quality: ``float64[94]`` share of bases that carry an error by Phred.
    """

    passes: _Floats
    error_rate: _Floats
    ambiguity: _Floats
    log_sd: float
    noise: float
    offsets: _Floats
    quality_scores: _Floats
    qualities: _Floats
    error_quality: _Floats


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """An instrument and chemistry.

    Attributes:
        source: what the numbers were measured on.
        instrument: for the headers of files.
        measured: rates counted there.
        passes: single passes.
        pulse_widths: of their bases.
        inter_pulse_durations: of their bases.
        drafts: draft consensus reads.
    """

    source: str
    instrument: Instrument
    measured: Mapping[str, Any]
    passes: PassProfile
    pulse_widths: Kinetics
    inter_pulse_durations: Kinetics
    drafts: DraftProfile


def bundled() -> list[str]:
    """Names of the bundled profiles."""
    folder = files("deepconsensus_py.simulate").joinpath("profiles")
    return sorted(entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json"))


@cache
def load_profile(name: str = "sequel") -> Profile:
    """A profile.

    Args:
        name: one of ``bundled``, or the path of a JSON file of the same layout.

    Raises:
        InputError: there is no such profile, or it cannot be used.
    """
    known = name in bundled()
    path = files("deepconsensus_py.simulate").joinpath(f"profiles/{name}.json") if known else Path(name)
    try:
        return read_profile(json.loads(path.read_text("utf-8")))
    except OSError as error:
        raise InputError(f"{name}: no such profile; give one of {', '.join(bundled())}, or a JSON file") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{name}: not a simulation profile ({error!r}); compare the bundled ones") from error


def read_profile(table: Mapping[str, Any]) -> Profile:
    """Build a profile from its JSON values."""
    drawn = table["drawn"]
    return Profile(
        source=table["source"],
        instrument=Instrument(**table["instrument"]),
        measured=table["measured"],
        passes=_pass_profile(drawn),
        pulse_widths=_kinetics(drawn["pulse_width"]),
        inter_pulse_durations=_kinetics(drawn["inter_pulse_duration"]),
        drafts=_draft_profile(drawn["draft"]),
    )


def by_letters(values: Mapping[str, float], letters: int, absent: float = 0.0) -> _Floats:
    """Values by base code, of a table by letters such as ``"ACT"``, other characters are skipped."""
    array = np.full((len(BASES),) * letters, absent)
    for name, value in values.items():
        array[tuple(BASES.index(letter) for letter in name if letter in SEQUENCED)] = value
    return array


def to_letters(array: _Floats, digits: int) -> dict[str, float]:
    """The inverse of ``by_letters``, rounded to significant digits, without zero entries."""
    names = product(range(1, G + 1), repeat=array.ndim)
    return {"".join(BASES[c] for c in code): float(f"{array[code]:.{digits}g}") for code in names if array[code]}


def normalised(values: Any) -> _Floats:
    """Shares that sum to one along the last axis."""
    array = np.array(values, np.float64)
    share: _Floats = array / np.maximum(array.sum(axis=-1, keepdims=True), 1e-300)
    return share


def _pass_profile(drawn: Mapping[str, Any]) -> PassProfile:
    substitution = by_letters(drawn["substitution"], 2)
    rate = by_letters(drawn["mismatch_context"], 3)
    # At the ends, and next to unknown bases, error rates are the average.
    rate = np.where(rate > 0, rate, (rate.sum(axis=(0, 2)) / 16)[None, :, None])
    rows = ("shorten", "lengthen")
    changes = {name: by_length(drawn[name]) for name in rows}
    amounts = {f"{name}_amount": normalised([[1], *drawn[f"{name}_amount"]][1:]) for name in rows}
    factors = {f"{name}_context": by_letters(drawn[f"{name}_context"], 3, 1.0) for name in rows}
    return PassProfile(
        homopolymer_share=normalised(by_length(drawn["run_length_share"])[:, 1:].ravel()).reshape(len(BASES), -1),
        **changes,
        **{name: np.vstack((np.eye(1, array.shape[1]), array)) for name, array in amounts.items()},
        **factors,
        homopolymer_correlation=np.array([0.0, *drawn["run_correlation"]]),
        mismatch=rate[..., None] * normalised(substitution)[None, :, None, :],
        foreign_insertion=by_letters(drawn["foreign_insertion"], 3),
        long_insertion=drawn["long_insertion"],
        long_insertion_length=normalised(drawn["long_insertion_length"]),
        long_insertion_cognate=drawn["long_insertion_cognate"],
        inserted_base=normalised(by_letters(drawn["inserted_base"], 1)),
        burst=Burst(**drawn["burst"]),
        molecules=np.array(drawn["molecules"]),
        snr=np.array([drawn["snr"][channel] for channel in CHANNELS]),
        strands=np.array(drawn["strands"]),
        passes=np.array(drawn["passes"]),
        adapter_gap=(drawn["adapter_gap"][0], drawn["adapter_gap"][1]),
    )


def by_length(rows: Mapping[str, list[float]]) -> _Floats:
    """``float64[6, k + 1]`` by base code and length, of a table by letter; column 0 and other codes are zero."""
    array = np.zeros((len(BASES), 1 + len(rows["A"])))
    for base, values in rows.items():
        array[BASES.index(base), 1:] = values
    return array


def _kinetics(table: Mapping[str, Any]) -> Kinetics:
    context = by_letters(table["context"], 3)
    return Kinetics(
        quantiles=np.array([table["quantiles"][kind.name.lower()] for kind in BaseClass], np.float64),
        context=context,
        base=context.sum(axis=(0, 2)) / 16,
        **{name: float(table[name]) for name in ("molecule", "place", "drift", "drift_length")},
    )


def _draft_profile(table: Mapping[str, Any]) -> DraftProfile:
    arrays = {name: np.array(table[name], np.float64) for name in ("passes", "error_rate", "ambiguity", "offsets")}
    qualities = {name: np.array(table[name], np.float64) for name in ("quality_scores", "qualities")}
    return DraftProfile(
        **arrays,
        **qualities,
        log_sd=table["log_sd"],
        noise=table["noise"],
        error_quality=normalised(table["error_quality"]),
    )
