"""The explanation of a window as a self-contained HTML page."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py._version import __version__
from deepconsensus_py.evaluate.page import load_template
from deepconsensus_py.evaluate.window import WindowView
from deepconsensus_py.models.column_explanation import NEAR, ColumnCase
from deepconsensus_py.models.edit_explanation import Candidate, HomopolymerCase
from deepconsensus_py.pacbio.codec import codes_to_frames
from deepconsensus_py.pacbio.molecule import BASES, GAP
from deepconsensus_py.polishing.read import PolishedRead

RULER = 10
"""Draft bases between numbers of the ruler."""

STRONG = 4.6
"""Nats with full colour: the bound for a single pass (``edits.evidence.pooled``)."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the pileup.

    Attributes:
        text: usually one base.
        kind: CSS classes.
        note: tooltip.
    """

    text: str = ""
    kind: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class PileupRow:
    """A row of the pileup.

    Attributes:
        label: at its left.
        kind: ``ruler``, ``marks``, ``draft``, ``quality``, ``call`` or ``pass``.
        cells: one for each column.
        note: tooltip of the label.
    """

    label: str
    kind: str
    cells: list[Cell]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Nats:
    """Evidence in nats with its colour.

    Attributes:
        text: as displayed; empty if absent.
        kind: ``for``, ``against`` or nothing.
        strength: of the colour, 0 to 1.
    """

    text: str
    kind: str
    strength: float

    @classmethod
    def of(cls, value: float) -> "Nats":
        """From a number; NaN means absent."""
        if math.isnan(value):
            return cls("", "", 0.0)
        return cls(f"{value:+.1f}", "for" if value > 0 else "against", round(min(abs(value) / STRONG, 1) * 0.7, 2))


def render_explanation(view: WindowView) -> str:
    """The page of a window."""
    passes = view.zmw.passes
    order = sorted(range(len(passes)), key=lambda number: passes[number].reverse)
    return load_template("explain.html").render(
        version=__version__,
        near=range(-NEAR, NEAR + 1),
        view=view,
        rows=list(_rows(view, order)),
        passes=[(number + 1, "−" if passes[number].reverse else "+", passes[number].name) for number in order],
        changes=_changes(view),
        candidates=[_evidence(case, order) for case in view.candidate_cases],
        undecided=None if view.undecided is None else [_decision(case, order) for case in view.undecided],
        columns=None if view.columns_called is None else [_column(case, order) for case in view.columns_called],
    )


def _rows(view: WindowView, order: Sequence[int]) -> Iterable[PileupRow]:
    """The pileup from top to bottom."""
    pileup, columns = view.pileup, view.columns
    places = pileup.draft_index[columns].tolist()
    draft = [BASES[code] for code in pileup.draft[columns].tolist()]
    yield PileupRow("position", "ruler", [Cell(str(p) if p >= 0 and p % RULER == 0 else "") for p in places])
    yield PileupRow("candidates", "marks", [_mark(view, place) for place in places])
    yield PileupRow("draft", "draft", [_base(letter, letter, "") for letter in draft])
    if view.zmw.draft.qualities is not None:
        yield _qualities("draft Q", pileup.draft_quality[columns].tolist())
    for name, read in view.reads.items():
        letters, worst = called_columns(read, pileup.draft_index)
        cells = zip(letters[columns], draft, worst[columns], strict=True)
        yield PileupRow(name, "call", [_call(new, old, int(quality)) for new, old, quality in cells])
        if name == view.model:
            yield _qualities(f"{name} Q", worst[columns].tolist())
    for number in order:
        yield _pass_row(view, number, draft, places)


def called_columns(read: PolishedRead, draft_index: NDArray[np.int32]) -> tuple[NDArray[Any], NDArray[np.int16]]:
    """Place a read in the columns of a pileup.

    An inserted base takes the column of a deleted one, or else an insertion column; without one it joins its neighbour.

    Args:
        read: corrected from the pileup's draft.
        draft_index: ``int32[columns]`` position of each column in the draft, -1 in insertion columns.

    Returns:
        bases of each column (``object[columns]`` of str, empty in gaps), and the lowest of their qualities
        (``int16[columns]``, -1 in gaps).
    """
    of_draft = np.flatnonzero(draft_index >= 0)
    kept = np.flatnonzero(read.draft_index >= 0)
    place = np.full(len(read.bases), -1)
    place[kept] = of_draft[read.draft_index[kept]]
    bounds = [-1, *kept.tolist(), len(read.bases)]
    for before, behind in pairwise(bounds):
        if behind - before > 1:
            left = int(place[before]) if before >= 0 else -1
            right = int(place[behind]) if behind < len(read.bases) else len(draft_index)
            place[before + 1 : behind] = _free_columns(draft_index, left, right, behind - before - 1)
    letters = np.full(len(draft_index), "", object)
    worst = np.full(len(draft_index), -1, np.int16)
    for column, code, quality in zip(place.tolist(), read.bases.tolist(), read.qualities.tolist(), strict=True):
        letters[column] += BASES[code]
        worst[column] = quality if worst[column] < 0 else min(worst[column], quality)
    return letters, worst


def _free_columns(draft_index: NDArray[np.int32], left: int, right: int, wanted: int) -> NDArray[np.int64]:
    """Columns, ascending, between two occupied ones."""
    between = np.arange(left + 1, right)
    drafted = draft_index[between] >= 0
    chosen = np.sort(np.concatenate([between[drafted], between[~drafted]])[:wanted])
    if not len(chosen):
        return np.full(wanted, right if right < len(draft_index) else left)
    return np.append(chosen, np.full(wanted - len(chosen), chosen[-1]))


def _pass_row(view: WindowView, number: int, draft: Sequence[str], places: Sequence[int]) -> PileupRow:
    pileup, columns, p = view.pileup, view.columns, view.zmw.passes[number]
    start, stop = view.spans[number].tolist()
    codes = pileup.bases[number, columns].tolist()
    widths, waits = (
        codes_to_frames(values[number, columns]).tolist()
        for values in (pileup.pulse_widths, pileup.inter_pulse_durations)
    )
    nearest, cells = view.start, []
    for column, code in enumerate(codes):
        nearest = places[column] if places[column] >= 0 else nearest
        if code == GAP:
            inside = start <= nearest < stop
            cells.append(_base("", draft[column], "") if inside else Cell(kind="outside"))
            continue
        note = f"{BASES[code]}"
        if p.pulse_widths is not None:
            note += f", pulse width {widths[column]} frames"
        if p.inter_pulse_durations is not None:
            note += f", {waits[column]} frames after the base before"
        cells.append(_base(BASES[code], draft[column], note))
    return PileupRow(f"{'−' if p.reverse else '+'} {number + 1}", "pass", cells, p.name)


def _base(letter: str, draft: str, note: str) -> Cell:
    """A base compared with the draft's; gaps are shown only where the draft has a base."""
    draft = draft.strip()
    if not letter.strip():
        return Cell("–", "lacks", "deletion") if draft else Cell("·", "space")
    return Cell(letter, f"base {letter}" + ("" if letter == draft else " other"), note)


