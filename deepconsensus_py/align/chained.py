"""Alignment of a pass to its draft along a chain of shared words, in a third of the time of minimap2 (compiled).

Most of a pass differs from its draft by single bases, and any costs place these alike: there the alignment is that of
the least edit distance. Stretches with longer gaps or several errors are aligned anew, at affine costs. Passes that do
not run along their draft from end to end, or have gaps of hundreds of bases, are left to ``mapping.DraftMap``.
"""

import numpy as np

from deepconsensus_py.align import cigar
from deepconsensus_py.align.affine import affine_pairs
from deepconsensus_py.align.guides import Codes, Integers, Template
from deepconsensus_py.align.mapping import ERROR_COST, MIN_COVERED
from deepconsensus_py.align.traces import trace
from deepconsensus_py.kernels import kernel
from deepconsensus_py.pacbio.molecule import Alignment

_POOR = 4.0
"""By how much the score falls over a stretch that is aligned anew: three bases inserted or deleted at once."""

_FLANK, _LONGEST = 15, 1_000
"""Pairs on either side that are aligned anew with a stretch; most bases of all these."""

_BROKEN = 250.0
"""By how much the score may fall: by 170 bases inserted or deleted at once."""

_MOST_UNALIGNED = 100
"""Bases at an end that pass and draft may both have beyond the alignment."""


def along_chain(template: Template, bases: Codes) -> tuple[Alignment, bool] | None:
    """Align a pass.

    Args:
        template: of the draft.
        bases: ``uint8[m]`` base codes, as sequenced.

    Returns:
        The alignment, and whether it is of the reverse complement; None where ``mapping.DraftMap`` is to look.
    """
    found = template.chained(bases)
    if found is None:
        return None
    placed, reverse = found
    sequences, pairs = (placed.bases, template.bases), trace(template.bases, placed).pairs
    if not _realign(sequences, pairs, *_paired(pairs)):
        return None
    in_pass, in_draft = _paired(pairs)
    first, stop, fall = _best_stretch(sequences, in_pass, in_draft)
    if fall > _BROKEN or stop - first < MIN_COVERED * min(map(len, sequences)):
        return None
    before = min(in_pass[first], in_draft[first])
    behind = min(len(bases) - in_pass[stop - 1], len(template.bases) - in_draft[stop - 1]) - 1
    if max(before, behind) > _MOST_UNALIGNED:
        return None
    return _joined(cigar.of_pairs(in_pass[first:stop], in_draft[first:stop], len(bases)), sequences), reverse


def _joined(alignment: Alignment, sequences: tuple[Codes, Codes]) -> Alignment:
    """Gaps that meet at the right end of a repeat become one, as at affine costs.

    Those that meet at its left end are joined wherever alignments are left-normalised.
    """
    read, draft = (one[::-1].copy() for one in sequences)
    turned = cigar.left_normalise(cigar.reversed_alignment(alignment, len(draft)), read, draft)
    return cigar.reversed_alignment(turned, len(draft))


def _paired(pairs: Integers) -> tuple[Integers, Integers]:
    """Positions in pass and draft of each pair."""
    in_draft = np.flatnonzero(pairs >= 0).astype(np.int32)
    return pairs[in_draft], in_draft


@kernel
def _realign(sequences: tuple[Codes, Codes], pairs: Integers, in_pass: Integers, in_draft: Integers) -> bool:
    """Align poor stretches anew, at affine costs; False if one of them is too long."""
    for begin, end in _poor_stretches(sequences, in_pass, in_draft):
        at, place = in_pass[begin], in_draft[begin]
        read, draft = sequences[0][at : in_pass[end] + 1], sequences[1][place : in_draft[end] + 1]
        if max(len(read), len(draft)) > _LONGEST:
            return False
        anew = affine_pairs(read, draft)
        for j in range(len(draft)):
            pairs[place + j] = at + anew[j] if anew[j] >= 0 else -1
    return True


@kernel
def _poor_stretches(sequences: tuple[Codes, Codes], in_pass: Integers, in_draft: Integers) -> Integers:
    """Rows of first and last pair of the stretches over which the score falls, with their flanks.

    A stretch begins where the score is highest before it falls, and ends where it is lowest before it rises again by as
    much.
    """
    last, count = len(in_pass) - 1, 0
    found = np.empty((len(in_pass), 2), np.int32)
    score = highest = lowest = 0.0
    high, low = 0, -1
    for k in range(last + 1):
        score -= _gap_cost(in_pass, in_draft, k)
        if highest - score >= _POOR and (low < 0 or score <= lowest):
            lowest, low = score, k
        score += _gain(sequences, in_pass[k], in_draft[k])
        if low < 0 and score > highest:
            highest, high = score, k
        if low >= 0 and (score - lowest >= _POOR or k == last):
            begin, end = max(high - _FLANK, 0), min(low + _FLANK, last)
            if count and begin <= found[count - 1, 1]:
                found[count - 1, 1] = end
            else:
                found[count, 0], found[count, 1] = begin, end
                count += 1
            highest, high, low = score, k, -1
    return found[:count].copy()


@kernel
def _best_stretch(sequences: tuple[Codes, Codes], in_pass: Integers, in_draft: Integers) -> tuple[int, int, float]:
    """First and one past the last pair of the stretch with the highest score, and how far the score falls within."""
    score = lowest = best = 0.0
    begin = first = stop = 0
    for k in range(len(in_pass)):
        score -= _gap_cost(in_pass, in_draft, k)
        if k == 0 or score < lowest:
            lowest, begin = score, k
        score += _gain(sequences, in_pass[k], in_draft[k])
        if score - lowest > best:
            best, first, stop = score - lowest, begin, k + 1
    score = highest = fall = 0.0
    for k in range(first, stop):
        score -= _gap_cost(in_pass, in_draft, k) if k > first else 0.0
        fall = max(fall, highest - score)
        score += _gain(sequences, in_pass[k], in_draft[k])
        highest = max(highest, score)
    return first, stop, fall


@kernel(inline="always")
def _gap_cost(in_pass: Integers, in_draft: Integers, k: int) -> float:
    """The cost of the gaps between the pair before and this one."""
    if k == 0:
        return 0.0
    return ERROR_COST * float(in_pass[k] - in_pass[k - 1] + in_draft[k] - in_draft[k - 1] - 2)


@kernel(inline="always")
def _gain(sequences: tuple[Codes, Codes], at: int, place: int) -> float:
    return 1.0 if sequences[0][at] == sequences[1][place] else -ERROR_COST
