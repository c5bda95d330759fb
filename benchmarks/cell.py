"""A whole cell: what ``polish`` costs on a simulated movie, and from that on a cell of 8 million ZMWs.

    python benchmarks/cell.py FOLDER [--zmws 3000] [--seed 1] [--threads 2] [--runs raw aligned]

simulates the movie in FOLDER (once; another call takes it from there) and polishes it from raw subreads alone, and
from subreads aligned to the CCS reads. It prints processor seconds per ZMW, the share of each stage, peak memory of
the process tree, sizes of the outputs, and the processor hours of a cell. What a run of a single ZMW takes, which is
nearly all start-up, is given apart: a cell pays it once for every shard, of thousands of ZMWs.

The movie, as a Sequel II cell has them: half of the ZMWs have fewer than three full passes, a tenth are short, one in
a hundred has a pass that goes on in another molecule, one in two hundred is 40 kb long. A polymerase reads 120 kb in
the median, and so a molecule of 15 kb eight times.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from processes import Run, measure

from deepconsensus_py.pacbio.molecule import Pass
from deepconsensus_py.simulate.molecules import SimulatedMolecule, simulate_molecule
from deepconsensus_py.simulate.movies import FIRST_HOLE, write_movie
from deepconsensus_py.simulate.profile import Profile, load_profile
from deepconsensus_py.simulate.templates import Fragment, random_template

LENGTH, SPREAD = 15_000, 0.15
"""Median length of a molecule, bases, and standard deviation of its logarithm."""

SHORT, SHORT_LENGTHS = 0.1, (300, 3_000)
LONG, LONG_LENGTH = 0.005, 40_000
CHIMERIC = 0.01
LOW_PASS = 0.5
POLYMERASE, POLYMERASE_SPREAD = 120_000, 0.35
"""Bases that a polymerase reads, median and standard deviation of the logarithm, where three passes or more fit."""

MOST_PASSES = 60

OCCUPIED = 4_800_000
"""ZMWs with subreads of a cell of 8 million: 60 %."""

PUBLISHED = {
    "ccs": "860-990 CPU hours",
    "DeepConsensus 1.2 after ccs": "about 6,600 vCPU hours",
}
"""For a cell of 8 million ZMWs."""

RUNS = ("raw", "aligned")
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Shape:
    """A molecule to simulate.

    Attributes:
        length: bases.
        full_passes: 0 has one partial pass.
        chimeric: whether one pass goes on in another molecule.
    """

    length: int
    full_passes: int
    chimeric: bool


def draw_shape(rng: np.random.Generator) -> Shape:
    """A molecule as a cell has them."""
    length = int(LENGTH * np.exp(SPREAD * rng.standard_normal()))
    kind = rng.random()
    if kind < SHORT:
        length = int(rng.integers(*SHORT_LENGTHS))
    elif kind < SHORT + LONG:
        length = LONG_LENGTH
    read = POLYMERASE * np.exp(POLYMERASE_SPREAD * rng.standard_normal())
    passes = int(rng.integers(0, 3)) if rng.random() < LOW_PASS else int(np.clip(read / length, 3, MOST_PASSES))
    return Shape(length, passes, bool(rng.random() < CHIMERIC))


def simulate(zmws: int, seed: int) -> Iterator[SimulatedMolecule]:
    """The movie."""
    profile = load_profile("sequel2")
    for hole, rng in enumerate(np.random.default_rng(seed).spawn(zmws), FIRST_HOLE):
        yield simulate_one(hole, draw_shape(rng), profile, rng)


def simulate_one(hole: int, shape: Shape, profile: Profile, rng: np.random.Generator) -> SimulatedMolecule:
    """A molecule of a shape."""
    truth = random_template(shape.length, profile.passes.homopolymer_share, rng)
    molecule = simulate_molecule(
        truth,
        movie=profile.instrument.movie,
        hole=hole,
        full_passes=max(shape.full_passes, 1),
        profile=profile,
        rng=rng,
    )
    passes = molecule.zmw.passes
    if not shape.full_passes:
        passes = passes[:1]
    elif shape.chimeric:
        chosen = int(rng.integers(len(passes)))
        passes = (*passes[:chosen], chimera(passes[chosen], rng), *passes[chosen + 1 :])
    fragment = Fragment(molecule.zmw.name, 0, False, truth)
    return replace(molecule, zmw=replace(molecule.zmw, passes=passes), fragment=fragment)


def chimera(subread: Pass, rng: np.random.Generator) -> Pass:
    """A pass whose second half is of another molecule."""
    bases: NDArray[np.uint8] = subread.bases.copy()
    half = len(bases) // 2
    bases[half:] = rng.integers(1, 5, len(bases) - half)
    return replace(subread, bases=bases)


def program() -> str:
    return shutil.which("deepconsensus-py", path=str(Path(sys.executable).parent)) or "deepconsensus-py"


def prepare(folder: Path, zmws: int, seed: int) -> int:
    """Simulate the movie unless it is there; the number of ZMWs."""
    done = folder / f"{zmws}-{seed}.done"
    if not done.exists():
        write_movie(simulate(zmws, seed), folder, "benchmarks/cell.py", load_profile("sequel2").instrument)
        aligned = ["align", folder / "subreads.bam", "--ccs", folder / "ccs.bam", "-o", folder / "subreads_to_ccs.bam"]
        measure([program(), *map(str, aligned)])
        done.touch()
    return zmws


@dataclass(frozen=True, slots=True)
class Polished:
    """What a run cost: in all, seconds by stage, and the reads."""

    run: Run
    stages: dict[str, float]
    reads: Path


def polish(folder: Path, kind: str, threads: int, *more: str) -> Polished:
    """Polish the movie."""
    reads = folder / f"{'-'.join((kind, *more)).replace('--', '')}.bam"
    inputs = ["subreads.bam"] if kind == "raw" else ["subreads_to_ccs.bam", "--ccs", "ccs.bam"]
    paths = [str(folder / name) if name.endswith(".bam") else name for name in inputs]
    run = measure([program(), "polish", *paths, "-o", str(reads), "--threads", str(threads), *more])
    report = json.loads(reads.with_suffix(".report.json").read_text())
    return Polished(run, report["stages"], reads)


def table(kind: str, zmws: int, start: Run, polished: Polished) -> None:
    """Print what a run cost, besides what one of a single ZMW did."""
    run = polished.run
    each = (run.cpu_seconds - start.cpu_seconds) / (zmws - 1)
    print(f"\n{kind}: {zmws} ZMWs in {run.seconds:.0f} s, others kept {run.other_cores:.1f} cores busy")
    print(f"  processor time       {1000 * each:8.1f} ms per ZMW, and {start.cpu_seconds:.1f} s for a run of one")
    for name, seconds in polished.stages.items():
        print(f"    {name:18} {1000 * seconds / zmws:8.1f} ms of its workers per ZMW")
    print(f"  peak memory          {run.peak_bytes / MIB:8.0f} MiB")
    for path in sorted(polished.reads.parent.glob(f"{kind}.*")):
        print(f"  {path.name:20} {path.stat().st_size / MIB:8.2f} MiB")
    print(f"  a cell               {each * OCCUPIED / 3600:8.0f} CPU hours for {OCCUPIED:,} ZMWs with subreads")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--zmws", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--runs", nargs="+", choices=RUNS, default=list(RUNS))
    args = parser.parse_args()
    zmws = prepare(args.folder, args.zmws, args.seed)
    for kind in args.runs:
        start = polish(args.folder, kind, args.threads, "--limit", "1").run
        table(kind, zmws, start, polish(args.folder, kind, args.threads))
    print("\npublished:", "; ".join(f"{name} {cost}" for name, cost in PUBLISHED.items()))


if __name__ == "__main__":
    main()
