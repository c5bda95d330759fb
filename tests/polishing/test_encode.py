"""Molecules become integers in worker processes, each with its own outcome whatever happens to its worker."""

from pathlib import Path

from support import DEADLY, deadly_encoder

from deepconsensus_py.corrector import Corrector
from deepconsensus_py.pacbio.zmws import read_zmws
from deepconsensus_py.pileup.vote import Vote
from deepconsensus_py.polishing.engine import polish
from deepconsensus_py.polishing.read import PolishedRead
from deepconsensus_py.reports.outcomes import Outcome


def polished(testdata: Path, corrector: Vote, threads: int) -> list[PolishedRead]:
    zmws = read_zmws([testdata / "subreads.bam"], testdata / "ccs.bam")
    return list(polish(zmws, model=Corrector.of(corrector), threads=threads))


def test_a_molecule_at_which_workers_die_is_reported_and_the_others_are_polished(testdata: Path) -> None:
    corrector, sound = Vote(), Vote()
    corrector.encode = deadly_encoder
    reads, expected = polished(testdata, corrector, 2), polished(testdata, sound, 1)
    assert [read.name for read in reads] == [read.name for read in expected]
    for number, (read, alone) in enumerate(zip(reads, expected, strict=True)):
        if number == DEADLY:
            assert read.outcome is Outcome.ERROR
            assert read.reason == (
                f"{read.name}: its worker process died (signal 11), and so did its replacement; is there enough memory?"
            )
        else:
            assert (read.outcome, read.bases.tobytes()) == (alone.outcome, alone.bases.tobytes())
