"""Windows with labels, as column networks learn from them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.corrector import Arrays
from deepconsensus_py.examples.example import Example
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.pileup.labels import Labels, label_windows
from deepconsensus_py.pileup.method import INPUTS
from deepconsensus_py.pileup.pileup import Pileup, build_pileup
from deepconsensus_py.pileup.windows import WindowBounds, cut_windows, window_bounds


@dataclass(frozen=True, slots=True, eq=False)
class WindowExamples:
    """Windows that a network can learn from, of one molecule or of several.

    Windows without a usable label are not among them; the counts say how many there were.

    Attributes:
        inputs: what a column network takes, as ``pileup.method.encode_columns`` gives it, window by window.
        labels: ``uint8[n, width]`` base codes 0..4 of the truth, right-padded with gaps.
        names: ``str[n]`` name of the draft of each.
        position: ``int32[n]`` draft position of its first draft base.
        num_passes: ``int32[n]`` rows that hold a pass.
        counts: what became of all windows, under the original's names.
    """

    inputs: Arrays
    labels: NDArray[np.uint8]
    names: NDArray[np.str_]
    position: NDArray[np.int32]
    num_passes: NDArray[np.int32]
    counts: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: NDArray[np.integer] | NDArray[np.bool_]) -> "WindowExamples":
        """Some of the windows, with the counts of all."""
        return WindowExamples(
            inputs={name: values[index] for name, values in self.inputs.items()},
            labels=self.labels[index],
            names=self.names[index],
            position=self.position[index],
            num_passes=self.num_passes[index],
            counts=self.counts,
        )


def join_windows(parts: Sequence[WindowExamples]) -> WindowExamples:
    """The windows of all parts, one after the other, with the sums of their counts."""
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update(part.counts)

    def joined(field: str) -> NDArray[np.generic]:
        return np.concatenate([getattr(part, field) for part in parts])

    fields = {field: joined(field) for field in ("labels", "names", "position", "num_passes")}
    inputs = {name: np.concatenate([part.inputs[name] for part in parts]) for name in parts[0].inputs}
    return WindowExamples(inputs=inputs, counts=counts, **fields)  # type: ignore[arg-type]


def window_examples(example: Example, spec: FeatureSpec) -> WindowExamples:
    """Cut a molecule into windows and label them, as DeepConsensus v1.2 does.

    Args:
        example: the molecule with its truth.
        spec: the encoding.

    Returns:
        the windows with a usable label, in order. Windows that overflow (more columns than the model reads), labels
        that overflow (more bases) and labels with letters other than A, C, G, T are left out and counted.

    Raises:
        MoleculeError: the molecule lacks what the spec requires, or an alignment does not fit.
    """
    pileup = build_pileup(example.zmw, spec)
    bounds = window_bounds(pileup, spec)
    windows = cut_windows(pileup, bounds, spec)
    labels = label_windows(pileup, bounds, example.truth, spec)
    usable = labels.usable
    return WindowExamples(
        inputs={name: getattr(windows, name)[usable] for name in INPUTS},
        labels=labels.bases[usable],
        names=np.full(int(usable.sum()), example.name),
        position=windows.position[usable],
        num_passes=windows.num_passes[usable],
        counts=_counts(pileup, bounds, labels, spec) | {f"n_examples_{example.truth.split}": int(usable.sum())},
    )


def _counts(pileup: Pileup, bounds: WindowBounds, labels: Labels, spec: FeatureSpec) -> Counter[str]:
    """The original's counters of one molecule, and ``n_examples_label_unknown``, which it does not have."""
    usable, trimming = labels.usable, pileup.trimming
    columns = bounds.stop - bounds.start if spec.smart_windows else np.full(len(bounds), spec.width)
    widths = Counter(columns.tolist())
    return Counter(
        {f"example_width_bucket_{columns}": windows for columns, windows in widths.items()}
        | {
            "zmw_total_bp": trimming.operation_bases,
            "zmw_trimmed_insertions": trimming.insertions,
            "zmw_trimmed_insertions_bp": trimming.bases,
            "n_examples_no_ccs_idx": bounds.empty,
            "n_examples_overflow": int(bounds.overflow.sum()),
            "n_examples_label_overflow": int(labels.overflow.sum()),
            "n_examples_label_unknown": int((labels.unknown & ~labels.overflow).sum()),
            "n_examples_adjusted_label": int((labels.adjusted & usable).sum()),
            "n_examples_skip_large_windows_keep": int(usable.sum()),
            "n_examples": int(usable.sum()),
        }
    )
