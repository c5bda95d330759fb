"""Training examples of edit networks: undecided homopolymers with their correct edit.

Molecules with known truth are refined by the pair hidden Markov model, with their own drafts and with drafts of some of
their passes; the undecided homopolymers are labelled by the truth.
"""

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from deepconsensus_py._version import __version__
from deepconsensus_py.align import cigar
from deepconsensus_py.align.passes import align_passes
from deepconsensus_py.edits.labels import label_homopolymers
from deepconsensus_py.edits.refine import refine
from deepconsensus_py.edits.support import unknown
from deepconsensus_py.edits.tokens import (
    COVERED,
    HOMOPOLYMER_FIELDS,
    PASS_FIELDS,
    edit_evidence,
    homopolymer_tokens,
    undecided_homopolymers,
)
from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.examples.example import Example
from deepconsensus_py.examples.file import ExampleFile
from deepconsensus_py.files import atomic_path
from deepconsensus_py.pacbio.inputs import reading
from deepconsensus_py.pacbio.molecule import Alignment, Draft, Pass
from deepconsensus_py.training.augment import is_its_own_truth, redrafted
from deepconsensus_py.training.task import hole_of
from deepconsensus_py.training.unsupported import without_unsupported_truth
from deepconsensus_py.workers.ordered import ordered_map

log = logging.getLogger(__name__)

HEADER = "deepconsensus_py"
FORMAT = "deepconsensus-py evidence"
VERSION = 4

END = 50
"""Draft bases at either end of the truth that are ignored."""

MOST_HOMOPOLYMERS = 2000
"""Most examples of one draft, chosen at random: with few passes, most homopolymers of a draft are undecided."""


