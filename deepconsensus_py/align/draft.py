"""Draft consensus from a ZMW's passes, for runs without CCS reads: partial order in windows, then votes.

A partial-order graph (abPOA; Gao et al., Bioinformatics 2021) of whole passes of 12 kb takes gigabytes and seconds;
windows of a few hundred bases avoid both.
"""

from array import array
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyabpoa
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.align.cigar import identity
from deepconsensus_py.align.pass_tags import snr_tag
from deepconsensus_py.align.passes import align_passes
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import GAP, Draft, N, Pass, Zmw, decode_bases, encode_bases
from deepconsensus_py.pacbio.names import MoleculeId, ccs_name
from deepconsensus_py.pacbio.read_groups import tags_of_identity

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


MIN_PASSES = 3
"""Two passes have no majority."""

MAX_PASSES = 20
"""Time grows with the number of passes, but errors level off: in six molecules of 6 to 19 usable passes, at most 7 of
them give 752 errors, 10 give 413, 15 give 276, and all of them 274."""

UNPOLISHED = -1.0
"""Tag ``rq`` of a read that is not a consensus (``ccs --all``)."""

_PASS_QUALITY = 10
"""Phred of the bases of a pass, as in ``ccs``."""

_SHORTEST, _LONGEST = 0.5, 2.0
"""Of the median length; ccs drops passes outside it too."""


def draft_zmw(molecule: MoleculeId, passes: Sequence[Pass]) -> Zmw:
    """Build the draft of a ZMW from its passes.

    A pass of median length is the backbone. The passes aligned to it give a partial-order consensus in windows; aligned
    to that, they give a second one, which they correct by majority vote. Base qualities follow from the vote.

    Args:
        molecule: names the draft, ``movie/zmw/ccs``.
        passes: unaligned passes, in sequencing orientation.

    Returns:
        The draft, with tags ``RG zm rq``, and the passes as they were given. The tags that follow from all passes, not
        only from those that the draft is made from, are added once these are aligned to it (``pass_tags``).

    Raises:
        MoleculeError: fewer than three passes are of about the median length (``too_few_passes``), or align
            (``draft_failure``).
    """
    name = ccs_name(molecule)
    chosen = _chosen(passes)
    if len(chosen) < MIN_PASSES:
        raise _too_few(name, len(chosen), len(passes), "too_few_passes")
    backbone = chosen[0].bases
    aligned = _aligned(name, backbone, chosen)
    if len(aligned) < MIN_PASSES:
        raise _too_few(name, len(aligned), len(passes), "draft_failure")
    consensus = window_consensus(backbone, aligned)
    consensus = window_consensus(consensus, _aligned(name, consensus, chosen), backbone_leads=True)
    aligned = _aligned(name, consensus, chosen)
    bases, qualities = vote(consensus, aligned)
    accuracy = 1 - float(np.mean(10 ** (qualities / -10.0)))
    return Zmw(Draft(name, bases, qualities, (*_identity(name, passes), ("rq", accuracy, "f"))), tuple(passes))


