"""Every question is answered in its own document, the reader finds it there, and retrieval is worth learning."""

import numpy as np
import pytest

from deepconsensus_py.lab.systems.realm.questions import (
    BEFORE,
    BLANK,
    RARE,
    Corpus,
    bm25,
    python_reference,
    read,
    split,
)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return python_reference()


def test_documents_and_questions_are_as_many_as_a_reference_has(corpus: Corpus) -> None:
    assert len(corpus.documents) > 600
    assert len(corpus.questions) > 1500
    assert len(np.unique(corpus.documents, axis=0)) == len(corpus.documents)
    assert len(set(corpus.words)) == len(corpus.words)


def test_the_reader_answers_from_the_own_document(corpus: Corpus) -> None:
    for question, source, answer in zip(corpus.questions[::7], corpus.source[::7], corpus.answers[::7], strict=True):
        assert read(question, corpus.documents[source]) == answer


def test_other_documents_seldom_answer(corpus: Corpus) -> None:
    others = np.roll(corpus.source, len(corpus.source) // 2)
    read_there = [
        read(question, corpus.documents[other]) for question, other in zip(corpus.questions, others, strict=True)
    ]
    assert np.mean(np.array(read_there) != BLANK) < 0.01


def test_the_reader_on_a_document_by_hand() -> None:
    document = np.array([5, 6, 7, 8, 5, 6, 9, 8, 0, 0])
    assert read(np.array([6, BLANK, 8]), document) == 7
    assert read(np.array([5, 6, BLANK, 8]), document) == 7
    assert read(np.array([8, BLANK, 6]), document) == 5
    assert read(np.array([9, BLANK, 8]), document) == BLANK
    assert read(np.arange(1, 12), document) == BLANK


def test_answers_are_rare_and_not_given_away(corpus: Corpus) -> None:
    assert (corpus.questions[:, BEFORE] == BLANK).all()
    assert (np.delete(corpus.questions, BEFORE, axis=1) != BLANK).all()
    within = [(corpus.documents == answer).any(axis=1).sum() for answer in np.unique(corpus.answers)]
    assert max(within) <= RARE
    assert all(len(corpus.words[answer].strip("_")) >= 4 for answer in corpus.answers)


def test_bm25_finds_most_documents_but_not_all(corpus: Corpus) -> None:
    _, test = split(corpus, test=400, seed=0)
    scores = bm25(corpus, corpus.questions[test])
    recall = np.mean(scores.argmax(axis=1) == corpus.source[test])
    assert 0.6 < recall < 0.95


def test_bm25_by_hand() -> None:
    documents = np.array([[1, 2, 2, 0], [1, 3, 0, 0], [1, 3, 3, 3]])
    corpus = Corpus(("<blank>", "a", "b", "c"), documents, *(np.zeros(0, dtype=np.int64) for _ in range(3)))
    scores = bm25(corpus, np.array([[2, BLANK], [3, BLANK]]))
    rarity = np.log1p((3 - 1 + 0.5) / (1 + 0.5))
    assert scores[0] == pytest.approx([rarity * 2 * 2.5 / (2 + 1.5), 0.0, 0.0])
    assert scores[1, 2] > scores[1, 1] > scores[1, 0] == 0.0


def test_division_is_seeded_and_leaves_nothing_out(corpus: Corpus) -> None:
    train, test = split(corpus, test=400, seed=1)
    assert len(test) == 400
    assert sorted([*train, *test]) == list(range(len(corpus.questions)))
    assert (split(corpus, test=400, seed=1)[0] == train).all()
    assert not (split(corpus, test=400, seed=2)[0] == train).all()
