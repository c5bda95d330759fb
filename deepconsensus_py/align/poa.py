"""Partial-order consensus of aligned passes in windows (abPOA; Gao et al., Bioinformatics 2021).

A graph of whole passes of 12 kb takes gigabytes and seconds; windows of a few hundred bases avoid both.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pyabpoa
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.pacbio.molecule import Pass, decode_bases, encode_bases

_WINDOW = 500
"""Bases; 200 gives 60 % more errors (measured: docs/developers/alignment.md)."""

_SLACK = 10
"""Draft bases between the edge of a window and the first aligned pair, at most."""

_LEAST_SEGMENTS = 3
"""Fewest passes with a majority; with fewer the backbone is kept."""

_SETTINGS = {
    # Linear gaps: most errors are indels of single bases.
    "match": 5,
    "mismatch": 8,
    "gap_open1": 0,
    "gap_open2": 0,
    "gap_ext1": 6,
    # Most frequent base of each column; the heaviest path would include rare insertions.
    "cons_algrm": "MF",
    # No band: abPOA ends the process if the path leaves the band.
    "extra_b": -1,
}


def window_consensus(
    backbone: NDArray[np.uint8], passes: Sequence[Pass], *, backbone_leads: bool = False
) -> NDArray[np.uint8]:
    """The consensus of passes aligned to a backbone.

    Args:
        backbone: ``uint8[n]`` base codes.
        passes: aligned to it, the best first: the first ones shape the graph.
        backbone_leads: start each graph from the backbone, which is a consensus already.

    Returns:
        ``uint8[m]`` base codes; those of the backbone in windows spanned by fewer than three passes.
    """
    n_windows = max(1, round(len(backbone) / _WINDOW))
    edges = np.linspace(0, len(backbone), n_windows + 1).astype(np.int64)
    own = [decode_bases(backbone[start:end]) for start, end in pairwise(edges)]
    segments: list[list[str]] = [[] for _ in own]
    for p in passes:
        for window, segment in _segments(p, edges):
            segments[window].append(segment)
    aligner = pyabpoa.msa_aligner(**_SETTINGS)
    return encode_bases("".join(_consensus(aligner, *both, backbone_leads) for both in zip(own, segments, strict=True)))


def _consensus(aligner: pyabpoa.msa_aligner, own: str, segments: list[str], own_leads: bool) -> str:
    if len(segments) < _LEAST_SEGMENTS:
        return own
    sequences = [own, *segments] if own_leads else segments
    return str(aligner.msa(sequences, out_cons=True, out_msa=False).cons_seq[0])


def consensus_of(segments: Sequence[str]) -> str:
    """The partial-order consensus of at least three sequences of the same stretch."""
    return str(pyabpoa.msa_aligner(**_SETTINGS).msa(list(segments), out_cons=True, out_msa=False).cons_seq[0])


def _segments(p: Pass, edges: NDArray[np.int64]) -> Iterator[tuple[int, str]]:
    """The segments of a pass that span a window and are between half and twice as long."""
    assert p.alignment is not None
    in_pass, in_draft = (np.append(side, side[-1] + 1) for side in cigar.paired_positions(p.alignment))
    first = np.minimum(np.searchsorted(in_draft, edges), len(in_draft) - 1)
    at_pass, near = in_pass[first], np.abs(in_draft[first] - edges) <= _SLACK
    lengths, widths = np.diff(at_pass), np.diff(edges)
    spans = near[:-1] & near[1:] & (2 * lengths >= widths) & (lengths <= 2 * widths)
    for window in np.flatnonzero(spans).tolist():
        yield window, decode_bases(p.bases[at_pass[window] : at_pass[window + 1]])
