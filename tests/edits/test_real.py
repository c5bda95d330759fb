"""Errors of real drafts before and after refining."""

from pathlib import Path

import pytest

from deepconsensus_py.edits.refine import refine
from deepconsensus_py.evaluate.read_errors import find_errors
from deepconsensus_py.evaluate.reads import Read, load_reads, molecule_of
from deepconsensus_py.pacbio.molecule import Zmw, decode_bases
from deepconsensus_py.pacbio.zmws import read_zmws

pytestmark = pytest.mark.real

FEWEST_PASSES = 5


def test_half_of_the_errors_go(human_1m: Path) -> None:
    truths = load_reads(human_1m / "truth.fasta").reads
    before, after = [], []
    for zmw in read_zmws([human_1m / "subreads_to_ccs.bam"], human_1m / "ccs.bam"):
        assert isinstance(zmw, Zmw)
        truth = truths.get(molecule_of(zmw.name))
        if truth is None or zmw.draft.tag("np") < FEWEST_PASSES:
            continue
        refined = refine(zmw)
        for bases, errors in ((zmw.draft.bases, before), (refined.bases, after)):
            errors.append(find_errors(Read(zmw.name, decode_bases(bases)), truth.bases).total)
    print(f"errors of {len(before)} molecules: {before} before, {after} after")
    assert len(before) == 6
    assert sum(before) == 184
    assert sum(after) <= 100
    assert all(left <= given + 3 for given, left in zip(before, after, strict=True))
