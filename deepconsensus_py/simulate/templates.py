"""Molecules to read: random sequence with the runs and short repeats of a genome, or fragments of given sequences."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pysam
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.molecule import G, encode_bases, reverse_complement

REPEAT_SPACING = 1000  # mean bases between tandem repeats: enough that every molecule of some kb has one
REPEAT_UNITS = (2, 6)  # bases
REPEAT_COPIES = (4, 12)


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """The homopolymer runs of a sequence.

    Attributes:
        starts: ``int64[r]`` position of the first base of each run.
        lengths: ``int64[r]`` bases of each run.
        index: ``int64[n]`` run of each base.
    """

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    index: NDArray[np.int64]


def homopolymer_runs(bases: NDArray[np.uint8]) -> Runs:
    """The runs of equal bases of a sequence ``uint8[n]``, in order."""
    first = np.ones(len(bases), bool)
    first[1:] = bases[1:] != bases[:-1]
    starts = np.flatnonzero(first)
    return Runs(starts, np.diff(np.append(starts, len(bases))), np.cumsum(first) - 1)


def random_template(length: int, run_length_share: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A random sequence.

    Args:
        length: bases.
        run_length_share: ``float64[k]`` share of runs of 1, 2, … k bases.
        rng: source of randomness.

    Returns:
        ``uint8[length]`` base codes.
    """
    lengths = 1 + np.searchsorted(np.cumsum(run_length_share), rng.random(length) * (1 - 1e-12))
    # A step of 1 to 3 around the circle of four bases: neighbouring runs always differ.
    bases = 1 + np.cumsum(rng.integers(1, 4, length)) % G
    template = np.repeat(bases, lengths)[:length].astype(np.uint8)
    for _ in range(length // REPEAT_SPACING):
        _place_repeat(template, rng)
    return template


def _place_repeat(template: NDArray[np.uint8], rng: np.random.Generator) -> None:
    unit = rng.integers(1, G + 1, rng.integers(REPEAT_UNITS[0], REPEAT_UNITS[1] + 1))
    repeat = np.tile(unit, rng.integers(REPEAT_COPIES[0], REPEAT_COPIES[1] + 1))
    start = rng.integers(0, len(template) - len(repeat) + 1)
    template[start : start + len(repeat)] = repeat


def read_sequences(path: Path, shortest: int) -> list[NDArray[np.uint8]]:
    """The sequences of a FASTA file as base codes.

    Args:
        path: FASTA file, plain or gzipped.
        shortest: fewest bases of a sequence that can be simulated.

    Raises:
        InputError: the file cannot be read, holds no sequence, or one that is too short.
    """
    try:
        with pysam.FastxFile(str(path)) as file:
            sequences = [encode_bases(record.sequence) for record in file if record.sequence]
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as FASTA ({error}); give a file of template sequences") from error
    if not sequences or min(map(len, sequences)) < shortest:
        raise InputError(f"{path}: no sequence, or one under {shortest} bases; give a FASTA file of longer sequences")
    return sequences


def draw_fragment(sequences: Sequence[NDArray[np.uint8]], length: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A fragment of one of the sequences, from either strand; a sequence that is shorter is taken whole.

    Args:
        sequences: base codes; longer ones are drawn more often.
        length: bases of the fragment.
        rng: source of randomness.
    """
    ends = np.cumsum([len(sequence) for sequence in sequences])
    sequence = sequences[int(np.searchsorted(ends, rng.integers(ends[-1]), side="right"))]
    start = int(rng.integers(max(len(sequence) - length, 0) + 1))
    fragment = sequence[start : start + length]
    return reverse_complement(fragment) if rng.random() < 0.5 else fragment
