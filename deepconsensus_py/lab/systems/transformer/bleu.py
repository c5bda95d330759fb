"""BLEU of a corpus, as far as its definition goes: no tokenisation, no smoothing (Papineni et al. 2002)."""

import math
from collections import Counter
from collections.abc import Sequence

ORDER = 4


def bleu(found: Sequence[Sequence[str]], true: Sequence[Sequence[str]]) -> float:
    """BLEU of a corpus with one reference each, from 0 to 100.

    Args:
        found: what is judged, in words.
        true: the references, in the same order.
    """
    matched, total = [0] * ORDER, [0] * ORDER
    for one, reference in zip(found, true, strict=True):
        for order in range(ORDER):
            grams, known = _grams(one, order + 1), _grams(reference, order + 1)
            matched[order] += (grams & known).total()
            total[order] += grams.total()
    if min(matched) == 0:
        return 0.0
    words, wanted = (sum(map(len, side)) for side in (found, true))
    precision = sum(math.log(of / out_of) for of, out_of in zip(matched, total, strict=True)) / ORDER
    return 100 * math.exp(precision + min(0.0, 1 - wanted / words))


def _grams(words: Sequence[str], order: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[start : start + order]) for start in range(len(words) - order + 1))
