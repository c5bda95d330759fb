"""Validation of lower precisions: the same ZMWs polished twice, and how far the reads agree."""

import re
from collections.abc import Iterable
from itertools import tee
from pathlib import Path

import edlib
import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.corrector import Corrector
from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.device import Agreement
from deepconsensus_py.models.registry import load_model
from deepconsensus_py.options import FP32, SKIP_WINDOWS_ABOVE
from deepconsensus_py.pacbio.molecule import Zmw
from deepconsensus_py.polishing.engine import PolishSettings, polish
from deepconsensus_py.polishing.filters import ReadFilter
from deepconsensus_py.polishing.read import PolishedRead

_OPERATION = re.compile(r"(\d+)([=XID])")


def measure_agreement(model: str | Path, zmws: Iterable[Zmw], precision: str, *, device: str = "cpu") -> Agreement:
    """Polish ZMWs in float32 and in a lower precision, without triage.

    Args:
        model: name or file of a network.
        zmws: ZMWs, as for ``polish``.
        precision: the lower one.
        device: where the network runs.

    Raises:
        ModelError: the device does not support the precision, or no ZMW could be polished.
    """
    exact, lower = (
        load_model(model, device=device, threads=1, precision=chosen, triage=False) for chosen in (FP32, precision)
    )
    return compare_correctors(exact, lower, zmws)


def compare_correctors(exact: Corrector, lower: Corrector, zmws: Iterable[Zmw]) -> Agreement:
    """How far the reads of two correctors agree.

    Args:
        exact: the reference.
        lower: the other.
        zmws: ZMWs, as for ``polish``.

    Raises:
        ModelError: no ZMW could be polished.
    """
    skip_above = 0 if SKIP_WINDOWS_ABOVE in exact.method.options else None
    everything = PolishSettings(filter=ReadFilter(0, 0), skip_windows_above=skip_above)
    reads = (polish(some, model=one, settings=everything) for one, some in zip((exact, lower), tee(zmws), strict=True))
    bases = changed = same = within = 0
    for first, second in zip(*reads, strict=True):
        if first.passed:
            edits, differences = _differences(first, second)
            bases, changed = bases + len(first.bases), changed + edits
            same, within = same + len(differences), within + int((differences <= 1).sum())
    if not bases:
        raise ModelError(f"no ZMW could be polished, so model {exact.method.name!r} was not validated")
    return Agreement(bases, changed, within / max(same, 1))


def _differences(exact: PolishedRead, lower: PolishedRead) -> tuple[int, NDArray[np.int64]]:
    """Edit distance of two reads, and the differences in quality (Phred) of their common bases."""
    if not lower.passed:
        return len(exact.bases), np.empty(0, np.int64)
    found = edlib.align(exact.bases.tobytes(), lower.bases.tobytes(), task="path")
    steps = [(int(length), kind) for length, kind in _OPERATION.findall(found["cigar"])]
    kinds = np.repeat([kind for _, kind in steps], [length for length, _ in steps])
    same = kinds == "="
    at_exact, at_lower = (np.cumsum(kinds != absent)[same] - 1 for absent in "DI")
    qualities = exact.qualities.astype(np.int64)[at_exact], lower.qualities.astype(np.int64)[at_lower]
    return int(found["editDistance"]), np.abs(qualities[0] - qualities[1])
