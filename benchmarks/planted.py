"""Errors planted in drafts: how many are repaired, and whether the qualities expect those that are not.

    python benchmarks/planted.py --models edits pairhmm            # DCPY_SHARED names the folder of the real reads
    python benchmarks/planted.py --tables simulated --passes 6 12 30

simulated: molecules of 1.3 kb, an error every 110 bases, all of one kind (see ``planting``). ``bases`` is the edit
    distance of the drafts from the truth, ``errors`` that of the polished reads.
real: molecules of human_1m and Sequel II with 12 full passes or more; the draft is the truth with errors of all kinds
    in turn, in several rounds with other kinds at each place. Errors are counted within 20 bases of each event, less
    those there of the read polished from the truth. The truth of Sequel II is the CCS read of all passes.
repeats: tandem repeats with one to three copies too few or too many in the draft, and right drafts.
cases: the folders of ``cases`` with such drafts.

An event is mended if there is no (more) error within 20 bases of it; its share comes with a 95 % Wilson interval.
``expected`` are the errors that the qualities predict, counted as the errors are.
"""

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import edlib
import numpy as np
from numpy.typing import NDArray
from planting import KINDS, Codes, Event, Planted, Repeat, bases_before, real, redrafted, repeat, simulated, unit_of
from reads import SHARED, KnownMolecule, full_passes, known_molecules, labelled_molecules

from deepconsensus_py.corrector import Corrector
from deepconsensus_py.evaluate.reads import load_reads
from deepconsensus_py.models.registry import load_model
from deepconsensus_py.pacbio.molecule import Zmw, decode_bases, encode_bases
from deepconsensus_py.pacbio.names import parse_ccs
from deepconsensus_py.pacbio.zmws import read_zmws
from deepconsensus_py.polishing.engine import PolishSettings, polish
from deepconsensus_py.polishing.filters import ReadFilter
from deepconsensus_py.polishing.qualities import error_probability

AROUND = 20
"""Bases on either side of a planted error in which errors are counted."""

FEWEST_PASSES = 12
COPIES = {2: 20, 3: 14, 6: 8, 33: 20, 171: 4}
RIGHT = (("AC", 250), ("AAC", 150))
CHANGES = (-3, -2, -1, 0, 1, 2, 3)
CASES = (
    "missing-base-30-passes",
    "missing-2-bases-30-passes",
    "dinucleotide-right-draft-made-wrong",
    "tandem-repeat-unit-missing",
)
EVERYTHING = PolishSettings(filter=ReadFilter(0, 0))


@dataclass(frozen=True, slots=True, eq=False)
class Polished:
    """A polished read: its bases, and the error probability ``float64[n]`` of each."""

    bases: Codes
    wrong: NDArray[np.float64]


@dataclass(slots=True)
class Tally:
    """Sums of a row: planted events and those mended, bases planted and left, and errors expected."""

    events: int = 0
    mended: int = 0
    bases: int = 0
    errors: int = 0
    expected: float = 0.0

    def row(self) -> str:
        """Cells of a table."""
        share = f"{100 * (1 - self.errors / self.bases):.1f}" if self.bases else ""
        return (
            f"{self.bases} | {self.errors} | {share} | {self.expected:.1f} | "
            f"{self.mended}/{self.events} | {interval(self.mended, self.events)}"
        )


def interval(hits: int, n: int, z: float = 1.96) -> str:
    """The 95 % interval of a share, in percent (Wilson, 1927)."""
    if not n:
        return ""
    middle, spread = hits + z * z / 2, z * np.sqrt(hits * (n - hits) / n + z * z / 4)
    low, high = (100 * (middle + side * spread) / (n + z * z) for side in (-1, 1))
    return f"{low:.1f}–{high:.1f}"


def reads_of(zmws: Iterable[Zmw], model: Corrector) -> list[Polished]:
    """The polished reads; the draft where there is none."""
    reads = []
    for zmw, read in zip(zmws, polish(zmws, model=model, settings=EVERYTHING), strict=True):
        if len(read.bases):
            reads.append(Polished(read.bases, error_probability(read.qualities)))
        else:
            reads.append(of_draft(zmw))
    return reads


def of_draft(zmw: Zmw) -> Polished:
    assert zmw.draft.qualities is not None
    return Polished(zmw.draft.bases, error_probability(zmw.draft.qualities))


