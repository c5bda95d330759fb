"""The results of an evaluation as JSON and as text."""

from collections.abc import Iterator, Sequence
from typing import Any

from deepconsensus_py.evaluate.calibration_counts import CAP, CalibrationBins
from deepconsensus_py.evaluate.comparison import Comparison, MoleculeComparison, empirical_quality
from deepconsensus_py.evaluate.read_errors import ErrorEvent, ReadErrors, capped_phred
from deepconsensus_py.reports.table import YIELD_QUALITIES

Fields = dict[str, Any]


def as_json(comparison: Comparison, *, with_events: bool = False) -> Fields:
    """A comparison as JSON values.

    Args:
        comparison: of reads with truth.
        with_events: list every error of every read.
    """
    calibration = comparison.calibration
    return {
        "total": totals(comparison),
        "molecules": [molecule_row(m, with_events=with_events) for m in comparison.molecules],
        "calibration": calibration_row(calibration) if calibration else None,
    }


def totals(comparison: Comparison) -> Fields:
    """Sums over the molecules."""
    judged = comparison.judged
    present = [m.read for m in judged if m.read]
    bases = sum(m.truth_bases for m in judged)
    errors = sum(m.errors for m in judged)
    counted = sum(r.total for r in present)
    in_homopolymers = sum(r.in_homopolymers for r in present)
    row = {
        "molecules": len(judged),
        "missing": len(judged) - len(present),
        "truth_bases": bases,
        "errors": errors,
        **_kinds(present),
        "hidden": sum(m.hidden for m in judged),
        "end_errors": sum(r.end_errors for r in present),
        "hp_share": round(in_homopolymers / counted, 3) if counted else None,
        "empirical_q": empirical_quality(errors, bases),
        **{f"yield_q{q}": _yield([(m.read, m.quality) for m in judged], q) for q in YIELD_QUALITIES},
        "reads_without_truth": comparison.reads_without_truth,
        "absent_from_both": len(comparison.molecules) - len(judged),
    }
    row |= _unsupported_totals(judged, errors, bases) if comparison.with_subreads else {}
    return row | (_baseline_totals(judged) if comparison.with_baseline else {})


def _unsupported_totals(judged: Sequence[MoleculeComparison], errors: int, bases: int) -> Fields:
    there = sum(m.at_unsupported for m in judged)
    return {
        "without_subreads": sum(m.unsupported is None for m in judged),
        "unsupported_bases": sum(int(m.unsupported.sum()) for m in judged if m.unsupported is not None),
        "errors_at_unsupported": there,
        "empirical_q_elsewhere": empirical_quality(errors - there, bases),
    }


def _kinds(reads: Sequence[ReadErrors]) -> Fields:
    return {
        "mm": sum(r.mismatches for r in reads),
        "ins": sum(r.inserted for r in reads),
        "del": sum(r.deleted for r in reads),
        "hp": sum(r.in_homopolymers for r in reads),
    }


def _yield(reads: Sequence[tuple[ReadErrors | None, float | None]], least: int) -> int:
    """Total bases of reads of at least this empirical quality."""
    return sum(read.length for read, quality in reads if read and quality is not None and quality >= least)


def _baseline_totals(judged: Sequence[MoleculeComparison]) -> Fields:
    pairs = [(m, m.baseline) for m in judged if m.baseline]
    baselines = [b for _, b in pairs]
    before, after = sum(b.total for b in baselines), sum(m.errors for m, _ in pairs)
    bases = sum(b.truth_bases for b in baselines)
    qualities = [(b, empirical_quality(b.total, b.truth_bases)) for b in baselines]
    return {
        "baseline_errors": before,
        **{f"baseline_{kind}": count for kind, count in _kinds(baselines).items()},
        "ratio": round(after / before, 4) if before else None,
        "worse": sum(m.errors > b.total for m, b in pairs),
        "better": sum(m.errors < b.total for m, b in pairs),
        "fixed": sum(m.fixed for m in judged),
        "new": sum(m.new for m in judged),
        "not_in_baseline": len(judged) - len(pairs),
        "baseline_empirical_q": empirical_quality(before, bases) if pairs else None,
        **{f"baseline_yield_q{q}": _yield(qualities, q) for q in YIELD_QUALITIES},
    }


def molecule_row(molecule: MoleculeComparison, *, with_events: bool = False) -> Fields:
    """One molecule.

    Args:
        molecule: compared with its truth.
        with_events: list every error of the read.
    """
    row: Fields = {"name": str(molecule.molecule), "status": status(molecule)}
    if molecule.absent:
        return row
    row |= {"np": molecule.passes, "truth_bases": molecule.truth_bases, "errors": molecule.errors}
    row |= {"hidden": molecule.hidden, "length": molecule.read.length if molecule.read else 0}
    if molecule.read:
        row |= _read_row(molecule, molecule.read)
        if with_events:
            row["events"] = [event_row(event) for event in molecule.read.events]
    if molecule.unsupported is not None:
        row["unsupported"] = molecule.at_unsupported
    if molecule.baseline:
        row |= _baseline_row(molecule, molecule.baseline)
    return row


def status(molecule: MoleculeComparison) -> str:
    """``ok``, ``missing`` (only the baseline has it) or ``absent`` (neither file has it)."""
    if molecule.absent:
        return "absent"
    return "ok" if molecule.read else "missing"


def _read_row(molecule: MoleculeComparison, read: ReadErrors) -> Fields:
    accuracy = molecule.read_quality
    return {
        **_kinds([read]),
        "end_errors": read.end_errors,
        "ends": [read.overhangs.left, read.overhangs.right],
        "q": molecule.quality,
        "predicted_q": None if read.predicted_quality is None else round(read.predicted_quality, 2),
        "rq_q": round(capped_phred(1 - accuracy), 2) if accuracy is not None and 0 < accuracy <= 1 else None,
    }


