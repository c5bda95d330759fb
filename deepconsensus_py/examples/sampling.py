"""Batches of windows drawn across molecules and files; what is drawn depends on the generator alone."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np

from deepconsensus_py.errors import InputError
from deepconsensus_py.examples.example import Entry, Example
from deepconsensus_py.examples.file import ExampleFile
from deepconsensus_py.examples.windows import WindowExamples, join_windows, window_examples
from deepconsensus_py.pileup.features import TAGS, FeatureSpec

Augment = Callable[[Example, np.random.Generator], Example]
"""A change of a molecule for training: fewer passes, the other strand, and so on."""

_MOST_EMPTY = 1000
"""Molecules without a usable window that are drawn in a row before it is said that there are none."""


class WindowSampler:
    """Draws batches of windows.

    Each window is as likely as any other, but those of a batch come from few molecules, several from each: cutting a
    molecule costs milliseconds.

    Args:
        files: where the molecules are.
        spec: the encoding.
        use: which molecules may be drawn; None for all.
        augment: changes each molecule anew whenever it is drawn; None leaves them as they are.
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
            raise InputError(f"no molecule to draw windows from in {', '.join(str(file.path) for file in files)}")
        for place in self._places:
            self._require_fields(*place)
        # A molecule is as likely as it is long, so that windows are equally likely.
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
                    "requires; leave such molecules out, or train a model that does not require it"
                )
