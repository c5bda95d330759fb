"""Simulated reads beside the measured ones, and what simulating costs.

``python benchmarks/simulator.py [--profile sequel2]`` counts simulated passes and drafts as the profile's tables were
counted, and prints both.
"""

import argparse

import numpy as np
from encode import cpu_ms

from deepconsensus_py.evaluate.read_errors import BookedErrors, ReadErrors, find_errors
from deepconsensus_py.evaluate.reads import Read
from deepconsensus_py.pacbio.molecule import decode_bases
from deepconsensus_py.simulate.measure import LAGS, measure
from deepconsensus_py.simulate.molecules import SimulatedMolecule
from deepconsensus_py.simulate.movies import simulate_zmws
from deepconsensus_py.simulate.profile import SEQUENCED, Profile, by_letters, load_profile, normalised

SEED = 1
PASSES = {"molecules": 120, "length": (9000, 9000), "passes": (8, 8)}  # 10 Mb of passes
DRAFTS = {"molecules": 60, "length": (6000, 6000)}  # for each number of passes
QUALITIES = [(0, 9), (10, 19), (20, 39), (40, 92), (93, 93)]
PERCENTILES = (10, 50, 90)


def line(name: str, simulated: float, measured: float) -> None:
    print(f"{name:44s} {simulated:10.4g} {measured:10.4g}  {simulated / measured - 1 if measured else 0:+8.1%}")


def print_passes(profile: Profile) -> None:
    """Errors and kinetics of single passes."""
    wanted = profile.measured
    rng = np.random.default_rng(SEED)
    movie = simulate_zmws(profile, PASSES["molecules"], rng, length=PASSES["length"], passes=PASSES["passes"])
    found = measure((molecule.truth, molecule.zmw.passes) for molecule in movie)
    print(f"{found['template_bases'] / 1e6:.1f} Mb of passes{'':26s}  simulated   measured")
    for name in ("mismatch", "insertion_events", "inserted_bases", "deletion_events", "deleted_bases"):
        line(name, found[name], wanted[name])
    for length in (1, 2, 3, 5, 10):
        line(f"insertions of {length} bases", found["insertion_length"][length], wanted["insertion_length"][length])
    for length in (1, 2, 3):
        line(f"deletions of {length} bases", found["deletion_length"][length], wanted["deletion_length"][length])
    line("single insertions equal to a neighbour", found["single_cognate_share"], wanted["single_cognate_share"])
    for kind, got, share in zip(("all", "part", "none"), found["multi_kinds"], wanted["multi_kinds"], strict=True):
        line(f"longer insertions equal to neighbours: {kind}", got, share)
    print_bases(found, wanted)
    print_runs(found, wanted)
    for kind in ("within", "between"):
        for number, rate in enumerate(("mismatch", "insertion", "deletion")):
            line(f"log sd {kind} molecules: {rate}", found[f"log_sd_{kind}"][number], wanted[f"log_sd_{kind}"][number])
    places = ((0, 1), (0, 2), (1, 2))
    names = ("mismatch, insertion", "mismatch, deletion", "insertion, deletion")
    for place, name, r in zip(places, names, wanted["log_rate_correlation"], strict=True):
        line(f"correlation of log rates: {name}", found["log_rate_correlation"][place], r)
    print_bursts(found, wanted)
    print_kinetics(found, wanted)


def print_bases(found: dict, wanted: dict) -> None:
    """Composition of insertions, kinds of mismatches."""
    composition = by_letters(wanted["inserted_base"], 1)
    for code, base in enumerate(SEQUENCED, 1):
        line(f"inserted {base}", found["inserted_base"][code], composition[code])
    kinds = normalised(by_letters(wanted["substitution"], 2))
    got = normalised(found["substitution"].reshape(6, 6))
    for kind in wanted["substitution"]:
        place = tuple(SEQUENCED.index(letter) + 1 for letter in kind.split(">"))
        line(f"{kind} of the mismatches of {kind[0]}", got[place], kinds[place])


def print_runs(found: dict, wanted: dict) -> None:
    """Lengths read of runs, and their correlation between passes."""
    for length, shares in wanted["run_length"].items():
        counts = found["runs"].sum(axis=0)[int(length)]
        for shift in (-1, 0, 1):
            place = int(length) + shift
            line(f"runs of {length} read as {place}", counts[place] / counts.sum(), shares[place])
    for number, r in enumerate(wanted["run_correlation_same"], 1):
        opposite = found["run_correlation_opposite"][number - 1]
        line(
            f"runs of {number}: r, same strand (opposite {opposite:+.3f})", found["run_correlation_same"][number - 1], r
        )


