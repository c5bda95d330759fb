"""Kinetics, measured: CPU milliseconds of one core for each molecule, and their share of polishing it.

    python benchmarks/kinetics.py SUBREADS.bam CCS.bam [--model edits]

Polishing is that of raw subreads with their CCS read (alignment, encoding, network, call), without reading and writing;
"draft" is what a draft of the same subreads takes besides. The share is of both: a run without CCS reads makes drafts.
Kinetics are collected from the passes in a worker, sent to the main process, and averaged there. The last column is the
share of codes that would be the same if the passes were aligned anew to the finished read.
"""

import argparse
import pickle
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from deepconsensus_py import PolishedRead, PolishSettings, ReadFilter, load_model, polish, read_zmws
from deepconsensus_py.align.draft import draft_zmw
from deepconsensus_py.align.passes import align_zmw
from deepconsensus_py.corrector import Corrector
from deepconsensus_py.hifi.kinetics import Kinetics, PassKinetics, computed_kinetics, pass_kinetics
from deepconsensus_py.pacbio.molecule import Draft, Zmw
from deepconsensus_py.pacbio.names import MoleculeId
from deepconsensus_py.workers.channel import Channel, anonymous_memory

REPEATS = 15
LEAST_PASSES = 5
USUAL_BASES = 12_000 * 10
"""Of the passes of a molecule of 12 kb with ten of them."""


def cpu_ms(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Milliseconds of the fastest of several runs."""

    def once() -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    return 1000 * min(once() for _ in range(repeats))


class Loop:
    """A connection of a process with itself."""

    def send(self, value: object) -> None:
        """Keep a value."""
        self.value = pickle.dumps(value)

    def recv(self) -> object:
        """Give it back."""
        return pickle.loads(self.value)


def sent(found: PassKinetics, channel: Channel) -> object:
    channel.send(found)
    return channel.receive()


def measured(zmw: Zmw, corrector: Corrector) -> tuple[float, ...]:
    """Milliseconds of drafting, polishing, and of collecting, sending and averaging kinetics; ``same_codes``."""
    settings = PolishSettings(filter=ReadFilter(0), kinetics="off")
    polishing = cpu_ms(lambda: list(polish([zmw], model=corrector, settings=settings)), 3)
    (read,) = polish([zmw], model=corrector, settings=settings)
    aligned = align_zmw(zmw)
    found = pass_kinetics(aligned)
    assert found is not None
    channel = Channel(Loop(), anonymous_memory())  # type: ignore[arg-type]
    kinetics = computed_kinetics(found, zmw.draft, read.bases, read.draft_index)
    assert kinetics is not None
    return (
        cpu_ms(lambda: draft_zmw(MoleculeId("draft", 1), zmw.passes), 3),
        polishing,
        cpu_ms(lambda: pass_kinetics(aligned)),
        cpu_ms(lambda: sent(found, channel)),
        cpu_ms(lambda: computed_kinetics(found, zmw.draft, read.bases, read.draft_index)),
        same_codes(kinetics, zmw, read),
    )


def same_codes(kinetics: Kinetics, zmw: Zmw, read: PolishedRead) -> float:
    """Percentage of codes that would be the same if the passes were aligned to the finished read."""
    finished = Draft(read.name, read.bases, None)
    found = pass_kinetics(align_zmw(Zmw(finished, zmw.passes)))
    assert found is not None
    best = computed_kinetics(found, finished, read.bases, np.arange(len(read.bases), dtype=np.int32))
    assert best is not None
    return 100 * float(np.mean([np.mean(codes == best.arrays[tag]) for tag, codes in kinetics.arrays.items()]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subreads", type=Path)
    parser.add_argument("ccs", type=Path)
    parser.add_argument("--model", default="edits")
    args = parser.parse_args()
    corrector = load_model(args.model, threads=1)
    parts = ["collect", "send", "average", "kinetics"]
    titles = ["passes", "kb", "draft ms", "polish ms", *parts, "share %", "ms of 12 kb x 10", "same codes %"]
    print(f"| ZMW | {' | '.join(titles)} |\n|{'---|' * (len(titles) + 1)}")
    rows = []
    for zmw in read_zmws(args.subreads, args.ccs):
        if not isinstance(zmw, Zmw) or len(zmw.passes) < LEAST_PASSES:
            continue
        drafting, polishing, *spent, same = measured(zmw, corrector)
        bases = sum(len(p.bases) for p in zmw.passes)
        row = (len(zmw.passes), len(zmw.draft.bases) / 1000, drafting, polishing, *spent, sum(spent))
        rows.append((*row, 100 * sum(spent) / (drafting + polishing), sum(spent) * USUAL_BASES / bases, same))
        print(f"| {zmw.name} | " + " | ".join(f"{value:.3g}" for value in rows[-1]) + " |", flush=True)
    print("| mean | " + " | ".join(f"{value:.3g}" for value in np.mean(rows, axis=0)) + " |")


if __name__ == "__main__":
    main()
