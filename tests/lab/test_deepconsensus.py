"""K-mers and yield."""

import numpy as np

from deepconsensus_py.evaluate.read_errors import find_errors
from deepconsensus_py.evaluate.reads import Read
from deepconsensus_py.lab.reads import yield_figures
from deepconsensus_py.lab.systems.deepconsensus import K, count_kmers

TRUTH = "".join(np.random.default_rng(1).choice(list("ACGT"), 1000))


def test_a_mismatch_costs_as_many_kmers_as_cross_it() -> None:
    wrong = TRUTH[:500] + ("A" if TRUTH[500] != "A" else "C") + TRUTH[501:]
    assert count_kmers(TRUTH, TRUTH) == count_kmers(TRUTH, TRUTH).__class__(1000 - K + 1, 1000 - K + 1, 0, 0)
    kmers = count_kmers(wrong, TRUTH)
    assert (kmers.found, kmers.false, kmers.repeated) == (1000 - 2 * K + 1, K, 0)


def test_what_a_read_has_twice_is_repeated() -> None:
    assert count_kmers(TRUTH + TRUTH[-100:], TRUTH).repeated == 100 - K + 1


def test_yield_is_of_reads_good_enough() -> None:
    reads = [
        find_errors(Read("m/1/ccs", bases, np.full(len(bases), quality)), TRUTH)
        for bases, quality in ((TRUTH, 25.0), (TRUTH[:500] + "AAAA" + TRUTH[500:], 45.0))
    ]
    assert yield_figures(reads, predicted=False) == {20: 2004, 30: 1000, 40: 0}
    assert yield_figures(reads, predicted=True) == {20: 2004, 30: 1004, 40: 1004}
