"""The engine: encoded molecules are batched across each other, corrected, and put together as reads, in order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.models.interface import Arrays, Corrector
from deepconsensus_py.models.names import DEFAULT
from deepconsensus_py.models.registry import load_corrector
from deepconsensus_py.pacbio.molecule import Zmw
from deepconsensus_py.polishing.clock import StageClock
from deepconsensus_py.polishing.encode import encode_zmws
from deepconsensus_py.polishing.encoded import Encoded
from deepconsensus_py.polishing.filters import ReadFilter
from deepconsensus_py.polishing.outcomes import Outcome
from deepconsensus_py.polishing.qualities import MAX_BASE_QUALITY, Calibration, LinearCalibration
from deepconsensus_py.polishing.read import PolishedRead
from deepconsensus_py.polishing.stitch import final_qualities

MOLECULES_IN_FLIGHT = 64
"""Bound on the molecules that wait for a batch to fill, for drafts so good that the network sees little of them."""


@dataclass(frozen=True, slots=True)
class PolishSettings:
    """How molecules become reads; the defaults are the original's.

    Attributes:
        filter: what a read must reach to pass.
        skip_windows_above: keep the draft in windows whose mean quality (Phred) is above this; 0 never does.
        max_base_quality: cap, Phred.
        model_calibration: quality map of called bases; None takes the model's own.
        draft_calibration: quality map of kept draft bases.
    """

    filter: ReadFilter = field(default_factory=ReadFilter)
    skip_windows_above: float = 45
    max_base_quality: int = MAX_BASE_QUALITY
    model_calibration: Calibration | None = None
    draft_calibration: Calibration = field(default_factory=LinearCalibration)


@dataclass(frozen=True, slots=True, eq=False)
class _Selected:
    """A molecule that waits for its batch: ``items`` says which of its items the network must see."""

    molecule: Encoded
    items: NDArray[np.bool_]

    @property
    def count(self) -> int:
        return int(self.items.sum())


def polish(
    zmws: Iterable[Zmw],
    *,
    model: str | Corrector = DEFAULT,
    device: str = "cpu",
    threads: int = 1,
    settings: PolishSettings | None = None,
) -> Iterator[PolishedRead]:
    """Polish molecules as they come.

    Args:
        zmws: molecules; their passes may be aligned to the draft or not yet.
        model: a corrector, the name of a bundled one, or the path of a ``.safetensors`` file.
        device: where a network runs: ``"cpu"``, ``"cuda"``, ``"cuda:0"``…
        threads: processor cores to use.
        settings: filters, calibration and window skipping.

    Yields:
        One read for every molecule, in order; look at ``passed`` or ``outcome``.

    Raises:
        ModelError: the model is unknown or unreadable.
    """
    corrector = load_corrector(model, device=device, threads=threads) if isinstance(model, str) else model
    encoded = encode_zmws(zmws, corrector, threads=threads)
    yield from correct(encoded, corrector, settings or PolishSettings())


def correct(
    molecules: Iterable[Encoded],
    corrector: Corrector,
    settings: PolishSettings,
    clock: StageClock | None = None,
) -> Iterator[PolishedRead]:
    """Run the network over encoded molecules and put the reads together, in order.

    Args:
        molecules: encoded by this corrector, or by one with the same spec.
        corrector: the model.
        settings: filters, calibration and window skipping.
        clock: counts the stages ``network`` and ``call``.
    """
    clock = clock or StageClock()
    for group in _groups(molecules, corrector, settings.skip_windows_above):
        with clock.stage("network"):
            probabilities = _run_network(group, corrector)
        for waiting, own in zip(group, probabilities, strict=True):
            with clock.stage("call"):
                read = _finish(waiting, own, corrector, settings)
            yield read


def _groups(molecules: Iterable[Encoded], corrector: Corrector, skip_above: float) -> Iterator[list[_Selected]]:
    """Molecules in order, together until they fill a batch."""
    group: list[_Selected] = []
    filled = 0
    for molecule in molecules:
        none = np.zeros(0, np.bool_)
        items = none if molecule.features is None else corrector.select(molecule.features, skip_above)
        group.append(_Selected(molecule, items))
        filled += group[-1].count
        if filled >= corrector.batch or len(group) == MOLECULES_IN_FLIGHT:
            yield group
            group, filled = [], 0
    if group:
        yield group


def _run_network(group: list[_Selected], corrector: Corrector) -> list[NDArray[np.float32]]:
    """Probabilities of each molecule's selected items; empty where it has none."""
    chosen = [(w.molecule.features.inputs, w.items) for w in group if w.molecule.features is not None and w.count]
    if not chosen:
        return [np.empty(0, np.float32)] * len(group)
    inputs = {key: _stacked([arrays[key][items] for arrays, items in chosen]) for key in chosen[0][0]}
    ends = np.cumsum([waiting.count for waiting in group])
    starts = range(0, int(ends[-1]), corrector.batch)
    parts = [corrector.forward(_slice(inputs, start, start + corrector.batch)) for start in starts]
    return np.split(np.concatenate(parts), ends[:-1])


def _stacked(arrays: list[NDArray[Any]]) -> NDArray[Any]:
    """Items one after the other, those with a shorter second axis padded with zeros."""
    if arrays[0].ndim < 2:
        return np.concatenate(arrays)
    longest = max(array.shape[1] for array in arrays)
    stacked = np.zeros((sum(map(len, arrays)), longest, *arrays[0].shape[2:]), arrays[0].dtype)
    start = 0
    for array in arrays:
        stacked[start : start + len(array), : array.shape[1]] = array
        start += len(array)
    return stacked


def _slice(inputs: Arrays, start: int, stop: int) -> Arrays:
    return {key: array[start:stop] for key, array in inputs.items()}


def _finish(
    waiting: _Selected, probabilities: NDArray[np.float32], corrector: Corrector, settings: PolishSettings
) -> PolishedRead:
    """Call one molecule; its faults become its outcome."""
    molecule = waiting.molecule
    if molecule.features is None:
        return PolishedRead(molecule.draft, Outcome(molecule.outcome), molecule.reason, passes=molecule.passes)
    try:
        return _call(waiting, probabilities, corrector, settings)
    except MoleculeError as fault:
        reason = f"{molecule.draft.name}: {fault}"
        return PolishedRead(molecule.draft, Outcome(fault.outcome), reason, passes=molecule.passes)


def _call(
    waiting: _Selected, probabilities: NDArray[np.float32], corrector: Corrector, settings: PolishSettings
) -> PolishedRead:
    molecule, features = waiting.molecule, waiting.molecule.features
    assert features is not None
    if not np.isfinite(probabilities).all():
        raise MoleculeError(f"model {corrector.name} gave probabilities that are not numbers")
    calls = corrector.call(features, waiting.items, probabilities)
    qualities = final_qualities(
        calls,
        model_calibration=settings.model_calibration or Calibration.parse(corrector.calibration),
        draft_calibration=settings.draft_calibration,
        max_base_quality=settings.max_base_quality,
    )
    return PolishedRead(
        molecule.draft,
        settings.filter.outcome(qualities),
        bases=calls.bases,
        qualities=qualities,
        draft_index=calls.draft_index,
        passes=molecule.passes,
        windows=features.items,
        corrected=waiting.count,
    )
