"""Candidates for aligning passes to their draft, side by side with actc's alignments.

``python benchmarks/align.py FOLDER`` where FOLDER has ``subreads.bam``, ``ccs.bam`` and actc's ``subreads_to_ccs.bam``.
Each candidate runs in a process of its own on one core. Times are CPU milliseconds, the least of several rounds, for
120,000 bases of passes (10 passes x 12 kb). All alignments are left-normalised before positions are compared.
Needs ``pip install pywfa parasail`` for the candidates that the package does not use.
"""

import argparse
import importlib
import multiprocessing
import re
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import edlib
import mappy
import numpy as np

from deepconsensus_py.align import cigar
from deepconsensus_py.align.cigar import left_normalise
from deepconsensus_py.align.mapping import DraftMap
from deepconsensus_py.align.passes import align_passes
from deepconsensus_py.pacbio.molecule import Alignment, Draft, Pass, Zmw, decode_bases
from deepconsensus_py.pacbio.zmws import Fault, read_zmws

BASES_OF_A_MOLECULE = 120_000
CODES = {"M": 0, "I": 1, "D": 2, "=": 7, "X": 8}

Aligned = tuple[bool, Alignment] | None
"""Reverse, and the alignment in draft orientation."""

Job = Callable[[Draft, list[tuple[Pass, bool]]], list[Aligned]]
"""A candidate: draft, and passes in sequencing orientation with the strand that actc found."""


@dataclass(frozen=True)
class Candidate:
    """One row of the table."""

    title: str
    job: Job
    molecules: int | None = None
    """How many molecules it is fast enough for."""


def ours(draft: Draft, passes: list[tuple[Pass, bool]]) -> list[Aligned]:
    return [p and (p.reverse, p.alignment) for p in align_passes(draft, [p for p, _ in passes])]


def ours_by_minimap2(draft: Draft, passes: list[tuple[Pass, bool]]) -> list[Aligned]:
    """What this package does with passes that it does not align along a chain."""
    draft_map = DraftMap(decode_bases(draft.bases))
    hits = (draft_map.find(decode_bases(p.bases)) for p, _ in passes)
    return [hit and (hit.reverse, _alignment(hit.operations, hit.start, hit.head, hit.tail)) for hit in hits]


def minimap2(draft: Draft, passes: list[tuple[Pass, bool]], preset: str) -> list[Aligned]:
    index = mappy.Aligner(seq=decode_bases(draft.bases), preset=preset, best_n=1, extra_flags=0x4000000)
    return [_best_hit(index, decode_bases(p.bases)) for p, _ in passes]


def _best_hit(index, sequence: str) -> Aligned:
    hit = max(index.map(sequence), key=lambda h: h.mlen, default=None)
    if hit is None:
        return None
    reverse, head, tail = hit.strand < 0, hit.q_st, len(sequence) - hit.q_en
    operations = [(code, n) for n, code in hit.cigar]
    return reverse, _alignment(operations, hit.r_st, *((tail, head) if reverse else (head, tail)))


def edlib_one_strand(draft: Draft, passes: list[tuple[Pass, bool]]) -> list[Aligned]:
    return [(reverse, _edlib(draft, p, reverse)[1]) for p, reverse in passes]


def edlib_both_strands(draft: Draft, passes: list[tuple[Pass, bool]]) -> list[Aligned]:
    results = []
    for p, _ in passes:
        (d0, forward), (d1, backward) = (_edlib(draft, p, reverse) for reverse in (False, True))
        results.append((True, backward) if d1 < d0 else (False, forward))
    return results


def _edlib(draft: Draft, p: Pass, reverse: bool) -> tuple[int, Alignment]:
    found = edlib.align(_oriented(p, reverse), decode_bases(draft.bases), mode="HW", task="path")
    return found["editDistance"], _alignment(_parse(found["cigar"]), found["locations"][0][0])


def parasail_affine(draft: Draft, passes: list[tuple[Pass, bool]]) -> list[Aligned]:
    parasail = importlib.import_module("parasail")
    matrix = parasail.matrix_create("ACGT", 2, -4)
    results = []
    for p, reverse in passes:
        found = parasail.sg_dx_trace_striped_16(_oriented(p, reverse), decode_bases(draft.bases), 6, 2, matrix)
        results.append((reverse, _alignment(_parse(found.cigar.decode.decode()), 0)))
    return results


def wavefront(draft: Draft, passes: list[tuple[Pass, bool]], heuristic: str | None) -> list[Aligned]:
    pywfa = importlib.import_module("pywfa")
    text = decode_bases(draft.bases)
    ends = {"span": "ends-free", "pattern_begin_free": len(text) - 1, "pattern_end_free": len(text) - 1}
    costs = {"mismatch": 4, "gap_opening": 6, "gap_extension": 2}
    results = []
    for p, reverse in passes:
        aligner = pywfa.WavefrontAligner(text, distance="affine", heuristic=heuristic, **costs, **ends)
        aligner(_oriented(p, reverse))
        results.append((reverse, _alignment([(code or 7, n) for code, n in aligner.cigartuples], 0)))
    return results


