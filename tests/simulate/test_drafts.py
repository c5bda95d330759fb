"""Drafts: as many errors as measured for the passes, in runs, at low qualities."""

import edlib
import numpy as np
import pytest

from deepconsensus_py.pacbio.molecule import decode_bases
from deepconsensus_py.simulate.drafts import DraftSequence, draw_draft
from deepconsensus_py.simulate.profile import load_profile
from deepconsensus_py.simulate.templates import homopolymer_runs, random_template

PROFILE = load_profile()


def _truth(length: int = 2000) -> np.ndarray:
    return random_template(length, PROFILE.passes.run_length_share, np.random.default_rng(5))


def _errors(truth: np.ndarray, draft: DraftSequence) -> int:
    return edlib.align(decode_bases(draft.bases), decode_bases(truth))["editDistance"]


@pytest.mark.parametrize(("passes", "rate"), [(6, 0.00417), (10, 0.00285), (40, 0.00185)])
def test_error_rate_is_the_measured_one_for_the_passes(passes: int, rate: float) -> None:
    rng = np.random.default_rng(0)
    errors = bases = 0
    for _ in range(150):
        truth = random_template(2000, PROFILE.passes.run_length_share, rng)
        errors += _errors(truth, draw_draft(truth, passes, PROFILE.drafts, rng))
        bases += len(truth)
    # One draft differs from the next by a factor of e: 150 of them leave about 10 %.
    assert errors / bases == pytest.approx(rate, rel=0.3)


def test_qualities_are_low_where_the_errors_are_and_in_long_runs() -> None:
    rng = np.random.default_rng(0)
    truth = _truth(20_000)
    draft = draw_draft(truth, 6, PROFILE.drafts, rng)
    assert len(draft.qualities) == len(draft.bases)
    runs = homopolymer_runs(draft.bases)
    length = runs.lengths[runs.index]
    assert np.median(draft.qualities[length >= 6]) < np.median(draft.qualities[length == 2])
    assert np.median(draft.qualities[length == 2]) <= np.median(draft.qualities[length == 1])
    assert draft.qualities.max() <= 93


def test_predicted_errors_are_near_the_real_ones() -> None:
    rng = np.random.default_rng(2)
    truth = _truth(3000)
    drafts = [draw_draft(truth, 8, PROFILE.drafts, rng) for _ in range(60)]
    predicted = sum(float((10 ** (-d.qualities.astype(float) / 10)).sum()) for d in drafts)
    assert predicted == pytest.approx(sum(_errors(truth, d) for d in drafts), rel=0.5)
