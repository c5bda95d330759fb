"""The door to the product: simulated molecules as labelled windows and as polished reads, and the errors of calls.

Whatever the lab needs of the rooms that polish reads, it takes from here, so that a change of theirs drags along this
file alone (``tests/test_architecture.py``).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import edlib
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepconsensus_py.align.passes import align_zmw
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.evaluate.calibration_counts import CAP, bin_errors
from deepconsensus_py.evaluate.comparison import empirical_quality
from deepconsensus_py.evaluate.read_errors import BookedErrors, ReadErrors, find_errors
from deepconsensus_py.evaluate.reads import Read
from deepconsensus_py.examples.example import Example
from deepconsensus_py.examples.molecules import align_truth
from deepconsensus_py.examples.windows import WindowExamples, join_windows, window_examples
from deepconsensus_py.models.column_network import ColumnConfig
from deepconsensus_py.pacbio.molecule import decode_bases
from deepconsensus_py.pacbio.truth import TrueSequence
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.polishing.engine import PolishSettings, polish
from deepconsensus_py.polishing.filters import ReadFilter
from deepconsensus_py.reports.table import YIELD_QUALITIES
from deepconsensus_py.simulate.movies import simulate_zmws
from deepconsensus_py.simulate.profile import load_profile

SPEC = FeatureSpec(max_passes=8, use_draft_qualities=True)
LENGTH, PASSES = (2000, 4000), (3, 6)
"""Bases, and full passes, of the molecules of ``simulated``; with partial passes there are up to 8."""

AT_ONCE = 8
"""Molecules that ``simulated`` asks for at a time."""

EMBEDDINGS = {"bases": 8, "pulse_widths": 4, "inter_pulse_durations": 4, "strands": 2, "draft_quality": 4, "snr": 2}
BASES = "-ATCG"

WindowTensors = dict[str, Tensor]
"""Arrays of windows as heads on pileups take them, with ``labels``."""


@lru_cache(maxsize=4)
def simulated(count: int, seed: int) -> WindowTensors:
    """Windows of simulated Sequel molecules of 3 to 6 full passes, in random order.

    A thousand take half a second, so they are not kept on disk. Different seeds give different molecules, whose
    sequences are drawn at random.

    Args:
        count: windows.
        seed: of the molecules and of the order.
    """
    rng = np.random.default_rng([17, seed])
    parts: list[WindowExamples] = []
    while sum(map(len, parts)) < count:
        for part in _molecules(AT_ONCE, rng, SPEC, LENGTH, PASSES):
            parts.append(part)
            if sum(map(len, parts)) >= count:
                break
    windows = join_windows(parts)
    return _tensors(windows.take(rng.permutation(len(windows))[:count]))


def windows_of(
    molecules: int, *, length: tuple[int, int], passes: tuple[int, int], max_passes: int, seed: int
) -> WindowTensors:
    """All windows of simulated Sequel molecules, in order, without draft qualities.

    Args:
        molecules: how many.
        length: shortest and longest, in bases.
        passes: fewest and most full passes.
        max_passes: rows of a window, for full and partial passes.
        seed: of the molecules.
    """
    spec = FeatureSpec(max_passes=max_passes)
    return _tensors(join_windows(list(_molecules(molecules, np.random.default_rng(seed), spec, length, passes))))


def _molecules(
    count: int, rng: np.random.Generator, spec: FeatureSpec, length: tuple[int, int], passes: tuple[int, int]
) -> Iterator[WindowExamples]:
    """The windows of each simulated molecule."""
    for molecule in simulate_zmws(load_profile("sequel"), count, rng, length=length, passes=passes):
        zmw = align_zmw(molecule.zmw)
        yield window_examples(Example(zmw, align_truth(zmw.draft, TrueSequence(zmw.name, molecule.truth))), spec)


def _tensors(windows: WindowExamples) -> WindowTensors:
    arrays = {**windows.inputs, "labels": windows.labels}
    return {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in arrays.items()}


def take(windows: WindowTensors, index: Tensor | slice) -> WindowTensors:
    """Some of the windows, by index."""
    return {name: values[index] for name, values in windows.items()}


@dataclass(frozen=True, slots=True)
class Judged:
    """The errors of calls.

    Attributes:
        errors: edits between the calls of all windows and their truth.
        bases: of the truth.
        calibration_error: mean difference of predicted and observed quality over called bases, as ``evaluate``
            computes it, up to Q40; deleted bases are not included. None without error probabilities or enough bases.
    """

    errors: int
    bases: int
    calibration_error: float | None

    @property
    def per_kb(self) -> float:
        """Errors per thousand true bases."""
        return 1000 * self.errors / max(self.bases, 1)


def judge(called: Tensor, labels: Tensor, error: Tensor | None = None) -> Judged:
    """Compare calls with the truth, window by window.

    Args:
        called: classes ``[n, columns]``, 0 for a gap.
        labels: the true classes.
        error: error probability of each call, ``float[n, columns]``.
    """
    errors, bases = 0, 0
    wrong: list[NDArray[np.bool_]] = []
    for ours, true in zip(called.numpy(), labels.numpy(), strict=True):
        kept, truth = ours[(ours > 0) & (ours < len(BASES))], true[true > 0]
        path = edlib.align(_letters(kept), _letters(truth), task="path")
        errors, bases = errors + path["editDistance"], bases + len(truth)
        wrong.append(_wrong(path["cigar"] or "", len(kept)))
    if error is None:
        return Judged(errors, bases, None)
    likely = error[(called > 0) & (called < len(BASES))].double().numpy()
    qualities = np.rint(-10 * np.log10(likely.clip(10 ** (-CAP / 10), 1)))
    booked = np.concatenate(wrong).astype(np.float64)
    bins = bin_errors([BookedErrors(qualities, booked, booked)])
    return Judged(errors, bases, bins.expected_calibration_error(CAP))


def _letters(bases: NDArray[np.integer]) -> str:
    return "".join(BASES[base] for base in bases)


def _wrong(cigar: str, count: int) -> NDArray[np.bool_]:
    """Which called bases are errors, ``bool[count]``."""
    steps = re.findall(r"(\d+)([=XI])", cigar)
    wrong = np.repeat([kind != "=" for _, kind in steps], [int(length) for length, _ in steps]).astype(np.bool_)
    return wrong if len(steps) else np.ones(count, np.bool_)


def config(trunk: TrunkConfig) -> ColumnConfig:
    """The configuration of a column network for these windows, with a trunk."""
    return ColumnConfig(SPEC.max_passes, SPEC.width, EMBEDDINGS, trunk, SPEC.use_draft_qualities)


def window_batches(windows: WindowTensors, size: int) -> list[WindowTensors]:
    """The windows in batches, in order."""
    return [take(windows, slice(first, first + size)) for first in range(0, len(windows["labels"]), size)]


def without_draft(windows: WindowTensors) -> WindowTensors:
    """The windows without the draft and its qualities."""
    absent = {"draft": 0, "draft_quality": -1}
    return {**windows, **{name: torch.full_like(windows[name], value) for name, value in absent.items()}}


def draft_error(windows: WindowTensors) -> Tensor:
    """Error probability of each draft base by its quality, ``float[n, columns]``; 1 for gaps."""
    return 10 ** (-windows["draft_quality"].clamp(min=0).float() / 10)


@dataclass(frozen=True, slots=True, eq=False)
class Polished:
    """One simulated molecule.

    Attributes:
        truth: its bases.
        draft: the draft's bases.
        read: the polished read's bases; the draft's if there is no read.
        draft_errors: of the draft.
        errors: of the read.
    """

    truth: str
    draft: str
    read: str
    draft_errors: ReadErrors
    errors: ReadErrors


def polished(
    profile: str, *, molecules: int, length: tuple[int, int], passes: tuple[int, int], seed: int, model: str
) -> list[Polished]:
    """Simulate molecules, polish them, and compare drafts and reads with the truth, whatever their quality.

    Args:
        profile: name of a profile of the simulator.
        molecules: how many.
        length: shortest and longest, in bases.
        passes: fewest and most full passes.
        seed: of the molecules.
        model: name or file of a model.
    """
    rng = np.random.default_rng(seed)
    given = list(simulate_zmws(load_profile(profile), molecules, rng, length=length, passes=passes))
    settings = PolishSettings(filter=ReadFilter(min_quality=0, min_length=0))
    found = []
    for molecule, read in zip(given, polish((m.zmw for m in given), model=model, settings=settings), strict=True):
        truth, draft = decode_bases(molecule.truth), molecule.zmw.draft
        bases, qualities = (draft.bases, draft.qualities) if read.bases is None else (read.bases, read.qualities)
        before, after = decode_bases(draft.bases), decode_bases(bases)
        assert draft.qualities is not None
        assert qualities is not None
        draft_errors = find_errors(Read(draft.name, before, draft.qualities.astype(float)), truth)
        errors = find_errors(Read(draft.name, after, qualities.astype(float)), truth)
        found.append(Polished(truth, before, after, draft_errors, errors))
    return found


def yield_figures(reads: Sequence[ReadErrors], *, predicted: bool) -> dict[int, int]:
    """Bases in reads of at least each of ``YIELD_QUALITIES``.

    Args:
        reads: with their errors.
        predicted: by the reads' base qualities instead of their errors.
    """
    judged = [
        (read.length, read.predicted_quality if predicted else empirical_quality(read.total, read.truth_bases))
        for read in reads
    ]
    return {
        least: sum(length for length, quality in judged if quality is not None and quality >= least)
        for least in YIELD_QUALITIES
    }