def unpolished_draft(molecule: MoleculeId, passes: Sequence[Pass], *, kinetics: bool = False) -> Draft:
    """A stand-in for a ZMW without a consensus: one of its passes, as in ``ccs --all``.

    Args:
        molecule: names the draft, ``movie/zmw/ccs``.
        passes: unaligned passes, in sequencing orientation.
        kinetics: add the tags ``ip`` and ``pw`` of the pass, if it has them.

    Returns:
        The full pass of median length, or the longest pass where none is full; qualities of 10, tags ``RG zm np rq sn``
        with ``rq`` -1.
    """
    by_length = sorted(passes, key=lambda p: len(p.bases))
    full = [p for p in by_length if p.is_full]
    chosen = full[(len(full) - 1) // 2] if full else by_length[-1]
    name = ccs_name(molecule)
    tags = (*_identity(name, passes), ("np", len(full), "i"), ("rq", UNPOLISHED, "f"), *snr_tag(passes))
    if kinetics:
        tags += tuple(_codes("ip", chosen.inter_pulse_durations)) + tuple(_codes("pw", chosen.pulse_widths))
    return Draft(name, chosen.bases, np.full(len(chosen.bases), _PASS_QUALITY, np.uint8), tags)


def _codes(tag: str, codes: NDArray[np.uint8] | None) -> Iterator[tuple[str, object, str]]:
    if codes is not None:
        yield tag, array("B", codes.tobytes()), "B"


def _chosen(passes: Sequence[Pass]) -> list[Pass]:
    """Passes of about the median length of full passes, closest first."""
    full = [p for p in passes if p.is_full] or list(passes)
    if not full:
        return []
    median = float(np.median([len(p.bases) for p in full]))
    usable = [p for p in passes if _SHORTEST * median <= len(p.bases) <= _LONGEST * median and len(p.bases)]
    usable.sort(key=lambda p: abs(len(p.bases) - median))
    return usable[:MAX_PASSES]


def _aligned(name: str, bases: NDArray[np.uint8], passes: Sequence[Pass]) -> list[Pass]:
    """The passes that align, the best first."""
    aligned = [p for p in align_passes(Draft(name, bases, None), passes) if p is not None]
    return sorted(aligned, key=lambda p: identity(p.alignment) if p.alignment else 0.0, reverse=True)


def _identity(name: str, passes: Sequence[Pass]) -> tuple[tuple[str, Any, str], ...]:
    return tags_of_identity(name, [p.tag("RG") for p in passes])


def _too_few(name: str, usable: int, total: int, outcome: str) -> MoleculeError:
    return MoleculeError(
        f"{name}: {usable} of {total} subreads have similar lengths and align; a draft takes at least {MIN_PASSES}",
        outcome=outcome,
    )


_SLOTS = 1 + 6
"""A draft base and up to six bases inserted after it."""

_HIGHEST_PHRED = 40
"""The fit below was not validated beyond it."""

_INTERCEPT, _SLOPE = -0.47, -2.76
"""Log-odds of an error against the margin of the vote, (for - against) / sqrt(passes); fitted on 1.17 million bases of
drafts of 3 to 22 passes, Sequel and Sequel II: predicted within 1.5 Phred of observed from Q3 to Q40."""


def vote(draft: NDArray[np.uint8], passes: Sequence[Pass]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Correct a draft by the majority of its passes.

    A draft base is replaced by what more passes have there; bases are inserted where more than half have them.

    Args:
        draft: ``uint8[n]`` base codes.
        passes: aligned to it, gaps left-normalised.

    Returns:
        ``uint8[m]`` base codes and ``uint8[m]`` Phred qualities; a quality counts the votes for the base and those
        for the gap columns between it and the base before.
    """
    counts, coverage = _count_votes(len(draft), passes)
    called = _call(draft, counts, coverage)
    support = np.take_along_axis(counts, called[..., None].astype(np.int64), axis=2)[..., 0]
    margin = (2 * support - coverage[:, None]) / np.sqrt(np.maximum(coverage, 1))[:, None]
    kept = np.flatnonzero(called != GAP)
    if not len(kept):
        return np.empty(0, np.uint8), np.empty(0, np.uint8)
    weakest = np.minimum.reduceat(margin.ravel()[: kept[-1] + 1], np.append(0, kept[:-1] + 1))
    return called.ravel()[kept], _phred(weakest)


def _count_votes(length: int, passes: Sequence[Pass]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Votes for each base (or gap) in each column, ``int64[length, slots, 6]``, and the coverage of each base."""
    counts = np.zeros(length * _SLOTS * (N + 1), np.int64)
    change = np.zeros(length + 1, np.int64)
    for p in passes:
        position, slot, base = _columns(p)
        inside = slot < _SLOTS
        flat = (position[inside] * _SLOTS + slot[inside]) * (N + 1) + base[inside]
        counts += np.bincount(flat, minlength=len(counts))
        change[position[0]] += 1
        change[position[-1] + 1] -= 1
    shaped, coverage = counts.reshape(length, _SLOTS, N + 1), np.cumsum(change[:-1])
    shaped[:, 1:, GAP] = coverage[:, None] - shaped[:, 1:, 1:].sum(axis=2)
    return shaped, coverage


def _columns(p: Pass) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
    """Draft position, slot and base (or gap) of every column of an alignment."""
    assert p.alignment is not None
    columns = np.repeat(p.alignment.operations, p.alignment.lengths)
    clipped = columns == cigar.SOFT_CLIP
    head = int(np.argmin(clipped))
    columns = columns[~clipped]
    on_pass, on_draft = cigar.ON_PASS[columns], cigar.ON_DRAFT[columns]
    base = np.zeros(len(columns), np.uint8)
    base[on_pass] = p.bases[head : head + np.count_nonzero(on_pass)]
    numbers = np.arange(len(columns))
    slot = numbers - np.maximum.accumulate(np.where(on_draft, numbers, 0))
    return p.alignment.start + np.cumsum(on_draft) - 1, slot, base


def _call(draft: NDArray[np.uint8], counts: NDArray[np.int64], coverage: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The base, or gap, of every column, ``uint8[length, slots]``."""
    called: NDArray[np.uint8] = counts.argmax(axis=2).astype(np.uint8)
    own = counts[np.arange(len(draft)), 0, draft]
    called[:, 0] = np.where(own >= counts[:, 0].max(axis=1), draft, called[:, 0])
    inserted = 2 * counts[:, 1:, 1:].sum(axis=2) > coverage[:, None]
    called[:, 1:] = np.where(inserted, counts[:, 1:, 1:].argmax(axis=2) + 1, GAP)
    return called


def _phred(margin: NDArray[np.float64]) -> NDArray[np.uint8]:
    quality = np.log1p(np.exp(-_INTERCEPT - _SLOPE * margin)) * (10 / np.log(10))
    phred: NDArray[np.uint8] = np.clip(np.rint(quality), 1, _HIGHEST_PHRED).astype(np.uint8)
    return phred
