"""Molecules with truth: simulated ones, and the real ones of the original's test set."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from example_molecules import random_example

from deepconsensus_py.examples.file import ExampleFile, write_examples
from deepconsensus_py.examples.molecules import TruthFiles, read_examples

Make = Callable[..., ExampleFile]


@pytest.fixture
def make_file(tmp_path: Path) -> Make:
    """Writes random molecules of given lengths, the first of them in hole ``first``."""

    def make_file(*lengths: int, first: int = 1, lacking: float = 0, passes: int = 3) -> ExampleFile:
        path = tmp_path / f"{first}.examples"
        rng = np.random.default_rng(first)
        write_examples(
            path,
            [
                random_example(rng, hole=hole, length=length, passes=passes, lacking=lacking)
                for hole, length in enumerate(lengths, first)
            ],
        )
        return ExampleFile(path)

    return make_file


@pytest.fixture(scope="session")
def human_truth(human_1m: Path) -> TruthFiles:
    return TruthFiles(human_1m / "truth_to_ccs.bam", human_1m / "truth.bed", human_1m / "truth_split.tsv")


@pytest.fixture(scope="session")
def human_file(human_1m: Path, human_truth: TruthFiles, tmp_path_factory: pytest.TempPathFactory) -> ExampleFile:
    path = tmp_path_factory.mktemp("examples") / "human_1m.examples"
    write_examples(path, read_examples([human_1m / "subreads_to_ccs.bam"], human_1m / "ccs.bam", human_truth))
    return ExampleFile(path)
