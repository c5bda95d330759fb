"""The same reads, whatever the number of threads, and with it of workers and streams."""

from pathlib import Path

import pytest

from deepconsensus_py.models.registry import load_model
from deepconsensus_py.pacbio.zmws import read_zmws
from deepconsensus_py.polishing.engine import PolishSettings, polish
from deepconsensus_py.polishing.filters import ReadFilter

SETTINGS = PolishSettings(filter=ReadFilter(min_quality=0))


@pytest.mark.parametrize("model", ["edits", "pairhmm", "vote", "tiny columns"])
def test_reads_do_not_depend_on_the_number_of_threads(model: str, testdata: Path, tiny_model: Path) -> None:
    name = str(tiny_model) if model == "tiny columns" else model
    seen = []
    for threads in (1, 2, 5):
        corrector = load_model(name, threads=threads, wait=False)
        zmws = read_zmws([testdata / "subreads.bam"], testdata / "ccs.bam")
        reads = list(polish(zmws, model=corrector, threads=threads, settings=SETTINGS))
        seen.append([(r.name, r.bases.tobytes(), r.qualities.tobytes(), r.draft_index.tobytes()) for r in reads])
    assert len(seen[0]) == 6
    assert seen[0] == seen[1] == seen[2]
