"""The pair hidden Markov model as one would write it down, and small passes to try it on."""

import numpy as np
from numpy.typing import NDArray
from support import alignment_of

from deepconsensus_py.align import cigar
from deepconsensus_py.edits.error_rates import PassModel, insertion_factors
from deepconsensus_py.pacbio.molecule import Pass

Codes = NDArray[np.uint8]


def log_likelihood(template: Codes, classes: Codes, p: Pass, model: PassModel) -> float:
    """``ln P(pass | template)``: every cell, in logarithms, no band. ``classes`` are those of the template's bases."""
    cognate, foreign = insertion_factors() if p.pulse_widths is not None else np.ones((2, 256))
    codes = np.zeros(len(p.bases), int) if p.pulse_widths is None else p.pulse_widths
    column = np.full(len(p.bases) + 1, -np.inf)
    column[0] = 0
    for j, (base, length_class_of) in enumerate(zip(template, classes, strict=True)):
        loss = model.deletion[base, length_class_of]
        for i in range(1, len(column) if j else 0):
            letter, code = p.bases[i - 1], codes[i - 1]
            if letter == base:
                inserted = model.cognate[base, length_class_of] * cognate[code]
            elif letter == template[j - 1]:
                inserted = model.cognate[letter, classes[j - 1]] * cognate[code]
            else:
                inserted = model.foreign[letter] * foreign[code]
            column[i] = np.logaddexp(column[i], column[i - 1] + np.log(inserted))
        read = column[:-1] + np.log((1 - loss) * model.emission[base, p.bases])
        column = column + np.log(loss)
        column[1:] = np.logaddexp(column[1:], read)
    return float(column[-1])


def random_model(rng: np.random.Generator) -> PassModel:
    """Error rates of a few percent, all of them different."""
    emission = np.full((6, 6), 0.25) + rng.random((6, 6)) / 100
    emission[1:5, 1:5] = 20 * np.eye(4) + rng.random((4, 4))
    emission /= emission[:, 1:5].sum(axis=1, keepdims=True)
    emission[:, 0] = 0
    deletion, cognate = 0.02 + 0.08 * rng.random((2, 6, 5))
    foreign = (0.005 + 0.02 * rng.random(6)) * [0, 1, 1, 1, 1, 1]
    return PassModel(*(a.astype(np.float32) for a in (emission, deletion, cognate, foreign)))


def random_draft(length: int, rng: np.random.Generator) -> Codes:
    """Bases in homopolymers of one to six."""
    homopolymers = rng.geometric(0.6, length).clip(max=6)
    letters = 1 + np.cumsum(rng.integers(1, 4, length)) % 4
    return np.repeat(letters, homopolymers)[:length].astype(np.uint8)


def random_pass(draft: Codes, rng: np.random.Generator, *, start: int = 0, kinetics: bool = True) -> Pass:
    """A pass that covers a draft from ``start`` on, with about one error in eight bases and its true alignment."""
    columns: list[int] = []
    bases: list[int] = []
    for position, base in enumerate(draft[start:]):
        inner = 0 < position < len(draft) - start - 1
        inserted = rng.integers(1, 5, int(rng.integers(1, 4))) if inner and rng.random() < 0.05 else []
        bases += [int(letter) for letter in inserted]
        columns += [cigar.INSERTION] * len(inserted)
        draw = rng.random() if inner else 1.0
        if draw < 0.05:
            columns.append(cigar.DELETION)
            continue
        bases.append(int(base) if draw > 0.08 else int(rng.integers(1, 5)))
        columns.append(cigar.EQUAL if bases[-1] == base else cigar.DIFFERENT)
    widths = rng.integers(0, 60, len(bases)).astype(np.uint8) if kinetics else None
    alignment = alignment_of(np.array(columns, np.uint8), start=start)
    return Pass("m/1/0_1", np.array(bases, np.uint8), widths, None, None, alignment)
