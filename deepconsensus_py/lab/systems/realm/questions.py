"""Questions, the document that answers each, and the answer, from the Python reference that comes with Python.

A question is a few words of one paragraph with a rare word left out; the paragraph stays in the corpus, so that what
is measured is to find it and copy from it (Guu et al. 2020, REALM). BM25 is the retriever to beat, ``read`` the
reader that cannot err once it has the right paragraph. Numbers differ between versions of Python, whose texts differ.
"""

import re
from collections import Counter
from dataclasses import dataclass
from pydoc_data.topics import topics

import numpy as np
from numpy.typing import NDArray

LEAST_WORDS = 16
"""Paragraphs of fewer words are left out: they are headings, grammar and lists."""

BEFORE, AFTER = 3, 2
"""Words of a question on each side of the blank."""

RARE = 4
"""An answer stands in at most so many paragraphs."""

LEAST_LETTERS = 4
"""Of an answer."""

BLANK = 0
"""The token of the blank, and of what fills up short rows; words count from 1."""

K1, B = 1.5, 0.75
"""Saturation and length normalisation of BM25 (Robertson and Zaragoza 2009)."""


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """Documents, and questions about them.

    Attributes:
        words: the vocabulary; token t is ``words[t]``, and ``words[0]`` is the blank.
        documents: ``int64[documents, longest]``, filled up with 0 behind.
        questions: ``int64[questions, 6]``, the blank the fourth.
        source: ``int64[questions]``, the document that a question is from.
        answers: ``int64[questions]``, the word left out.
    """

    words: tuple[str, ...]
    documents: NDArray[np.int64]
    questions: NDArray[np.int64]
    source: NDArray[np.int64]
    answers: NDArray[np.int64]


def python_reference() -> Corpus:
    """The paragraphs of ``pydoc_data.topics`` without repeats, and one question for each run of six words.

    A question whose answer ``read`` would not find in its own document is left out.
    """
    paragraphs = _paragraphs()
    words = ("<blank>", *sorted({word for paragraph in paragraphs for word in paragraph}))
    token = {word: index for index, word in enumerate(words)}
    documents = np.full((len(paragraphs), max(map(len, paragraphs))), BLANK, dtype=np.int64)
    for row, paragraph in enumerate(paragraphs):
        documents[row, : len(paragraph)] = [token[word] for word in paragraph]
    spread = Counter(word for paragraph in paragraphs for word in set(paragraph))
    questions, source, answers = [], [], []
    for row, paragraph in enumerate(paragraphs):
        for middle in _blanks(paragraph, spread):
            question = documents[row, middle - BEFORE : middle + AFTER + 1].copy()
            answer, question[BEFORE] = question[BEFORE], BLANK
            if read(question, documents[row]) == answer:
                questions.append(question)
                source.append(row)
                answers.append(answer)
    return Corpus(words, documents, np.array(questions), np.array(source), np.array(answers))


def split(corpus: Corpus, *, test: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of questions to train on and, ``test`` of them, to test on, in random order; the documents stay common."""
    order = np.random.default_rng(seed).permutation(len(corpus.questions))
    return order[test:], order[:test]


def read(question: NDArray[np.int64], document: NDArray[np.int64]) -> int:
    """The exact reader: the word where the question's blank is, at the first place whose other words are the same.

    Args:
        question: ``int64[q]``, one of them the blank.
        document: ``int64[longest]``.

    Returns:
        The word, or ``BLANK`` where the document does not hold the question.
    """
    if len(document) < len(question):
        return BLANK
    places = np.lib.stride_tricks.sliding_window_view(document, len(question))
    (found,) = np.nonzero((places == question).sum(axis=1) == (question != BLANK).sum())
    (blank,) = np.nonzero(question == BLANK)
    return int(places[found[0], blank[0]]) if len(found) else BLANK


def bm25(corpus: Corpus, questions: NDArray[np.int64]) -> NDArray[np.float64]:
    """Scores ``float64[questions, documents]`` of every document for questions ``int64[questions, q]``."""
    rows, columns = np.nonzero(corpus.documents)
    counts = np.zeros((len(corpus.documents), len(corpus.words)))
    np.add.at(counts, (rows, corpus.documents[rows, columns]), 1.0)
    length = counts.sum(axis=1, keepdims=True)
    frequency = (counts > 0).sum(axis=0)
    rarity = np.log1p((len(counts) - frequency + 0.5) / (frequency + 0.5))
    counts *= (K1 + 1) * rarity / (counts + K1 * (1 - B + B * length / length.mean()))
    counts[:, BLANK] = 0.0
    return np.stack([counts[:, question].sum(axis=1) for question in questions])


def _paragraphs() -> list[tuple[str, ...]]:
    pieces = (piece for name in sorted(topics) for piece in re.split(r"\n\s*\n", topics[name]))
    found = (tuple(re.findall(r"[a-z_]+", piece.lower())) for piece in pieces)
    return list(dict.fromkeys(paragraph for paragraph in found if len(paragraph) >= LEAST_WORDS))


def _blanks(paragraph: tuple[str, ...], spread: Counter[str]) -> list[int]:
    middles = []
    for start in range(0, len(paragraph), BEFORE + 1 + AFTER):
        places = range(max(start, BEFORE), min(start + BEFORE + 1 + AFTER, len(paragraph) - AFTER))
        rare = [at for at in places if spread[paragraph[at]] <= RARE and len(paragraph[at].strip("_")) >= LEAST_LETTERS]
        if rare:
            middles.append(min(rare, key=lambda at: spread[paragraph[at]]))
    return middles
