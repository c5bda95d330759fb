"""Scores against likelihoods of edited drafts computed from scratch."""

import numpy as np
import pytest
from hmm_reference import Codes, log_likelihood, random_draft, random_model, random_pass

from deepconsensus_py.hmm.evidence import CHANGE, PUT_IN, UNIT_CHANGE, RunScores, score_runs
from deepconsensus_py.hmm.parameters import PassModel
from deepconsensus_py.hmm.runs import class_of_bases, find_runs
from deepconsensus_py.pacbio.molecule import Pass, encode_bases

TOLERANCE = 0.01
"""Nats: single precision, and paths that leave the band."""

SEEDS = range(6)


def scored(draft: Codes, p: Pass, model: PassModel) -> RunScores:
    return score_runs(draft, [p], (model, model))


def edited(draft: Codes, at: int, *, remove: int = 0, put_in: Codes | tuple = (), class_in: int = 0):
    """An edited draft with the run classes of its bases."""
    classes = class_of_bases(draft)
    return (
        np.concatenate((draft[:at], put_in, draft[at + remove :])).astype(np.uint8),
        np.concatenate((classes[:at], np.full(len(put_in), class_in), classes[at + remove :])).astype(np.uint8),
    )


def expected_run_ratios(draft: Codes, p: Pass, model: PassModel, run: int) -> np.ndarray:
    """Log-likelihood ratios of all edits of a run; NaN where an edit is none."""
    runs = find_runs(draft)
    start, length, base = int(runs.starts[run]), int(runs.lengths[run]), runs.bases[run]
    own_class = int(class_of_bases(draft)[start])
    unedited = log_likelihood(draft, class_of_bases(draft), p, model)
    ratios = np.full(len(CHANGE), np.nan)
    for edit, (change, letter) in enumerate(zip(CHANGE, PUT_IN, strict=True)):
        if -change > length or letter in (base, draft[start - 1]):
            continue
        if letter:
            changed = edited(draft, start, put_in=(letter,))
        elif change < 0:
            changed = edited(draft, start, remove=-change)
        else:
            changed = edited(draft, start, put_in=(base,) * change, class_in=own_class)
        ratios[edit] = log_likelihood(*changed, p, model) - unedited
    return ratios


@pytest.mark.parametrize("kinetics", [True, False], ids=["kinetics", "bases only"])
@pytest.mark.parametrize("seed", SEEDS)
def test_scores_are_ratios_of_likelihoods(seed: int, kinetics: bool) -> None:
    rng = np.random.default_rng(seed)
    draft, model = random_draft(40, rng), random_model(rng)
    p = random_pass(draft, rng, kinetics=kinetics)
    scores = scored(draft, p, model)
    assert scores.log_likelihoods[0] == pytest.approx(
        log_likelihood(draft, class_of_bases(draft), p, model), abs=TOLERANCE
    )
    assert scores.covered.sum() >= 10
    for run in np.flatnonzero(scores.covered[0]):
        expected = expected_run_ratios(draft, p, model, run)
        none = np.isnan(expected)
        assert np.all(scores.run_ratios[0, run, none] == 0)
        expected = np.maximum(expected[~none], np.log(1e-9))
        np.testing.assert_allclose(scores.run_ratios[0, run, ~none], expected, atol=TOLERANCE)


@pytest.mark.parametrize("unit", ["AT", "ACG", "AAC"])
def test_scores_of_repeat_units_are_ratios_of_likelihoods(unit: str) -> None:
    rng = np.random.default_rng(len(unit))
    draft = encode_bases("GATTACAGTC" + unit * 4 + "GGTCATAGCA")
    model, p = random_model(rng), random_pass(draft, rng)
    scores = scored(draft, p, model)
    (tract,) = np.flatnonzero(scores.tracts.ends - scores.tracts.starts >= 4 * len(unit))
    end = int(scores.tracts.ends[tract])
    copy, classes = draft[end - len(unit) : end], class_of_bases(draft)
    unedited = log_likelihood(draft, classes, p, model)
    less = (np.delete(a, range(end - len(unit), end)) for a in (draft, classes))
    more = (np.insert(a, end, b) for a, b in ((draft, copy), (classes, classes[end - len(unit) : end])))
    expected = [log_likelihood(*changed, p, model) - unedited for changed in (less, more)]
    assert list(UNIT_CHANGE) == [-1, 1]
    np.testing.assert_allclose(scores.tract_ratios[0, tract], expected, atol=TOLERANCE)
