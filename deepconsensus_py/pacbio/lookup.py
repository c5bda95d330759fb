"""One molecule out of files of subreads and drafts."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.pacbio.drafts import DraftEntry, draft_entries
from deepconsensus_py.pacbio.indexed_subreads import open_subreads
from deepconsensus_py.pacbio.inputs import Paths, expand_paths
from deepconsensus_py.pacbio.molecule import Zmw
from deepconsensus_py.pacbio.names import MoleculeId, parse_ccs
from deepconsensus_py.pacbio.zmws import read_zmw


def find_zmw(subreads: Sequence[Path], drafts: Paths, zmw: str) -> Zmw:
    """A draft with its passes; the drafts files are read through.

    Args:
        subreads: BAM files with subreads grouped by ZMW, raw or aligned to the drafts, or files of file names.
        drafts: CCS reads: BAM, FASTQ or FASTA, or files of file names.
        zmw: hole number, or the name of the CCS read.

    Raises:
        InputError: a file cannot be used, or there is no such molecule, or more than one.
        MoleculeError: it has no passes, or they cannot be read.
    """
    entry, molecule = _only_draft(drafts, zmw)
    with closing(open_subreads(subreads)) as source:
        records = source.find(molecule)
        source.pass_all()
        if not records:
            raise MoleculeError(f"{entry.name}: {source.names} has no pass of it; give the subreads it was made from")
        return read_zmw(entry.read(), records)


def _only_draft(drafts: Paths, zmw: str) -> tuple[DraftEntry, MoleculeId]:
    found, names = [], ", ".join(map(str, expand_paths(drafts)))
    for entry in draft_entries(drafts):
        molecule = parse_ccs(entry.name)
        if molecule and zmw in {entry.name, str(molecule.hole)}:
            found.append((entry, molecule))
    if not found:
        raise InputError(f"{names}: has no CCS read of ZMW {zmw}; give a number or a name that is there")
    if len(found) > 1:
        reads = ", ".join(entry.name for entry, _ in found)
        raise InputError(f"{names}: has {len(found)} CCS reads of ZMW {zmw}; give the name of one: {reads}")
    return found[0]
