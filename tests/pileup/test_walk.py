"""The vectorised encoding equals a slow one that walks column by column, on random tiny molecules."""

from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from deepconsensus_py.pacbio.molecule import Alignment, Draft, Pass, Truth, Zmw
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.pileup.labels import label_windows
from deepconsensus_py.pileup.pileup import build_pileup
from deepconsensus_py.pileup.windows import cut_windows, window_bounds

INSERTED, DELETED, SKIPPED, SOFT, HARD, EQUAL, DIFFERENT = 1, 2, 3, 4, 5, 7, 8
WIDTH = 5


class Step(NamedTuple):
    """What one read does next: its CIGAR code, its base and kinetics, the draft position it stands at (-1 if none)."""

    code: int
    base: int
    pw: int
    ip: int
    at: int


GAP = Step(HARD, 0, 0, 0, -1)


@dataclass(frozen=True)
class Drawn:
    """A random alignment, operation by operation for each base."""

    start: int
    codes: list[int]
    bases: list[int]
    reverse: bool

    @property
    def alignment(self) -> Alignment:
        runs = [(code, len(list(run))) for code, run in groupby(self.codes)]
        codes, lengths = np.array(runs).T
        return Alignment(self.start, codes.astype(np.uint8), lengths.astype(np.int32))

    @property
    def pulse_widths(self) -> list[int]:
        return [(7 * i) % 200 + 1 for i in range(len(self.bases))]

    @property
    def inter_pulse_durations(self) -> list[int]:
        return [(11 * i) % 200 + 1 for i in range(len(self.bases))]

    def to_pass(self) -> Pass:
        return Pass(
            "m/1/0_9",
            np.array(self.bases, np.uint8),
            np.array(self.pulse_widths, np.uint8),
            np.array(self.inter_pulse_durations, np.uint8),
            np.ones(4, np.float32),
            self.alignment,
            self.reverse,
        )

    def steps(self, insertion_trim: int) -> list[Step]:
        """The read's way along the draft, from its first column on, without clips and trimmed insertions."""
        steps = [Step(SKIPPED, 0, 0, 0, -1)] * self.start
        at, query = self.start, 0
        for code, run in groupby(self.codes):
            length = len(list(run))
            for _ in range(length):
                pulse = (self.pulse_widths[query], self.inter_pulse_durations[query]) if code not in (2, 5) else (0, 0)
                if code in (EQUAL, DIFFERENT):
                    base = self.bases[query]
                    steps.append(Step(code, base, *(pulse if base < 5 else (0, 0)), at))
                elif code == DELETED:
                    steps.append(Step(code, 0, 0, 0, at))
                elif code == INSERTED and (length <= insertion_trim or not insertion_trim):
                    base = self.bases[query]
                    steps.append(Step(code, base, *(pulse if base < 5 else (0, 0)), -1))
                at += code in (EQUAL, DIFFERENT, DELETED)
                query += code in (EQUAL, DIFFERENT, INSERTED, SOFT)
        return steps


def walk(reads: list[list[Step]], truth: list[Step]) -> tuple[list[list[Step]], list[Step]]:
    """Advance all reads column by column; where some are at an insertion only those do. The truth keeps its own row."""
    reads, truth = [list(read) for read in reads], list(truth)
    rows: list[list[Step]] = [[] for _ in reads]
    truth_row: list[Step] = []
    while any(reads) or truth:
        inserting = [bool(read) and read[0].code == INSERTED for read in reads]
        while truth and truth[0].code == INSERTED:
            truth_row.append(truth.pop(0))
        if truth:
            truth_row.append(GAP if any(inserting) else truth.pop(0))
        if any(reads):
            for row, read, inserts in zip(rows, reads, inserting, strict=True):
                row.append(read.pop(0) if read and (inserts or not any(inserting)) else GAP)
    return rows, truth_row


@st.composite
def alignments(draw: st.DrawFn, draft_length: int, highest_base: int = 5) -> Drawn:
    start = draw(st.integers(0, draft_length - 1))
    stop = draw(st.integers(start + 1, draft_length))
    codes = [SOFT] * draw(st.integers(0, 2))
    for _ in range(start, stop):
        codes += [INSERTED] * draw(st.sampled_from((0, 0, 0, 1, 2, 3, 7)))
        codes.append(draw(st.sampled_from((EQUAL, EQUAL, DIFFERENT, DELETED))))
    codes += [INSERTED] * draw(st.sampled_from((0, 0, 2))) + [SOFT] * draw(st.integers(0, 2))
    n_bases = sum(code != DELETED for code in codes)
    bases = draw(st.lists(st.integers(1, highest_base), min_size=n_bases, max_size=n_bases))
    hard = draw(st.booleans())
    return Drawn(start, [HARD] * 3 * hard + codes + [HARD] * hard, bases, draw(st.booleans()))


@st.composite
def molecules(draw: st.DrawFn) -> tuple[Draft, list[Drawn], Drawn]:
    length = draw(st.integers(1, 14))
    bases = draw(st.lists(st.integers(1, 4), min_size=length, max_size=length))
    widths = draw(st.lists(st.integers(1, 6), max_size=length))
    widths = [width for i, width in enumerate(widths) if sum(widths[: i + 1]) < length]
    tags = (("wl", [*widths, length - sum(widths)], "B"),)
    draft = Draft("m/1/ccs", np.array(bases, np.uint8), np.arange(length, dtype=np.uint8), tags)
    return draft, draw(st.lists(alignments(length), min_size=1, max_size=5)), draw(alignments(length, 4))


def specs() -> st.SearchStrategy[FeatureSpec]:
    return st.builds(
        FeatureSpec,
        max_passes=st.integers(1, 4),
        width=st.just(WIDTH),
        insertion_trim=st.sampled_from((0, 1, 5)),
        smart_windows=st.booleans(),
    )


