"""How well each edit of a run explains what the molecule's passes read there.

The probability of the observed given the true length of a run is estimated from the molecule itself, for each base and
strand: polymerases, signal and hence error rates differ from molecule to molecule. The draft stands in for the truth;
it is right for 99.6 % of the runs of Sequel drafts. Rare lengths are shrunk to the next shorter ones, bases to the mean
of all.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import BASES
from deepconsensus_py.runs.edits import CHANGE, INSERTS
from deepconsensus_py.runs.evidence import RunEvidence
from deepconsensus_py.runs.kernels import FIRST_INSERTED, SECOND_INSERTED, UNREAD

LONGEST = 16
"""Bases; longer runs count as this long."""

REACH = 3
"""Observed lengths are told apart up to so many bases from the true one."""

_LETTERS = len(BASES)
_DELTAS = 2 * REACH + 1
_RESIZES, _INSERTS = CHANGE[CHANGE != 0], INSERTS[INSERTS != 0]

# Weights in observations, chosen on Sequel molecules.
_SHORTER_WEIGHT = 30.0
_ALL_BASES_WEIGHT = 25.0
_ANY_DELTA = 0.05
_FLOOR = 1e-3
"""Probability of what no model of ours foresees, such as misalignments."""

_INSERTED_LENGTHS = (0.85, 0.12, 0.03)
"""Shares of insertions of 1, 2 and 3 or more equal bases."""

_IMPOSSIBLE = -4.0
"""Log-likelihood ratio, for each pass, of an edit that makes no sense: a negative length, or an insertion of the letter
beside it, which is a longer run."""


@dataclass(frozen=True, slots=True, eq=False)
class RunLikelihoods:
    """Natural log-likelihood ratios of the edits against none, in the order of ``edits.EDITS`` without "none".

    Attributes:
        ratios: ``float32[passes, runs, 8]``, 0 where a pass does not cover a run; within about 7 of 0.
        by_strand: ``float32[2, runs, 8]`` sums over the passes of the draft's strand and of the other.
    """

    ratios: NDArray[np.float32]
    by_strand: NDArray[np.float32]


def fit_lengths(evidence: RunEvidence) -> NDArray[np.float32]:
    """Estimate what passes read of runs of each length.

    Args:
        evidence: of one molecule.

    Returns:
        ``float32[2, 6, LONGEST + 1, 2 * REACH + 1]`` natural logarithms of the probabilities, by strand, base code,
        true length (0: nothing of the letter is there) and observed less true length (-REACH first). A strand without
        passes has those of no observations.
    """
    counts = _count(evidence)
    probability = np.empty(counts.shape)
    for strand, by_base in enumerate(counts):
        mean = by_base.sum(axis=0)
        for length in range(2, LONGEST + 1):
            mean[length] += _SHORTER_WEIGHT * mean[length - 1] / max(1.0, mean[length - 1].sum())
        mean = (mean + _ANY_DELTA) / (mean + _ANY_DELTA).sum(axis=-1, keepdims=True)
        shrunk = by_base + _ALL_BASES_WEIGHT * mean
        probability[strand] = shrunk / shrunk.sum(axis=-1, keepdims=True)
    inserted = _insertion_rates(evidence)
    probability[:, :, 0] = 0
    probability[:, :, 0, REACH] = 1 - inserted
    probability[:, :, 0, REACH + 1 :] = inserted[..., None] * np.array(_INSERTED_LENGTHS)
    return np.log(probability + _FLOOR).astype(np.float32)


def _count(evidence: RunEvidence) -> NDArray[np.float64]:
    """Observations ``float64[2, 6, LONGEST + 1, deltas]``."""
    shape = (2, _LETTERS, LONGEST + 1, _DELTAS)
    index = _cell_index(evidence, np.minimum(evidence.runs.length, LONGEST), shape)
    seen = evidence.covered & (evidence.runs.base != UNREAD)
    return np.bincount(index[seen], minlength=int(np.prod(shape))).reshape(shape).astype(np.float64)


def _cell_index(
    evidence: RunEvidence, length: NDArray[np.int32], shape: tuple[int, int, int, int]
) -> NDArray[np.int64]:
    """Flat index ``int64[passes, runs]`` into a table by strand, base, length and delta."""
    _, bases, lengths, deltas = shape
    row = (evidence.runs.base.astype(np.int64) * lengths + length) * deltas + REACH
    strand = evidence.reverse.astype(np.int64) * (bases * lengths * deltas)
    return strand[:, None] + row + np.clip(evidence.delta, -REACH, REACH)


def _insertion_rates(evidence: RunEvidence) -> NDArray[np.float64]:
    """Share ``float64[2, 6]`` of places where a pass has each letter though neither neighbour in the draft is of it."""
    rates = np.zeros((2, _LETTERS))
    seen = _insertions(evidence)
    possible = _insertable(evidence)[None] & evidence.covered[..., None]
    for strand in (0, 1):
        chosen = evidence.reverse == strand
        places = possible[chosen].sum(axis=(0, 1))
        rates[strand, _INSERTS] = (seen & possible)[chosen].sum(axis=(0, 1)) / np.maximum(places, 1)
    return rates + 1e-4


def _insertions(evidence: RunEvidence) -> NDArray[np.bool_]:
    """Whether a pass has each letter in front of a run: ``bool[passes, runs, 4]``."""
    first, second = (evidence.cells[..., field, None] for field in (FIRST_INSERTED, SECOND_INSERTED))
    found: NDArray[np.bool_] = (first == _INSERTS) | (second == _INSERTS)
    return found


def _insertable(evidence: RunEvidence) -> NDArray[np.bool_]:
    """Which letters ``bool[runs, 4]`` would make a run of their own in front of a run."""
    base = evidence.runs.base
    before = np.concatenate([base[:1], base[:-1]])
    possible: NDArray[np.bool_] = (base[:, None] != _INSERTS) & (before[:, None] != _INSERTS)
    possible &= (base != UNREAD)[:, None]
    return possible


def log_ratios(evidence: RunEvidence, lengths: NDArray[np.float32]) -> RunLikelihoods:
    """Weigh the edits of every run.

    Args:
        evidence: of a molecule.
        lengths: of the same molecule, by ``fit_lengths``.
    """
    resizes, inserts = _resize_table(lengths), _insert_table(lengths)
    row = np.minimum(evidence.runs.length, resizes.shape[2] - 1)
    index = _cell_index(evidence, row, resizes.shape[:-1])
    ratios = np.empty((*evidence.covered.shape, len(_RESIZES) + len(_INSERTS)), np.float32)
    ratios[..., : len(_RESIZES)] = resizes.reshape(-1, len(_RESIZES))[index]
    strand, letter = evidence.reverse.astype(np.intp)[:, None, None], np.arange(len(_INSERTS))
    likely = inserts[strand, letter, _insertions(evidence).astype(np.intp)]
    ratios[..., len(_RESIZES) :] = np.where(_insertable(evidence), likely, _IMPOSSIBLE)
    ratios *= (evidence.covered & (evidence.runs.base != UNREAD))[..., None]
    by_strand = np.stack([ratios[evidence.reverse == strand].sum(axis=0) for strand in (False, True)])
    return RunLikelihoods(ratios, by_strand)


def _resize_table(lengths: NDArray[np.float32]) -> NDArray[np.float32]:
    """Ratios ``float32[2, 6, lengths, deltas, 4]`` by draft length; lengths go on until no change reaches LONGEST."""
    draft = np.arange(LONGEST + int(_RESIZES.max()) + 1)
    delta = np.arange(-REACH, REACH + 1)
    none = lengths[:, :, np.minimum(draft, LONGEST)]
    table = np.empty((*none.shape, len(_RESIZES)), np.float32)
    for edit, change in enumerate(_RESIZES.astype(np.int64)):
        true = np.clip(draft + change, 0, LONGEST)
        observed = np.clip(delta - change, -REACH, REACH) + REACH
        ratio = lengths[:, :, true[:, None], observed] - none
        table[..., edit] = np.where((draft + change >= 0)[:, None], ratio, _IMPOSSIBLE)
    return table


def _insert_table(lengths: NDArray[np.float32]) -> NDArray[np.float32]:
    """Ratios ``float32[2, 4, 2]`` of a single base more, by strand, letter and whether the pass has it."""
    letters = lengths[:, _INSERTS]
    lacking = letters[:, :, 1, REACH - 1] - letters[:, :, 0, REACH]
    having = letters[:, :, 1, REACH] - letters[:, :, 0, REACH + 1]
    return np.stack([lacking, having], axis=-1)
