"""Reads that are no insert are told from inserts: palindromes, adapters at an end, and nothing but adapters."""

from pathlib import Path

import numpy as np
import pytest
from support import read_drafts

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.molecule import decode_bases, encode_bases, reverse_complement
from deepconsensus_py.polishing.artifacts import ArtifactFilter, FailFlag, adapters_in, is_palindrome, read_adapters

ADAPTER = "ATCTCTCTCAACAACAACAACGGAGGAGGAGGAAAAGAGAGAGAT"
END, CONCATENATE, PALINDROME = FailFlag.ADAPTER_NEAR_END, FailFlag.ADAPTER_CONCATENATE, FailFlag.PALINDROME


def random_bases(seed: int, length: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 5, length).astype(np.uint8)


def with_errors(bases: np.ndarray, share: float) -> np.ndarray:
    """A copy with this share of substituted bases."""
    copy = bases.copy()
    at = np.random.default_rng(5).choice(len(bases), round(share * len(bases)), replace=False)
    copy[at] = copy[at] % 4 + 1
    return copy


@pytest.mark.parametrize("length", [40, 300, 2000])
def test_a_palindrome_turns_back_at_its_middle(length: int) -> None:
    insert = random_bases(1, length)
    back = reverse_complement(insert)
    assert is_palindrome(np.concatenate((insert, back)))
    assert is_palindrome(np.concatenate((insert, with_errors(back, 0.1))))
    if length >= 300:
        assert is_palindrome(np.concatenate((insert, random_bases(2, 100), with_errors(back, 0.15))))
    assert not is_palindrome(np.concatenate((insert, random_bases(3, length))))
    assert not is_palindrome(np.concatenate((insert, insert)))


def test_what_has_no_bases_is_none() -> None:
    empty = np.empty(0, np.uint8)
    assert not is_palindrome(empty)
    assert ArtifactFilter((ADAPTER,)).found(empty) == 0


@pytest.mark.real
def test_real_reads(shared: Path) -> None:
    palindrome = read_drafts(shared / "data" / "misc" / "pbmm2_median.ccs.bam")
    assert [ArtifactFilter().found(draft.bases) for draft in palindrome] == [PALINDROME]
    others = read_drafts(shared / "data" / "actc_sequel2" / "tiny.ccs.bam")
    others += [d for d in read_drafts(shared / "data" / "human_1m" / "ccs.bam") if d.tag("np") >= 5]
    assert [draft.name for draft in others if ArtifactFilter((ADAPTER,)).found(draft.bases)] == []
    assert len(others) == 12


@pytest.mark.parametrize("reverse", [False, True])
def test_adapters_are_found_on_both_strands(reverse: bool) -> None:
    adapter = encode_bases(ADAPTER)
    adapter = reverse_complement(adapter) if reverse else adapter
    insert = random_bases(4, 3000)
    for at, near_end in ((0, True), (60, True), (101, False), (1500, False), (2899, False), (2960, True), (3000, True)):
        for copy in (adapter, with_errors(adapter, 0.15)):
            read = np.concatenate((insert[:at], copy, insert[at:]))
            covered = adapters_in(read, (ADAPTER,))
            assert abs(int(covered.sum()) - len(copy)) < 5
            assert covered[at + 5 : at + len(copy) - 5].all()
            assert ArtifactFilter((ADAPTER,)).found(read) == (END if near_end else 0)
            assert ArtifactFilter().found(read) == 0
        assert not adapters_in(np.concatenate((insert[:at], with_errors(adapter, 0.4), insert[at:])), (ADAPTER,)).any()


def test_what_is_half_adapter_is_a_concatenate() -> None:
    adapter, spacer = encode_bases(ADAPTER), random_bases(6, 44)
    for copies, between, found in ((8, spacer, END | CONCATENATE), (8, np.tile(spacer, 3), END)):
        read = np.concatenate([part for _ in range(copies) for part in (adapter, between)])
        assert ArtifactFilter((ADAPTER,)).found(read) == found


def test_adapters_of_a_file(tmp_path: Path) -> None:
    fasta = tmp_path / "adapters.fasta"
    fasta.write_text(f">one\n{ADAPTER.lower()}\n>two\nACGT\nACGT\n")
    assert read_adapters(fasta) == (ADAPTER, "ACGTACGT")
    for text, reason in ((">one\nACGN\n", "adapter one must consist of the letters"), (">one\n\n", "adapter one must")):
        fasta.write_text(text)
        with pytest.raises(InputError, match=reason):
            read_adapters(fasta)
    assert decode_bases(encode_bases(ADAPTER)) == ADAPTER
