"""Labelled windows for training column networks, and batches of them sampled across molecules."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.corrector import Arrays
from deepconsensus_py.errors import InputError
from deepconsensus_py.examples.example import Entry, Example
from deepconsensus_py.examples.file import ExampleFile
from deepconsensus_py.pileup.features import TAGS, FeatureSpec
from deepconsensus_py.pileup.labels import Labels, label_windows
from deepconsensus_py.pileup.method import INPUTS
from deepconsensus_py.pileup.pileup import Pileup, build_pileup
from deepconsensus_py.pileup.windows import WindowBounds, cut_windows, window_bounds


@dataclass(frozen=True, slots=True, eq=False)
class WindowExamples:
    """Labelled windows of one or several molecules.

    Windows without a usable label are excluded, but counted.

    Attributes:
        inputs: what a column network takes, as ``pileup.method.encode_columns`` gives it, window by window.
        labels: ``uint8[n, width]`` base codes 0..4 of the truth, right-padded with gaps.
        names: ``str[n]`` name of the draft of each.
        position: ``int32[n]`` draft position of its first draft base.
        num_passes: ``int32[n]`` rows that hold a pass.
        counts: outcomes of all windows, under DeepConsensus's names.
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
        """A subset of the windows, with the counts of all."""
        return WindowExamples(
            inputs={name: values[index] for name, values in self.inputs.items()},
            labels=self.labels[index],
            names=self.names[index],
            position=self.position[index],
            num_passes=self.num_passes[index],
            counts=self.counts,
        )


def join_windows(parts: Sequence[WindowExamples]) -> WindowExamples:
    """The concatenated windows of all parts, with summed counts."""
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
        that overflow (more bases) and labels with bases other than A, C, G, T are skipped and counted.

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
    """DeepConsensus's counters of one molecule, and our own ``n_examples_label_unknown``."""
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


Augment = Callable[[Example, np.random.Generator], Example]
"""An augmentation of a molecule: fewer passes, the opposite strand, and so on."""

_MOST_EMPTY = 1000
"""Consecutive molecules without a usable window before giving up."""


class WindowSampler:
    """Samples batches of windows.

    Each window is as likely as any other, but those of a batch come from few molecules, several from each: cutting a
    molecule costs milliseconds.

    Args:
        files: where the molecules are.
        spec: the encoding.
        use: which molecules may be drawn; None for all.
        augment: applied to each molecule at every draw; None for no augmentation.
        per_molecule: most windows of one molecule in a batch each time that it is drawn.
        cached: molecules kept decoded, about 1 MB each of 12 kb with 10 passes.

    Raises:
        InputError: no molecule may be drawn, or one lacks what the spec requires.
    """

    def __init__(
        self,
        files: Sequence[ExampleFile],
        spec: FeatureSpec,
        *,
        use: Callable[[Entry], bool] | None = None,
        augment: Augment | None = None,
        per_molecule: int = 16,
        cached: int = 256,
    ) -> None:
        self._files, self._spec, self._augment = tuple(files), spec, augment
        self._per_molecule, self._cached = per_molecule, cached
        self._places = [
            (number, index)
            for number, file in enumerate(self._files)
            for index, entry in enumerate(file.entries)
            if use is None or use(entry)
        ]
        if not self._places:
            raise InputError(f"no usable molecule in {', '.join(str(file.path) for file in files)}")
        for place in self._places:
            self._require_fields(*place)
        # Molecules are drawn in proportion to their length, so that windows are equally likely.
        self._ends = np.cumsum([self._files[number].entries[index].columns for number, index in self._places])
        self._cache: OrderedDict[tuple[int, int], Example | WindowExamples] = OrderedDict()

    def draw(self, rng: np.random.Generator, count: int) -> WindowExamples:
        """Draw a batch.

        Args:
            rng: all randomness; equal generators draw equal batches, whatever was drawn before.
            count: windows.

        Returns:
            ``count`` windows; the counts are those of all windows of the molecules drawn.

        Raises:
            InputError: a file is damaged, or no molecule has a usable window.
        """
        parts: list[WindowExamples] = []
        missing, empty = count, 0
        while missing:
            drawn = np.searchsorted(self._ends, rng.integers(self._ends[-1]), side="right")
            windows = self._windows(self._places[drawn], rng)
            size = min(len(windows), self._per_molecule, missing)
            empty = 0 if size else empty + 1
            if empty == _MOST_EMPTY:
                raise InputError(f"{self._files[0].path}: no molecule has a window with a usable label")
            if size:
                parts.append(windows.take(rng.choice(len(windows), size, replace=False)))
            missing -= size
        return join_windows(parts)

    def _windows(self, place: tuple[int, int], rng: np.random.Generator) -> WindowExamples:
        if place not in self._cache:
            number, index = place
            example = self._files[number][index]
            self._cache[place] = example if self._augment else window_examples(example, self._spec)
            if len(self._cache) > self._cached:
                self._cache.popitem(last=False)
        self._cache.move_to_end(place)
        found = self._cache[place]
        if isinstance(found, WindowExamples):
            return found
        assert self._augment is not None
        return window_examples(self._augment(found, rng), self._spec)

    def _require_fields(self, number: int, index: int) -> None:
        file = self._files[number]
        entry = file.entries[index]
        needed = [*self._spec.required, *(["draft_qualities"] if self._spec.use_draft_qualities else [])]
        for field in needed:
            if field not in entry.fields:
                raise InputError(
                    f"{file.path}: molecule {entry.name} has no {TAGS.get(field, 'base qualities')!r}, which the model "
                    "requires; exclude such molecules, or train a model that does not require it"
                )
