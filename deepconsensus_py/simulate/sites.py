"""One ZMW: the polymerase circles the molecule and reads its strands alternately."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import reverse_complement
from deepconsensus_py.simulate.passes import PassRead, StrandTemplate, prepare_strand, read_strand
from deepconsensus_py.simulate.profile import PassProfile

ADAPTER_BEFORE, ADAPTER_AFTER = 1, 2  # bits of tag cx (PacBio BAM format, local context flags)
SHORTEST_PASS = 50  # bases; instruments report none shorter
QUIET = 0.6  # insertion rate of the least noisy molecules over the mean: the lowest of 14 measured
LOWEST_SNR = 2.0  # instruments report no molecule below


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """Properties shared by the passes of a molecule.

    Attributes:
        strands: the molecule and its reverse complement.
        factors: ``float64[2, 3]`` on mismatch, insertion and deletion rates, by strand.
        snr: ``float32[4]`` signal-to-noise of A, C, G, T.
    """

    strands: tuple[StrandTemplate, StrandTemplate]
    factors: NDArray[np.float64]
    snr: NDArray[np.float32]

    @property
    def truth(self) -> NDArray[np.uint8]:
        """The molecule's base codes ``uint8[n]``."""
        return self.strands[0].template


@dataclass(frozen=True, slots=True)
class Stretch:
    """The part of the molecule that one pass covers, in read orientation.

    Attributes:
        start: first base of the strand.
        stop: one past the last.
        reverse: the strand is the opposite one.
        context: value of tag ``cx``.
    """

    start: int
    stop: int
    reverse: bool
    context: int

    @property
    def full(self) -> bool:
        """Whether there is an adapter at both ends."""
        return self.context == ADAPTER_BEFORE | ADAPTER_AFTER


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """A pass: its position and its bases."""

    stretch: Stretch
    reading: PassRead


def prepare_site(truth: NDArray[np.uint8], profile: PassProfile, rng: np.random.Generator) -> Site:
    """Place a molecule in a ZMW.

    Args:
        truth: ``uint8[n]`` base codes.
        profile: error rates and signal.
        rng: source of randomness.
    """
    molecule = rng.multivariate_normal(np.zeros(7), profile.molecules)
    # Log-normal factors of mean one; insertion rates are alike in most molecules and much higher in a few.
    own = np.exp(molecule[:3] - np.diag(profile.molecules)[:3] / 2)
    own[1] = QUIET + (1 - QUIET) * own[1]
    factors = own * np.exp(profile.strands * rng.standard_normal((2, 3)) - profile.strands**2 / 2)
    snr = np.maximum(profile.snr * np.exp(molecule[3:]), LOWEST_SNR).astype(np.float32)
    return Site((prepare_strand(truth, rng), prepare_strand(reverse_complement(truth), rng)), factors, snr)


def travel(
    site: Site, full_passes: int, partial_ends: bool, profile: PassProfile, rng: np.random.Generator
) -> list[Turn]:
    """Read the molecule pass after pass.

    Args:
        site: the molecule.
        full_passes: passes with an adapter at both ends.
        partial_ends: add the partial pass before the first full one and that after the last.
        profile: error rates.
        rng: source of randomness.
    """
    turns = []
    for stretch in _stretches(len(site.truth), full_passes, partial_ends, rng):
        strand = int(stretch.reverse)
        own = rng.multivariate_normal(np.zeros(3), profile.passes)
        factors = site.factors[strand] * np.exp(own - np.diag(profile.passes) / 2)
        reading = read_strand(site.strands[strand], profile, factors, rng)
        turns.append(Turn(stretch, reading.cut(stretch.start, stretch.stop)))
    return turns


def _stretches(length: int, full_passes: int, partial_ends: bool, rng: np.random.Generator) -> Iterator[Stretch]:
    """A partial stretch, full ones on alternating strands, a partial one."""
    first = int(rng.integers(2))
    parts = np.rint(rng.random(2) * length).astype(int).tolist()
    if partial_ends and parts[0] >= SHORTEST_PASS:
        yield Stretch(length - parts[0], length, first == 1, ADAPTER_AFTER)
    for number in range(1, full_passes + 1):
        yield Stretch(0, length, (first + number) % 2 == 1, ADAPTER_BEFORE | ADAPTER_AFTER)
    if partial_ends and parts[1] >= SHORTEST_PASS:
        yield Stretch(0, parts[1], (first + full_passes + 1) % 2 == 1, ADAPTER_BEFORE)
