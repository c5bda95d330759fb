"""What the edit method works with, from passes and edits as tests write them."""

from collections.abc import Sequence

import numpy as np

from deepconsensus_py.edits import error_rates, evidence
from deepconsensus_py.edits.aligned_pass import AlignedPass, align_pass, carried
from deepconsensus_py.edits.candidates import SHARE, Candidates, find_candidates
from deepconsensus_py.edits.classes import AT_LAST, EDITED, LETTER, REMOVED, Edit, Edits, apply_edits, class_edits
from deepconsensus_py.edits.repeats import find_homopolymers, find_repeats
from deepconsensus_py.pacbio.molecule import Pass

INSERTS = np.where(REMOVED == 0, LETTER, 0)
FIRST = np.where((REMOVED > 0) & ~AT_LAST, LETTER, 0)
LAST = np.where(AT_LAST, LETTER, 0)
"""Letter that each class puts in front of a homopolymer, in place of its first base, of its last; 0 for none."""


def laid(passes: Sequence[Pass], draft: np.ndarray) -> list[AlignedPass]:
    return [align_pass(p, draft) for p in passes]


def apply_classes(draft: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return apply_edits(draft, class_edits(find_homopolymers(draft), classes))


def apply_each(draft: np.ndarray, edits: Sequence[Edit]) -> tuple[np.ndarray, np.ndarray]:
    return apply_edits(draft, Edits.of(edits))


def carry_over(p: Pass, before: np.ndarray, draft: np.ndarray, index: np.ndarray) -> Pass | None:
    moved = carried(align_pass(p, before), draft, index)
    return None if moved is None else moved.source


def class_of_bases(draft: np.ndarray) -> np.ndarray:
    return find_repeats(draft).length_class


def count_errors(passes: Sequence[Pass], draft: np.ndarray) -> error_rates.ErrorCounts:
    return error_rates.count_errors(laid(passes, draft), find_repeats(draft))


def estimate(draft: np.ndarray, passes: Sequence[Pass]) -> tuple[error_rates.PassModel, error_rates.PassModel]:
    return error_rates.estimate(find_repeats(draft), laid(passes, draft))


def candidates_of(draft: np.ndarray, passes: Sequence[Pass], share: float = SHARE) -> Candidates:
    return find_candidates(find_repeats(draft), laid(passes, draft), share)


def score_edits(
    draft: np.ndarray,
    passes: Sequence[Pass],
    rates: tuple[error_rates.PassModel, error_rates.PassModel],
    *,
    wanted: np.ndarray | None = None,
) -> evidence.EditScores:
    return evidence.score_edits(find_repeats(draft), laid(passes, draft), rates, wanted=wanted)


def all_ratios(scores: evidence.EditScores) -> np.ndarray:
    """``float32[passes, homopolymers, edits]``: the ratios of scored homopolymers, and 0 for the others."""
    ratios = np.zeros((len(scores.ratios), len(scores.homopolymers), EDITED), np.float32)
    ratios[:, scores.scored] = scores.ratios
    return ratios