def _call(letters: str, draft: str, quality: int) -> Cell:
    cell = _base(letters[:1], draft, f"Q{quality}")
    changed = letters != draft.strip()
    return Cell(letters or cell.text, cell.kind + (" changed" if changed else ""), cell.note)


def _qualities(label: str, values: Sequence[int]) -> PileupRow:
    """Tens of Phred; two digits do not fit a column."""
    cells = [Cell(str(q // 10), f"q{min(q // 10, 4)}", f"Q{q}") if q >= 0 else Cell() for q in values]
    return PileupRow(label, "quality", cells, "tens of Phred; see the tooltip for the full value")


def _mark(view: WindowView, place: int) -> Cell:
    if place >= 0:
        for case in view.undecided or ():
            if case.position <= place < case.position + max(case.length, 1):
                return Cell("◆", "undecided", f"left to the network: {_homopolymer(case)}")
        for case in view.candidate_cases:
            if case.position <= place < case.position + case.length:
                return Cell("▾", "candidates", f"candidate edits of {_homopolymer(case)}")
    return Cell()


def _changes(view: WindowView) -> dict[str, int]:
    """Number of columns of the window in which each read differs from the draft."""
    draft = [BASES[code].strip() for code in view.pileup.draft[view.columns].tolist()]
    called = {name: called_columns(read, view.pileup.draft_index)[0] for name, read in view.reads.items()}
    return {
        name: sum(new != old for new, old in zip(letters[view.columns], draft, strict=True))
        for name, letters in called.items()
    }


def _homopolymer(case: HomopolymerCase) -> str:
    return f"{case.base * min(case.length, 12)}{'…' if case.length > 12 else ''} at {case.position}"


def _evidence(case: HomopolymerCase, order: Sequence[int]) -> dict[str, Any]:
    """A homopolymer with candidate edits: the evidence for each edit, pooled and by pass."""
    return {"homopolymer": _homopolymer(case), "candidates": [_candidate(one, order) for one in case.candidates]}


def _candidate(candidate: Candidate, order: Sequence[int]) -> dict[str, Any]:
    return {
        "edit": candidate.edit.words,
        "evidence": f"{candidate.evidence:+.1f}",
        "probability": "" if candidate.probability is None else f"{candidate.probability:.4f}",
        "by_pass": [Nats.of(value) for value in candidate.by_pass[list(order)].tolist()],
    }


def _decision(case: HomopolymerCase, order: Sequence[int]) -> dict[str, Any]:
    """An undecided homopolymer: the network's call, and each pass."""
    decision = case.decision
    assert decision is not None
    # A call of no edit is shown with the evidence for the second-best edit.
    judged = case.candidates[0] if case.candidates[0].edit.name != "none" else case.candidates[1]
    passes = [
        {
            "number": number + 1,
            "nats": Nats.of(float(judged.by_pass[number])),
            "attention": _percent(decision.attention[number]),
            "rollout": _percent(decision.rollout[number]),
            "occlusion": Nats.of(float(decision.occlusion[number])),
        }
        for number in order
    ]
    agreement = decision.agreement
    return {
        **_evidence(case, order),
        "call": case.candidates[0].edit.words,
        "judged": judged.edit.words,
        "log_odds": f"{decision.log_odds:+.1f}",
        "agreement": "" if math.isnan(agreement) else f"{agreement:.2f}",
        "passes": passes,
        "decisive": [p["number"] for p, row in zip(passes, order, strict=True) if _turns(case, row)],
    }


def _column(case: ColumnCase, order: Sequence[int]) -> dict[str, Any]:
    """A column that the network changes or calls unsure: its call, the passes and the adjacent columns."""
    names = [BASES[code].strip() or "gap" for code in range(len(case.probabilities))]
    likely = np.argsort(-case.probabilities, kind="stable")[:3].tolist()
    decisive = [number + 1 for number in order if case.log_odds > 0 >= case.log_odds - case.passes[number]]
    return {
        "title": f"{case.draft or 'no base'} at {case.position}: {case.call or 'no base'}",
        "candidates": [(names[code], f"{case.probabilities[code]:.4f}") for code in likely],
        "log_odds": f"{case.log_odds:+.1f}",
        "decisive": decisive,
        "passes": [Nats.of(float(case.passes[number])) for number in order],
        "letters": [letter or "·" for letter in case.letters],
        "attention": ["" if math.isnan(value) else f"{100 * value:.0f}" for value in case.attention.tolist()],
        "fallen": [Nats.of(value) for value in case.columns.tolist()],
    }


def _turns(case: HomopolymerCase, number: int) -> bool:
    """Whether the call falls below even odds without a pass."""
    assert case.decision is not None
    left = case.decision.log_odds - float(case.decision.occlusion[number])
    return case.decision.log_odds > 0 >= left


def _percent(value: float) -> float | None:
    return None if math.isnan(value) else round(100 * float(value), 1)