def slow_rows(
    draft: Draft, drawn: list[Drawn], truth: Drawn, spec: FeatureSpec
) -> tuple[list[list[Step]], list[Step], list[Step]]:
    draft_steps = [Step(EQUAL, int(base), 0, 0, at) for at, base in enumerate(draft.bases)]
    reads = [one.steps(spec.insertion_trim) for one in drawn]
    (*rows, draft_row), truth_row = walk([*reads, draft_steps], truth.steps(0))
    return rows, draft_row, truth_row


@settings(max_examples=200, database=None)
@given(molecules(), specs())
def test_pileup(molecule: tuple[Draft, list[Drawn], Drawn], spec: FeatureSpec) -> None:
    draft, drawn, truth = molecule
    rows, draft_row, _ = slow_rows(draft, drawn, truth, spec)
    pileup = build_pileup(Zmw(draft, tuple(one.to_pass() for one in drawn)), spec)
    rows = rows[: spec.max_passes]
    assert pileup.bases.tolist() == [[step.base % 5 for step in row] for row in rows]
    assert pileup.pulse_widths.tolist() == [[step.pw for step in row] for row in rows]
    assert pileup.inter_pulse_durations.tolist() == [[step.ip for step in row] for row in rows]
    assert pileup.strands.tolist() == [1 + one.reverse for one in drawn[: spec.max_passes]]
    assert pileup.draft.tolist() == [step.base for step in draft_row]
    assert pileup.draft_index.tolist() == [step.at for step in draft_row]
    assert pileup.draft_quality.tolist() == [step.at for step in draft_row]


@settings(max_examples=200, database=None)
@given(molecules(), specs())
def test_windows_hold_every_draft_base_once(molecule: tuple[Draft, list[Drawn], Drawn], spec: FeatureSpec) -> None:
    draft, drawn, _ = molecule
    pileup = build_pileup(Zmw(draft, tuple(one.to_pass() for one in drawn)), spec)
    bounds = window_bounds(pileup, spec)
    windows = cut_windows(pileup, bounds, spec)
    assert bounds.draft_start.tolist() == [0, *bounds.draft_stop[:-1]]
    assert bounds.draft_stop[-1] == len(draft.bases)
    fitting = np.flatnonzero(~bounds.overflow)
    assert len(windows) == len(fitting)
    for i, window in enumerate(fitting):
        part = slice(bounds.start[window], bounds.stop[window])
        n_columns = part.stop - part.start
        assert windows.bases[i, : pileup.num_passes, :n_columns].tolist() == pileup.bases[:, part].tolist()
        assert not windows.bases[i, pileup.num_passes :].any()
        assert not windows.bases[i, :, n_columns:].any()
        assert windows.draft_index[i].tolist() == [*pileup.draft_index[part], *[-1] * (WIDTH - n_columns)]
        held = windows.draft_index[i][windows.draft_index[i] >= 0]
        assert held.tolist() == list(range(bounds.draft_start[window], bounds.draft_stop[window]))


@settings(max_examples=300, database=None)
@given(molecules(), specs())
def test_labels(molecule: tuple[Draft, list[Drawn], Drawn], spec: FeatureSpec) -> None:
    draft, drawn, drawn_truth = molecule
    *_, truth_row = slow_rows(draft, drawn, drawn_truth, spec)
    n_bases = sum(step.base > 0 for step in truth_row)
    pileup = build_pileup(Zmw(draft, tuple(one.to_pass() for one in drawn)), spec)
    bounds = window_bounds(pileup, spec)
    truth = Truth("m/1/ccs", "chr1", 1000, 1000 + n_bases, "train", drawn_truth.to_pass().bases, drawn_truth.alignment)
    if not n_bases:
        return
    labels = label_windows(pileup, bounds, truth, spec)
    fits = ~bounds.overflow
    for i, (first, stop) in enumerate(zip(bounds.draft_start[fits], bounds.draft_stop[fits], strict=True)):
        places = [column for column, step in enumerate(truth_row) if first <= step.at < stop]
        label = truth_row[places[0] : places[-1] + 1] if any(places) else []
        bases = [step for step in label if step.base]
        assert labels.adjusted[i] == (len(label) > WIDTH)
        assert labels.overflow[i] == (len(bases) > WIDTH) == (not labels.usable[i])
        if labels.overflow[i]:
            continue
        shown = bases if labels.adjusted[i] else label
        padding = [GAP] * (WIDTH - len(shown))
        assert labels.bases[i].tolist() == [step.base for step in shown + padding]
        assert labels.cigar[i].tolist() == [step.code for step in shown + padding]
        assert labels.matches_draft[i] == ([step.base for step in bases] == draft.bases[first:stop].tolist())
        before = sum(step.base > 0 for step in truth_row[: places[0]]) if bases else 0
        expected = (1000 + before, 1000 + before + len(bases) - 1) if bases else (0, 0)
        assert (labels.begin[i], labels.last[i]) == expected


@settings(max_examples=50, database=None)
@given(molecules(), st.permutations(range(5)))
def test_order_of_passes_does_not_move_columns(molecule: tuple[Draft, list[Drawn], Drawn], order: list[int]) -> None:
    draft, drawn, _ = molecule
    order = [i for i in order if i < len(drawn)]
    passes = tuple(one.to_pass() for one in drawn)
    straight = build_pileup(Zmw(draft, passes), FeatureSpec())
    shuffled = build_pileup(Zmw(draft, tuple(passes[i] for i in order)), replace(FeatureSpec()))
    np.testing.assert_array_equal(shuffled.bases, straight.bases[order])
    np.testing.assert_array_equal(shuffled.draft_index, straight.draft_index)
