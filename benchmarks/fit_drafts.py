"""The drafts' part of a simulation profile: error rates, types and base qualities of ``ccs`` reads."""

from dataclasses import replace
from typing import Any

import numpy as np

from deepconsensus_py.simulate.drafts import (
    OFFSET,
    SILENCE,
    CandidateErrors,
    ambiguity,
    best_candidates,
    draw_number,
    misjudge,
    remaining_evidence,
    weigh,
)
from deepconsensus_py.simulate.profile import DraftProfile, Profile
from deepconsensus_py.simulate.sites import prepare_site, travel
from deepconsensus_py.simulate.templates import random_template

STEP = 1.2  # nats by which an offset grows where a type is e times too rare
ROUNDS = 10
LENGTH = 5000  # bases of a molecule that is drawn to fit
COPIES = 16  # molecules for each measured one
NOISE = 4.0  # nats: gives the evidence counted at the errors of real drafts; see docs/developers/simulator.md
FEWEST = 5  # passes of a measured draft
KNOTS = 80
LOG_SD = 0.3  # of what is left between the six measured molecules once their ambiguity is known
MOST_PASSES = 40
TYPES = ("run longer", "run shorter", "inserted", "mismatch", "unit")
# Repeat units are 16 of the 184 error bases, seven events; the reads' other errors by type and truth run length.
UNIT_EVENTS = 7


def measured_drafts(accuracy: dict[str, Any], quality: dict[str, Any], tables: dict[str, Any]) -> dict[str, Any]:
    """Rates by passes and molecule; types and qualities as a first guess."""
    reads = [m for m in accuracy["double_strand"]["molecules"] if m["np"] >= FEWEST]
    passes, rates = rates_by_passes(accuracy)
    if "human_1m" in tables["set"]:
        expected = sum(np.interp(m["np"], passes, rates) * m["truth_bases"] for m in reads)
        rates = rates * sum(m["errors"] for m in reads) / expected
    error = np.array(quality["error_positions_histogram"])
    return {
        "passes": passes.tolist(),
        "error_rate": [float(f"{rate:.4g}") for rate in rates],
        "ambiguity": [1.0] * len(passes),
        "log_sd": LOG_SD,
        "noise": NOISE,
        "offsets": [0.0] * len(TYPES),
        "quality_scores": [-100.0, 0.0],
        "qualities": [93.0, 3.0],
        "error_quality": error.tolist(),
    }


