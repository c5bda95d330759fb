"""What passes say about runs, against a slow reading of the gapped rows, and where it must not matter how they lie."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_molecules import Known, make_pass, make_zmw, zmws

from deepconsensus_py.align import cigar
from deepconsensus_py.align.normalise import left_normalise
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import N, Pass, Zmw, encode_bases
from deepconsensus_py.runs import kernels
from deepconsensus_py.runs.evidence import RunEvidence, gather_evidence
from deepconsensus_py.runs.homopolymers import find_runs
from deepconsensus_py.runs.orientation import reverse_zmw


def columns_of(p: Pass, draft: np.ndarray) -> list[tuple[int | None, int | None]]:
    """(pass position, draft position) of every column."""
    alignment = left_normalise(p.alignment, p.bases, draft)
    columns, i, j = [], 0, alignment.start
    for operation, length in zip(alignment.operations.tolist(), alignment.lengths.tolist(), strict=True):
        for _ in range(length):
            if operation != cigar.SOFT_CLIP:
                columns.append((i if cigar.ON_PASS[operation] else None, j if cigar.ON_DRAFT[operation] else None))
            i, j = i + int(cigar.ON_PASS[operation]), j + int(cigar.ON_DRAFT[operation])
    return columns


def slow_cell(p: Pass, draft: np.ndarray, start: int, stop: int) -> tuple[bool, list[int]]:
    """Whether a pass covers a run, and its numbers."""
    columns, cell = columns_of(p, draft), [0] * kernels.FIELDS
    on_draft = [j for _, j in columns if j is not None]
    if not (on_draft[0] < start and stop <= on_draft[-1]):
        return False, cell
    if draft[start] == N:
        return True, cell
    first, last = (next(k for k, (_, j) in enumerate(columns) if j == place) for place in (start, stop - 1))
    begin = first
    while begin > 0 and columns[begin - 1][1] is None:
        begin -= 1
    front = [i for i, _ in columns[begin:first] if i is not None]
    inside = [i for i, _ in columns[first : last + 1] if i is not None]
    own = [i for i in front + inside if p.bases[i] == draft[start]]
    other = [i for i in front if p.bases[i] not in (draft[start], N)]
    pw, ip = (
        np.zeros(len(p.bases), int) if values is None else values.astype(int)
        for values in (p.pulse_widths, p.inter_pulse_durations)
    )
    cell[kernels.COUNT] = len(own)
    cell[kernels.OTHERS] = sum(p.bases[i] not in (draft[start], N) for i in inside)
    cell[kernels.INSERTED] = len(other)
    if other:
        cell[kernels.FIRST_INSERTED] = p.bases[other[0]]
        cell[kernels.PW_INSERTED], cell[kernels.IP_INSERTED] = pw[other[0]], ip[other[0]]
    if other[1:]:
        cell[kernels.SECOND_INSERTED] = p.bases[other[1]]
    if own:
        cell[kernels.PW_MIN], cell[kernels.PW_MAX], cell[kernels.IP_MAX] = min(pw[own]), max(pw[own]), max(ip[own])
        cell[kernels.PW_LOG_MEAN], cell[kernels.IP_LOG_MEAN] = (
            math.floor(32 * sum(math.log1p(values[i]) for i in own) / len(own) + 0.5) for values in (pw, ip)
        )
    behind = sum(1 for i, _ in columns[: last + 1] if i is not None) + columns[0][0]
    ahead = behind - len(front) - len(inside)
    following = (own[0] if own else ahead) - 1 if p.reverse else own[-1] + 1 if own else behind
    cell[kernels.IP_NEXT] = ip[following] if 0 <= following < len(ip) else 0
    return True, cell


@given(zmws())
def test_equals_a_slow_reading_of_the_rows(zmw: Zmw) -> None:
    evidence = gather_evidence(zmw)
    for number, p in enumerate(zmw.passes):
        for run, (start, stop) in enumerate(zip(evidence.runs.start, evidence.runs.stop, strict=True)):
            covered, cell = slow_cell(p, zmw.draft.bases, start, stop)
            assert evidence.covered[number, run] == covered
            assert evidence.cells[number, run].tolist() == cell


@given(zmws(fewest=2), st.randoms())
def test_the_order_of_passes_is_the_order_of_rows(zmw: Zmw, random) -> None:
    order = random.sample(range(len(zmw.passes)), len(zmw.passes))
    shuffled = gather_evidence(replace(zmw, passes=tuple(zmw.passes[k] for k in order)))
    assert_same(shuffled, gather_evidence(zmw).take(order))


def assert_same(one: RunEvidence, other: RunEvidence) -> None:
    for field in ("covered", "cells", "reverse", "kinetics"):
        assert np.array_equal(getattr(one, field), getattr(other, field)), field


Unit = tuple[str, int, int, int]
"""Letter, length in the pass, in the draft and in another draft of a run."""


@st.composite
def units(draw: st.DrawFn) -> list[Unit]:
    """Runs, the outermost of which are equally long everywhere."""
    length = st.integers(1, 6)
    inner = draw(st.lists(st.tuples(st.sampled_from("ATC"), length, length, length), min_size=1))
    inner = [unit for k, unit in enumerate(inner) if k == 0 or unit[0] != inner[k - 1][0]]
    return [("G", 2, 2, 2), *inner, ("G", 2, 2, 2)]


def molecule_of(runs: list[Unit], draft: int = 2) -> Zmw:
    """The pass against one of the drafts, the bases of each run set against each other."""
    columns = "".join("M" * min(u[1], u[draft]) + "D" * (u[draft] - u[1]) + "I" * (u[1] - u[draft]) for u in runs)
    codes = np.array(["MID".index(c) for c in columns], np.uint8)
    read = make_pass("".join(u[0] * u[1] for u in runs), cigar.alignment_of(codes, start=0))
    return make_zmw("".join(u[0] * u[draft] for u in runs), read)


@given(units())
def test_counts_do_not_depend_on_the_drafts_lengths(runs) -> None:
    one, other = gather_evidence(molecule_of(runs, 2)), gather_evidence(molecule_of(runs, 3))
    assert one.count[0, 1:-1].tolist() == [u[1] for u in runs[1:-1]]
    moved = one.with_lengths(other.runs.length)
    assert_same(moved, other)
    assert np.array_equal(moved.delta, other.delta)


@pytest.mark.parametrize("cigar_text", ["MMMMIMM", "MMMIMMM", "MMIMMMM"])
def test_it_does_not_matter_where_in_a_run_a_gap_lies(cigar_text: str) -> None:
    codes = np.array([{"M": 0, "I": 1}[c] for c in cigar_text], np.uint8)
    zmw = make_zmw("CAAAGG", make_pass("CAAAAGG", cigar.alignment_of(codes, start=0)))
    assert gather_evidence(zmw).delta.tolist() == [[0, 1, 0]]


def test_other_letters_stand_in_front_or_inside() -> None:
    evidence = gather_evidence(make_zmw("CCAAAGG", "CCTTAAAGG", "CCAATAGG", "CCATAGG"))
    assert evidence.inserted[:, 1].tolist() == [2, 0, 0]
    assert evidence.others[:, 1].tolist() == [0, 1, 1]
    assert evidence.delta[:, 1].tolist() == [0, 0, -1]


@pytest.mark.parametrize("reverse", [False, True])
def test_the_next_duration_is_of_the_base_sequenced_next(reverse: bool) -> None:
    p = make_pass("CCAAAGG", draft="CCAAAGG", reverse=reverse)
    evidence = gather_evidence(make_zmw("CCAAAGG", p))
    assert evidence.cells[0, 1, kernels.IP_NEXT] == p.inter_pulse_durations[1 if reverse else 5]


def test_n_says_nothing_in_passes_and_is_not_read_in_the_draft() -> None:
    evidence = gather_evidence(make_zmw("CCAAANGG", "CCANATGG", "NCAAANNG"))
    assert evidence.delta.tolist() == [[0, -1, 0, 0], [0, 0, 0, 0]]
    assert not evidence.others.any()
    assert evidence.covered[:, 2].all()
    assert not evidence.cells[:, 2].any()


def test_passes_without_kinetics_are_zeros_and_flagged() -> None:
    bare, full = make_pass("CCAAG", draft="CCAAG", kinetics=False), make_pass("CCAAG", draft="CCAAG")
    evidence = gather_evidence(make_zmw("CCAAG", bare, full, replace(full, pulse_widths=None)))
    assert evidence.kinetics.tolist() == [False, True, False]
    assert not evidence.cells[[0, 2], :, kernels.PW_INSERTED :].any()
    assert evidence.cells[1, 1, kernels.PW_MIN] == 15


@given(units())
def test_the_mirrored_molecule_gives_the_mirrored_evidence(runs) -> None:
    zmw = molecule_of(runs)
    here, there = gather_evidence(zmw), gather_evidence(reverse_zmw(zmw))
    assert np.array_equal(here.cells, there.cells[:, ::-1])
    assert there.reverse.tolist() == [True]


def test_refuses_what_cannot_be_read() -> None:
    good = make_pass("CCAA", draft="CCAA")
    shifted = replace(good, alignment=replace(good.alignment, start=1))
    for bad in (replace(good, bases=encode_bases("CCA")), shifted, replace(good, alignment=None)):
        with pytest.raises(MoleculeError, match="m/1/0_9"):
            gather_evidence(make_zmw("CCAA", bad))
    with pytest.raises(MoleculeError, match="no bases"):
        gather_evidence(make_zmw("", good))
    with pytest.raises(MoleculeError, match="no pass") as caught:
        gather_evidence(make_zmw("CCAA"))
    assert caught.value.outcome == "no_aligned_pass"


@pytest.mark.real
def test_real_passes_agree_with_the_truth_in_most_runs(human: list[Known]) -> None:
    for molecule in human:
        evidence = gather_evidence(molecule.zmw)
        assert evidence.covered.mean() > 0.7
        agree = ((evidence.delta == 0) & evidence.covered).sum() / evidence.covered.sum()
        assert 0.85 < agree < 0.97
        assert np.array_equal(evidence.runs.start, find_runs(molecule.zmw.draft.bases).start)


@pytest.mark.real
def test_real_molecules_mirror(human: list[Known]) -> None:
    for molecule in human:
        here, there = gather_evidence(molecule.zmw), gather_evidence(reverse_zmw(molecule.zmw))
        both = here.covered & there.covered[:, ::-1]
        same = (here.delta == there.delta[:, ::-1])[both].mean()
        print(f"{molecule.zmw.name}: {same:.4f} of run lengths are the same in both orientations")
        assert same > 0.97
