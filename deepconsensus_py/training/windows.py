"""The windows that column networks learn from: cut from molecules, or read as the original wrote them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from deepconsensus_py.errors import InputError
from deepconsensus_py.examples.sampling import WindowSampler
from deepconsensus_py.examples.tfrecord import read_tfrecord
from deepconsensus_py.examples.windows import WindowExamples, join_windows, window_examples
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.training.augment import Augmentation, augment
from deepconsensus_py.training.config import TrainConfig
from deepconsensus_py.training.molecules import held_out, hole_of, open_examples, require_present, trained_on
from deepconsensus_py.training.records import record


@dataclass(frozen=True, slots=True)
class WindowData:
    """What windows are drawn from: ``examples`` or ``windows``.

    Attributes:
        examples: example files; windows are cut anew from molecules that are augmented.
        windows: the original's ``.tfrecord.gz`` files; they are held in memory, and not augmented.
        batch: windows of a batch.
        per_molecule: most windows of a batch from one draw of a molecule.
        augmentation: what is done to the molecules.
    """

    examples: tuple[str, ...] = ()
    windows: tuple[str, ...] = ()
    batch: int = 64
    per_molecule: int = 16
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        if bool(self.examples) == bool(self.windows):
            raise InputError("give examples or windows, the files to learn from")
        if self.batch < 1 or self.per_molecule < 1:
            raise InputError("batch and per_molecule must be 1 or more")
        if self.windows and self.augmentation != Augmentation():
            raise InputError("windows cannot be augmented; give examples, or leave augmentation out")


@dataclass(frozen=True, slots=True, eq=False)
class StageWindows:
    """The windows of one stage.

    Attributes:
        draw: gives a batch; all randomness is that of the generator.
        held_out: batches that are not trained on.
    """

    draw: Callable[[np.random.Generator], WindowExamples]
    held_out: Sequence[WindowExamples]


def stage_windows(config: TrainConfig, spec: FeatureSpec) -> Iterator[StageWindows]:
    """The windows of each stage.

    Raises:
        InputError: the configuration or a file cannot be used.
    """
    for number, stage in enumerate(config.stages):
        merged: dict[str, Any] = {**config.data, **stage.data}
        data = record(WindowData, merged, where=f"data of stages[{number}]: ")
        yield _of_molecules(data, config, spec) if data.examples else _as_written(data, config, spec)


def _of_molecules(data: WindowData, config: TrainConfig, spec: FeatureSpec) -> StageWindows:
    files = open_examples(data.examples, config)
    change = data.augmentation
    sampler = WindowSampler(
        files,
        spec,
        use=trained_on(config),
        augment=None if change == Augmentation() else partial(augment, settings=change),
        per_molecule=data.per_molecule,
    )
    kept = [window_examples(example, spec) for example in held_out(files, config)]
    return StageWindows(partial(sampler.draw, count=data.batch), _batches(kept, data.batch))


def _as_written(data: WindowData, config: TrainConfig, spec: FeatureSpec) -> StageWindows:
    windows = join_windows([part for path in data.windows for part in read_tfrecord(Path(path), spec)])
    holes = np.array([hole_of(name) for name in windows.names])
    require_present(config, set(holes.tolist()), data.windows)
    trained = windows.take(~np.isin(holes, [*config.held_out, *config.left_out]))
    if not len(trained):
        raise InputError(f"{', '.join(data.windows)}: all windows are held or left out")

    def draw(rng: np.random.Generator) -> WindowExamples:
        return trained.take(rng.integers(len(trained), size=data.batch))

    return StageWindows(draw, _batches([windows.take(np.isin(holes, config.held_out))], data.batch))


def _batches(parts: Iterable[WindowExamples], size: int) -> list[WindowExamples]:
    """Windows in order, so many at a time."""
    return [
        windows.take(np.arange(first, min(first + size, len(windows))))
        for windows in parts
        for first in range(0, len(windows), size)
    ]
