"""Whole molecules: passes in polymerase order with kinetics and tags, and the draft."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.bam_tags import Tags
from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw, reverse_complement
from deepconsensus_py.pacbio.names import MoleculeId, read_group_id
from deepconsensus_py.simulate.drafts import DraftSequence, draw_draft, weigh
from deepconsensus_py.simulate.passes import draw_kinetics, prepare_pulses
from deepconsensus_py.simulate.profile import Profile
from deepconsensus_py.simulate.sites import Site, Turn, prepare_site, travel
from deepconsensus_py.simulate.templates import Fragment

FEWEST_PASSES = 3  # below, `ccs --all` reports a single pass as the draft
LONE_PASS_QUALITY = 10  # and gives its bases this Phred quality, and the read quality -1
SUBREAD_READ_QUALITY = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedMolecule:
    """A molecule and its reads.

    Attributes:
        truth: ``uint8[n]`` base codes, in the orientation of the draft.
        zmw: draft and unaligned passes, as read from files.
        fragment: where the truth comes from, if known.
    """

    truth: NDArray[np.uint8]
    zmw: Zmw
    fragment: Fragment | None = None


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
    """Simulate the passes and draft of a molecule.

    Args:
        truth: ``uint8[n]`` base codes, at least one, in draft orientation.
        movie: movie name, e.g. ``m54000_240101_000000``.
        hole: ZMW hole number.
        full_passes: passes with an adapter at both ends, at least one.
        profile: error rates, kinetics and signal.
        rng: source of randomness.
        partial_ends: add the partial pass before the first full one and that after the last.
    """
    site = prepare_site(truth, profile.passes, rng)
    turns = travel(site, full_passes, partial_ends, profile.passes, rng)
    passes = tuple(_passes(site, turns, f"{movie}/{hole}", profile, rng))
    if full_passes < FEWEST_PASSES:
        sequence = _lone_pass(turns)
    else:
        candidates = weigh(truth, turns, profile.passes)
        sequence = draw_draft(truth, candidates, full_passes, profile.drafts, rng)
    coverage = sum(len(p.bases) for p in passes) / len(truth)
    summary = _draft_summary(full_passes, coverage, sequence)
    tags = (("RG", read_group_id(MoleculeId(movie, hole)), "Z"), *summary, ("sn", site.snr, "B"), ("zm", hole, "i"))
    draft = Draft(f"{movie}/{hole}/ccs", sequence.bases, sequence.qualities, tags)
    return SimulatedMolecule(truth, Zmw(draft, passes))


def _passes(site: Site, turns: list[Turn], name: str, profile: Profile, rng: np.random.Generator) -> Iterator[Pass]:
    movie, hole = name.split("/")
    gap_mean, gap_sd = profile.passes.adapter_gap
    kinds = (profile.pulse_widths, profile.inter_pulse_durations)
    pulses = [prepare_pulses(site.strands, kind, rng) for kind in kinds]
    start = 0
    for turn in turns:
        reading, reverse = turn.reading, turn.stretch.reverse
        widths, durations = (
            draw_kinetics(reading, pulse, reverse, kind, rng) for pulse, kind in zip(pulses, kinds, strict=True)
        )
        end = start + len(reading.bases)
        tags = _pass_tags(movie, int(hole), start, end, turn.stretch.context)
        yield Pass(f"{name}/{start}_{end}", reading.bases, widths, durations, site.snr, tags=tags)
        start = end + max(round(gap_mean + gap_sd * rng.standard_normal()), 1)


def _lone_pass(turns: list[Turn]) -> DraftSequence:
    """The first full pass, in the orientation of the truth."""
    full = next(turn for turn in turns if turn.stretch.full)
    bases = full.reading.bases
    bases = reverse_complement(bases) if full.stretch.reverse else bases
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
