"""Places of truths that no pass of their molecule shows: there the truth itself is probably wrong."""

import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.align.passes import align_passes, oriented
from deepconsensus_py.edits.repeats import find_homopolymers
from deepconsensus_py.edits.support import unsupported
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.evaluate.reads import Read
from deepconsensus_py.pacbio.indexed_subreads import open_subreads
from deepconsensus_py.pacbio.molecule import Alignment, Draft, Pass, encode_bases
from deepconsensus_py.pacbio.names import MoleculeId
from deepconsensus_py.pacbio.zmws import read_passes

log = logging.getLogger(__name__)

Flags = NDArray[np.bool_]


def unsupported_places(
    truths: Mapping[MoleculeId, Read], subreads: Sequence[Path], holes: Collection[int] = ()
) -> dict[MoleculeId, Flags]:
    """Bases of truths that no pass shows, with the ones on either side.

    Args:
        truths: by molecule.
        subreads: BAM files of their subreads, raw or aligned to anything.
        holes: only these ZMWs; all if empty.

    Returns:
        ``bool[n]`` bases of the truth, for each molecule with subreads.

    Raises:
        InputError: a file cannot be used.
    """
    found = {}
    with closing(open_subreads(tuple(subreads))) as source:
        for group in source.groups():
            molecule = group.molecule.zmw
            if molecule in truths and (not holes or molecule.hole in holes):
                try:
                    found[molecule] = unsupported_bases(truths[molecule].bases, read_passes(group.records))
                except MoleculeError as error:
                    log.warning("%s", error)
    return found


def unsupported_bases(truth: str, passes: Sequence[Pass]) -> Flags:
    """Bases ``bool[n]`` of a truth in homopolymers that no pass shows as they are, with the ones on either side.

    Args:
        truth: upper-case bases.
        passes: of its molecule, raw or aligned to anything.
    """
    bases = encode_bases(truth)
    homopolymers = find_homopolymers(bases)
    itself = Alignment(0, np.array([cigar.EQUAL], np.uint8), np.array([len(bases)], np.int32))
    raw = [replace(oriented(p, reverse=p.reverse), alignment=None, reverse=False) for p in passes]
    aligned = [p for p in align_passes(Draft("truth", bases, None), raw) if p is not None]
    flags = np.zeros(len(bases), np.bool_)
    for number in np.flatnonzero(unsupported(bases, homopolymers, (bases, itself), aligned)):
        flags[max(homopolymers.start[number] - 1, 0) : homopolymers.stop[number] + 1] = True
    return flags
