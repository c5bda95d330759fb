"""Whole reads with the original's default network, against the original program's."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import edlib
import numpy as np
import pytest
import torch

from deepconsensus_py.models.convert import convert_checkpoint
from deepconsensus_py.models.network_corrector import NetworkCorrector
from deepconsensus_py.pacbio.molecule import Zmw, decode_bases
from deepconsensus_py.pacbio.zmws import Fault, read_zmws
from deepconsensus_py.polishing.engine import PolishSettings, polish
from deepconsensus_py.polishing.filters import ReadFilter
from deepconsensus_py.polishing.read import PolishedRead

SHORT = ("4194387", "4194375")
"""The one molecule that is 4 kb short, and one with five passes."""


@pytest.fixture(scope="module")
def corrector(golden: Path) -> Iterator[NetworkCorrector]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield NetworkCorrector(convert_checkpoint(golden / "ckpt_default", name="default"))
    torch.set_num_threads(threads)


def molecules(human_1m: Path) -> Iterator[Zmw]:
    for zmw in read_zmws([human_1m / "subreads_to_ccs.bam"], human_1m / "ccs.bam"):
        assert not isinstance(zmw, Fault)
        yield zmw


def original_reads(golden: Path, skip_above: int) -> dict[str, tuple[str, str]]:
    with gzip.open(golden / f"run_default_skip{skip_above}_minq0.fastq.txt.gz", "rt") as text:
        lines = text.read().splitlines()
    return {name[1:]: (bases, quals) for name, bases, quals in zip(lines[::4], lines[1::4], lines[3::4], strict=True)}


def compare(read: PolishedRead, original: tuple[str, str]) -> tuple[int, int]:
    """Bases that differ, and the largest difference between qualities of bases that are the same."""
    bases, text = decode_bases(read.bases), original[0]
    qualities = np.frombuffer(original[1].encode(), np.uint8).astype(int) - 33
    if bases == text:
        return 0, int(np.abs(qualities - read.qualities).max())
    path = edlib.align(bases, text, task="path")
    rows = edlib.getNiceAlignment(path, bases, text)
    ours, theirs = (np.array(list(rows[key])) for key in ("query_aligned", "target_aligned"))
    same = ours == theirs
    own = read.qualities[np.cumsum(ours != "-")[same] - 1].astype(int)
    return path["editDistance"], int(np.abs(own - qualities[np.cumsum(theirs != "-")[same] - 1]).max())


def check(
    corrector: NetworkCorrector, zmws: Iterator[Zmw], original: dict[str, tuple[str, str]], skip: int
) -> set[str]:
    settings = PolishSettings(filter=ReadFilter(0, 0), skip_windows_above=skip)
    different = bases = 0
    names = set()
    for read in polish(zmws, model=corrector, settings=settings):
        assert read.passed, read.reason
        wrong, quality = compare(read, original[read.name])
        assert quality <= 1, read.name
        different, bases = different + wrong, bases + len(read.bases)
        names.add(read.name)
    assert different <= 1e-4 * bases
    return names


@pytest.mark.real
@pytest.mark.parametrize(("skip", "zmw"), [(0, SHORT[0]), (45, SHORT[1])])
def test_a_read_equals_the_original(
    human_1m: Path, golden: Path, corrector: NetworkCorrector, skip: int, zmw: str
) -> None:
    chosen = (molecule for molecule in molecules(human_1m) if molecule.name.split("/")[1] == zmw)
    assert len(check(corrector, chosen, original_reads(golden, skip), skip)) == 1


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("skip", [0, 45])
def test_all_reads_equal_the_original(human_1m: Path, golden: Path, corrector: NetworkCorrector, skip: int) -> None:
    original = original_reads(golden, skip)
    assert check(corrector, molecules(human_1m), original, skip) == set(original)