def _baseline_row(molecule: MoleculeComparison, baseline: ReadErrors) -> Fields:
    row: Fields = {"baseline_errors": baseline.total, "baseline_length": baseline.length}
    row |= {f"baseline_{kind}": count for kind, count in _kinds([baseline]).items()}
    row |= {"baseline_q": empirical_quality(baseline.total, baseline.truth_bases)}
    row |= {"fixed": molecule.fixed, "new": molecule.new} if molecule.read else {}
    return row | {"worse": molecule.errors > baseline.total}


def event_row(event: ErrorEvent) -> list[Any]:
    """Truth position, type, length, bases, homopolymer length."""
    return [event.position, event.kind.value, event.length, event.bases, event.homopolymer_length]


def calibration_row(calibration: CalibrationBins) -> Fields:
    """Bins and mean differences."""
    return {
        "bins": [
            {
                "bin": b.name,
                "bases": b.bases,
                "predicted_q": b.predicted_quality,
                "empirical_q": b.empirical_quality,
                "expected_errors": round(b.expected_errors, 2),
                "errors": round(b.errors, 2),
                "error_rate": b.errors / b.bases,
                "error_rate_without_deletions": b.errors_without_deletions / b.bases,
                "used": b.used,
            }
            for b in calibration.bins
        ],
        "ece_phred": calibration.expected_calibration_error(),
        f"ece_phred_cap{CAP}": calibration.expected_calibration_error(CAP),
        "ece_bases": calibration.used_bases,
        "bases": calibration.bases,
        "expected_errors": calibration.expected_errors,
        "errors": calibration.errors,
    }


COLUMNS = ("name", "np", "truth_bases", "errors", "mm", "ins", "del", "hp", "hidden", "q", "predicted_q", "rq_q")
SUBREAD_COLUMNS = ("unsupported",)
BASELINE_COLUMNS = ("baseline_errors", "baseline_q", "fixed", "new", "worse")
BIN_COLUMNS = ("bin", "bases", "predicted_q", "empirical_q", "expected_errors", "errors", "used")


def as_text(comparison: Comparison, *, with_events: bool = False) -> Iterator[str]:
    """Text: a row for each molecule, totals, calibration.

    Args:
        comparison: of reads with truth.
        with_events: add a line for every error of every read.
    """
    result = as_json(comparison, with_events=with_events)
    of_subreads = SUBREAD_COLUMNS if comparison.with_subreads else ()
    columns = (*COLUMNS, *of_subreads, *(BASELINE_COLUMNS if comparison.with_baseline else ()), "status")
    yield "\t".join(columns)
    for row in result["molecules"]:
        yield _cells(row, columns)
        yield from ("\t".join(["", *map(str, event)]) for event in row.get("events", []))
    yield ""
    yield from _total_lines(result["total"], with_baseline=comparison.with_baseline)
    if result["calibration"]:
        yield ""
        yield from _calibration_lines(result["calibration"])


def _cells(row: Fields, columns: Sequence[str]) -> str:
    return "\t".join(_cell(row.get(column)) for column in columns)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "." if value is None else str(value)


def _total_lines(total: Fields, *, with_baseline: bool) -> Iterator[str]:
    line = (
        "{errors} errors in {truth_bases} bases of {molecules} molecules (Q{empirical_q}): {mm} mismatches, {ins} "
        "inserted, {del} deleted".format(**total)
    )
    if with_baseline:
        of_missing = total["errors"] - sum(total[kind] for kind in ("mm", "ins", "del", "hidden"))
        line += (
            f", the baseline's {of_missing} in {total['missing']} missing reads and {total['hidden']} in cut-off ends"
        )
    yield line + "; {hp} in homopolymers, {end_errors} in ends that do not align".format(**total)
    yield "bases in reads of at least Q20, Q30, Q40: {yield_q20}, {yield_q30}, {yield_q40}".format(**total)
    if "errors_at_unsupported" in total:
        yield (
            "{errors_at_unsupported} of the errors are among {unsupported_bases} bases of the truth that no pass "
            "shows; without them Q{empirical_q_elsewhere}; {without_subreads} molecules without subreads".format(
                **total
            )
        )
    if total["reads_without_truth"] or total["absent_from_both"]:
        yield (
            "not evaluated: {reads_without_truth} reads without truth, {absent_from_both} truths without read".format(
                **total
            )
        )
    if with_baseline:
        yield (
            "baseline: {baseline_errors} errors (Q{baseline_empirical_q}): {baseline_mm} mismatches, {baseline_ins} "
            "inserted, {baseline_del} deleted; {baseline_hp} in homopolymers; at least Q20, Q30, Q40: "
            "{baseline_yield_q20}, {baseline_yield_q30}, {baseline_yield_q40}".format(**total)
        )
        yield (
            "errors / baseline errors: {ratio}; {better} reads better, {worse} worse; {fixed} error events fixed, "
            "{new} new".format(**total)
        )


def _calibration_lines(calibration: Fields) -> Iterator[str]:
    yield "\t".join(BIN_COLUMNS)
    for row in calibration["bins"]:
        yield _cells(row, BIN_COLUMNS)
    yield (
        f"expected calibration error {_two_decimals(calibration['ece_phred'])} Phred "
        f"(both sides at most Q{CAP}: {_two_decimals(calibration[f'ece_phred_cap{CAP}'])}) "
        f"over {calibration['ece_bases']} of {calibration['bases']} bases; "
        f"{calibration['expected_errors']:.1f} errors predicted, {calibration['errors']:.1f} observed"
    )


def _two_decimals(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"