def rates_by_passes(accuracy: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Errors per base of single-strand reads; below four passes on the same curve, above twenty as at twenty."""
    passes, rates = [], []
    for row in accuracy["by_strand"]["table"]:
        low, high = (int(number) for number in row["passes"].split("-"))
        passes.append(min((low + high) / 2, 20.0))
        rates.append(sum(row[f"{kind}_per_10kb"] for kind in ("mismatch", "inserted", "deleted")) / 1e4)
    slope = np.log(rates[0] / rates[1]) / (passes[1] - passes[0])
    rates = [rates[0] * np.exp(slope * (passes[0] - 3)), *rates, rates[-1]]
    return np.array([3.0, *passes, MOST_PASSES]), np.array(rates)


def mean_ambiguity(profile: Profile, passes: list[float]) -> np.ndarray:
    """Undecided places per base by number of passes; a curve through means that a few noisy molecules make unsteady."""
    means = []
    for number in passes:
        weighed = weigh_all(profile, [round(number)], 3 * COPIES)
        means.append(np.mean([ambiguity(candidates) / length for candidates, _, length in weighed]))
    curve = np.polynomial.Polynomial.fit(np.log(passes), np.log(means), 3)
    return np.exp(curve(np.log(passes)))


def wanted_types(accuracy: dict[str, Any]) -> np.ndarray:
    """Shares of the error events."""
    counts = accuracy["double_strand"]["error_bases_by_type_and_truth_run_length"]
    inserted, deleted = (sum(counts[kind].values()) for kind in "ID")
    foreign = counts["I"]["0"] - 2 * UNIT_EVENTS + 4
    events = [inserted - counts["I"]["0"], deleted, foreign, sum(counts["X"].values()), UNIT_EVENTS]
    return np.array(events) / sum(events)


def fit_drafts(
    profile: Profile, draft: dict[str, Any], accuracy: dict[str, Any], quality: dict[str, Any]
) -> dict[str, Any]:
    """The draft's part of the profile, once its passes are fitted."""
    reads = [m for m in accuracy["double_strand"]["molecules"] if m["np"] >= FEWEST]
    weighed = weigh_all(profile, [m["np"] for m in reads])
    draft["ambiguity"] = rounded(mean_ambiguity(profile, draft["passes"]))
    wanted = wanted_types(accuracy)
    offsets = np.zeros(len(TYPES))
    for number in range(ROUNDS):
        current = replace(profile.drafts, offsets=offsets, ambiguity=np.array(draft["ambiguity"]))
        rng = np.random.default_rng(number)
        kinds, doubt = draw_all(weighed, current, rng)
        share = np.bincount(OFFSET[kinds], minlength=len(TYPES)) / len(kinds)
        print("errors", len(kinds), *(f"{n} {s:.3f}" for n, s in zip(TYPES, share, strict=True)), flush=True)
        offsets = offsets + STEP * np.log(np.maximum(wanted, 1e-3) / np.maximum(share, 1e-3))
    draft["offsets"] = rounded(current.offsets)
    right = np.array(quality["bq_histogram"]) - np.array(quality["error_positions_histogram"])
    draft |= quality_map(doubt, right)
    counted = [[m["np"], m["truth_bases"], m["mismatch"], m["inserted"], m["deleted"]] for m in reads]
    draft["measured"] = {
        "molecules": counted,
        "types": dict(zip(TYPES, rounded(wanted), strict=True)),
        "in_runs": sum(m["in_runs_ge2"] for m in reads) / sum(m["errors"] for m in reads),
        "quality": quality["bq_histogram"],
        "error_quality": quality["error_positions_histogram"],
    }
    return draft


def weigh_all(profile: Profile, passes: list[int], copies: int = COPIES) -> list[tuple[CandidateErrors, int, int]]:
    rng = np.random.default_rng(0)
    found = []
    for number in passes * copies:
        truth = random_template(LENGTH, profile.passes.homopolymer_share, rng)
        site = prepare_site(truth, profile.passes, rng)
        candidates = weigh(truth, travel(site, number, True, profile.passes, rng), profile.passes)
        found.append((candidates, number, len(truth)))
    return found


def draw_all(weighed: list[tuple[CandidateErrors, int, int]], drafts: DraftProfile, rng: np.random.Generator) -> Any:
    """Kinds of all errors, and doubt about all other bases."""
    kinds, doubt = [], []
    for candidates, passes, length in weighed:
        score = misjudge(candidates.score, drafts, rng) + drafts.offsets[OFFSET[candidates.kind]]
        errors = best_candidates(candidates, score, draw_number(candidates, length, passes, drafts, rng))
        silent = misjudge(np.full(length, SILENCE * passes), drafts, rng)
        kinds.append(candidates.kind[errors])
        doubt.append(remaining_evidence(candidates, score, errors, silent))
    return np.concatenate(kinds), np.concatenate(doubt)


def quality_map(doubt: np.ndarray, histogram: np.ndarray) -> dict[str, Any]:
    """Qualities by doubt: the most doubtful share of bases gets the lowest qualities counted."""
    share = np.geomspace(2e-4, 1, KNOTS)
    cumulative = np.append(0, np.cumsum(histogram) / histogram.sum())
    qualities = np.interp(share, cumulative, np.arange(len(cumulative)) - 0.5)
    qualities[share > cumulative[-2]] = len(histogram) - 1
    scores, index = np.unique(np.quantile(doubt, 1 - share), return_index=True)
    return {
        "quality_scores": [round(float(score), 2) for score in scores],
        "qualities": [round(float(quality), 1) for quality in np.maximum(qualities[index], 0)],
    }


def rounded(values: Any) -> list[float]:
    return [float(f"{value:.4g}") for value in values]
