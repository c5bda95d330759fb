"""How the engine fills batches changes neither the reads nor their order."""

from pathlib import Path

import pytest

from deepconsensus_py.models.pair_hmm import PairHmm
from deepconsensus_py.models.vote import Vote
from deepconsensus_py.pacbio.zmws import read_zmws
from deepconsensus_py.polishing.encode import encode_zmws
from deepconsensus_py.polishing.engine import PolishSettings, correct


@pytest.mark.parametrize("make", [Vote, PairHmm])
def test_reads_do_not_depend_on_the_batch(make: type[Vote] | type[PairHmm], testdata: Path) -> None:
    corrector = make()
    molecules = list(encode_zmws(read_zmws([testdata / "subreads.bam"], testdata / "ccs.bam"), corrector))
    sizes: list[int] = []
    forward = corrector.forward

    def counting(inputs):
        probabilities = forward(inputs)
        sizes.append(len(probabilities))
        return probabilities

    corrector.forward = counting
    seen = []
    for batch in (7, 64, 10**6):
        corrector.batch = batch
        sizes.clear()
        reads = list(correct(molecules, corrector, PolishSettings()))
        assert max(sizes) <= batch
        assert sum(sizes) == sum(read.corrected for read in reads)
        seen.append([(read.name, read.bases.tobytes(), read.qualities.tobytes()) for read in reads])
    assert seen[0] == seen[1] == seen[2]
    assert [name for name, *_ in seen[0]] == [molecule.draft.name for molecule in molecules]
