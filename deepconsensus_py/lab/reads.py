"""Windows of simulated molecules with their truth, and what is left of their errors when a network has called them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import edlib
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepconsensus_py.align.passes import align_zmw
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.evaluate.calibration_counts import CAP, QUALITIES, QualityCounts, bin_counts
from deepconsensus_py.examples.example import Example
from deepconsensus_py.examples.molecules import align_truth
from deepconsensus_py.examples.windows import join_windows, window_examples
from deepconsensus_py.models.column_network import ColumnConfig
from deepconsensus_py.pacbio.truth import TrueSequence
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.simulate.movies import simulate_zmws
from deepconsensus_py.simulate.profile import load_profile

SPEC = FeatureSpec(max_passes=8, use_draft_qualities=True)
LENGTH, PASSES = (2000, 4000), (3, 6)  # full passes; with the partial ones there are up to 8
EMBEDDINGS = {"bases": 8, "pulse_widths": 4, "inter_pulse_durations": 4, "strands": 2, "draft_quality": 4, "snr": 2}
BASES = "-ATCG"

Windows = dict[str, Tensor]
"""Arrays of windows as heads on pileups take them, with ``labels``."""


@lru_cache(maxsize=4)
def simulated(count: int, seed: int) -> Windows:
    """So many windows of simulated Sequel molecules of 3 to 6 full passes, in an order by chance.

    A thousand take half a second, so they are not kept on disk. Those of different seeds are of different molecules,
    whose sequences are drawn at random.
    """
    rng = np.random.default_rng([17, seed])
    found, parts = 0, []
    for example in _examples(rng):
        parts.append(window_examples(example, SPEC))
        found += len(parts[-1])
        if found >= count:
            break
    windows = join_windows(parts)
    chosen = rng.permutation(len(windows))[:count]
    arrays = {**windows.inputs, "labels": windows.labels}
    return {name: torch.from_numpy(np.ascontiguousarray(values[chosen])) for name, values in arrays.items()}


def _examples(rng: np.random.Generator) -> Iterator[Example]:
    profile = load_profile("sequel")
    while True:
        for molecule in simulate_zmws(profile, 8, rng, length=LENGTH, passes=PASSES):
            zmw = align_zmw(molecule.zmw)
            yield Example(zmw, align_truth(zmw.draft, TrueSequence(zmw.name, molecule.truth)))


def take(windows: Windows, index: Tensor | slice) -> Windows:
    """Some of the windows."""
    return {name: values[index] for name, values in windows.items()}


@dataclass(frozen=True, slots=True)
class Judged:
    """What calls are worth.

    Attributes:
        errors: edits between the calls of all windows and their truth.
        bases: of the truth.
        calibration_error: mean difference of predicted and observed quality over called bases, as
            ``evaluate.calibration_counts`` has it, up to Q40; deleted bases are booked nowhere. None where no bin
            tells.
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
        called: classes ``[n, columns]``, 0 a gap.
        labels: the same of the truth.
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
    qualities = np.rint(-10 * np.log10(likely.clip(10 ** (-CAP / 10), 1))).astype(np.int64)
    at_each = [np.ones(len(qualities)), np.concatenate(wrong)]
    counts = [np.bincount(qualities, weights, QUALITIES).astype(np.float64) for weights in at_each]
    found = bin_counts(QualityCounts(counts[0], counts[1], counts[1]))
    return Judged(errors, bases, found.expected_calibration_error(CAP))


def _letters(bases: NDArray[np.integer]) -> str:
    return "".join(BASES[base] for base in bases)


def _wrong(cigar: str, count: int) -> NDArray[np.bool_]:
    """Which called bases are not the truth's, ``bool[count]``."""
    steps = re.findall(r"(\d+)([=XI])", cigar)
    wrong = np.repeat([kind != "=" for _, kind in steps], [int(length) for length, _ in steps]).astype(np.bool_)
    return wrong if len(steps) else np.ones(count, np.bool_)


def config(trunk: TrunkConfig) -> ColumnConfig:
    """Columns of these windows for a trunk."""
    return ColumnConfig(SPEC.max_passes, SPEC.width, EMBEDDINGS, trunk, SPEC.use_draft_qualities)


def batches(windows: Windows, size: int) -> list[Windows]:
    """The windows in order, so many at a time."""
    return [take(windows, slice(first, first + size)) for first in range(0, len(windows["labels"]), size)]


def without_draft(windows: Windows) -> Windows:
    """Windows whose draft, and its qualities, are not there."""
    absent = {"draft": 0, "draft_quality": -1}
    return {**windows, **{name: torch.full_like(windows[name], value) for name, value in absent.items()}}


def draft_error(windows: Windows) -> Tensor:
    """Error probability of each draft base by its quality, ``float[n, columns]``; 1 in gaps."""
    return 10 ** (-windows["draft_quality"].clamp(min=0).float() / 10)
