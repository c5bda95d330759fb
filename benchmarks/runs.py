"""Speed and accuracy of run features: CPU milliseconds of one core for each molecule and orientation.

``python benchmarks/runs.py`` measures random molecules; with ``SUBREADS_TO_CCS.bam CCS.bam`` it measures those, and
with their true sequences (``--truth FASTA``) says what labels, candidates and repeat units find in them.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pysam
from encode import cpu_ms

from deepconsensus_py.align import cigar
from deepconsensus_py.align.edits import best_overlap
from deepconsensus_py.pacbio.molecule import Alignment, Draft, Pass, Zmw, decode_bases, encode_bases
from deepconsensus_py.pacbio.zmws import read_zmws
from deepconsensus_py.runs.edits import apply_edits
from deepconsensus_py.runs.evidence import RunEvidence, gather_evidence
from deepconsensus_py.runs.features import encode_runs
from deepconsensus_py.runs.labels import label_runs
from deepconsensus_py.runs.orientation import reverse_zmw
from deepconsensus_py.runs.repeats import correct_repeats, gather_repeats
from deepconsensus_py.runs.spec import RunSpec

SPEC = RunSpec()
SIZES = ((12_000, 5), (12_000, 10), (12_000, 30), (25_000, 10))
INSERTED, DELETED, SUBSTITUTED = 0.06, 0.04, 0.01
FEWEST_PASSES = 3


def random_pass(draft: np.ndarray, number: int, rng: np.random.Generator) -> Pass:
    """A full pass with about the error rates of Sequel subreads."""
    inserted = rng.random(len(draft)) < INSERTED
    kinds = np.where(rng.random(len(draft)) < DELETED, cigar.DELETION, cigar.MATCH).astype(np.uint8)
    kinds[[0, -1]], inserted[0] = cigar.MATCH, False
    columns = np.stack([np.full_like(kinds, cigar.INSERTION), kinds], axis=1)
    bases = np.stack([rng.integers(1, 5, len(draft), np.uint8), draft], axis=1)
    wrong = rng.random(len(draft)) < SUBSTITUTED
    bases[wrong, 1] = rng.integers(1, 5, wrong.sum(), np.uint8)
    there = np.stack([inserted, np.ones_like(inserted)], axis=1)
    read = bases[there & (columns != cigar.DELETION)]
    widths, durations = (rng.integers(1, top, len(read), np.uint8) for top in (60, 120))
    alignment = cigar.alignment_of(columns[there], start=0)
    return Pass(f"random/1/{number}_0", read, widths, durations, None, alignment, bool(number % 2))


def random_zmw(length: int, passes: int) -> Zmw:
    rng = np.random.default_rng(1)
    bases = rng.integers(1, 5, length, np.uint8)
    draft = Draft("random/1/ccs", bases, rng.integers(1, 94, length, np.uint8))
    return Zmw(draft, tuple(random_pass(bases, number, rng) for number in range(passes)))


def molecules(files: list[Path]) -> Iterable[Zmw]:
    if not files:
        return (random_zmw(length, passes) for length, passes in SIZES)
    zmws = read_zmws(files[:-1], files[-1])
    return (zmw for zmw in zmws if isinstance(zmw, Zmw) and len(zmw.passes) >= FEWEST_PASSES)


def measure(zmw: Zmw, evidence: RunEvidence) -> list[float]:
    """Milliseconds of evidence, features, turning the molecule, and repeat units."""
    return [
        cpu_ms(lambda: gather_evidence(zmw)),
        cpu_ms(lambda: encode_runs(evidence, SPEC)),
        cpu_ms(lambda: reverse_zmw(zmw)),
        cpu_ms(lambda: gather_repeats(zmw)),
    ]


def speed(zmws: list[Zmw]) -> None:
    print("| molecule | draft bases | passes | runs | evidence ms | features ms | turning ms | repeat units ms |")
    print("|---|---|---|---|---|---|---|---|")
    for zmw in zmws:
        evidence = gather_evidence(zmw)
        sizes = f"| {zmw.name} | {len(zmw.draft.bases)} | {len(zmw.passes)} | {len(evidence.runs)} |"
        print(sizes, " | ".join(f"{ms:.1f}" for ms in measure(zmw, evidence)), "|")


def errors(bases: np.ndarray, truth: np.ndarray) -> int:
    overlap = best_overlap(decode_bases(bases), decode_bases(truth))
    assert overlap is not None
    return sum(length for operation, length in overlap.operations if operation != cigar.EQUAL)


def aligned_truth(truth: np.ndarray, draft: np.ndarray) -> Alignment:
    overlap = best_overlap(decode_bases(truth), decode_bases(draft))
    assert overlap is not None
    clips = [(cigar.SOFT_CLIP, overlap.head), *overlap.operations, (cigar.SOFT_CLIP, overlap.tail)]
    codes, lengths = np.array([clip for clip in clips if clip[1]]).T
    return Alignment(overlap.start, codes.astype(np.uint8), lengths.astype(np.int32))


def accuracy(zmws: list[Zmw], truths: dict[str, np.ndarray]) -> None:
    print("\n| molecule | errors | after labels | edits | of them candidates | candidates/100 bases | after repeats |")
    print("|---|---|---|---|---|---|---|")
    for zmw in zmws:
        draft, truth = zmw.draft.bases, truths.get(zmw.name.split("/")[1])
        if truth is None:
            continue
        evidence = gather_evidence(zmw)
        labels = label_runs(draft, evidence.runs, truth, aligned_truth(truth, draft))
        edited = labels.exact & (labels.classes > 0)
        candidates = encode_runs(evidence, SPEC).candidates
        labelled, _ = apply_edits(draft, evidence.runs, labels.classes)
        repeated, _ = correct_repeats(gather_repeats(zmw), draft, np.arange(len(draft), dtype=np.int32))
        left = [errors(bases, truth) for bases in (draft, labelled, repeated)]
        rate = 100 * candidates.sum() / len(draft)
        counts = f"{edited.sum()} | {(edited & candidates).sum()} | {rate:.1f}"
        print(f"| {zmw.name} | {left[0]} | {left[1]} | {counts} | {left[2]} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="aligned subreads and, last, their drafts")
    parser.add_argument("--truth", type=Path, help="FASTA of true sequences, in the drafts' direction")
    arguments = parser.parse_args()
    zmws = list(molecules(arguments.files))
    speed(zmws)
    if arguments.truth:
        with pysam.FastxFile(str(arguments.truth)) as fasta:
            truths = {record.name.split("/")[1]: encode_bases(record.sequence.upper()) for record in fasta}
        accuracy(zmws, truths)


if __name__ == "__main__":
    main()
