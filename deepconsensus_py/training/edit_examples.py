"""What run networks learn from: undecided runs with their right edit, in arrays.

Molecules with known truth are refined by the pair hidden Markov model, as they are and with drafts of some of their
passes, and the runs left undecided are labelled by the truth.
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
from deepconsensus_py.edits.labels import label_runs
from deepconsensus_py.edits.refine import refine
from deepconsensus_py.edits.tokens import COVERED, PASS_FIELDS, RUN_FIELDS, run_evidence, run_tokens, undecided_runs
from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.examples.example import Example
from deepconsensus_py.examples.file import ExampleFile
from deepconsensus_py.files import atomic_path
from deepconsensus_py.pacbio.inputs import reading
from deepconsensus_py.pacbio.molecule import Alignment, Draft, Pass
from deepconsensus_py.training.augment import is_its_own_truth, redrafted
from deepconsensus_py.training.task import hole_of
from deepconsensus_py.workers.ordered import ordered_map

log = logging.getLogger(__name__)

HEADER = "deepconsensus_py"
FORMAT = "deepconsensus-py evidence"
VERSION = 3

END = 50
"""Draft bases at either end of the truth that are not looked at."""

MOST_RUNS = 2000
"""Of one draft, chosen at random; drafts of few passes leave most of their runs undecided."""


@dataclass(frozen=True, slots=True, eq=False)
class RunExamples:
    """Labelled runs of drafts.

    Attributes:
        passes: ``int8[tokens, PASS_FIELDS]`` pass tokens of all runs, one run after the other.
        first: ``int64[n + 1]`` where the tokens of each run begin, and the end of the last.
        run: ``int16[n, RUN_FIELDS]`` run tokens.
        label: ``uint8[n]`` numbers of ``edits.classes.EDIT_CLASSES``.
        start: ``int64[drafts + 1]`` where the runs of each draft begin, and the end of the last.
        hole: ``int64[drafts]`` ZMW number, -1 where the name has none.
        given: ``bool[drafts]`` whether the draft is the one that came with the molecule.
        decided: ``int64[drafts]`` runs whose evidence leaves them alone.
        missed: ``int64[drafts]`` how many of these are wrong.
    """

    passes: NDArray[np.int8]
    first: NDArray[np.int64]
    run: NDArray[np.int16]
    label: NDArray[np.uint8]
    start: NDArray[np.int64]
    hole: NDArray[np.int64]
    given: NDArray[np.bool_]
    decided: NDArray[np.int64]
    missed: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.label)

    @property
    def drafts(self) -> int:
        """Number of drafts."""
        return len(self.hole)

    def of_draft(self, draft: int) -> NDArray[np.int64]:
        """Numbers ``int64[n]`` of the runs of a draft."""
        return np.arange(self.start[draft], self.start[draft + 1])

    def tokens(self, chosen: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """The network's input of some runs, as ``run_tokens.run_tokens`` makes it; passes come first, padding last."""
        counts = self.first[chosen + 1] - self.first[chosen]
        padded = np.zeros((len(chosen), int(counts.max(initial=1)), self.passes.shape[1]), np.int8)
        held = np.arange(padded.shape[1]) < counts[:, None]
        number = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        padded[held] = self.passes[np.repeat(self.first[chosen], counts) + number]
        return {"passes": padded, "run": self.run[chosen]}


def labelled_runs(example: Example, rng: np.random.Generator, *, given: bool) -> RunExamples:
    """Refine a molecule and label the runs that are left undecided.

    Args:
        example: the molecule and its truth.
        rng: chooses among the runs where they are more than ``MOST_RUNS``.
        given: whether the draft came with the molecule.

    Returns:
        Examples of one draft; runs near the ends of the truth, and those that no edit of ``edits.classes`` mends, are
        left out.

    Raises:
        MoleculeError: an alignment does not fit, or the truth does not align to the refined draft.
    """
    refined = refine(example.zmw)
    draft, evidence = refined.bases, run_evidence(refined)
    (truth,) = align_passes(Draft("truth", draft, None), [Pass("truth", example.truth.bases, None, None, None)])
    if truth is None or truth.alignment is None:
        raise MoleculeError(f"{example.name}: its truth does not align to the refined draft", outcome="truth_misfit")
    runs = refined.repeats.runs
    labels = label_runs(draft, runs, truth.bases, truth.alignment)
    begin, end = _stretch(truth.alignment)
    inner = (runs.start >= begin + END) & (runs.stop <= end - END)
    undecided = undecided_runs(evidence)
    rest = inner & evidence.covered.any(axis=0)
    rest[undecided] = False
    chosen = undecided[(inner & labels.exact)[undecided]]
    if len(chosen) > MOST_RUNS:
        chosen = np.sort(rng.choice(chosen, MOST_RUNS, replace=False))
    tokens = run_tokens(evidence, chosen)
    held = tokens["passes"][:, :, COVERED] > 0
    hole = hole_of(example.name)
    return RunExamples(
        passes=tokens["passes"][held],
        first=np.concatenate([[0], np.cumsum(held.sum(axis=1))]),
        run=tokens["run"],
        label=labels.classes[chosen],
        start=np.array([0, len(chosen)]),
        hole=np.array([-1 if hole is None else hole]),
        given=np.array([given]),
        decided=np.array([rest.sum()]),
        missed=np.array([(rest & ~(labels.exact & (labels.classes == 0))).sum()]),
    )


