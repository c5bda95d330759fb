"""Whole molecules: a template, its passes in the order of the polymerase read, and the draft."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.headers import read_group_id
from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw, reverse_complement
from deepconsensus_py.pacbio.names import MoleculeId
from deepconsensus_py.pacbio.records import Tags
from deepconsensus_py.simulate.drafts import DraftSequence, draw_draft
from deepconsensus_py.simulate.kinetics import draw_kinetics
from deepconsensus_py.simulate.passes import draw_factors, read_template
from deepconsensus_py.simulate.profile import Profile

ADAPTER_BEFORE, ADAPTER_AFTER = 1, 2  # bits of tag cx (PacBio BAM format, local context flags)
SHORTEST_PASS = 50  # bases; instruments do not report shorter ones
FEWEST_PASSES = 3  # below, `ccs --all` reports a single pass as the draft
LONE_PASS_QUALITY = 10  # and gives its bases this Phred quality, and the read quality -1
SUBREAD_READ_QUALITY = 0.8
LOWEST_SNR = 2.0  # instruments report no molecule below


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedMolecule:
    """A molecule and what was read of it.

    Attributes:
        truth: ``uint8[n]`` base codes, in the orientation of the draft.
        zmw: draft and unaligned passes, as a reader of the files would yield them.
    """

    truth: NDArray[np.uint8]
    zmw: Zmw


@dataclass(frozen=True, slots=True, eq=False)
class _Stretch:
    """The part of the molecule that one pass covers, in the direction of sequencing."""

    template: NDArray[np.uint8]
    reverse: bool
    context: int


def simulate_molecule(
    truth: NDArray[np.uint8],
    *,
    movie: str,
    hole: int,
    full_passes: int,
    profile: Profile,
    rng: np.random.Generator,
    partial_ends: bool = True,
) -> SimulatedMolecule:
    """Read a molecule many times.

    Args:
        truth: ``uint8[n]`` base codes, at least one, in the orientation that the draft is to have.
        movie: movie name, e.g. ``m54000_240101_000000``.
        hole: ZMW hole number.
        full_passes: passes with an adapter at both ends, at least one.
        profile: error rates, kinetics and signal.
        rng: source of randomness.
        partial_ends: add the partial pass before the first full one and that after the last.
    """
    signal = rng.standard_normal(4) * profile.passes.snr_sd + profile.passes.snr_mean
    snr = np.maximum(signal, LOWEST_SNR).astype(np.float32)
    stretches = list(_stretches(truth, full_passes, partial_ends, rng))
    passes = _read_all(stretches, f"{movie}/{hole}", snr, profile, rng)
    if full_passes < FEWEST_PASSES:
        sequence = _lone_pass(stretches, passes)
    else:
        sequence = draw_draft(truth, full_passes, profile.drafts, rng)
    coverage = sum(len(p.bases) for p in passes) / len(truth)
    summary = _draft_summary(full_passes, coverage, sequence)
    tags = (("RG", read_group_id(MoleculeId(movie, hole)), "Z"), *summary, ("sn", snr, "B"), ("zm", hole, "i"))
    draft = Draft(f"{movie}/{hole}/ccs", sequence.bases, sequence.qualities, tags)
    return SimulatedMolecule(truth, Zmw(draft, passes))


def _stretches(
    truth: NDArray[np.uint8], full_passes: int, partial_ends: bool, rng: np.random.Generator
) -> Iterator[_Stretch]:
    """What the polymerase travels: a partial stretch, full ones on alternating strands, a partial one."""
    strands = (truth, reverse_complement(truth))
    first = int(rng.integers(2))
    lengths = np.rint(rng.random(2) * len(truth)).astype(int)
    if partial_ends and lengths[0] >= SHORTEST_PASS:
        yield _Stretch(strands[first][-lengths[0] :], first == 1, ADAPTER_AFTER)
    for number in range(1, full_passes + 1):
        strand = (first + number) % 2
        yield _Stretch(strands[strand], strand == 1, ADAPTER_BEFORE | ADAPTER_AFTER)
    if partial_ends and lengths[1] >= SHORTEST_PASS:
        strand = (first + full_passes + 1) % 2
        yield _Stretch(strands[strand][: lengths[1]], strand == 1, ADAPTER_BEFORE)


def _read_all(
    stretches: list[_Stretch], name: str, snr: NDArray[np.float32], profile: Profile, rng: np.random.Generator
) -> tuple[Pass, ...]:
    molecule = draw_factors(profile.passes.between_molecules, rng)
    movie, hole = name.split("/")
    gap_mean, gap_sd = profile.passes.adapter_gap
    passes: list[Pass] = []
    start = 0
    for stretch in stretches:
        factors = molecule * draw_factors(profile.passes.between_passes, rng)
        reading = read_template(stretch.template, profile.passes, factors, rng)
        pulse_widths, inter_pulse_durations = draw_kinetics(reading.classes, profile.passes, rng)
        end = start + len(reading.bases)
        tags = _pass_tags(movie, int(hole), start, end, stretch.context)
        passes.append(Pass(f"{name}/{start}_{end}", reading.bases, pulse_widths, inter_pulse_durations, snr, tags=tags))
        start = end + max(round(gap_mean + gap_sd * rng.standard_normal()), 1)
    return tuple(passes)


def _lone_pass(stretches: list[_Stretch], passes: tuple[Pass, ...]) -> DraftSequence:
    """The first full pass, in the orientation of the truth."""
    full = next(k for k, stretch in enumerate(stretches) if stretch.context == ADAPTER_BEFORE | ADAPTER_AFTER)
    bases = passes[full].bases
    bases = reverse_complement(bases) if stretches[full].reverse else bases
    return DraftSequence(bases, np.full(len(bases), LONE_PASS_QUALITY, np.uint8))


def _pass_tags(movie: str, hole: int, start: int, end: int, context: int) -> Tags:
    return (
        ("cx", context, "i"),
        ("np", 1, "i"),
        ("qe", end, "i"),
        ("qs", start, "i"),
        ("rq", SUBREAD_READ_QUALITY, "f"),
        ("zm", hole, "i"),
        ("RG", read_group_id(MoleculeId(movie, hole), "SUBREAD"), "Z"),
    )


def _draft_summary(full_passes: int, coverage: float, sequence: DraftSequence) -> Tags:
    if full_passes < FEWEST_PASSES:
        return (("np", full_passes, "i"), ("rq", -1.0, "f"))
    accuracy = float(1 - np.mean(10 ** (-sequence.qualities.astype(float) / 10)))
    return (("ec", coverage, "f"), ("np", full_passes, "i"), ("rq", accuracy, "f"))
