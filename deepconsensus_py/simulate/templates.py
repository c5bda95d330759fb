"""Template sequences: random, with the homopolymers and repeats of a genome, or fragments of given sequences."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.pacbio.molecule import G, encode_bases, reverse_complement
from deepconsensus_py.pacbio.text_reads import text_reads

REPEAT_SPACING = 1000  # mean bases between tandem repeats, so that every molecule of some kb has one
REPEAT_UNITS = (2, 6)  # bases
REPEAT_COPIES = (4, 12)
TANDEM_UNITS = (2, 3)  # bases


@dataclass(frozen=True, slots=True, eq=False)
class TemplateHomopolymers:
    """The homopolymers of a sequence.

    Attributes:
        starts: ``int64[r]`` position of the first base of each homopolymer.
        lengths: ``int64[r]`` bases of each homopolymer.
        index: ``int64[n]`` index of the homopolymer of each base.
    """

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    index: NDArray[np.int64]


def template_homopolymers(bases: NDArray[np.uint8]) -> TemplateHomopolymers:
    """The homopolymers of a sequence ``uint8[n]``, in order."""
    first = np.ones(len(bases), bool)
    first[1:] = bases[1:] != bases[:-1]
    starts = np.flatnonzero(first)
    return TemplateHomopolymers(starts, np.diff(np.append(starts, len(bases))), np.cumsum(first) - 1)


@dataclass(frozen=True, slots=True, eq=False)
class TemplateRepeats:
    """Tandem repeats of units of two and three bases.

    Attributes:
        starts: ``int64[k]`` first base.
        stops: ``int64[k]`` one past the last.
        units: ``int64[k]`` bases of the unit.
    """

    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    units: NDArray[np.int64]


def tandem_repeats(bases: NDArray[np.uint8]) -> TemplateRepeats:
    """The tandem repeats of at least two copies in a sequence ``uint8[n]``, without homopolymers."""
    found = []
    for unit in TANDEM_UNITS:
        again = np.zeros(max(len(bases) - unit, 0) + 2, np.int8)
        again[1:-1] = bases[unit:] == bases[: len(bases) - unit]
        edges = np.diff(again)
        starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) + unit
        changes = np.append(0, np.cumsum(bases[1:] != bases[:-1]))
        real = (stops - starts >= 2 * unit) & (changes[stops - 1] > changes[starts])
        found.append((starts[real], stops[real], np.full(int(real.sum()), unit)))
    return TemplateRepeats(*(np.concatenate(column) for column in zip(*found, strict=True)))


def random_template(length: int, homopolymer_share: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A random sequence.

    Args:
        length: bases.
        homopolymer_share: ``float64[6, k]`` share of homopolymers by base code and length 1, 2, … k.
        rng: source of randomness.

    Returns:
        ``uint8[length]`` base codes.
    """
    # Adjacent homopolymers differ: of consecutive equal bases all but one are dropped, about a third.
    letters = rng.choice(len(homopolymer_share), 2 * length + 10, p=homopolymer_share.sum(axis=1))
    letters = letters[np.append(True, letters[1:] != letters[:-1])]
    cumulative = np.cumsum(homopolymer_share / np.maximum(homopolymer_share.sum(axis=1, keepdims=True), 1e-12), axis=1)
    lengths = 1 + (rng.random(len(letters))[:, None] >= cumulative[letters, :-1]).sum(axis=1)
    template = np.repeat(letters, lengths)[:length].astype(np.uint8)
    for _ in range(length // REPEAT_SPACING):
        _place_repeat(template, rng)
    return template


def _place_repeat(template: NDArray[np.uint8], rng: np.random.Generator) -> None:
    unit = rng.integers(1, G + 1, rng.integers(REPEAT_UNITS[0], REPEAT_UNITS[1] + 1))
    repeat = np.tile(unit, rng.integers(REPEAT_COPIES[0], REPEAT_COPIES[1] + 1))
    start = rng.integers(0, len(template) - len(repeat) + 1)
    template[start : start + len(repeat)] = repeat


@dataclass(frozen=True, slots=True, eq=False)
class Contig:
    """A sequence to take molecules from.

    Attributes:
        name: of the contig.
        bases: ``uint8[n]`` base codes.
    """

    name: str
    bases: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Fragment:
    """A fragment of a template.

    Attributes:
        contig: the template's name.
        begin: its first base there, 0-based.
        reverse: it is the opposite strand.
        bases: ``uint8[n]`` base codes of that strand.
    """

    contig: str
    begin: int
    reverse: bool
    bases: NDArray[np.uint8]


def read_templates(path: Path, shortest: int) -> list[Contig]:
    """The sequences of a FASTA file.

    Args:
        path: FASTA file, plain or gzipped.
        shortest: fewest bases of a sequence that can be simulated.

    Raises:
        InputError: the file cannot be read, has no sequence, or one that is too short.
    """
    try:
        found = [Contig(read.name, encode_bases(read.letters())) for read in text_reads(path) if read.sequence]
    except MoleculeError as error:
        raise InputError(f"{error}; give a FASTA file of template sequences") from error
    if not found or min(len(template.bases) for template in found) < shortest:
        raise InputError(
            f"{path}: no sequence, or one shorter than {shortest} bases; give a FASTA file of longer sequences"
        )
    return found


def draw_fragment(templates: Sequence[Contig], length: int, rng: np.random.Generator) -> Fragment:
    """A fragment of one of the templates, from either strand; shorter templates are used whole.

    Args:
        templates: longer ones are drawn more often.
        length: bases of the fragment.
        rng: source of randomness.
    """
    ends = np.cumsum([len(template.bases) for template in templates])
    template = templates[int(np.searchsorted(ends, rng.integers(ends[-1]), side="right"))]
    begin = int(rng.integers(max(len(template.bases) - length, 0) + 1))
    bases = template.bases[begin : begin + length]
    reverse = rng.random() < 0.5
    return Fragment(template.name, begin, reverse, reverse_complement(bases) if reverse else bases)