def _stretch(alignment: Alignment) -> tuple[int, int]:
    """Draft positions from and to which an alignment reaches."""
    return alignment.start, alignment.start + int(alignment.lengths @ cigar.ON_DRAFT[alignment.operations])


def make_run_examples(
    files: Sequence[ExampleFile], *, redrafts: int, seed: int, threads: int = 1
) -> Iterator[RunExamples]:
    """Examples of every molecule with its draft and with drafts of some of its passes, one draft at a time.

    Args:
        files: molecules with truth.
        redrafts: drafts of some passes that are made of each molecule.
        seed: of all chance.
        threads: worker processes.
    """
    places = ((file, index, number) for file in files for index in range(len(file)) for number in range(redrafts + 1))
    work = partial(_examples_of, seed=seed)
    yield from (found for found in ordered_map(work, places, threads, processes=True) if found is not None)


def _examples_of(place: tuple[ExampleFile, int, int], seed: int) -> RunExamples | None:
    """Draft ``number`` of a molecule, 0 the one that it came with."""
    file, index, number = place
    rng = np.random.default_rng([seed, index, number])
    example: Example | None = file[index]
    assert example is not None
    if number:
        example = redrafted(example, rng)
    elif is_its_own_truth(example):
        example = None
    if example is None:
        return None
    try:
        return labelled_runs(example, rng, given=number == 0)
    except MoleculeError as fault:
        log.warning("%s", fault)
        return None


def joined(parts: Sequence[RunExamples]) -> RunExamples:
    """Examples one after the other.

    Raises:
        InputError: there are none.
    """
    if not parts:
        raise InputError("there is no molecule to learn from: none has three passes and a truth that aligns")
    arrays = {field.name: np.concatenate([getattr(p, field.name) for p in parts]) for field in fields(RunExamples)}
    for name in ("first", "start"):
        ends = np.cumsum([0, *(getattr(p, name)[-1] for p in parts)])
        moved = [getattr(p, name)[:-1] + end for p, end in zip(parts, ends[:-1], strict=True)]
        arrays[name] = np.concatenate([*moved, ends[-1:]])
    return RunExamples(**arrays)


def write_run_examples(path: Path, parts: Iterable[RunExamples]) -> RunExamples:
    """Write examples; the file takes its name only when complete.

    Returns:
        what was written.

    Raises:
        InputError: there are none.
        OutputError: the file cannot be written.
    """
    examples = joined(list(parts))
    about = {"format": FORMAT, "version": VERSION, "tool": __version__}
    arrays = {field.name: getattr(examples, field.name) for field in fields(RunExamples)}
    with atomic_path(path) as target:
        target.write_bytes(save(arrays, metadata={HEADER: json.dumps(about)}))
    return examples


def read_run_examples(path: Path) -> RunExamples:
    """Read examples.

    Raises:
        InputError: not such a file, damaged, or of another version.
    """
    try:
        with reading(path), safe_open(path, framework="np") as file:
            about = json.loads((file.metadata() or {}).get(HEADER, "{}"))
            if about.get("format") != FORMAT:
                raise InputError(f"{path}: not an evidence file; write one with 'deepconsensus-py prepare-training'")
            if about.get("version") != VERSION:
                raise InputError(
                    f"{path}: of version {about.get('version')}, this program reads {VERSION}; write it again"
                )
            examples = RunExamples(**{field.name: file.get_tensor(field.name) for field in fields(RunExamples)})
    except SafetensorError as fault:
        raise InputError(f"{path}: not an evidence file, or damaged ({fault}); write it again") from fault
    if (examples.passes.shape[1:], examples.run.shape[1:]) != ((PASS_FIELDS,), (RUN_FIELDS,)):
        raise InputError(f"{path}: its tokens have other fields than this program's; write it again")
    return examples
