"""Molecules for the encoder: the real ones, and tiny ones written out by hand."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from deepconsensus_py.pacbio.molecule import Alignment, Draft, Pass, Zmw, encode_bases
from deepconsensus_py.pacbio.zmws import read_zmws

CIGAR_CODES = "MIDNSHP=X"


def make_alignment(start: int, cigar: str) -> Alignment:
    operations = [(int(length), CIGAR_CODES.index(code)) for length, code in re.findall(r"(\d+)(\D)", cigar)]
    lengths, codes = np.array(operations).T
    return Alignment(start, codes.astype(np.uint8), lengths.astype(np.int32))


def make_pass(bases: str, cigar: str, start: int = 0, *, reverse: bool = False) -> Pass:
    """A pass whose pulse widths count up from 1 and whose inter-pulse durations count up from 101."""
    count = np.arange(len(bases))
    return Pass(
        "m/1/0_9",
        encode_bases(bases),
        (count % 100 + 1).astype(np.uint8),
        (count % 100 + 101).astype(np.uint8),
        np.array([4, 5, 6, 7], np.float32),
        make_alignment(start, cigar),
        reverse,
    )


def make_zmw(draft: str, *passes: Pass, qualities: bool = True) -> Zmw:
    """A molecule whose draft qualities count up from 10."""
    phred = (np.arange(len(draft)) % 80 + 10).astype(np.uint8) if qualities else None
    return Zmw(Draft("m/1/ccs", encode_bases(draft), phred), passes)


@pytest.fixture(name="make_pass")
def _make_pass() -> Callable[..., Pass]:
    return make_pass


@pytest.fixture(name="make_zmw")
def _make_zmw() -> Callable[..., Zmw]:
    return make_zmw


@pytest.fixture(name="make_alignment")
def _make_alignment() -> Callable[..., Alignment]:
    return make_alignment


@pytest.fixture(scope="session")
def molecules(human_1m: Path) -> list[Zmw]:
    zmws = list(read_zmws([human_1m / "subreads_to_ccs.bam"], human_1m / "ccs.bam"))
    return [zmw for zmw in zmws if isinstance(zmw, Zmw)]


@pytest.fixture(scope="session")
def truth_files(human_1m: Path) -> tuple[Path, Path, Path]:
    return human_1m / "truth_to_ccs.bam", human_1m / "truth.bed", human_1m / "truth_split.tsv"
