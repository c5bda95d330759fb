"""Fit a simulation profile to measured tables.

``python benchmarks/fit_simulator.py TABLES CCS_ACCURACY CCS_BASE_QUALITY -o PROFILE`` simulates with a first guess,
counts what comes out as the tables were counted, and corrects the probabilities, some rounds over.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from fit_drafts import fit_drafts, measured_drafts

from deepconsensus_py.pacbio.molecule import BASES
from deepconsensus_py.simulate.measure import LAGS, measure
from deepconsensus_py.simulate.movies import simulate_zmws
from deepconsensus_py.simulate.profile import (
    CHANNELS,
    LONGEST_HOMOPOLYMER,
    SEQUENCED,
    BaseClass,
    by_letters,
    normalised,
    read_profile,
    to_letters,
)
from deepconsensus_py.simulate.sites import QUIET

ROUNDS = 10
MOLECULES, LENGTH, PASSES = 30, 9000, 12  # of a round
SPREAD_ROUNDS, SPREAD_MOLECULES = 3, 100
KINETIC_ROUNDS = 5
AMOUNTS = 6  # most bases by which a run is read too long or too short
FEW = 200  # runs: fewer are eked out with the other bases' and shorter runs'
DRIFT_LENGTH = 100.0  # bases; autocorrelations fall by half between lags 20 and 100
BURST_LENGTH, BURST_FACTOR = 120.0, 4.0  # give the tail of errors per window that was counted
SHRINK = 0.3  # of correlations between molecules, of which there are few
INSTRUMENTS = {
    "sequel": {
        "platform": "SEQUEL",
        "movie": "m54000_240101_000000",
        "kits": "BINDINGKIT=101-500-400;SEQUENCINGKIT=101-427-800;BASECALLERVERSION=5.0.0;FRAMERATEHZ=100.000000",
    },
    "sequel2": {
        "platform": "SEQUELII",
        "movie": "m64000_240101_000000",
        "kits": "BINDINGKIT=101-490-800;SEQUENCINGKIT=101-490-900;BASECALLERVERSION=5.0.0;FRAMERATEHZ=100.000000",
    },
}
TABLE_OF_CLASS = {kind: kind.name.lower() for kind in BaseClass}


class Target:
    """What was counted, as arrays."""

    def __init__(self, tables: dict[str, Any]) -> None:
        self.tables = tables
        self.rates = tables["rates_per_template_base"]
        context = tables["rates_by_context3"]
        for name in ("mismatch", "deletion", "cognate_insertion"):
            setattr(self, name, by_letters({k: v[name] for k, v in context.items()}, 3))
        pairs: dict[str, float] = {}
        for name, entry in context.items():
            pairs[name[:2]] = pairs.get(name[:2], 0) + entry["n"]
        # Those at the ends of a template lack a neighbour.
        inside = {k: n for k, n in tables["noncognate_insertion_counts"].items() if len(k) == len("P_N|B")}
        counts = by_letters(inside, 3)
        self.foreign = counts / np.maximum(by_letters(pairs, 2), 1)[:, :, None]
        self.substitution = normalised(by_letters(tables["substitution_rate"], 2))
        self.runs = self._runs()
        events = self.rates["insertion_events"]
        self.lengths = np.array([events * tables["insertion_length"].get(str(n), 0) for n in range(31)])
        kinds = tables["insertion_class"]
        self.cognate = kinds["multi_all_cognate"] + kinds["multi_part_cognate"] / 2
        self.inserted_base = by_letters(tables["inserted_base"], 1)

    def _runs(self) -> np.ndarray:
        """``float64[6, 16, 26]`` counts of runs by base, true and observed length."""
        counts = np.zeros((6, LONGEST_HOMOPOLYMER + 1, 26))
        for base, lengths in self.tables["run_length_confusion_by_base"].items():
            for length, entry in lengths.items():
                for observed, share in entry["P"].items():
                    counts[BASES.index(base), int(length), int(observed)] += share * entry["n"]
        return counts

    def changes(self) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities that a run is read too short and too long, ``float64[6, 16]`` each."""
        return changed(eked_out(self.runs))


def eked_out(counts: np.ndarray) -> np.ndarray:
    """Counts of runs in which rare lengths borrow from the other bases' runs."""
    pooled = normalised(counts.sum(axis=0))
    return counts + FEW * pooled * (counts.sum(axis=(1, 2), keepdims=True) > 0)


