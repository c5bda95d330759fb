"""ZMWs that become a read for each strand: all with ``--by-strand``, heteroduplexes with ``--hd-finder split``."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from deepconsensus_py.align.passes import oriented
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.hifi.heteroduplex import heteroduplex_sites
from deepconsensus_py.hifi.strands import split_by_strand
from deepconsensus_py.options import SPLIT
from deepconsensus_py.pacbio.molecule import Pass, Zmw, count_full
from deepconsensus_py.pacbio.names import Strand, parse_ccs
from deepconsensus_py.pacbio.zmws import Undrafted
from deepconsensus_py.reports.outcomes import Outcome

HETERODUPLEXES = "heteroduplexes"
"""Name of the count of ZMWs whose strands differ."""


@dataclass(frozen=True, slots=True)
class StrandOptions:
    """Which ZMWs become a read for each strand.

    Attributes:
        by_strand: all ZMWs do.
        hd_finder: one of ``options.HD_FINDER``: count the ZMWs whose strands differ, or split them too; None does not
            look for them.
    """

    by_strand: bool = False
    hd_finder: str | None = None

    @property
    def one_read_each(self) -> bool:
        """Whether no ZMW becomes two reads."""
        return not self.by_strand and self.hd_finder != SPLIT

    def sites(self, zmw: Zmw) -> int | None:
        """The number of positions at which the strands of a ZMW with aligned passes differ; None if nobody asked."""
        return None if self.hd_finder is None else len(heteroduplex_sites(len(zmw.draft.bases), zmw.passes))

    def require_same_strands(self, name: str, sites: int | None) -> None:
        """Refuse a ZMW whose strands differ, if it is to be split.

        Raises:
            MoleculeError: ``heteroduplex``.
        """
        if sites and self.hd_finder == SPLIT:
            places = "position" if sites == 1 else "positions"
            raise MoleculeError(f"{name}: its strands differ at {sites} {places}", outcome=Outcome.HETERODUPLEX)


def strands_of(molecule: Zmw | Undrafted) -> tuple[Undrafted, ...]:
    """The strands of a ZMW as ZMWs of their own, ``fwd`` first, with their passes as sequenced."""
    zmw = molecule.molecule if isinstance(molecule, Undrafted) else parse_ccs(molecule.name)
    assert zmw is not None, "drafts without the name of a CCS read have no passes"
    assert not isinstance(molecule.passes, MoleculeError)
    divided = split_by_strand([_as_sequenced(p) for p in molecule.passes])
    return tuple(Undrafted(replace(zmw, strand=strand), own) for strand, own in zip(Strand, divided, strict=True))


def _as_sequenced(p: Pass) -> Pass:
    return replace(oriented(p, reverse=p.reverse), alignment=None)


def have_full_passes(strands: Sequence[Undrafted], least: int) -> bool:
    """Whether each strand has a least number of full passes."""
    return all(not isinstance(one.passes, MoleculeError) and count_full(one.passes) >= least for one in strands)