def distance(read: Codes, truth: Codes) -> int:
    return int(edlib.align(decode_bases(read), decode_bases(truth))["editDistance"])


def around(read: Polished, truth: Codes, events: Sequence[Event]) -> list[tuple[int, float]]:
    """Errors, and errors expected, around each of the planted ones."""
    before, found = bases_before(read.bases, truth), []
    for event in events:
        start, stop = event.start - AROUND, event.stop + AROUND
        own = slice(before[start], before[stop])
        found.append((distance(read.bases[own], truth[start:stop]), float(read.wrong[own].sum())))
    return found


def simulated_table(model: Corrector, args: argparse.Namespace) -> Iterator[str]:
    yield "| passes | planted | bases | errors | repaired, % | expected | events mended | 95 % |"
    yield "|---|---|---|---|---|---|---|---|"
    for passes in args.passes:
        for kind in ("none", *KINDS):
            planted = [simulated(kind, passes, number) for number in range(1, args.molecules + 1)]
            yield f"| {passes} | {kind} | {simulated_tally(planted, model).row()} |"


def simulated_tally(molecules: Sequence[Planted], model: Corrector) -> Tally:
    """Errors of whole reads."""
    tally = Tally()
    for planted, read in zip(molecules, reads_of([p.known.zmw for p in molecules], model), strict=True):
        truth = planted.known.truth
        tally.bases += distance(planted.known.zmw.draft.bases, truth)
        tally.errors += distance(read.bases, truth)
        tally.expected += read.wrong.sum()
        tally.events += len(planted.events)
        tally.mended += sum(not errors for errors, _ in around(read, truth, planted.events))
    return tally


def real_table(model: Corrector, args: argparse.Namespace) -> Iterator[str]:
    sets = {"human_1m": known_molecules("human_1m", args.shared), "Sequel II": labelled_molecules(args.shared)}
    yield "| molecules | planted | bases | errors | repaired, % | expected | events mended | 95 % |"
    yield "|---|---|---|---|---|---|---|---|"
    for name, molecules in sets.items():
        deep = [known for known in molecules if len(full_passes(known.zmw)) >= FEWEST_PASSES]
        tallies = real_tallies(deep, args.molecules, model)
        holes = ", ".join(f"{known.hole}: {len(full_passes(known.zmw))}" for known in deep)
        yield from (f"| {name} | {kind} | {tallies[kind].row()} |" for kind in KINDS)
        yield f"| {name}, full passes {holes} | all | {total(tallies.values()).row()} |"


def real_tallies(molecules: Sequence[KnownMolecule], rounds: int, model: Corrector) -> dict[str, Tally]:
    """By kind: errors beyond those of the read that is polished from the truth."""
    tallies = {kind: Tally() for kind in KINDS}
    for place, known in enumerate(molecules):
        drafts = [real(known, (4 * place + number) % len(KINDS)) for number in range(rounds)]
        own = redrafted(known, known.truth).zmw
        right, *reads = reads_of([own, *(planted.known.zmw for planted in drafts)], model)
        for planted, read in zip(drafts, reads, strict=True):
            three = (of_draft(planted.known.zmw), right, read)
            counts = (around(one, known.truth, planted.events) for one in three)
            for event, given, unplanted, found in zip(planted.events, *counts, strict=True):
                tally, more = tallies[event.kind], max(0, found[0] - unplanted[0])
                tally.events += 1
                tally.mended += not more
                tally.bases += given[0]
                tally.errors += more
                tally.expected += max(0.0, found[1] - unplanted[1])
    return tallies


def total(tallies: Iterable[Tally]) -> Tally:
    whole = Tally()
    for tally in tallies:
        for name in Tally.__slots__:
            setattr(whole, name, getattr(whole, name) + getattr(tally, name))
    return whole


@dataclass(slots=True)
class RepeatTally:
    """Sums of a row of repeats; ``missed`` counts the changes of drafts whose number of copies is still wrong."""

    molecules: int = 0
    right: int = 0
    worse: int = 0
    errors: int = 0
    expected: float = 0.0
    missed: Counter[int] = field(default_factory=Counter)

    def row(self) -> str:
        """Cells of a table."""
        wrong, missed = self.molecules - self.right, self.missed.total() - self.missed[0]
        share = f"{wrong - missed}/{wrong} | {interval(wrong - missed, wrong)}"
        which = ", ".join(f"{change:+d} ×{n}" for change, n in sorted(self.missed.items()))
        return (
            f"{self.molecules} | {self.right} | {self.worse} | {share} | {self.errors} | {self.expected:.1f} | {which}"
        )


