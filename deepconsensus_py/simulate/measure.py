"""Measure the errors and kinetics of single passes with known template: the tables behind profiles.

Rates are per template base, from left-normalised unit-cost alignments in read orientation.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.pacbio.molecule import GAP, Pass
from deepconsensus_py.simulate.aligned import PassColumns, align_to_template
from deepconsensus_py.simulate.profile import LONGEST_HOMOPOLYMER, MOST_OBSERVED, BaseClass
from deepconsensus_py.simulate.templates import template_homopolymers

LONGEST_EVENT = 30  # inserted or deleted bases
WINDOW = 100  # template bases
BURST = 30  # errors in a window
MOST_ERRORS = 60  # in a window; more are counted with it
LAGS = (1, 2, 5, 20, 100)
KINETIC_VALUES = 256

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]


class PassSums:
    """Sums over passes, arrays by name."""

    def __init__(self) -> None:
        self.sums: defaultdict[str, Any] = defaultdict(float)
        self.rates: list[tuple[int, _Floats]] = []

    def add(self, molecule: int, aligned: PassColumns) -> None:
        """Count one pass of a molecule."""
        _count_bases(aligned, self.sums)
        _count_insertions(aligned, self.sums)
        self.sums["runs"] += _homopolymer_counts(aligned)
        self.sums["windows"] += _window_counts(aligned)
        self.rates.append((molecule, _pass_rates(aligned)))
        if aligned.reading.pulse_widths is not None:
            _count_kinetics(aligned, self.sums)


def measure(molecules: Iterable[tuple[NDArray[np.uint8], Sequence[Pass]]], shortest: int = 500) -> dict[str, Any]:
    """Tables of errors and kinetics.

    Args:
        molecules: truth ``uint8[n]`` and unaligned passes of each.
        shortest: bases of the shortest pass to count.
    """
    tally, pairs = PassSums(), PassSums()
    for number, (truth, passes) in enumerate(molecules):
        aligned = [align_to_template(one, truth) for one in passes if len(one.bases) >= shortest]
        for one in aligned:
            tally.add(number, one)
        _count_pairs(aligned, truth, pairs.sums)
    return _tables(tally, pairs)


def _context(template: NDArray[np.uint8]) -> _Ints:
    """Code of the 3-mer around each base, 36 · base before + 6 · base + base after; gaps beyond the ends."""
    padded = np.concatenate(([GAP], template, [GAP])).astype(np.int64)
    code: _Ints = 36 * padded[:-2] + 6 * padded[1:-1] + padded[2:]
    return code


def _count_bases(aligned: PassColumns, sums: defaultdict[str, Any]) -> None:
    columns, template = aligned.columns, aligned.template
    context = _context(template)
    start, stop = aligned.span
    at = aligned.on_template
    different, deleted = columns == cigar.DIFFERENT, columns == cigar.DELETION
    sums["template"] += np.bincount(context[start:stop], minlength=216)
    sums["mismatch"] += np.bincount(context[at[different]], minlength=216)
    sums["deletion"] += np.bincount(context[at[deleted]], minlength=216)
    pair = 6 * template[at[different]].astype(np.int64) + aligned.reading.bases[aligned.on_read[different]]
    sums["substitution"] += np.bincount(pair, minlength=36)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], deleted.astype(np.int8), [0]))))
    lengths = np.minimum(edges[1::2] - edges[::2], LONGEST_EVENT)
    sums["deletion_length"] += np.bincount(lengths, minlength=LONGEST_EVENT + 1)


def _count_insertions(aligned: PassColumns, sums: defaultdict[str, Any]) -> None:
    first, length, behind = aligned.insertions()
    template, bases = aligned.template.astype(np.int64), aligned.reading.bases
    before = np.where(behind > 0, template[behind - 1], GAP)
    event = np.repeat(np.arange(len(first)), length)
    inserted = bases[aligned.reading_index(first, length)]
    cognate = (inserted == template[behind][event]) | (inserted == before[event])
    cognates = np.bincount(event, cognate, len(first))
    sums["insertion_length"] += np.bincount(np.minimum(length, LONGEST_EVENT), minlength=LONGEST_EVENT + 1)
    sums["inserted_base"] += np.bincount(inserted, minlength=6)
    single, multi = length == 1, length > 1
    context = _context(aligned.template)[behind]
    sums["cognate_insertion"] += np.bincount(context[single & (cognates == 1)], minlength=216)
    sums["other_insertion"] += np.bincount(context[multi | (cognates == 0)], minlength=216)
    foreign = np.flatnonzero(single & (cognates == 0))
    key = 36 * before[foreign] + 6 * template[behind[foreign]] + bases[first[foreign]]
    sums["noncognate"] += np.bincount(key, minlength=216)
    kind = np.where(cognates == length, 0, np.where(cognates == 0, 2, 1))
    sums["multi"] += np.bincount(kind[multi], minlength=3)


def _observed_homopolymers(aligned: PassColumns) -> tuple[_Ints, _Ints, _Ints, NDArray[np.bool_]]:
    """Base, true and observed length of every homopolymer, and whether it is spanned and free of foreign bases."""
    template, columns = aligned.template, aligned.columns
    homopolymers = template_homopolymers(template)
    observed = np.bincount(
        homopolymers.index[aligned.on_template[columns == cigar.EQUAL]], minlength=len(homopolymers.starts)
    )
    first, length, behind = aligned.insertions()
    event = np.repeat(np.arange(len(first)), length)
    inserted = aligned.reading.bases[aligned.reading_index(first, length)]
    homopolymer = homopolymers.index[behind]
    own = np.bincount(event, inserted == template[behind][event], len(first)) == length
    observed = observed + np.bincount(homopolymer[own], length[own], len(homopolymers.starts)).astype(np.int64)
    start, stop = aligned.span
    clean = (homopolymers.starts > start) & (homopolymers.starts + homopolymers.lengths < stop)
    clean[homopolymers.index[aligned.on_template[columns == cigar.DIFFERENT]]] = False
    clean[homopolymer[~own & (behind > homopolymers.starts[homopolymer])]] = False
    return template[homopolymers.starts].astype(np.int64), homopolymers.lengths, observed, clean


def _homopolymer_counts(aligned: PassColumns) -> _Floats:
    base, length, observed, clean = _observed_homopolymers(aligned)
    shape = (6, LONGEST_HOMOPOLYMER + 1, MOST_OBSERVED + 1)
    place = (base, np.minimum(length, LONGEST_HOMOPOLYMER), np.minimum(observed, MOST_OBSERVED))
    flat = np.ravel_multi_index(place, shape)[clean]
    return np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape).astype(np.float64)


def _window_counts(aligned: PassColumns) -> _Floats:
    """Fully covered windows by number of errors."""
    start, stop = aligned.span
    error = aligned.on_template[aligned.columns != cigar.EQUAL] - start
    whole = (stop - start) // WINDOW
    errors = np.bincount(error // WINDOW, minlength=whole + 1)[:whole]
    return np.bincount(np.minimum(errors, MOST_ERRORS), minlength=MOST_ERRORS + 1).astype(np.float64)


def _pass_rates(aligned: PassColumns) -> _Floats:
    """Mismatches, insertion events and deleted bases per template base."""
    start, stop = aligned.span
    kinds = [np.count_nonzero(aligned.columns == kind) for kind in (cigar.DIFFERENT, cigar.DELETION)]
    return np.array([kinds[0], len(aligned.insertions()[0]), kinds[1]]) / (stop - start)


def _count_kinetics(aligned: PassColumns, sums: defaultdict[str, Any]) -> None:
    classes = aligned.classes().astype(np.int64)
    head = aligned.on_read[0]
    inside = slice(head, head + len(classes))
    matching = aligned.columns == cigar.EQUAL
    context = _context(aligned.template)[aligned.on_template[matching]]
    sums["matches"] += np.bincount(context, minlength=216)
    for name, codes in _kinetics(aligned.reading):
        sums[name] += np.bincount(KINETIC_VALUES * classes + codes[inside], minlength=6 * KINETIC_VALUES)
        log = np.log1p(codes)
        sums[f"{name}_context"] += np.bincount(context, log[aligned.on_read[matching]], 216)
        away = log[inside] - log[inside].mean()
        products = [float(away[lag:] @ away[: len(away) - lag]) / max(len(away) - lag, 1) for lag in LAGS]
        sums[f"{name}_lags"] += len(away) * np.array([float(away @ away) / len(away), *products])


def _kinetics(one: Pass) -> list[tuple[str, NDArray[np.uint8]]]:
    assert one.pulse_widths is not None
    assert one.inter_pulse_durations is not None
    return [("pw", one.pulse_widths), ("ip", one.inter_pulse_durations)]


def _count_pairs(aligned: list[PassColumns], truth: NDArray[np.uint8], sums: defaultdict[str, Any]) -> None:
    """Sums for correlations between two passes of a molecule at the same position."""
    if len(aligned) < 2:
        return
    reverse = np.array([one.reverse for one in aligned])
    apart = ~np.eye(len(aligned), dtype=bool)
    same = (reverse[:, None] == reverse) & apart
    opposite = (reverse[:, None] != reverse) & apart
    lengths = np.minimum(template_homopolymers(truth).lengths, LONGEST_HOMOPOLYMER)
    deviations = np.array([_deviations(one) for one in aligned])
    for length in range(1, LONGEST_HOMOPOLYMER + 1):
        columns = deviations[:, lengths == length]
        sums[f"run_same_{length}"] += _pair_sums(columns, same)
        sums[f"run_opposite_{length}"] += _pair_sums(columns, opposite)
    if aligned[0].reading.pulse_widths is not None:
        for which, name in enumerate(("pw", "ip")):
            values = np.array([_matched(one, _kinetics(one.reading)[which][1]) for one in aligned])
            sums[name] += _pair_sums(values, same)


def _deviations(aligned: PassColumns) -> _Floats:
    """Observed minus true length of every homopolymer in molecule order; NaN where not counted."""
    _, length, observed, clean = _observed_homopolymers(aligned)
    deviation = np.where(clean, observed - length, np.nan)
    return deviation[::-1] if aligned.reverse else deviation


def _matched(aligned: PassColumns, codes: NDArray[np.uint8]) -> _Floats:
    values = np.full(len(aligned.template), np.nan)
    matching = aligned.columns == cigar.EQUAL
    values[aligned.on_template[matching]] = np.log1p(codes[aligned.on_read[matching]])
    return values[::-1] if aligned.reverse else values


def _pair_sums(values: _Floats, pairs: NDArray[np.bool_]) -> _Floats:
    """n, Σx, Σx², Σxy over the positions of all pairs of rows; each pair counts in both orders."""
    valid = (~np.isnan(values)).astype(np.float64)
    filled = np.nan_to_num(values)
    products = (valid @ valid.T, filled @ valid.T, filled**2 @ valid.T, filled @ filled.T)
    return np.array([product[pairs].sum() for product in products])


def _correlation(sums: _Floats) -> float:
    n, x, xx, xy = sums
    mean = x / max(n, 1)
    return float((xy / max(n, 1) - mean**2) / max(xx / max(n, 1) - mean**2, 1e-12))


def _tables(tally: PassSums, pairs: PassSums) -> dict[str, Any]:
    sums = tally.sums
    bases = sums["template"].sum()
    insertions, deletions = sums["insertion_length"], sums["deletion_length"]
    events = max(insertions.sum(), 1)
    tables: dict[str, Any] = {
        "template_bases": int(bases),
        "mismatch": sums["mismatch"].sum() / bases,
        "insertion_events": insertions.sum() / bases,
        "inserted_bases": sums["inserted_base"].sum() / bases,
        "deletion_events": deletions.sum() / bases,
        "deleted_bases": sums["deletion"].sum() / bases,
        "insertion_length": insertions / events,
        "deletion_length": deletions / max(deletions.sum(), 1),
        "single_cognate_share": sums["cognate_insertion"].sum() / max(insertions[1], 1),
        "multi_share": insertions[2:].sum() / events,
        "multi_kinds": sums["multi"] / max(sums["multi"].sum(), 1),
        "inserted_base": sums["inserted_base"] / max(sums["inserted_base"].sum(), 1),
        "runs": sums["runs"],
        "windows": sums["windows"],
        "burst_share": sums["windows"][BURST:].sum() / max(sums["windows"].sum(), 1),
        **{name: sums[name] for name in ("template", "substitution", "noncognate")},
    }
    for name in ("mismatch", "deletion", "cognate_insertion", "other_insertion"):
        tables[f"{name}_context"] = sums[name] / np.maximum(sums["template"], 1)
    tables |= _spreads(tally.rates) | _kinetic_tables(sums)
    for strand in ("same", "opposite"):
        found = [pairs.sums[f"run_{strand}_{n}"] for n in range(1, LONGEST_HOMOPOLYMER + 1)]
        tables[f"run_correlation_{strand}"] = [_correlation(s) if np.any(s) else np.nan for s in found]
    tables["pair_correlation"] = {k: _correlation(pairs.sums[k]) for k in ("pw", "ip") if k in pairs.sums}
    return tables


def _spreads(rates: list[tuple[int, _Floats]]) -> dict[str, Any]:
    """Standard deviations of the logarithms of rates, and their correlations over passes."""
    molecule = np.array([number for number, _ in rates])
    logs = np.log(np.maximum([rate for _, rate in rates], 1e-4))
    numbers, index, passes = np.unique(molecule, return_inverse=True, return_counts=True)
    means = np.array([logs[molecule == number].mean(axis=0) for number in numbers])
    free = np.maximum((passes - 1).sum(), 1)
    return {
        "log_sd_within": np.sqrt(((logs - means[index]) ** 2).sum(axis=0) / free),
        "log_sd_between": means.std(axis=0),
        "log_rate_correlation": _correlations(logs),
    }


def _correlations(values: _Floats) -> _Floats:
    """Pearson correlations of columns; zero for constant ones."""
    away = values - values.mean(axis=0)
    sd = np.sqrt((away**2).sum(axis=0))
    correlations: _Floats = away.T @ away / np.maximum(np.outer(sd, sd), 1e-12)
    return correlations


def _kinetic_tables(sums: defaultdict[str, Any]) -> dict[str, Any]:
    tables: dict[str, Any] = {}
    for name in ("pw", "ip"):
        if name not in sums:
            continue
        counts = sums[name].reshape(len(BaseClass), KINETIC_VALUES)
        tables[f"{name}_quantiles"] = {kind.name.lower(): quantiles(counts[kind]) for kind in BaseClass}
        tables[f"{name}_context"] = sums[f"{name}_context"] / np.maximum(sums["matches"], 1)
        tables[f"{name}_autocorrelation"] = sums[f"{name}_lags"][1:] / max(sums[f"{name}_lags"][0], 1e-12)
    return tables


def quantiles(counts: _Floats) -> _Ints:
    """Percentiles 0, 1, … 100 of a histogram, ``int64[101]``."""
    share = np.cumsum(counts) / max(counts.sum(), 1)
    values: _Ints = np.searchsorted(share, np.minimum(np.arange(101) / 100, share[-1]) - 1e-12)
    return values
