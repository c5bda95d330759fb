"""Real molecules with truth for the accuracy benchmarks, whole and in parts."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pysam
from numpy.typing import NDArray

from deepconsensus_py.align.draft import draft_zmw
from deepconsensus_py.align.passes import align_passes, align_zmw, oriented
from deepconsensus_py.corrector import Corrector
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.evaluate.reads import Read, load_reads
from deepconsensus_py.examples.example import Example
from deepconsensus_py.models.registry import load_model
from deepconsensus_py.pacbio.molecule import Draft, Pass, Truth, Zmw, decode_bases, encode_bases, reverse_complement
from deepconsensus_py.pacbio.names import parse_ccs
from deepconsensus_py.pacbio.zmws import read_subreads, read_zmws
from deepconsensus_py.polishing.engine import polish
from deepconsensus_py.training.unsupported import without_unsupported_truth

SHARED = Path(os.environ.get("DCPY_SHARED", "../shared"))

FEWEST_PASSES = {"human_1m": 5, "human_bases_only": 4}
"""Full passes; CCS reads of fewer are single passes, or have no truth worth the name."""

MISDRAFTED = 0.2
"""A draft that differs in length from the truth by more than this share of it is of something else."""


@dataclass(frozen=True, slots=True, eq=False)
class KnownMolecule:
    """A molecule and its true sequence.

    Attributes:
        hole: ZMW number, as text.
        zmw: draft, and passes as they were read.
        truth: ``uint8[n]`` base codes, in the direction of the draft.
    """

    hole: str
    zmw: Zmw
    truth: NDArray[np.uint8]


def known_molecules(name: str, shared: Path = SHARED) -> Iterator[KnownMolecule]:
    """The molecules of a set that have enough passes."""
    folder = shared / "data" / name
    truths = {r.name.split("/")[1]: encode_bases(r.sequence) for r in pysam.FastxFile(str(folder / "truth.fasta"))}
    for zmw in read_zmws([folder / "subreads_to_ccs.bam"], folder / "ccs.bam"):
        hole = zmw.name.split("/")[1]
        if isinstance(zmw, Zmw) and hole in truths and (zmw.draft.tag("np") or 0) >= FEWEST_PASSES[name]:
            yield KnownMolecule(hole, unaligned(zmw), truths[hole])


def unaligned(zmw: Zmw) -> Zmw:
    """A molecule with its passes as the instrument gave them."""
    raw = tuple(replace(oriented(p, reverse=p.reverse), alignment=None, reverse=False) for p in zmw.passes)
    return replace(zmw, passes=raw)


def labelled_molecules(shared: Path = SHARED) -> Iterator[KnownMolecule]:
    """Sequel II molecules whose CCS read of all passes is good enough to stand for the truth."""
    folder = shared / "data" / "actc_sequel2"
    rows = [line.split("\t") for line in (folder / "labels.tsv").read_text().splitlines()]
    usable = {row[0] for row in rows if row[-1] == "yes"}
    for zmw in read_zmws([folder / "tiny.subreads_to_ccs.bam"], folder / "tiny.ccs.bam"):
        hole = zmw.name.split("/")[1]
        if isinstance(zmw, Zmw) and hole in usable:
            yield KnownMolecule(hole, unaligned(zmw), zmw.draft.bases)


def lambda_molecules(name: str, shared: Path = SHARED) -> Iterator[KnownMolecule]:
    """Molecules of phage lambda, with drafts of their own of about the right length; truths end inexactly."""
    folder = shared / "data" / name
    truths = load_reads(folder / "truth.fasta").reads
    pysam.set_verbosity(0)
    for path in sorted(folder.glob("m*.subreads.bam")):
        for molecule, passes in read_subreads([path]):
            if molecule in truths and not isinstance(passes, MoleculeError):
                truth = encode_bases(truths[molecule].bases)
                with suppress(MoleculeError):
                    zmw = draft_zmw(molecule, passes)
                    if abs(len(zmw.draft.bases) - len(truth)) < MISDRAFTED * len(truth):
                        yield KnownMolecule(str(molecule.hole), zmw, truth)


def with_supported_truth(known: KnownMolecule) -> KnownMolecule:
    """The molecule with N in the truth where no pass shows it (``edits.support.unsupported``)."""
    zmw = align_zmw(known.zmw)
    (aligned,) = align_passes(Draft("truth", zmw.draft.bases, None), [Pass("truth", known.truth, None, None, None)])
    if aligned is None or aligned.alignment is None:
        return known
    truth = Truth(zmw.name, "", 0, len(known.truth), "", aligned.bases, aligned.alignment)
    bases = without_unsupported_truth(Example(zmw, truth)).truth.bases
    return replace(known, truth=reverse_complement(bases) if aligned.reverse else bases)


def parts(
    known: KnownMolecule, sizes: Iterable[int], subsets: int, rng: np.random.Generator
) -> Iterator[tuple[int, KnownMolecule]]:
    """Some of the full passes, drawn at random, where two more are there."""
    full = full_passes(known.zmw)
    for size in sizes:
        if len(full) >= size + 2:
            for _ in range(subsets):
                chosen = sorted(rng.choice(len(full), size, replace=False))
                yield size, replace(known, zmw=replace(known.zmw, passes=tuple(full[i] for i in chosen)))


def strands(known: KnownMolecule) -> Iterator[tuple[str, KnownMolecule]]:
    """The full passes of each strand, where there are three or more."""
    names = {p.name for p in full_passes(known.zmw)}
    reverse = {p.name: p.reverse for p in align_zmw(known.zmw).passes if p.name in names}
    for sign, strand in (("+", False), ("-", True)):
        passes = tuple(p for p in known.zmw.passes if reverse.get(p.name) is strand)
        if len(passes) >= 3:
            yield sign, replace(known, zmw=replace(known.zmw, passes=passes))


def full_passes(zmw: Zmw) -> list[Pass]:
    """Passes that cover most of the draft."""
    return [p for p in zmw.passes if len(p.bases) > 0.8 * len(zmw.draft.bases)]


def given_draft(known: KnownMolecule) -> Read:
    """The draft as a read, in its own direction."""
    draft = known.zmw.draft
    qualities = None if draft.qualities is None else draft.qualities.astype(np.float64)
    return Read(draft.name, decode_bases(draft.bases), qualities)


def polished(known: KnownMolecule, model: str) -> Read:
    """What a model makes of the molecule; the draft where it gives no read.

    Args:
        known: the molecule.
        model: name or file of the model; ``{zmw}`` in it becomes the ZMW number, for models that have not seen it.
    """
    (read,) = polish([known.zmw], model=corrector_of(model.replace("{zmw}", known.hole)))
    if read.qualities is None or not len(read.bases):
        return given_draft(known)
    return Read(known.zmw.name, decode_bases(read.bases), read.qualities.astype(np.float64))


@cache
def corrector_of(model: str) -> Corrector:
    """A model by name or file, loaded once."""
    return load_model(model, threads=1)


def redrafted(zmw: Zmw, passes: Sequence[Pass]) -> Zmw:
    """A molecule of some passes only, with a draft of its own; of one or two passes that is the longest."""
    name = parse_ccs(zmw.name)
    assert name
    try:
        return draft_zmw(name.zmw, passes)
    except MoleculeError:
        return Zmw(Draft(zmw.name, max(passes, key=lambda p: len(p.bases)).bases, None), tuple(passes))
