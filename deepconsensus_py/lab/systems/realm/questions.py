"""Questions with their answers and source documents, made from the reference that comes with Python.

A question is a few words of a paragraph with a rare word missing; the paragraph stays in the corpus, so that what is
measured is finding it and copying from it. BM25 is the retriever to beat, ``read`` a reader that is always right if it
has the right paragraph. Numbers differ between versions of Python, whose texts differ.
"""

import re
from collections import Counter
from dataclasses import dataclass
from pydoc_data.topics import topics

import numpy as np
from numpy.typing import NDArray

LEAST_WORDS = 16
"""Shorter paragraphs are skipped: they are headings, grammar and lists."""

BEFORE, AFTER = 3, 2
"""Words of a question on each side of the blank."""

RARE = 4
"""Most paragraphs that may contain an answer."""

LEAST_LETTERS = 4
"""Fewest letters of an answer."""

BLANK = 0
"""The token of the blank and of padding; words count from 1."""

K1, B = 1.5, 0.75
"""Saturation and length normalisation of BM25 (Robertson and Zaragoza 2009)."""


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """Documents, and questions about them.

    Attributes:
        words: the vocabulary; token t is ``words[t]``, and ``words[0]`` is the blank.
        documents: ``int64[documents, longest]``, padded with 0.
        questions: ``int64[questions, 6]``, the fourth token the blank.
        source: ``int64[questions]``, the document that a question is from.
        answers: ``int64[questions]``, the missing word.
    """

    words: tuple[str, ...]
    documents: NDArray[np.int64]
    questions: NDArray[np.int64]
    source: NDArray[np.int64]
    answers: NDArray[np.int64]


def python_reference() -> Corpus:
    """The different paragraphs of ``pydoc_data.topics``, and one question for every six words of them.

    Questions whose answer ``read`` would not find in their own document are skipped.
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
    """Rows of the questions for training and for testing (``test`` of them), in random order."""
    order = np.random.default_rng(seed).permutation(len(corpus.questions))
    return order[test:], order[:test]


def read(question: NDArray[np.int64], document: NDArray[np.int64]) -> int:
    """The exact reader: the word at the question's blank, at the first place where all other words are the same.

    Args:
        question: ``int64[q]``, one of them the blank.
        document: ``int64[longest]``.

    Returns:
        The word, or ``BLANK`` if the document does not contain the question.
    """
    if len(document) < len(question):
        return BLANK
    places = np.lib.stride_tricks.sliding_window_view(document, len(question))
    (found,) = np.nonzero((places == question).sum(axis=1) == (question != BLANK).sum())
    (blank,) = np.nonzero(question == BLANK)
    return int(places[found[0], blank[0]]) if len(found) else BLANK


def bm25(corpus: Corpus, questions: NDArray[np.int64]) -> NDArray[np.float64]:
    """BM25 scores ``float64[questions, documents]`` of all documents for questions ``int64[questions, q]``."""
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
