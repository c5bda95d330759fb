"""The tables of ``bench attention``: errors with 95 % intervals beside what is in use, and costs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from deepconsensus_py.lab.interval import Measured, over_items, over_seeds

BESIDE = "band12"
"""The mechanism that the others are compared with: what is in use."""

Row = dict[str, Any]
"""Figures of a mechanism: ``errors`` in each simulated test window by seed, ``real`` errors per thousand bases of each
molecule, ``bases`` of a test window, others by seed, and costs."""


def simulated_errors(row: Row, beside: Row | None = None) -> Measured:
    """Errors per thousand bases over seeds and windows, or the difference to another mechanism."""
    errors = np.array(row["errors"], dtype=np.float64)
    errors = errors if beside is None else errors - np.array(beside["errors"])
    return over_items(errors * 1000 / row["bases"])


def real_errors(row: Row, beside: Row | None = None) -> Measured:
    """The same over real molecules, each of which was held out once."""
    errors = np.array(row["real"], dtype=np.float64)
    errors = errors if beside is None else errors - np.array(beside["real"])
    return over_seeds(errors.tolist())


def bench_page(rows: dict[str, Row], draft: Row, read: dict[str, dict[str, float]], tokens: int) -> str:
    """The tables, as Markdown.

    Args:
        rows: of the mechanisms, by name.
        draft: the figures of the draft that are not costs.
        read: pairs and milliseconds of one layer over a whole read.
        tokens: of that read.
    """
    beside = rows.get(BESIDE)
    lines = [
        f"| | simulated, errors/kb | minus `{BESIDE}` | real, errors/kb | minus `{BESIDE}` | exact windows "
        "| ECE, Phred |",
        "|---|---|---|---|---|---|---|",
        _errors_line("draft", draft, None),
        *(_errors_line(f"`{name}`", row, None if name == BESIDE else beside) for name, row in rows.items()),
        "",
        "| | parameters | GEMM, MFLOP | attention, MFLOP | pairs | windows/s | training, s |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        lines.append(
            f"| `{name}` | {row['parameters']:,.0f} | {row['gemm_mflop']:.1f} | {row['attention_mflop']:.2f} "
            f"| {row['pairs']:,.0f} | {row['windows_per_s']:.0f} | {_mean(row['train_s']):.0f} |"
        )
    lines += ["", f"One layer over a read of {tokens:,} tokens, 64 wide, two heads:", ""]
    lines += ["| | pairs of a head | ms |", "|---|---|---|"]
    lines += [f"| {name} | {row['pairs']:,.0f} | {row['ms']:.0f} |" for name, row in read.items()]
    lines += ["", _ahead({name: row for name, row in rows.items() if name != BESIDE}, beside)]
    return "\n".join(lines) + "\n"


def _errors_line(name: str, row: Row, beside: Row | None) -> str:
    cells = []
    for measure, there in ((simulated_errors, True), (real_errors, bool(row["real"]))):
        cells.append(_ends(measure(row)) if there else "")
        cells.append(_ends(measure(row, beside), sign="+") if there and beside is not None else "")
    eces = [ece for ece in row["ece"] if ece is not None]
    return f"| {name} | {' | '.join(cells)} | {_mean(row['exact']):.3f} | {f'{_mean(eces):.2f}' if eces else ''} |"


def _ends(of: Measured, sign: str = "") -> str:
    if of.interval is None:
        return f"{of.mean:{sign}.2f}"
    low, high = of.interval
    return f"{of.mean:{sign}.2f} ({low:{sign}.2f} to {high:{sign}.2f})"


def _ahead(others: dict[str, Row], beside: Row | None) -> str:
    """Which mechanisms have fewer errors for sure, in words."""
    if beside is None:
        return f"`{BESIDE}`, with which the others are compared, was not run."
    measures = {"simulated": simulated_errors, **({"real": real_errors} if beside["real"] else {})}
    told = []
    for kind, measure in measures.items():
        intervals = {name: measure(row, beside).interval for name, row in others.items()}
        better = [f"`{name}`" for name, ends in intervals.items() if ends is not None and ends[1] < 0]
        told.append(f"Fewer errors than `{BESIDE}` in {kind} windows: {', '.join(better) or 'none'}.")
    return " ".join(told)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
