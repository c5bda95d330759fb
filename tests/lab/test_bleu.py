"""BLEU by hand, and as the reference implementation has it."""

import math

import numpy as np
import pytest

from deepconsensus_py.lab.systems.transformer.claim import bleu


def test_a_sentence_by_hand() -> None:
    found, true = list("abcde"), list("abcdfg")
    # 4 of 5 words, 3 of 4 pairs, 2 of 3 triples, 1 of 2 fours; one word short of six.
    expected = 100 * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25 * math.exp(1 - 6 / 5)
    assert bleu([found], [true]) == pytest.approx(expected)
    assert bleu([true], [true]) == pytest.approx(100)
    assert bleu([list("axbycz")], [list("abcxyz")]) == 0


def test_words_count_as_often_as_the_reference_has_them() -> None:
    # "a" seven times against two: 2 of 7; nothing of four words matches without the rest.
    found, true = ["a"] * 7 + list("bcde"), list("aabcde")
    expected = 100 * (6 / 11 * 5 / 10 * 4 / 9 * 3 / 8) ** 0.25
    assert bleu([found], [true]) == pytest.approx(expected)


def test_a_corpus_is_as_sacrebleu_has_it() -> None:
    sacrebleu = pytest.importorskip("sacrebleu", reason="sacrebleu (the examples extra) is not installed")
    generator = np.random.default_rng(0)
    true = [generator.choice(list("ACGT"), size=generator.integers(20, 50)).tolist() for _ in range(30)]
    found = [[base for base in row if generator.random() > 0.1] for row in true]
    joined = [" ".join(row) for row in found], [[" ".join(row) for row in true]]
    assert bleu(found, true) == pytest.approx(sacrebleu.corpus_bleu(*joined, tokenize="none").score, abs=1e-9)
