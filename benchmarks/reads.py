"""Real molecules with truth for the accuracy benchmarks, whole and in parts."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pysam
from numpy.typing import NDArray

from deepconsensus_py.align.draft import draft_zmw
from deepconsensus_py.align.passes import oriented
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw, encode_bases
from deepconsensus_py.pacbio.names import parse_ccs
from deepconsensus_py.pacbio.zmws import read_zmws

SHARED = Path(os.environ.get("DCPY_SHARED", "../shared"))

FEWEST_PASSES = {"human_1m": 5, "human_bases_only": 4}
"""Full passes; CCS reads of fewer are single passes, or have no truth worth the name."""


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


def full_passes(zmw: Zmw) -> list[Pass]:
    """Passes that cover most of the draft."""
    return [p for p in zmw.passes if len(p.bases) > 0.8 * len(zmw.draft.bases)]


def redrafted(zmw: Zmw, passes: Sequence[Pass]) -> Zmw:
    """A molecule of some passes only, with a draft of its own; of one or two passes that is the longest."""
    name = parse_ccs(zmw.name)
    assert name
    try:
        return draft_zmw(name.zmw, passes)
    except MoleculeError:
        return Zmw(Draft(zmw.name, max(passes, key=lambda p: len(p.bases)).bases, None), tuple(passes))
