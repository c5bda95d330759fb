"""Reads of known haplotypes: the truth, the alleles and the errors are what was planted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepconsensus_py.pacbio.molecule import decode_bases, encode_bases, reverse_complement

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
GENOME = 30_000


@pytest.fixture
def haplotypes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import haplotypes

    return haplotypes


@pytest.fixture
def genome() -> str:
    rng = np.random.default_rng(1)
    # With homopolymers as in genomes, where the next base is often the same.
    bases = rng.integers(1, 5, GENOME)
    same = rng.random(GENOME) < 0.2
    return decode_bases(bases[np.maximum.accumulate(np.where(same, 0, np.arange(GENOME)))].astype(np.uint8))


def read_of(haplotypes, of, coverage: float = 2, seed: int = 2, **options: int):
    return haplotypes.simulated_reads(of, coverage, np.random.default_rng(seed), length=8000, **options)


def truth_as_read(read) -> np.ndarray:
    bases = encode_bases(read.truth[20:-20])
    return reverse_complement(bases) if read.reverse else bases


@pytest.mark.parametrize("ploidy", [1, 2, 4])
def test_truths_have_their_alleles_and_no_errors(haplotypes, genome: str, ploidy: int) -> None:
    of = haplotypes.polyploid(genome, ploidy, np.random.default_rng(3))
    reads = read_of(haplotypes, of)
    assert {read.haplotype for read in reads} == set(range(ploidy))
    assert {read.reverse for read in reads} == {False, True}
    for read in reads:
        found = haplotypes.judge(truth_as_read(read), read)
        assert len(found.errors) == 0
        assert (found.alleles == 1).all()
    assert bool(sum(len(read.sites) for read in reads)) == (ploidy > 1)


def test_another_haplotype_has_the_other_alleles(haplotypes, genome: str) -> None:
    shares = {"SNV": 4, "homopolymer": 2, "indel": 2, "insertion": 1}
    variants = haplotypes.plant(genome, np.random.default_rng(4), 600, shares)
    assert {variant.kind for variant in variants} == set(shares)
    of = haplotypes.haplotypes(genome, variants, [1] * len(variants), 2)
    for one, other in (of, of[::-1]):
        assert len(one.sites) == len(variants)
        read = replace(read_of(haplotypes, of)[0], truth=one.sequence, sites=one.sites, reverse=False)
        assert (haplotypes.judge(encode_bases(one.sequence[30:-30]), read).alleles == 1).all()
        assert (haplotypes.judge(encode_bases(other.sequence[30:-30]), read).alleles == -1).all()


def test_errors_are_counted_where_they_are(haplotypes, genome: str) -> None:
    read = read_of(haplotypes, [haplotypes.Haplotype(genome)])[0]
    bases = encode_bases(read.truth)
    changed = np.delete(bases, 3000)
    changed[1000] = changed[1000] % 4 + 1
    new = next(code for code in range(1, 5) if code not in changed[1999:2001])
    changed = np.insert(changed, 2000, new)[20:-20]
    found = haplotypes.judge(reverse_complement(changed) if read.reverse else changed, read)
    assert found.errors[:2].tolist() == [1000, 2000]
    assert len(found.errors) == 3
    assert found.places[:2].tolist() == [980, 1980]


def test_copies_of_a_repeat_differ_as_asked(haplotypes, genome: str) -> None:
    (one,) = haplotypes.with_copies(genome, 0.01, np.random.default_rng(6))
    assert len(one.sites) == 2 * len([site for site in one.sites if site.start < GENOME // 3])
    assert 60 < len(one.sites) / 2 < 140
    assert all(one.sequence[site.start : site.stop] != site.other for site in one.sites)


def test_reads_have_errors_as_they_were_counted(haplotypes, genome: str) -> None:
    of = haplotypes.polyploid(genome, 1, np.random.default_rng(7))
    reads = read_of(haplotypes, of, 40)
    errors = sum(len(haplotypes.judge(read.draft.bases, read).errors) for read in reads)
    bases = sum(len(read.draft.bases) for read in reads)
    assert 5e-4 < errors / bases < 1e-2
    assert all(len(read.draft.qualities) == len(read.draft.bases) for read in reads)
    other = haplotypes.other_reads(reads)
    assert abs(np.mean(np.concatenate(other)) - 39) < 3


def test_real_reads_are_those_with_planted_variants(haplotypes, shared: Path) -> None:
    start = shared / haplotypes.CHM13
    variants = haplotypes.plant(haplotypes.real_genome(start), np.random.default_rng(1))
    plain, planted = ({read.draft.name: read for read in haplotypes.real_reads(start, some)} for some in ((), variants))
    assert len(plain) == len(planted) == 114
    assert sum(read.counts for read in planted.values()) == 101
    for name in list(planted)[20:24]:
        one, other = haplotypes.judge(plain[name].draft.bases, plain[name]), planted[name]
        found = haplotypes.judge(other.draft.bases, other)
        # Variants add no errors, and are in every second read.
        assert abs(len(found.errors) - len(one.errors)) <= 1
        assert (found.alleles == 1).mean() > 0.95
        assert (decode_bases(other.draft.bases) == decode_bases(plain[name].draft.bases)) == (other.haplotype == 0)