@dataclass(frozen=True, slots=True, eq=False)
class EditExamples:
    """Labelled homopolymers of drafts. Files have arrays of these names.

    Attributes:
        passes: ``int8[tokens, PASS_FIELDS]`` pass tokens, homopolymer by homopolymer.
        first: ``int64[n + 1]`` start of the tokens of each homopolymer, and the end of the last.
        homopolymer: ``int16[n, HOMOPOLYMER_FIELDS]`` homopolymer tokens.
        label: ``uint8[n]`` indices into ``edits.classes.EDIT_CLASSES``.
        start: ``int64[drafts + 1]`` start of the homopolymers of each draft, and the end of the last.
        hole: ``int64[drafts]`` ZMW number, -1 where the name has none.
        given: ``bool[drafts]`` whether the draft is the molecule's own.
    """

    passes: NDArray[np.int8]
    first: NDArray[np.int64]
    run: NDArray[np.int16]
    label: NDArray[np.uint8]
    start: NDArray[np.int64]
    hole: NDArray[np.int64]
    given: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.label)

    @property
    def drafts(self) -> int:
        """Number of drafts."""
        return len(self.hole)

    def of_draft(self, draft: int) -> NDArray[np.int64]:
        """Indices ``int64[n]`` of the homopolymers of a draft."""
        return np.arange(self.start[draft], self.start[draft + 1])

    def tokens(self, chosen: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """The network's input (``tokens.homopolymer_tokens``) for some homopolymers; padding follows the passes."""
        counts = self.first[chosen + 1] - self.first[chosen]
        padded = np.zeros((len(chosen), int(counts.max(initial=1)), self.passes.shape[1]), np.int8)
        held = np.arange(padded.shape[1]) < counts[:, None]
        number = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        padded[held] = self.passes[np.repeat(self.first[chosen], counts) + number]
        return {"passes": padded, "run": self.run[chosen]}


def labelled_homopolymers(example: Example, rng: np.random.Generator, *, given: bool) -> EditExamples:
    """Refine a molecule and label its undecided homopolymers.

    Args:
        example: the molecule and its truth.
        rng: samples homopolymers if there are more than ``MOST_HOMOPOLYMERS``.
        given: whether the draft is the molecule's own.

    Returns:
        Examples of one draft, without homopolymers near the ends of the truth, where it is unknown (N), or that no edit
        class corrects.

    Raises:
        MoleculeError: an alignment does not fit, or the truth does not align to the refined draft.
    """
    refined = refine(example.zmw)
    draft, evidence = refined.bases, edit_evidence(refined)
    (truth,) = align_passes(Draft("truth", draft, None), [Pass("truth", example.truth.bases, None, None, None)])
    if truth is None or truth.alignment is None:
        raise MoleculeError(f"{example.name}: its truth does not align to the refined draft", outcome="truth_misfit")
    homopolymers = refined.repeats.homopolymers
    labels = label_homopolymers(draft, homopolymers, truth.bases, truth.alignment, refined.segments)
    begin, end = _stretch(truth.alignment)
    inner = (homopolymers.start >= begin + END) & (homopolymers.stop <= end - END)
    inner &= ~unknown(truth.bases, truth.alignment, homopolymers)
    undecided = undecided_homopolymers(evidence)
    chosen = undecided[(inner & labels.exact)[undecided]]
    if len(chosen) > MOST_HOMOPOLYMERS:
        chosen = np.sort(rng.choice(chosen, MOST_HOMOPOLYMERS, replace=False))
    tokens = homopolymer_tokens(evidence, chosen)
    held = tokens["passes"][:, :, COVERED] > 0
    hole = hole_of(example.name)
    return EditExamples(
        passes=tokens["passes"][held],
        first=np.concatenate([[0], np.cumsum(held.sum(axis=1))]),
        run=tokens["run"],
        label=labels.classes[chosen],
        start=np.array([0, len(chosen)]),
        hole=np.array([-1 if hole is None else hole]),
        given=np.array([given]),
    )


def _stretch(alignment: Alignment) -> tuple[int, int]:
    """First draft position of an alignment, and one past its last."""
    return alignment.start, alignment.start + int(alignment.lengths @ cigar.ON_DRAFT[alignment.operations])


def make_edit_examples(
    files: Sequence[ExampleFile], *, redrafts: int, seed: int, threads: int = 1
) -> Iterator[EditExamples]:
    """Examples of every molecule with its own draft and with drafts of some of its passes, one draft at a time.

    Args:
        files: molecules with truth.
        redrafts: number of drafts of some passes per molecule.
        seed: random seed.
        threads: worker processes.
    """
    places = ((file, index, number) for file in files for index in range(len(file)) for number in range(redrafts + 1))
    work = partial(_examples_of, seed=seed)
    yield from (found for found in ordered_map(work, places, threads, processes=True) if found is not None)


def _examples_of(place: tuple[ExampleFile, int, int], seed: int) -> EditExamples | None:
    """Draft ``number`` of a molecule; 0 is its own."""
    file, index, number = place
    rng = np.random.default_rng([seed, index, number])
    example: Example | None = file[index]
    assert example is not None
    example = without_unsupported_truth(example)
    if number:
        example = redrafted(example, rng)
    elif is_its_own_truth(example):
        example = None
    if example is None:
        return None
    try:
        return labelled_homopolymers(example, rng, given=number == 0)
    except MoleculeError as fault:
        log.warning("%s", fault)
        return None


def joined(parts: Sequence[EditExamples]) -> EditExamples:
    """Concatenate examples.

    Raises:
        InputError: there are none.
    """
    if not parts:
        raise InputError("no usable molecule: none has three passes and a truth that aligns")
    arrays = {field.name: np.concatenate([getattr(p, field.name) for p in parts]) for field in fields(EditExamples)}
    for name in ("first", "start"):
        ends = np.cumsum([0, *(getattr(p, name)[-1] for p in parts)])
        moved = [getattr(p, name)[:-1] + end for p, end in zip(parts, ends[:-1], strict=True)]
        arrays[name] = np.concatenate([*moved, ends[-1:]])
    return EditExamples(**arrays)


def write_edit_examples(path: Path, parts: Iterable[EditExamples]) -> EditExamples:
    """Write examples atomically.

    Returns:
        the examples written.

    Raises:
        InputError: there are none.
        OutputError: the file cannot be written.
    """
    examples = joined(list(parts))
    about = {"format": FORMAT, "version": VERSION, "tool": __version__}
    arrays = {field.name: getattr(examples, field.name) for field in fields(EditExamples)}
    with atomic_path(path) as target:
        target.write_bytes(save(arrays, metadata={HEADER: json.dumps(about)}))
    return examples


def read_edit_examples(path: Path) -> EditExamples:
    """Read examples.

    Raises:
        InputError: not such a file, damaged, or of another version.
    """
    try:
        with reading(path), safe_open(path, framework="np") as file:
            about = json.loads((file.metadata() or {}).get(HEADER, "{}"))
            if about.get("format") != FORMAT:
                raise InputError(f"{path}: not an evidence file; create one with 'deepconsensus-py prepare-training'")
            if about.get("version") != VERSION:
                raise InputError(
                    f"{path}: of version {about.get('version')}, this program reads {VERSION}; write it again"
                )
            examples = EditExamples(**{field.name: file.get_tensor(field.name) for field in fields(EditExamples)})
    except SafetensorError as fault:
        raise InputError(f"{path}: not an evidence file, or damaged ({fault}); write it again") from fault
    if (examples.passes.shape[1:], examples.run.shape[1:]) != ((PASS_FIELDS,), (HOMOPOLYMER_FIELDS,)):
        raise InputError(f"{path}: its tokens have other fields than this program's; write it again")
    return examples
