"""Simulated molecules, and real ones with truth."""

from pathlib import Path

import pytest
from edit_molecules import Known, known_molecules

from deepconsensus_py.align.passes import align_zmw
from deepconsensus_py.pacbio.molecule import Zmw
from deepconsensus_py.pacbio.zmws import read_zmws


@pytest.fixture(scope="session")
def human(human_1m: Path) -> list[Known]:
    """The six molecules of at least five passes, with kinetics and draft qualities."""
    return known_molecules(human_1m, 5)


@pytest.fixture(scope="session")
def bases_only(shared: Path) -> list[Known]:
    """Eight molecules without kinetics and draft qualities."""
    return known_molecules(shared / "data" / "human_bases_only", 1)


@pytest.fixture(scope="session")
def molecules(testdata: Path) -> list[Zmw]:
    """Simulated molecules, their passes aligned."""
    found = read_zmws([testdata / "subreads.bam"], testdata / "ccs.bam")
    return [align_zmw(zmw) for zmw in found if isinstance(zmw, Zmw)]
