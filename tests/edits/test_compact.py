"""Compact evidence for homopolymers, compared with its scores and edits."""

from dataclasses import replace

import numpy as np
import pytest
from edit_tools import INSERTS, LAST, all_ratios, apply_classes

from deepconsensus_py.edits import evidence as hmm
from deepconsensus_py.edits.classes import CHANGE, EDITED
from deepconsensus_py.edits.refine import TemplateState, refine
from deepconsensus_py.edits.repeats import find_homopolymers
from deepconsensus_py.edits.tokens import (
    IMPOSSIBLE,
    POOLED_UNSUPPORTED,
    RATE_STEP,
    RATIO_STEP,
    SCORE_STEP,
    UNSUPPORTED,
    EditEvidence,
    edit_evidence,
    possible_evidence,
)
from deepconsensus_py.pacbio.molecule import A, N, Zmw


@pytest.fixture(scope="module")
def refined(molecules: list[Zmw]) -> TemplateState:
    return refine(molecules[0])


@pytest.fixture(scope="module")
def evidence(refined: TemplateState) -> EditEvidence:
    return edit_evidence(refined)


@pytest.mark.parametrize("edit", range(1, EDITED + 1))
def test_each_edit_has_the_ratios_that_were_scored(refined: TemplateState, evidence: EditEvidence, edit: int) -> None:
    scores, kept = refined.scores, evidence.ratios[:, :, edit - 1] * RATIO_STEP
    ratios = all_ratios(scores)[:, scores.scored, edit - 1]
    assert np.abs(kept[:, scores.scored] - ratios.clip(-127 * RATIO_STEP, 127 * RATIO_STEP)).max() <= RATIO_STEP / 2
    assert (kept[:, ~scores.scored] == np.where(evidence.covered[:, ~scores.scored], UNSUPPORTED, 0)).all()
    assert not kept[~evidence.covered].any()
    assert 0 < scores.scored.sum() < len(scores.homopolymers)


def test_evidence_is_pooled_over_all_passes(refined: TemplateState, evidence: EditEvidence) -> None:
    scores = refined.scores
    possible = evidence.pooled > IMPOSSIBLE / SCORE_STEP
    differences = np.abs(evidence.pooled * SCORE_STEP - hmm.pooled(all_ratios(scores)))
    assert differences[possible & scores.scored[:, None]].max() <= SCORE_STEP / 2
    assert (evidence.pooled[possible & ~scores.scored[:, None]] * SCORE_STEP == POOLED_UNSUPPORTED).all()


def test_impossible_edits_are_marked(refined: TemplateState) -> None:
    draft, homopolymers = refined.bases, find_homopolymers(refined.bases)
    evidence = possible_evidence(refined)
    for homopolymer in range(0, len(homopolymers), 7):
        classes = np.zeros(len(homopolymers), np.uint8)
        resized = {}
        for edit in range(1, EDITED + 1):
            classes[homopolymer] = edit
            made, _ = apply_classes(draft, classes)
            expected = int(CHANGE[edit]) + int(INSERTS[edit] > 0)
            doubles = INSERTS[edit] and len(find_homopolymers(made)) <= len(homopolymers)
            resized[edit] = len(made) - len(draft) == expected and not doubles and not np.array_equal(made, draft)
            # A mismatch at the last base of a homopolymer of 1 is one at its first.
            resized[edit] &= not (LAST[edit] and homopolymers.length[homopolymer] == 1)
        assert {edit: bool(evidence[homopolymer, edit - 1] != IMPOSSIBLE) for edit in resized} == resized


def test_a_homopolymer_has_the_evidence_of_its_tandem_repeats(refined: TemplateState, evidence: EditEvidence) -> None:
    scores, pooled = refined.scores, hmm.pooled(refined.scores.tandem_ratios)
    wanted = np.zeros((len(scores.homopolymers), 2))
    for homopolymer, (start, stop) in enumerate(zip(scores.homopolymers.start, scores.homopolymers.stop, strict=True)):
        around = (scores.tandem_repeats.start < stop) & (start < scores.tandem_repeats.stop)
        if around.any():
            wanted[homopolymer] = pooled[around].max(axis=0)
    assert (wanted != 0).any()
    assert (wanted == 0).all(axis=1).any()
    assert np.abs(evidence.tandem_repeats * SCORE_STEP - wanted).max() <= SCORE_STEP / 2


def test_rates_are_those_of_either_strand(refined: TemplateState, evidence: EditEvidence) -> None:
    for model, rates in zip(refined.rates, np.split(evidence.rates * RATE_STEP, 2), strict=True):
        assert rates[0] == pytest.approx(model.deletion[A:N, 0].mean(), abs=RATE_STEP)
        assert rates[5] == pytest.approx(model.cognate[A:N, 0].mean(), abs=RATE_STEP)
        assert rates[10:] == pytest.approx(model.foreign[A:N], abs=RATE_STEP)


@pytest.mark.parametrize("kind", ["no kinetics", "one pass", "one strand"])
def test_molecules_that_lack_something_have_evidence(molecules: list[Zmw], kind: str) -> None:
    passes = molecules[0].passes
    if kind == "no kinetics":
        passes = tuple(replace(p, pulse_widths=None, inter_pulse_durations=None) for p in passes)
    elif kind == "one pass":
        passes = passes[:1]
    else:
        passes = tuple(p for p in passes if p.reverse)
    evidence = edit_evidence(refine(replace(molecules[0], passes=passes)))
    assert evidence.ratios.shape == (len(passes), len(evidence.base), EDITED)
    assert evidence.covered.any(axis=1).all()
    assert (evidence.rates > 0).all()