def repeats_table(model: Corrector, args: argparse.Namespace) -> Iterator[str]:
    yield "| unit | passes | molecules | right drafts | worse | mended | 95 % | errors | expected | copies wrong |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for passes in (8, 20):
        for unit, copies in COPIES.items():
            numbers = range(1, args.molecules + 1)
            rng = np.random.default_rng([unit, copies])
            drafts = [repeat(unit_of(unit, rng), copies, change, passes, n) for n in numbers for change in CHANGES]
            yield f"| {copies} × {unit} bases | {passes} | {repeat_tally(drafts, model).row()} |"
        for letters, copies in RIGHT:
            drafts = [repeat(encode_bases(letters), copies, 0, passes, n) for n in range(1, args.molecules + 1)]
            yield f"| ({letters}){copies} | {passes} | {repeat_tally(drafts, model).row()} |"


def repeat_tally(repeats: Sequence[Repeat], model: Corrector) -> RepeatTally:
    tally = RepeatTally()
    for drafted, read in zip(repeats, reads_of([r.known.zmw for r in repeats], model), strict=True):
        truth, errors = drafted.known.truth, distance(read.bases, drafted.known.truth)
        tally.molecules += 1
        tally.right += not drafted.change
        tally.worse += errors > distance(drafted.known.zmw.draft.bases, truth)
        tally.errors += errors
        tally.expected += read.wrong.sum()
        if wrong_copies(read.bases, drafted):
            tally.missed[drafted.change] += 1
    return tally


def wrong_copies(read: Codes, drafted: Repeat) -> int:
    """Copies, in whole ones, that a read has too many between the flanks of the repeat."""
    before = bases_before(read, drafted.known.truth)
    # A flank may begin like the unit: its first bases are where the alignment may have gaps of the repeat.
    start, stop = drafted.start - AROUND, drafted.stop + AROUND
    longer = int(before[stop] - before[start]) - (stop - start)
    return round(longer / drafted.unit)


def cases_table(model: Corrector, args: argparse.Namespace) -> Iterator[str]:
    yield "| case | molecules | bases | errors | expected | worse |"
    yield "|---|---|---|---|---|---|"
    for case in CASES:
        folder = args.shared / "cases" / case
        truths = load_reads(folder / "truth.fasta").reads
        zmws = [zmw for zmw in read_zmws([folder / "subreads.bam"], folder / "ccs.bam") if isinstance(zmw, Zmw)]
        bases, errors, expected, worse = 0, 0, 0.0, 0
        for zmw, read in zip(zmws, reads_of(zmws, model), strict=True):
            name = parse_ccs(zmw.name)
            assert name
            truth = encode_bases(truths[name.zmw].bases)
            of_read, of_given = distance(read.bases, truth), distance(zmw.draft.bases, truth)
            bases, errors, worse = bases + of_given, errors + of_read, worse + (of_read > of_given)
            expected += read.wrong.sum()
        yield f"| {case} | {len(zmws)} | {bases} | {errors} | {expected:.1f} | {worse} |"


TABLES = {"simulated": simulated_table, "real": real_table, "repeats": repeats_table, "cases": cases_table}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["edits"], metavar="NAME|FILE")
    parser.add_argument("--tables", nargs="+", default=list(TABLES), choices=TABLES)
    parser.add_argument("--passes", nargs="+", type=int, default=[12, 30, 60], help="of simulated molecules")
    parser.add_argument(
        "--molecules", type=int, default=4, help="in each row; of repeats: with each draft; real: rounds"
    )
    parser.add_argument("--shared", type=Path, default=SHARED)
    args = parser.parse_args(arguments)
    for name in args.models:
        model = load_model(name, threads=1)
        for table in args.tables:
            print(f"\n{name}, {table}\n")
            for line in TABLES[table](model, args):
                print(line, flush=True)


if __name__ == "__main__":
    main()
