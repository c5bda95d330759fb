"""Encoding speed: CPU milliseconds of one core for each molecule, from aligned passes to windows of small integers.

``python benchmarks/encode.py`` measures random molecules; with ``SUBREADS_TO_CCS.bam CCS.bam`` it measures those.
DeepConsensus v1.2.0 takes 190 ms of one core for each molecule of its own test set (11 to 14 kb, 9 passes on average).
"""

import argparse
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from deepconsensus_py.pacbio.molecule import Alignment, Draft, Pass, Zmw
from deepconsensus_py.pacbio.zmws import read_zmws
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.pileup.pileup import build_pileup
from deepconsensus_py.pileup.windows import cut_windows, window_bounds

ORIGINAL_MS = 190
REPEATS = 15
INSERTION, DELETION, EQUAL, DIFFERENT = 1, 2, 7, 8
RATES = {DELETION: 0.04, DIFFERENT: 0.02, EQUAL: 0.94}
INSERTION_RATE, LONGER_INSERTION = 0.06, 0.3
SIZES = ((12_000, 10), (12_000, 30), (12_000, 200), (60_000, 10), (50, 10), (50, 200))


def random_pass(length: int, rng: np.random.Generator) -> Pass:
    """A full pass with the error rates of Sequel subreads."""
    inserted = (rng.random(length) < INSERTION_RATE) * rng.geometric(1 - LONGER_INSERTION, length)
    codes = np.full((length, 2), INSERTION, np.uint8)
    codes[:, 1] = rng.choice(list(RATES), length, p=list(RATES.values()))
    steps = np.repeat(codes.ravel(), np.stack([inserted, np.ones_like(inserted)], axis=1).ravel())
    starts = np.flatnonzero(np.diff(steps, prepend=0))
    lengths = np.diff(starts, append=len(steps)).astype(np.int32)
    n_bases = int((steps != DELETION).sum())
    bases, pulse_widths, durations = (rng.integers(1, top, n_bases, np.uint8) for top in (5, 60, 120))
    snr = np.array([8, 9, 6, 10], np.float32)
    return Pass("random/1/0_1", bases, pulse_widths, durations, snr, Alignment(0, steps[starts], lengths))


def random_zmw(length: int, passes: int) -> Zmw:
    rng = np.random.default_rng(1)
    draft = Draft("random/1/ccs", rng.integers(1, 5, length, np.uint8), rng.integers(1, 94, length, np.uint8))
    return Zmw(draft, tuple(random_pass(length, rng) for _ in range(passes)))


def cpu_ms(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Milliseconds of the fastest of several runs."""

    def once() -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    return 1000 * min(once() for _ in range(repeats))


def measure(zmw: Zmw, spec: FeatureSpec) -> tuple[float, float, int, int]:
    """Milliseconds of pileup and of windows, columns, windows."""
    pileup = build_pileup(zmw, spec)
    bounds = window_bounds(pileup, spec)
    pileup_ms = cpu_ms(lambda: build_pileup(zmw, spec))
    windows_ms = cpu_ms(lambda: cut_windows(pileup, window_bounds(pileup, spec), spec))
    return pileup_ms, windows_ms, pileup.columns, len(bounds)


def molecules(files: list[Path]) -> Iterable[Zmw]:
    if not files:
        return (random_zmw(length, passes) for length, passes in SIZES)
    return (zmw for zmw in read_zmws(files[:-1], files[-1]) if isinstance(zmw, Zmw) and zmw.passes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="aligned subreads and, last, their drafts")
    files = parser.parse_args().files
    print("| draft bases | passes | columns | windows | pileup ms | windows ms | together |")
    print("|---|---|---|---|---|---|---|")
    totals = []
    for zmw in molecules(files):
        pileup_ms, windows_ms, columns, windows = measure(zmw, FeatureSpec())
        totals.append(pileup_ms + windows_ms)
        sizes = f"| {len(zmw.draft.bases)} | {len(zmw.passes)} | {columns} | {windows} "
        print(f"{sizes}| {pileup_ms:.2f} | {windows_ms:.2f} | {totals[-1]:.2f} |")
    if files:
        print(f"\nmean {np.mean(totals):.1f} ms; DeepConsensus v1.2.0 {ORIGINAL_MS} ms")


if __name__ == "__main__":
    main()