def print_bursts(found: dict, wanted: dict) -> None:
    windows, counts = normalised(found["windows"]), normalised(wanted["windows"])
    for low, high in ((0, 4), (5, 9), (10, 14), (15, 19), (20, 29), (30, 39), (40, 59), (60, 60)):
        part = slice(low, high + 1)
        line(f"windows of 100 bases with {low} to {high} errors", windows[part].sum(), counts[part].sum())


def print_kinetics(found: dict, wanted: dict) -> None:
    """Distributions by class, and correlations along passes and between them."""
    for name in ("pw", "ip"):
        for kind, got in found[f"{name}_quantiles"].items():
            for percentile in PERCENTILES:
                measured = wanted["quantiles"][name][kind][percentile]
                line(f"{name} of {kind}, percentile {percentile}", got[percentile], measured)
        autocorrelation = zip(LAGS, found[f"{name}_autocorrelation"], wanted["autocorrelation"][name], strict=True)
        for lag, got, r in autocorrelation:
            line(f"{name}: autocorrelation at lag {lag}", got, r)
        line(f"{name}: r of two passes", found["pair_correlation"][name], wanted["pair_correlation"][name])


def print_drafts(profile: Profile) -> None:
    """Errors and qualities of drafts, at the numbers of passes of the measured ones."""
    wanted = profile.measured["draft"]
    print("\npasses  errors per 10 kb  mismatched  inserted  deleted")
    for passes, bases, *kinds in wanted["molecules"]:
        print(f"{passes:6d} {1e4 * sum(kinds) / bases:17.2f} {kinds[0]:11d} {kinds[1]:9d} {kinds[2]:8d}  one measured")
    totals, booked, qualities = np.zeros(4), np.zeros(94), np.zeros(94)
    for passes in [molecule[0] for molecule in wanted["molecules"]]:
        rng = np.random.default_rng([SEED, passes])
        movie = list(simulate_zmws(profile, DRAFTS["molecules"], rng, length=DRAFTS["length"], passes=(passes, passes)))
        errors = [draft_errors(molecule) for molecule in movie]
        counts = np.array([[e.mismatches, e.inserted, e.deleted, e.in_homopolymers] for e in errors]).sum(axis=0)
        rate = 1e4 * counts[:3].sum() / sum(len(molecule.truth) for molecule in movie)
        print(f"{passes:6d} {rate:17.2f} {counts[0]:11d} {counts[1]:9d} {counts[2]:8d}  {len(movie)} simulated")
        totals += counts
        qualities += sum(np.bincount(molecule.zmw.draft.qualities, minlength=94) for molecule in movie)
        for found in errors:
            booked += np.bincount(lowest_qualities(found.booked), minlength=94)
    print_draft_shares(wanted, totals, qualities, booked)


def draft_errors(molecule: SimulatedMolecule) -> ReadErrors:
    draft = molecule.zmw.draft
    return find_errors(Read(draft.name, decode_bases(draft.bases), draft.qualities), decode_bases(molecule.truth))


def lowest_qualities(booked: BookedErrors) -> np.ndarray:
    """The lowest quality of each stretch of bases, such as a run, that an error is booked on."""
    edges = np.diff(np.concatenate(([0], (booked.errors > 0).astype(np.int8), [0])))
    stretches = zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True)
    return np.array([booked.qualities[start:stop].min() for start, stop in stretches], dtype=np.int64)


def print_draft_shares(wanted: dict, totals: np.ndarray, qualities: np.ndarray, booked: np.ndarray) -> None:
    counted = np.array([kinds for _, _, *kinds in wanted["molecules"]]).sum(axis=0)
    for number, kind in enumerate(("mismatched", "inserted", "deleted")):
        line(f"draft errors: {kind}", totals[number] / totals[:3].sum(), counted[number] / counted.sum())
    line("draft errors: in runs", totals[3] / totals[:3].sum(), wanted["in_runs"])
    for name, got, table in (("", qualities, wanted["quality"]), (" in error", booked, wanted["error_quality"])):
        share, measured = normalised(got), normalised(table)
        for low, high in QUALITIES:
            part = slice(low, high + 1)
            line(f"draft bases{name} of quality {low} to {high}", share[part].sum(), measured[part].sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default="sequel")
    profile = load_profile(parser.parse_args().profile)
    print(profile.source)
    print_passes(profile)
    print_drafts(profile)
    rng = np.random.default_rng(SEED)
    cost = cpu_ms(lambda: list(simulate_zmws(profile, 1, rng, length=(12000, 12000), passes=(10, 10))), 5)
    print(f"\na molecule of 12 kb with 10 full passes: {cost:.0f} ms of one core")


if __name__ == "__main__":
    main()
