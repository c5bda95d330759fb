"""Likelihoods of edits, against slow loops over the definitions, and what they must say of clear cases."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from run_molecules import Known, make_pass, make_zmw, zmws

from deepconsensus_py.pacbio.molecule import N, Zmw
from deepconsensus_py.runs import kernels
from deepconsensus_py.runs.edits import EDITS
from deepconsensus_py.runs.evidence import RunEvidence, gather_evidence
from deepconsensus_py.runs.labels import label_runs
from deepconsensus_py.runs.likelihood import LONGEST, REACH, RunLikelihoods, fit_lengths, log_ratios

LETTERS = range(1, 5)


def cells(evidence: RunEvidence):
    """(strand, pass, run, letter, length, delta within reach) of what is read."""
    for number, run in zip(*np.nonzero(evidence.covered), strict=True):
        base, length = int(evidence.runs.base[run]), int(evidence.runs.length[run])
        if base != N:
            delta = int(np.clip(int(evidence.count[number, run]) - length, -REACH, REACH))
            yield int(evidence.reverse[number]), number, run, base, length, delta


def insertable(evidence: RunEvidence, run: int, letter: int) -> bool:
    return letter not in evidence.runs.base[max(run - 1, 0) : run + 1]


def has(evidence: RunEvidence, number: int, run: int, letter: int) -> bool:
    return letter in evidence.cells[number, run, [kernels.FIRST_INSERTED, kernels.SECOND_INSERTED]]


def slow_lengths(evidence: RunEvidence) -> np.ndarray:
    table = np.zeros((2, 6, LONGEST + 1, 2 * REACH + 1))
    places, seen = np.zeros((2, 6)), np.zeros((2, 6))
    for strand, number, run, base, length, delta in cells(evidence):
        table[strand, base, min(length, LONGEST), delta + REACH] += 1
        for letter in LETTERS:
            if insertable(evidence, run, letter):
                places[strand, letter] += 1
                seen[strand, letter] += has(evidence, number, run, letter)
    for strand in (0, 1):
        pooled = table[strand].sum(axis=0)
        for length in range(2, LONGEST + 1):
            pooled[length] += 30 * pooled[length - 1] / max(1, pooled[length - 1].sum())
        for length in range(LONGEST + 1):
            mean = (pooled[length] + 0.05) / (pooled[length] + 0.05).sum()
            for base in range(6):
                row = table[strand, base, length] + 25 * mean
                table[strand, base, length] = row / row.sum()
        for base in range(6):
            rate = seen[strand, base] / max(1, places[strand, base]) + 1e-4
            table[strand, base, 0] = [0, 0, 0, 1 - rate, 0.85 * rate, 0.12 * rate, 0.03 * rate]
    return np.log(table + 1e-3)


def slow_ratios(evidence: RunEvidence, lengths: np.ndarray) -> np.ndarray:
    ratios = np.zeros((*evidence.covered.shape, 8))
    for strand, number, run, base, length, delta in cells(evidence):
        none = lengths[strand, base, min(length, LONGEST), delta + REACH]
        for edit, change in enumerate((-1, -2, 1, 2)):
            true, observed = length + change, np.clip(delta - change, -REACH, REACH)
            ratio = lengths[strand, base, min(true, LONGEST), observed + REACH] - none if true >= 0 else -4
            ratios[number, run, edit] = ratio
        for letter in LETTERS:
            observed = int(has(evidence, number, run, letter))
            ratio = lengths[strand, letter, 1, REACH - 1 + observed] - lengths[strand, letter, 0, REACH + observed]
            ratios[number, run, 3 + letter] = ratio if insertable(evidence, run, letter) else -4
    return ratios


@given(zmws())
def test_equals_slow_loops_over_the_definitions(zmw: Zmw) -> None:
    evidence = gather_evidence(zmw)
    lengths = fit_lengths(evidence)
    assert np.allclose(lengths, slow_lengths(evidence), atol=1e-5)
    likelihoods = log_ratios(evidence, lengths)
    expected = slow_ratios(evidence, lengths)
    assert np.allclose(likelihoods.ratios, expected, atol=1e-5)
    for strand in (0, 1):
        assert np.allclose(likelihoods.by_strand[strand], expected[evidence.reverse == strand].sum(axis=0), atol=1e-4)


def test_long_runs_count_as_the_longest() -> None:
    draft = "CC" + "A" * 20 + "GG"
    evidence = gather_evidence(make_zmw(draft, draft, "CC" + "A" * 19 + "GG"))
    lengths = fit_lengths(evidence)
    assert np.allclose(log_ratios(evidence, lengths).ratios, slow_ratios(evidence, lengths), atol=1e-5)
    assert np.isfinite(lengths).all()


@given(zmws(fewest=2))
def test_the_order_of_passes_does_not_matter(zmw: Zmw) -> None:
    one, other = (gather_evidence(replace(zmw, passes=passes)) for passes in (zmw.passes, zmw.passes[::-1]))
    assert np.array_equal(fit_lengths(one), fit_lengths(other))
    assert np.allclose(weigh(one).by_strand, weigh(other).by_strand, atol=1e-5)


def weigh(evidence: RunEvidence) -> RunLikelihoods:
    return log_ratios(evidence, fit_lengths(evidence))


FRAME = "GCTAGCATCGGATCCTACGTTAGCAACTGA" * 20


@pytest.mark.parametrize(
    ("inner", "edit"),
    [("AA", "-1"), ("A", "-2"), ("AAAA", "+1"), ("AAAAA", "+2"), ("TAAA", "T"), ("GAAA", "G")],
)
def test_what_all_passes_have_is_the_likeliest_edit(inner: str, edit: str) -> None:
    draft = f"{FRAME}CAAAC{FRAME}"
    passes = [make_pass(f"{FRAME}C{inner}C{FRAME}", draft=draft, reverse=bool(k % 2)) for k in range(6)]
    evidence = gather_evidence(make_zmw(draft, *passes))
    run = int(np.flatnonzero(evidence.runs.start == len(FRAME) + 1)[0])
    for by_strand in weigh(evidence).by_strand:
        assert EDITS[1:][by_strand[run].argmax()] == edit
        assert by_strand[run].max() > 0
        others = np.delete(by_strand, [run - 1, run, run + 1], axis=0)[1:-1]
        assert (others < 0).all()


@pytest.mark.real
def test_most_real_errors_have_a_better_ratio_than_runs_without(human: list[Known]) -> None:
    right, wrong = [], []
    for molecule in human:
        evidence = gather_evidence(molecule.zmw)
        labels = label_runs(molecule.zmw.draft.bases, evidence.runs, molecule.truth, molecule.alignment)
        total = weigh(evidence).by_strand.sum(axis=0)
        wrong.append(total[labels.exact & (labels.classes == 0)].max(axis=1))
        errors = np.flatnonzero(labels.exact & (labels.classes > 0))
        right.append(total[errors, labels.classes[errors] - 1])
    right, wrong = np.concatenate(right), np.concatenate(wrong)
    print(f"above 0: {np.mean(right > 0):.3f} of errors, {np.mean(wrong > 0):.5f} of right runs")
    assert np.median(right) > np.quantile(wrong, 0.99)