def _oriented(p: Pass, reverse: bool) -> str:
    text = decode_bases(p.bases)
    return text.translate(str.maketrans("ATCG", "TAGC"))[::-1] if reverse else text


def _parse(text: str) -> list[tuple[int, int]]:
    return [(CODES[op], int(n)) for n, op in re.findall(r"(\d+)([MID=X])", text)]


def _alignment(operations: list[tuple[int, int]], start: int, head: int = 0, tail: int = 0) -> Alignment:
    clipped = [(cigar.SOFT_CLIP, head), *operations, (cigar.SOFT_CLIP, tail)]
    codes, lengths = np.array([item for item in clipped if item[1]]).T
    return Alignment(start, codes.astype(np.uint8), lengths.astype(np.int32))


CANDIDATES = [
    Candidate("this package", ours),
    Candidate("map-ont, edlib ends", ours_by_minimap2),
    Candidate("minimap2 map-pb", partial(minimap2, preset="map-pb")),
    Candidate("minimap2 map-ont", partial(minimap2, preset="map-ont")),
    Candidate("minimap2 map-hifi", partial(minimap2, preset="map-hifi")),
    Candidate("edlib infix, both strands", edlib_both_strands),
    Candidate("edlib infix, strand given", edlib_one_strand),
    Candidate("WFA affine, strand given", partial(wavefront, heuristic=None), 1),
    Candidate("WFA affine adaptive, strand given", partial(wavefront, heuristic="adaptive"), 1),
    Candidate("parasail affine, strand given", parasail_affine, 1),
]


def molecules(folder: Path, limit: int | None) -> Iterator[tuple[Zmw, dict[str, Pass]]]:
    """Raw molecules, and actc's passes by name."""
    raw, aligned = (read_zmws([folder / name], folder / "ccs.bam") for name in ("subreads.bam", "subreads_to_ccs.bam"))
    usable = (
        (a, b) for a, b in zip(raw, aligned, strict=True) if not isinstance(a, Fault) and not isinstance(b, Fault)
    )
    for number, (zmw, actc) in enumerate(usable):
        if number == limit:
            return
        yield zmw, {p.name: p for p in actc.passes}


def measure(index: int, folder: Path, rounds: int) -> str:
    """One row: runs in a process of its own."""
    candidate = CANDIDATES[index]
    data = list(molecules(folder, candidate.molecules))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times, results = [], []
    for _ in range(1 if candidate.molecules else rounds):
        start = time.process_time()
        results = [candidate.job(z.draft, [(p, actc[p.name].reverse) for p in z.passes]) for z, actc in data]
        times.append(time.process_time() - start)
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    bases = sum(len(p.bases) for z, _ in data for p in z.passes)
    ms = min(times) / bases * BASES_OF_A_MOLECULE * 1000
    return f"| {candidate.title} | {ms:.0f} | {_agreement(data, results)} | {memory:.0f} |"


def _agreement(data: list[tuple[Zmw, dict[str, Pass]]], results: list[list[Aligned]]) -> str:
    same = total = strands = passes = 0
    identities = []
    for (zmw, actc), found in zip(data, results, strict=True):
        for p, result in zip(zmw.passes, found, strict=True):
            theirs = actc[p.name]
            passes += 1
            expected = _positions(theirs, theirs.alignment, zmw.draft)
            total += np.count_nonzero(expected >= 0)
            if result is None or result[0] != theirs.reverse:
                continue
            strands += 1
            positions, normalised = _positions(theirs, result[1], zmw.draft, with_alignment=True)
            identities.append(cigar.identity(normalised))
            same += np.count_nonzero((positions == expected) & (expected >= 0))
    return f"{strands} of {passes} | {np.mean(identities):.4f} | {100 * same / total:.2f} %"


def _positions(p: Pass, alignment: Alignment, draft: Draft, *, with_alignment: bool = False):
    normalised = left_normalise(alignment, p.bases, draft.bases)
    in_pass, in_draft = cigar.paired_positions(normalised)
    positions = np.full(len(p.bases), -1)
    positions[in_pass] = in_draft
    return (positions, normalised) if with_alignment else positions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--rounds", type=int, default=5, help="repetitions of the fast candidates (5)")
    args = parser.parse_args()
    print("| candidate | ms per molecule | same strand | identity | same position as actc | more memory, MiB |")
    print("|---|---|---|---|---|---|")
    context = multiprocessing.get_context("spawn")
    for index in range(len(CANDIDATES)):
        with context.Pool(1) as pool:
            try:
                print(pool.apply(measure, (index, args.folder, args.rounds)), flush=True)
            except ImportError as error:
                print(f"| {CANDIDATES[index].title} | {error} | | | | |")


if __name__ == "__main__":
    main()
