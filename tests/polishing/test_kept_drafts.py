"""The whole program where no window is bad enough for the model: the draft, with calibrated qualities."""

from pathlib import Path

import numpy as np
import pytest
from support import lowered_by_passes

from deepconsensus_py.pacbio.molecule import decode_bases
from deepconsensus_py.pacbio.zmws import Fault, read_zmws
from deepconsensus_py.polishing.engine import PolishSettings, polish
from deepconsensus_py.polishing.filters import ReadFilter
from deepconsensus_py.polishing.qualities import Calibration, mean_quality, round_qualities


@pytest.mark.real
def test_kept_drafts_equal_the_original_but_for_rounding(human_1m: Path, golden: Path) -> None:
    """The original cuts fractions of calibrated qualities off; ours are rounded. The same six reads pass."""
    lines = (golden / "run_skip1_ccscal_minq20.fastq.txt").read_text().splitlines()
    original = {name[1:]: rest for name, *rest in zip(lines[::4], lines[1::4], lines[3::4], strict=True)}
    calibration = Calibration.parse("20,1.1,-1.5")
    settings = PolishSettings(filter=ReadFilter(20, 0), skip_windows_above=1, draft_calibration=calibration)
    found = read_zmws([human_1m / "subreads_to_ccs.bam"], human_1m / "ccs.bam")
    zmws = {zmw.name: zmw for zmw in found if not isinstance(zmw, Fault)}
    reads = {read.name: read for read in polish(zmws.values(), model="vote", settings=settings)}
    assert {name for name, read in reads.items() if read.passed} == original.keys()
    for name, (bases, text) in original.items():
        draft = reads[name].draft
        assert draft.qualities is not None
        assert decode_bases(reads[name].bases) == bases == decode_bases(draft.bases)
        exact = calibration.apply(draft.qualities.astype(np.float64))
        np.testing.assert_array_equal(np.frombuffer(text.encode(), np.uint8) - 33, np.trunc(np.minimum(exact, 93)))
        same = ~lowered_by_passes(zmws[name], reads[name])
        np.testing.assert_array_equal(reads[name].qualities[same], round_qualities(exact)[same])
        assert (reads[name].qualities <= round_qualities(exact)).all()
        assert same.mean() > 0.995
        assert mean_quality(reads[name].qualities) >= 20
