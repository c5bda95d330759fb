"""Whole reads with the original's default network, against the original program's."""

import gzip
from collections.abc import Iterator
from dataclasses import replace
from itertools import tee
from pathlib import Path

import edlib
import numpy as np
import pytest
import torch
from in_memory import corrector_of
from support import lowered_by_passes

from deepconsensus_py.corrector import Corrector
from deepconsensus_py.models.convert import convert_checkpoint
from deepconsensus_py.pacbio.molecule import Zmw, count_full, decode_bases
from deepconsensus_py.pacbio.zmws import Fault, read_zmws
from deepconsensus_py.polishing.engine import CALIBRATED_PASSES, PolishSettings, polish
from deepconsensus_py.polishing.filters import ReadFilter
from deepconsensus_py.polishing.read import PolishedRead

SHORT = ("4194387", "4194375")
"""The one molecule that is 4 kb short, and one with five passes."""

GOOD = ("4194383",)
"""One of many passes."""


@pytest.fixture(scope="module")
def corrector(golden: Path) -> Iterator[Corrector]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield corrector_of(convert_checkpoint(golden / "ckpt_default", name="default"))
    torch.set_num_threads(threads)


def molecules(human_1m: Path) -> Iterator[Zmw]:
    for zmw in read_zmws([human_1m / "subreads_to_ccs.bam"], human_1m / "ccs.bam"):
        assert not isinstance(zmw, Fault)
        # The original polishes drafts that are no consensus too; without these tags so do we.
        tags = tuple(tag for tag in zmw.draft.tags if tag[0] not in {"rq", "np"})
        yield replace(zmw, draft=replace(zmw.draft, tags=tags))


def original_reads(golden: Path, skip_above: int) -> dict[str, tuple[str, str]]:
    with gzip.open(golden / f"run_default_skip{skip_above}_minq0.fastq.txt.gz", "rt") as text:
        lines = text.read().splitlines()
    return {name[1:]: (bases, quals) for name, bases, quals in zip(lines[::4], lines[1::4], lines[3::4], strict=True)}


def compare(read: PolishedRead, lowered: np.ndarray, original: tuple[str, str]) -> tuple[int, int]:
    """Bases that differ, and the largest difference between qualities of bases that are the same and not lowered."""
    bases, text = decode_bases(read.bases), original[0]
    qualities = np.frombuffer(original[1].encode(), np.uint8).astype(int) - 33
    path = edlib.align(bases, text, task="path")
    rows = edlib.getNiceAlignment(path, bases, text)
    ours, theirs = (np.array(list(rows[key])) for key in ("query_aligned", "target_aligned"))
    same = ours == theirs
    at = np.cumsum(ours != "-")[same] - 1
    difference = qualities[np.cumsum(theirs != "-")[same] - 1] - read.qualities[at].astype(int)
    assert (difference[lowered[at]] >= -1).all()
    return path["editDistance"], int(np.abs(difference[~lowered[at]]).max(initial=0))


def check(corrector: Corrector, zmws: Iterator[Zmw], original: dict[str, tuple[str, str]], skip: int) -> set[str]:
    settings = PolishSettings(filter=ReadFilter(0, 0), skip_windows_above=skip)
    different = by_passes = bases = 0
    names = set()
    first, second = tee(zmws)
    for zmw, read in zip(first, polish(second, model=corrector, settings=settings, min_passes=0), strict=True):
        assert read.passed, read.reason
        lowered = lowered_by_passes(zmw, read)
        if count_full(zmw.passes) < CALIBRATED_PASSES:
            # Capped at the draft's own.
            lowered[:] = True
        else:
            by_passes += lowered.sum()
        wrong, quality = compare(read, lowered, original[read.name])
        assert quality <= 1, read.name
        different, bases = different + wrong, bases + len(read.bases)
        names.add(read.name)
    assert different <= 1e-4 * bases
    assert by_passes <= 5e-3 * bases
    return names


@pytest.mark.real
@pytest.mark.parametrize(("skip", "zmw"), [(0, SHORT[0]), (45, SHORT[1])])
def test_a_read_equals_the_original(human_1m: Path, golden: Path, corrector: Corrector, skip: int, zmw: str) -> None:
    chosen = (molecule for molecule in molecules(human_1m) if molecule.name.split("/")[1] == zmw)
    assert len(check(corrector, chosen, original_reads(golden, skip), skip)) == 1


@pytest.mark.real
@pytest.mark.slow
def test_all_reads_equal_the_original(human_1m: Path, golden: Path, corrector: Corrector) -> None:
    original = original_reads(golden, 45)
    assert check(corrector, molecules(human_1m), original, 45) == set(original)


@pytest.mark.real
@pytest.mark.slow
def test_reads_of_all_windows_equal_the_original(human_1m: Path, golden: Path, corrector: Corrector) -> None:
    chosen = [molecule for molecule in molecules(human_1m) if molecule.name.split("/")[1] in {*SHORT, *GOOD}]
    assert len(check(corrector, iter(chosen), original_reads(golden, 0), 0)) == len(SHORT) + len(GOOD)
