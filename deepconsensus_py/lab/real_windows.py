"""Windows of real molecules of known sequence, beside those that ``reads`` simulates: the lab's other door."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from deepconsensus_py.errors import InputError
from deepconsensus_py.examples.file import ExampleFile
from deepconsensus_py.examples.windows import WindowExamples, window_examples
from deepconsensus_py.lab.reads import SPEC, WindowTensors

LEAST_PASSES = 5
"""Aligned passes of a molecule, partial ones included; with fewer, the draft is hardly more than one of them."""


def real_windows(files: Sequence[Path]) -> list[WindowTensors]:
    """The labelled windows of each molecule in example files, in order.

    Args:
        files: as ``encode --truth`` writes them, with kinetics and draft qualities.

    Raises:
        InputError: a file is damaged, or no molecule has as many passes.
        MoleculeError: a molecule has no kinetics or draft qualities.
    """
    examples = [example for path in files for example in ExampleFile(path)]
    kept = [example for example in examples if len(example.zmw.passes) >= LEAST_PASSES]
    if not kept:
        raise InputError(f"{', '.join(map(str, files))}: no molecule has {LEAST_PASSES} passes or more")
    return [_tensors(window_examples(example, SPEC)) for example in kept]


def _tensors(windows: WindowExamples) -> WindowTensors:
    arrays = {**windows.inputs, "labels": windows.labels}
    return {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in arrays.items()}