def changed(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of runs read too short and too long, by base and length."""
    share = normalised(counts)
    number = np.arange(counts.shape[1])
    observed = np.arange(counts.shape[2])
    return tuple((share * mask).sum(axis=2) for mask in (observed < number[:, None], observed > number[:, None]))


def amounts(counts: np.ndarray, sign: int) -> np.ndarray:
    """``float64[15, 6]`` shares of 1, 2, … bases less or more by run length."""
    pooled = counts.sum(axis=0)
    rows = np.zeros((LONGEST_HOMOPOLYMER, AMOUNTS))
    for length in range(1, LONGEST_HOMOPOLYMER + 1):
        source = min(length, 6)
        for number in range(1, AMOUNTS + 1):
            place = source + sign * number
            if place >= 0:
                rows[length - 1, number - 1] = pooled[source, place]
    rows[:, 0] = np.maximum(rows[:, 0], 1e-9)
    return normalised(rows)


def extended(rates: np.ndarray, longest: int = 7) -> np.ndarray:
    """Rates of longer runs: as if each further base erred as those of the longest well-counted run."""
    rates = rates.copy()
    for length in range(longest + 1, rates.shape[1]):
        rates[:, length] = 1 - (1 - rates[:, longest]) ** (length / longest)
    return rates


def first_guess(target: Target) -> dict[str, Any]:
    tables = target.tables
    shorten, lengthen = target.changes()
    share = tables["run_length_confusion_by_base"]
    counts = {b: [share[b].get(str(n), {"n": 0})["n"] for n in range(1, 13)] for b in SEQUENCED}
    total = sum(map(sum, counts.values()))
    gap = tables["passes"]["adapter_gap"]
    snr = tables["snr"]["by_channel"]
    return {
        "run_length_share": {b: [float(f"{n / total:.4g}") for n in row] for b, row in counts.items()},
        "shorten": extended(shorten),
        "lengthen": extended(lengthen),
        "shorten_amount": amounts(target.runs, -1),
        "lengthen_amount": amounts(target.runs, 1),
        "shorten_context": relative(target.deletion, np.ones((6, 6, 6))),
        "lengthen_context": relative(target.cognate_insertion, np.ones((6, 6, 6))),
        "run_correlation": run_deviates(target),
        "mismatch_context": target.mismatch.copy(),
        "substitution": target.substitution.copy(),
        "foreign_insertion": target.foreign.copy(),
        "long_insertion_rate": np.where(np.arange(31) > 1, target.lengths, 0),
        "long_insertion_cognate": 0.2,
        "inserted_base": target.inserted_base.copy(),
        "burst": {"rate": 1e-4, "length": BURST_LENGTH, "factor": BURST_FACTOR},
        "snr": {channel: snr[channel]["mean"] for channel in CHANNELS},
        "adapter_gap": [gap["mean"], gap["sd"]],
        "pulse_width": kinetics(tables["kinetics"], "pw"),
        "inter_pulse_duration": kinetics(tables["kinetics"], "ip"),
    }


def relative(rates: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Factors of mean one over the bases before a run's first base, apart for runs of one base and longer ones."""
    factors = np.ones((6, 6, 6))
    for base in range(1, 5):
        others = [k for k in range(1, 5) if k != base]
        for behind in ([base], others):
            part = np.ix_(others, [base], behind)
            factors[part] = rates[part] / np.average(rates[part], weights=weights[part])
    return factors


def run_deviates(target: Target) -> np.ndarray:
    """Correlations of the deviates that give the measured ones of run lengths, by length 1 … 15."""
    measured = target.tables["run_length_deviation_correlation"]
    rng = np.random.default_rng(0)
    shared, one, other = rng.standard_normal((3, 1_000_000))
    found = []
    for length in range(1, 7):
        share = np.cumsum(target.runs[:, length].sum(axis=0) / target.runs[:, length].sum())
        wanted = measured[str(length)]["same_strand"]["r"]
        low, high = 0.0, 0.9
        for _ in range(12):
            middle = (low + high) / 2
            ranks = [np.sqrt(middle) * shared + np.sqrt(1 - middle) * own for own in (one, other)]
            limits = np.quantile(ranks[0], np.minimum(share, 1))
            r = np.corrcoef(*(np.searchsorted(limits, rank) for rank in ranks))[0, 1]
            low, high = (middle, high) if r < wanted else (low, middle)
        found.append((low + high) / 2)
    return np.array(found + found[-1:] * (LONGEST_HOMOPOLYMER - 6))


def kinetics(table: dict[str, Any], name: str) -> dict[str, Any]:
    """Pulse widths or inter-pulse durations: all of it is read off the tables."""
    context = table["context3_mean_log1p"]
    weights = np.array([entry["n"] for entry in context.values()], float)
    means = np.array([entry[name] for entry in context.values()])
    sd = table["log1p_match"][f"{name}_sd"]
    deviates = (means - np.average(means, weights=weights)) / sd
    by_molecule = np.log([entry[name] for entry in table["mean_by_zmw"].values()])
    molecule = float(by_molecule.var() / sd**2)
    explained = table["context3_variance_explained"][name]
    place = max(table["interpass_correlation_same_strand_log1p"][name] - explained - molecule, 0.0)
    drift = max(table["autocorrelation_log1p"][name][LAGS.index(20)] * np.exp(20 / DRIFT_LENGTH), 0.0)
    quantiles = table["quantiles_0_100"]
    return {
        "quantiles": {kind: [round(v) for v in quantiles[kind][name]] for kind in TABLE_OF_CLASS.values()},
        "context": {c: round(float(d), 3) for c, d in zip(context, deviates, strict=True)},
        "molecule": round(molecule, 4),
        "place": round(place, 4),
        "drift": round(float(drift), 4),
        "drift_length": DRIFT_LENGTH,
    }


def spreads(target: Target, by_chance: np.ndarray) -> dict[str, Any]:
    """How rates and signal vary between molecules, strands and passes."""
    tables = target.tables
    names = ("mismatch", "insertion_events", "deleted_bases")
    within, between = (
        np.array([tables["per_read_rates"][n][f"log_sd_{kind}_zmw"] for n in names]) for kind in ("within", "between")
    )
    strands, molecules = strand_logs(tables)
    passes = np.maximum(within**2 - strands**2 - by_chance**2, 0.25 * within**2)
    found = tables["per_read_log_rate_correlation"]
    a, b, c = found["mismatch_insertion"], found["mismatch_deletion"], found["insertion_deletion"]
    correlation = np.array([[1, a, b], [a, 1, c], [b, c, 1]])
    own = np.maximum(between**2 - strands**2 / 2 - passes / 10, 0.25 * between**2)
    sd = np.append(np.sqrt(own), molecules[:, 3:].std(axis=0))
    sd[1] /= 1 - QUIET  # of the excess
    together = (1 - SHRINK) * np.corrcoef(molecules.T) + SHRINK * np.eye(7)
    together[:3, :3] = correlation
    together = nearest_correlation(together)
    return {
        "molecules": np.round(together * np.outer(sd, sd), 5).tolist(),
        "strands": np.round(strands, 4).tolist(),
        "passes": np.round(correlation * np.sqrt(np.outer(passes, passes)), 5).tolist(),
    }


def nearest_correlation(matrix: np.ndarray) -> np.ndarray:
    """A correlation matrix near one that is put together of parts."""
    values, vectors = np.linalg.eigh(matrix)
    positive = vectors * values.clip(0.02) @ vectors.T
    scale = np.sqrt(np.diag(positive))
    return positive / np.outer(scale, scale)


def strand_logs(tables: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Deviation of the strands of a molecule, and log rates and signal of every molecule."""
    names = ("mismatch", "inserted_bases", "deleted_bases")
    apart, rows = [], []
    for molecule, entry in tables["strand_rates_by_zmw"].items():
        logs = [np.log([entry[s][n] for n in names]) for s in "+-" if s in entry]
        if len(logs) == 2:
            apart.append((logs[0] - logs[1]) / np.sqrt(2))
            signal = [tables["snr"]["by_zmw"][molecule][channel] for channel in CHANNELS]
            rows.append(np.append(np.mean(logs, axis=0), np.log(signal)))
    return np.array(apart).std(axis=0), np.array(rows)


def improve(guess: dict[str, Any], target: Target, found: dict[str, Any]) -> None:
    """Correct the probabilities by what came out of them."""
    short, long = target.changes()
    runs = eked_out(found["runs"])
    for name, wanted, got in zip(("shorten", "lengthen"), (short, long), changed(runs), strict=True):
        ratio = np.where(got > 0, wanted / np.maximum(got, 1e-9), 1.0)
        pooled = found["runs"].sum(axis=2)
        for length in range(5, 8):
            ratio[1:5, length] = np.average(ratio[1:5, length], weights=pooled[1:5, length] + 1)
        guess[name][:, :8] *= ratio[:, :8]
        guess[name] = extended(guess[name])
    for sign, name in ((-1, "shorten_amount"), (1, "lengthen_amount")):
        wanted, got = amounts(target.runs, sign), amounts(found["runs"], sign)
        guess[name] = normalised(guess[name] * np.where(got > 1e-4, wanted / np.maximum(got, 1e-9), 1.0).clip(0.5, 2))
    weights = found["template"].reshape(6, 6, 6)
    for name, wanted in (
        ("shorten_context", relative(target.deletion, weights)),
        ("lengthen_context", relative(target.cognate_insertion, weights)),
    ):
        source = "deletion_context" if name == "shorten_context" else "cognate_insertion_context"
        ratio = wanted / relative(found[source].reshape(6, 6, 6), weights)
        guess[name] = relative(guess[name] * ratio.clip(0.5, 2), weights)
    ratio = target.mismatch / np.maximum(found["mismatch_context"].reshape(6, 6, 6), 1e-6)
    guess["mismatch_context"] *= ratio.clip(0.5, 2)
    got = normalised(found["substitution"].reshape(6, 6))
    guess["substitution"] = normalised(guess["substitution"] * target.substitution / np.maximum(got, 1e-6))
    improve_insertions(guess, target, found)


def improve_insertions(guess: dict[str, Any], target: Target, found: dict[str, Any]) -> None:
    pairs = found["template"].reshape(6, 6, 6).sum(axis=2)
    got = found["noncognate"].reshape(6, 6, 6) / np.maximum(pairs, 1)[:, :, None]
    guess["foreign_insertion"] *= (target.foreign / np.maximum(got, 1e-6)).clip(0.5, 2)
    lengths = found["insertion_length"] * found["insertion_events"]
    more = np.where(np.arange(31) > 1, target.lengths - lengths, 0)
    guess["long_insertion_rate"] = np.maximum(guess["long_insertion_rate"] + 0.7 * more, 0)
    all_cognate, part, _ = found["multi_kinds"]
    guess["long_insertion_cognate"] += 0.7 * (target.cognate - all_cognate - part / 2)
    guess["inserted_base"] *= (target.inserted_base / np.maximum(found["inserted_base"], 1e-6)) ** 2
    improve_bursts(guess, target, found)


def improve_bursts(guess: dict[str, Any], target: Target, found: dict[str, Any]) -> None:
    wanted = target.tables["bursts"]["fraction_windows_ge30"]
    guess["burst"]["rate"] *= float(np.clip(wanted / max(found["burst_share"], 1e-4), 0.5, 2)) ** 0.7


def drawn_table(guess: dict[str, Any]) -> dict[str, Any]:
    """The guess as JSON values."""
    table = dict(guess)
    for name in ("shorten", "lengthen"):
        table[name] = {b: rounded(guess[name][BASES.index(b), 1:]) for b in SEQUENCED}
    for name in ("shorten_amount", "lengthen_amount"):
        table[name] = [rounded(row) for row in guess[name]]
    for name in ("shorten_context", "lengthen_context", "mismatch_context", "substitution", "foreign_insertion"):
        table[name] = to_letters(guess[name], 4)
    table["inserted_base"] = to_letters(normalised(guess["inserted_base"]), 4)
    rate = table.pop("long_insertion_rate")
    table["long_insertion"] = float(f"{rate.sum():.4g}")
    table["long_insertion_length"] = rounded(normalised(rate))
    table["run_correlation"] = rounded(guess["run_correlation"])
    table["burst"] = {key: float(f"{value:.4g}") for key, value in guess["burst"].items()}
    table["long_insertion_cognate"] = round(guess["long_insertion_cognate"], 4)
    return table


def rounded(values: np.ndarray) -> list[float]:
    return [float(f"{value:.4g}") for value in values]


def measured_table(tables: dict[str, Any]) -> dict[str, Any]:
    """What a simulation is compared with."""
    reads, moves = tables["per_read_rates"], tables["kinetics"]
    names = ("mismatch", "insertion_events", "deleted_bases")
    kinds = tables["insertion_class"]
    runs = {
        length: [entry["P"].get(str(n), 0.0) for n in range(int(length) + 4)]
        for length, entry in tables["run_length_confusion"].items()
        if int(length) <= 8
    }
    pairs = tables["run_length_deviation_correlation"]
    return {
        **tables["rates_per_template_base"],
        "insertion_length": [tables["insertion_length"].get(str(n), 0.0) for n in range(31)],
        "deletion_length": [tables["deletion_length"].get(str(n), 0.0) for n in range(6)],
        "single_cognate_share": kinds["single_cognate_share"],
        "multi_kinds": [kinds[f"multi_{kind}"] for kind in ("all_cognate", "part_cognate", "non_cognate")],
        "inserted_base": tables["inserted_base"],
        "substitution": tables["substitution_rate"],
        "run_length": runs,
        "run_correlation_same": [pairs[str(n)]["same_strand"]["r"] for n in range(1, 7)],
        "log_sd_within": [reads[name]["log_sd_within_zmw"] for name in names],
        "log_sd_between": [reads[name]["log_sd_between_zmw"] for name in names],
        "log_rate_correlation": list(tables["per_read_log_rate_correlation"].values()),
        "windows": [tables["bursts"]["errors_per_100bp_window"].get(str(n), 0) for n in range(61)],
        "burst_share": tables["bursts"]["fraction_windows_ge30"],
        "quantiles": {
            name: {kind: [round(v) for v in entry[name]] for kind, entry in moves["quantiles_0_100"].items()}
            for name in ("pw", "ip")
        },
        "autocorrelation": {name: moves["autocorrelation_log1p"][name] for name in ("pw", "ip")},
        "pair_correlation": {name: moves["interpass_correlation_same_strand_log1p"][name] for name in ("pw", "ip")},
    }


def profile_of(guess: dict[str, Any], spread: dict[str, Any], draft: dict[str, Any]) -> Any:
    table = {"source": "", "instrument": INSTRUMENTS["sequel"], "measured": {}}
    return read_profile({**table, "drawn": {**drawn_table(guess), **spread, "draft": draft}})


def fit_passes(target: Target, draft: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    guess = first_guess(target)
    alike = {"molecules": np.zeros((7, 7)), "strands": np.zeros(3), "passes": np.zeros((3, 3))}
    for number in range(ROUNDS):
        profile = profile_of(guess, alike, draft)
        movie = simulate_zmws(
            profile, MOLECULES, np.random.default_rng(number), length=(LENGTH, LENGTH), passes=(PASSES, PASSES)
        )
        found = measure((molecule.truth, molecule.zmw.passes) for molecule in movie)
        names = ("mismatch", "insertion_events", "inserted_bases", "deletion_events", "deleted_bases")
        print(number, *(f"{name} {found[name] / target.rates[name] - 1:+.3f}" for name in names), flush=True)
        if number < ROUNDS - 1:
            improve(guess, target, found)
    reads = np.array([entry["passes"] for m in target.tables["strand_rates_by_zmw"].values() for entry in m.values()])
    length = target.tables["template_bases"] / reads.sum()
    return guess, spreads(target, found["log_sd_within"] * np.sqrt(LENGTH / length))


def fit_spreads(guess: dict[str, Any], spread: dict[str, Any], target: Target, draft: dict[str, Any]) -> None:
    """Correct the spreads and the correlations of run lengths, which add up with each other and with chance."""
    tables, names = target.tables, ("mismatch", "insertion_events", "deleted_bases")
    reads = tables["per_read_rates"]
    pairs = tables["run_length_deviation_correlation"]
    wanted = np.array([pairs[str(length)]["same_strand"]["r"] for length in range(1, 7)])
    for number in range(SPREAD_ROUNDS):
        profile = profile_of(guess, spread, draft)
        size = {"length": (LENGTH, LENGTH), "passes": (PASSES, PASSES)}
        movie = simulate_zmws(profile, SPREAD_MOLECULES, np.random.default_rng(number), **size)
        found = measure((molecule.truth, molecule.zmw.passes) for molecule in movie)
        got = np.array(found["run_correlation_same"][:6])
        print(
            "run correlation", got.round(4), *(found[f"log_sd_{k}"].round(3) for k in ("within", "between")), flush=True
        )
        ratio = (wanted / np.maximum(got, 1e-3)).clip(0.3, 2)
        guess["run_correlation"] = guess["run_correlation"] * np.append(
            ratio, np.full(LONGEST_HOMOPOLYMER - 6, ratio[-1])
        )
        improve_bursts(guess, target, found)
        for kind, entry, size in (("within", "passes", 3), ("between", "molecules", 7)):
            log_sd = np.array([reads[name][f"log_sd_{kind}_zmw"] for name in names])
            covariance = np.array(spread[entry])
            variance = np.diag(covariance)[:3]
            if kind == "within":
                better = np.maximum(variance + log_sd**2 - found["log_sd_within"] ** 2, variance / 4)
            else:
                better = variance * (log_sd / found["log_sd_between"]).clip(0.6, 1.6) ** 2
            factor = np.append(np.sqrt(better / variance), np.ones(size - 3))
            spread[entry] = np.round(covariance * np.outer(factor, factor), 5).tolist()


def fit_kinetics(guess: dict[str, Any], spread: dict[str, Any], target: Target, draft: dict[str, Any]) -> None:
    """Correct the distributions of the classes, which an aligner mixes."""
    wanted = target.tables["kinetics"]["quantiles_0_100"]
    for number in range(KINETIC_ROUNDS):
        profile = profile_of(guess, spread, draft)
        size = {"length": (LENGTH, LENGTH), "passes": (PASSES, PASSES)}
        movie = simulate_zmws(profile, MOLECULES, np.random.default_rng(number), **size)
        found = measure((molecule.truth, molecule.zmw.passes) for molecule in movie)
        for name, entry in (("pw", "pulse_width"), ("ip", "inter_pulse_duration")):
            for kind, values in guess[entry]["quantiles"].items():
                ratio = smooth(wanted[kind][name]) / smooth(found[f"{name}_quantiles"][kind])
                better = (np.array(values) + 1) * np.sqrt(ratio) - 1
                guess[entry]["quantiles"][kind] = [round(float(v), 1) for v in np.sort(better.clip(0, 255))]


def smooth(quantiles: Any) -> np.ndarray:
    """Percentiles, plus one, averaged over eleven neighbours: codes are whole numbers, many of them equal."""
    return np.convolve(np.pad(np.array(quantiles, float) + 1, 5, mode="edge"), np.full(11, 1 / 11), mode="valid")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", type=Path)
    parser.add_argument("accuracy", type=Path)
    parser.add_argument("quality", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--instrument", choices=INSTRUMENTS, required=True)
    parser.add_argument("--source", required=True, help="what the tables were measured on")
    args = parser.parse_args()
    tables, accuracy, quality = (json.loads(p.read_text()) for p in (args.tables, args.accuracy, args.quality))
    target = Target(tables)
    draft = measured_drafts(accuracy, quality, tables)
    guess, spread = fit_passes(target, draft)
    fit_spreads(guess, spread, target, draft)
    fit_kinetics(guess, spread, target, draft)
    profile = profile_of(guess, spread, draft)
    draft = fit_drafts(profile, draft, accuracy, quality)
    drawn = {**drawn_table(guess), **spread, "draft": draft}
    measured = {**measured_table(tables), "draft": draft.pop("measured")}
    instrument = INSTRUMENTS[args.instrument]
    write(args.output, {"source": args.source, "instrument": instrument, "measured": measured, "drawn": drawn})


def write(path: Path, table: dict[str, Any]) -> None:
    """One entry a line, so that a change shows as one."""
    blocks = []
    for name, value in table.items():
        if isinstance(value, dict):
            lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(entry)}" for key, entry in value.items())
            blocks.append(f" {json.dumps(name)}: {{\n{lines}\n }}")
        else:
            blocks.append(f" {json.dumps(name)}: {json.dumps(value)}")
    path.write_text("{\n" + ",\n".join(blocks) + "\n}\n")


if __name__ == "__main__":
    main()
