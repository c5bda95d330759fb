"""How the engine fills batches changes neither the reads nor their order."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from deepconsensus_py.corrector import Calls, Computing, Corrector, Features
from deepconsensus_py.edits.pair_hmm import PairHmm
from deepconsensus_py.pacbio.molecule import Draft
from deepconsensus_py.pacbio.zmws import read_zmws
from deepconsensus_py.pileup.vote import Vote
from deepconsensus_py.polishing.encode import encode_zmws
from deepconsensus_py.polishing.engine import PolishSettings, correct
from deepconsensus_py.polishing.read import Encoded


@pytest.mark.parametrize("make", [Vote, PairHmm])
def test_reads_do_not_depend_on_the_batch(make: type[Vote] | type[PairHmm], testdata: Path) -> None:
    both = make()
    corrector = Corrector.of(both)
    molecules = list(encode_zmws(read_zmws([testdata / "subreads.bam"], testdata / "ccs.bam"), both))
    sizes: list[int] = []
    forward = both.forward

    def counting(inputs):
        probabilities = forward(inputs)
        sizes.append(len(probabilities))
        return probabilities

    both.forward = counting
    seen = []
    for batch in (7, 64, 10**6):
        both.batch = batch
        sizes.clear()
        reads = list(correct(molecules, corrector, PolishSettings()))
        assert max(sizes) <= batch
        assert sum(sizes) == sum(read.corrected for read in reads)
        seen.append([(read.name, read.bases.tobytes(), read.qualities.tobytes()) for read in reads])
    assert seen[0] == seen[1] == seen[2]
    assert [name for name, *_ in seen[0]] == [molecule.draft.name for molecule in molecules]


def test_items_with_fewer_passes_are_padded_with_zeros() -> None:
    """Of molecules of any number of items and passes, none among them, each gets back what it put in."""
    shapes = [(3, 2), (0, 7), (2, 5), (1, 0), (4, 5)]
    rng = np.random.default_rng(0)
    given = [
        {"passes": rng.integers(1, 100, (*shape, 4), np.int8), "flat": rng.integers(1, 9, shape[0], np.int16)}
        for shape in shapes
    ]
    seen: list[Mapping[str, NDArray[np.integer]]] = []

    def forward(inputs: Mapping[str, NDArray[np.integer]]) -> NDArray[np.float32]:
        seen.append(inputs)
        return np.column_stack([inputs["passes"].sum(axis=(1, 2)), inputs["flat"]]).astype(np.float32)

    def call(features: Features, selected: NDArray[np.bool_], probabilities: NDArray[np.float32]) -> Calls:
        inputs = features.inputs
        sums = [inputs["passes"].sum(axis=(1, 2)), inputs["flat"]]
        assert probabilities.reshape(-1, 2).tolist() == np.column_stack(sums).tolist()
        rest = (np.zeros(1, np.float32), np.zeros(1, np.int32), np.ones(1, np.bool_))
        return Calls(np.ones(1, np.uint8), *rest)

    for batch in (1, 4, 100):
        seen.clear()
        both = SimpleNamespace(
            name="sums",
            options=frozenset(),
            calibration="skip",
            batch=batch,
            forward=forward,
            call=call,
            select=lambda features, skip_above: np.ones(features.items, np.bool_),
        )
        bases = np.ones(1, np.uint8)
        molecules = [Encoded(Draft(f"m/{n}/ccs", bases, None), Features(inputs, {})) for n, inputs in enumerate(given)]
        reads = list(correct(molecules, Corrector.of(cast("Computing", both)), PolishSettings()))
        assert [read.reason for read in reads] == [""] * len(shapes)
        assert sum(len(inputs["flat"]) for inputs in seen) == sum(items for items, _ in shapes)
        assert {(inputs["passes"].dtype.name, inputs["flat"].dtype.name) for inputs in seen} == {("int8", "int16")}
