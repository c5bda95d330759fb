"""Simulated molecules with truth, as examples and as a file of them."""

from pathlib import Path

import pytest

from deepconsensus_py.examples.example import Example
from deepconsensus_py.examples.file import write_examples
from deepconsensus_py.examples.molecules import TruthFiles, read_examples

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def examples(testdata: Path) -> list[Example]:
    found = list(read_examples([testdata / "subreads.bam"], testdata / "ccs.bam", TruthFiles(testdata / "truth.fasta")))
    assert all(isinstance(example, Example) for example in found)
    return [example for example in found if isinstance(example, Example)]


@pytest.fixture(scope="session")
def example_file(examples: list[Example], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("examples") / "simulated.examples"
    write_examples(path, examples)
    return path
