"""Kinetics are at their places in the polished read, whatever was wrong with the draft, in resumed runs as well."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from restarts import job, left, run_until

from deepconsensus_py import PolishSettings, ReadFilter, polish, read_zmws
from deepconsensus_py.align.cigar import paired_positions
from deepconsensus_py.align.passes import align_passes, oriented
from deepconsensus_py.pacbio.codec import codes_to_frames, frames_to_codes
from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw, encode_bases
from deepconsensus_py.polishing.run import polish_files

SLOWER = 3
EVERY = 97
"""Bases between slow ones."""


@pytest.fixture(scope="module")
def truth(testdata: Path) -> NDArray[np.uint8]:
    """The second molecule's sequence."""
    return encode_bases((testdata / "truth.fasta").read_text().split(">")[2].split("\n", 1)[1].replace("\n", ""))


@pytest.mark.parametrize("model", ["pairhmm", "vote"])
@pytest.mark.parametrize("reverse", [False, True])
def test_slow_bases_are_found_through_edits(
    testdata: Path, truth: NDArray[np.uint8], model: str, reverse: bool
) -> None:
    zmw = list(read_zmws(testdata / "subreads.bam", testdata / "ccs.bam", limit=2))[1]
    assert isinstance(zmw, Zmw)
    slow = np.arange(EVERY, len(truth) - EVERY, EVERY)
    passes = tuple(slowed(p, truth, slow, reverse=reverse) for p in zmw.passes)
    # Errors of every kind beside the slow bases, which polishing mends.
    wrong = with_errors(truth, slow)
    draft = replace(zmw.draft, bases=wrong, qualities=None)
    settings = PolishSettings(filter=ReadFilter(0), kinetics="on")
    (read,) = polish([Zmw(draft, passes)], model=model, settings=settings)
    assert read.kinetics is not None
    assert (read.draft_index < 0).sum() > 5
    own = read.kinetics.arrays["ri"][::-1] if reverse else read.kinetics.arrays["fi"]
    places = in_read(truth, read.bases, slow)
    frames, usual = codes_to_frames(own).astype(float), codes_to_frames(own).mean()
    assert (places >= 0).mean() > 0.95
    assert frames[places[places >= 0]].mean() > 2.2 * usual
    assert frames[np.delete(np.arange(len(own)), places)].mean() < 1.05 * usual
    other = read.kinetics.arrays["fi"] if reverse else read.kinetics.arrays["ri"][::-1]
    assert codes_to_frames(other)[places[places >= 0]].mean() < 1.5 * codes_to_frames(other).mean()


def slowed(p: Pass, truth: NDArray[np.uint8], slow: NDArray[np.int64], *, reverse: bool) -> Pass:
    """The pass with longer pauses before slow bases, if it is of that strand."""
    (aligned,) = align_passes(Draft("m/1/ccs", truth, None), [p])
    if aligned is None or aligned.reverse != reverse:
        return p
    assert aligned.alignment is not None
    assert aligned.inter_pulse_durations is not None
    in_pass, in_truth = paired_positions(aligned.alignment)
    frames = codes_to_frames(aligned.inter_pulse_durations).astype(int)
    frames[in_pass[np.isin(in_truth, slow)]] *= SLOWER
    longer = replace(aligned, inter_pulse_durations=frames_to_codes(frames), alignment=None)
    return oriented(longer, reverse=longer.reverse)


def with_errors(truth: NDArray[np.uint8], slow: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The sequence with an error two bases before every slow base: substituted, missing and inserted in turn."""
    parts, start = [], 0
    for number, place in enumerate(slow - 2):
        other = np.uint8(truth[place] % 4 + 1)
        new = [[other], [], [truth[place], other]][number % 3]
        parts += [truth[start:place], np.array(new, np.uint8)]
        start = place + 1
    return np.concatenate([*parts, truth[start:]])


def in_read(truth: NDArray[np.uint8], read: NDArray[np.uint8], places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where bases of the truth are in the read; -1 for none."""
    (aligned,) = align_passes(Draft("m/1/ccs", truth, None), [Pass("m/1/0_9", read, None, None, None)])
    assert aligned is not None
    assert aligned.alignment is not None
    in_own, in_truth = paired_positions(aligned.alignment)
    where = np.full(len(truth), -1)
    where[in_truth] = in_own
    return where[places]


def test_a_resumed_run_writes_the_same(inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = PolishSettings(filter=ReadFilter(0), kinetics="on")
    polish_files(job(inputs, tmp_path / "whole.bam", settings=settings))
    whole = left(tmp_path / "whole.bam")
    assert all("\tfi:B:C," in line for line in whole.reads)
    assert whole.counts["kinetics_computed"] == len(whole.reads) > 5
    again = tmp_path / "again"
    again.mkdir()
    resumed = job(inputs, again / "whole.bam", settings=settings, resume=True)
    run_until(5, resumed, monkeypatch)
    polish_files(resumed)
    assert left(again / "whole.bam") == whole
