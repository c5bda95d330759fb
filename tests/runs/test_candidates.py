"""Candidates: nearly all errors, few runs."""

import numpy as np
import pytest
from run_molecules import Known

from deepconsensus_py.pacbio.molecule import encode_bases
from deepconsensus_py.runs.candidates import candidate_runs
from deepconsensus_py.runs.evidence import gather_evidence
from deepconsensus_py.runs.homopolymers import find_runs
from deepconsensus_py.runs.labels import label_runs
from deepconsensus_py.runs.likelihood import fit_lengths, log_ratios

RUNS = find_runs(encode_bases("ATNC"))
FAR = np.full((2, 4, 8), -50, np.float32)


def test_runs_of_n_never_are() -> None:
    assert candidate_runs(np.zeros_like(FAR), RUNS, None).tolist() == [True, True, False, True]


@pytest.mark.parametrize("edit", [0, 2, 4, 7])
def test_both_strands_together_decide(edit: int) -> None:
    ratios = FAR.copy()
    ratios[:, 1, edit] = -4, -5
    assert candidate_runs(ratios, RUNS, None).tolist() == [False, True, False, False]
    ratios[0, 1, edit] = -20
    assert not candidate_runs(ratios, RUNS, None).any()


def test_what_the_draft_doubts_is() -> None:
    assert candidate_runs(FAR, RUNS, np.array([93, 20, 20, 30], np.uint8)).tolist() == [False, True, False, False]


@pytest.mark.real
def test_real_errors_are_candidates(human: list[Known], bases_only: list[Known]) -> None:
    found = errors = candidates = bases = 0
    for molecule in human + bases_only:
        evidence = gather_evidence(molecule.zmw)
        labels = label_runs(molecule.zmw.draft.bases, evidence.runs, molecule.truth, molecule.alignment)
        by_strand = log_ratios(evidence, fit_lengths(evidence)).by_strand
        may_need = candidate_runs(by_strand, evidence.runs, evidence.quality)
        wrong = labels.exact & (labels.classes > 0)
        found, errors = found + int((wrong & may_need).sum()), errors + int(wrong.sum())
        candidates, bases = candidates + int(may_need.sum()), bases + len(molecule.zmw.draft.bases)
    print(f"{found} of {errors} errors at {100 * candidates / bases:.1f} candidates for each 100 bases")
    assert found / errors > 0.955
    assert candidates / bases < 0.17
