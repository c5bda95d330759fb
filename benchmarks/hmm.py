"""The pair hidden Markov model: errors that refining leaves in drafts, and CPU time of one core.

``python benchmarks/hmm.py FOLDER``, where FOLDER has ``subreads_to_ccs.bam``, ``ccs.bam`` and ``truth.fasta``, prints a
row for each molecule; ``--settings`` prints the errors under other numbers of rounds and thresholds, too.
"""

import argparse
import resource
from pathlib import Path
from typing import NamedTuple

from encode import cpu_ms

from deepconsensus_py.edits.aligned_pass import align_pass
from deepconsensus_py.edits.error_rates import estimate
from deepconsensus_py.edits.evidence import score_edits
from deepconsensus_py.edits.refine import refine
from deepconsensus_py.edits.repeats import find_repeats
from deepconsensus_py.evaluate.read_errors import find_errors
from deepconsensus_py.evaluate.reads import Read, load_reads, molecule_of
from deepconsensus_py.pacbio.molecule import Zmw, decode_bases
from deepconsensus_py.pacbio.zmws import read_zmws

REPEATS = 5
SETTINGS = [{"rounds": rounds, "threshold": threshold} for rounds in (1, 3, 6) for threshold in (0.0, 1.0, 2.0, 3.0)]


class Known(NamedTuple):
    """A molecule and its true sequence."""

    zmw: Zmw
    truth: str

    def errors(self, bases) -> int:
        """Mismatched, inserted and deleted bases of a sequence."""
        return find_errors(Read(self.zmw.name, decode_bases(bases)), self.truth).total


def known_molecules(folder: Path, fewest_passes: int) -> list[Known]:
    """Molecules of a folder with a truth and enough passes behind their draft."""
    truths = load_reads(folder / "truth.fasta").reads
    found = []
    for zmw in read_zmws([folder / "subreads_to_ccs.bam"], folder / "ccs.bam"):
        molecule = molecule_of(zmw.name)
        if isinstance(zmw, Zmw) and molecule in truths and (zmw.draft.tag("np") or 0) >= fewest_passes:
            found.append(Known(zmw, truths[molecule].bases))
    return found


def row(known: Known) -> str:
    """Errors and times of a molecule."""
    zmw = known.zmw
    bases, passes = zmw.draft.bases, zmw.passes
    repeats, laid = find_repeats(bases), [align_pass(p, bases) for p in passes]
    rates = estimate(repeats, laid)
    score_ms = cpu_ms(lambda: score_edits(repeats, laid, rates), REPEATS)
    refine_ms = cpu_ms(lambda: refine(zmw), REPEATS)
    covered = sum(int(p.alignment.lengths[p.alignment.operations != 1].sum()) for p in passes)
    left = known.errors(refine(zmw).bases)
    cells = [zmw.name, len(passes), len(bases), known.errors(bases), left]
    return " | ".join(map(str, [*cells, f"{score_ms / covered * 12000:.1f}", f"{score_ms:.0f}", f"{refine_ms:.0f}"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--min-np", type=int, default=5, help="fewest passes behind a draft (5)")
    parser.add_argument("--settings", action="store_true", help="errors under other settings")
    args = parser.parse_args()
    molecules = known_molecules(args.folder, args.min_np)
    refine(molecules[0].zmw)  # compiles
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print("molecule | passes | bases | errors | left | ms per 12 kb pass, scored once | ms, scored once | ms, refined")
    for known in molecules:
        print(row(known), flush=True)
    print(f"peak memory: {(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024:.0f} MiB more")
    for setting in SETTINGS if args.settings else ():
        left = [known.errors(refine(known.zmw, **setting).bases) for known in molecules]
        print(setting, left, sum(left), flush=True)


if __name__ == "__main__":
    main()
