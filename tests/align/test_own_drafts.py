"""Alignments to another sequence than the draft are refused, and unknown bases of a draft are those of its passes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepconsensus_py.align.passes import align_zmw, aligned_to_draft, require_own_draft, without_unknown_bases
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import Alignment, N, Zmw, reverse_complement
from deepconsensus_py.pacbio.zmws import Fault, read_zmws

_MATCH, _EQUAL, _DIFFERENT = 0, 7, 8


@pytest.fixture(scope="module")
def zmw(testdata: Path) -> Zmw:
    molecule = next(iter(read_zmws([testdata / "subreads.bam"], testdata / "ccs.bam")))
    assert not isinstance(molecule, Fault)
    return align_zmw(molecule)


def with_draft(zmw: Zmw, bases: np.ndarray) -> Zmw:
    return replace(zmw, draft=replace(zmw.draft, bases=bases))


def with_m(zmw: Zmw) -> Zmw:
    """The same alignments as a program writes them that does not tell matches from mismatches."""

    def merged(alignment: Alignment | None) -> Alignment:
        assert alignment is not None
        paired = np.isin(alignment.operations, (_EQUAL, _DIFFERENT))
        return replace(alignment, operations=np.where(paired, _MATCH, alignment.operations).astype(np.uint8))

    return replace(zmw, passes=tuple(replace(p, alignment=merged(p.alignment)) for p in zmw.passes))


def test_alignments_to_the_draft_are_its_own(zmw: Zmw) -> None:
    require_own_draft(zmw)
    require_own_draft(with_m(zmw))
    assert aligned_to_draft(zmw) is zmw


@pytest.mark.parametrize("at", [100, 700])
def test_one_letter_of_the_draft_tells_that_it_is_another(zmw: Zmw, at: int) -> None:
    bases = zmw.draft.bases.copy()
    bases[at] = 1 + bases[at] % 4
    with pytest.raises(MoleculeError, match=f"another sequence than the draft {zmw.name} .*base {at + 1} of the draft"):
        require_own_draft(with_draft(zmw, bases))


def test_a_draft_that_was_turned_round_is_another(zmw: Zmw) -> None:
    turned = with_draft(zmw, reverse_complement(zmw.draft.bases))
    with pytest.raises(MoleculeError, match="is wrong"):
        aligned_to_draft(turned)
    with pytest.raises(MoleculeError, match=r"\d\d% of the aligned bases are equal"):
        aligned_to_draft(with_m(turned))


def test_unknown_bases_of_either_side_tell_nothing(zmw: Zmw) -> None:
    bases = zmw.draft.bases.copy()
    bases[50:60] = N
    require_own_draft(with_draft(zmw, bases))
    first = replace(zmw.passes[0], bases=np.full_like(zmw.passes[0].bases, N))
    require_own_draft(replace(zmw, passes=(first, *zmw.passes[1:])))


def test_unknown_bases_of_a_draft_are_what_most_passes_read(zmw: Zmw) -> None:
    bases = zmw.draft.bases.copy()
    bases[[0, 300, 301, 900]] = N
    filled = without_unknown_bases(with_draft(zmw, bases)).draft.bases
    assert np.array_equal(filled[[300, 301, 900]], zmw.draft.bases[[300, 301, 900]])
    known = bases != N
    assert np.array_equal(filled[known], bases[known])


def test_an_unknown_base_that_no_pass_reads_stays(zmw: Zmw) -> None:
    bases = np.append(zmw.draft.bases, np.full(5, N, np.uint8))
    assert (without_unknown_bases(with_draft(zmw, bases)).draft.bases[-5:] == N).all()


def test_a_draft_without_unknown_bases_is_the_same_object(zmw: Zmw) -> None:
    assert without_unknown_bases(zmw) is zmw
