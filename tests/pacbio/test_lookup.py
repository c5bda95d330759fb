"""One molecule is found by number or by name, or it is said why not."""

from pathlib import Path

import pytest

from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.pacbio.zmws import find_zmw, read_zmws


@pytest.mark.parametrize("named", [False, True])
def test_it_is_the_molecule_that_reading_all_gives(testdata: Path, *, named: bool) -> None:
    files = [testdata / "subreads.bam"], testdata / "ccs.bam"
    wanted = list(read_zmws(*files))[3]
    found = find_zmw(*files, wanted.name if named else wanted.name.split("/")[1])
    assert found.name == wanted.name
    assert [p.name for p in found.passes] == [p.name for p in wanted.passes]


def test_one_that_is_not_there(testdata: Path) -> None:
    with pytest.raises(InputError, match=r"ccs.bam: no CCS read of ZMW 7;"):
        find_zmw([testdata / "subreads.bam"], testdata / "ccs.bam", "7")


def test_a_number_of_two_reads(testdata: Path, tmp_path: Path) -> None:
    drafts = tmp_path / "ccs.fasta"
    drafts.write_text(">m1/7/ccs\nACGT\n>m2/7/ccs\nACGT\n")
    with pytest.raises(InputError, match=r"2 CCS reads of ZMW 7; give the name of one: m1/7/ccs, m2/7/ccs"):
        find_zmw([testdata / "subreads.bam"], drafts, "7")
    with pytest.raises(MoleculeError, match=r"m1/7/ccs: no subreads found in .*subreads.bam"):
        find_zmw([testdata / "subreads.bam"], drafts, "m1/7/ccs")
