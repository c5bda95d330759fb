"""Molecules for runs that are ended early, and what a run of them leaves that is not."""

from pathlib import Path

import pytest
from restarts import Left, job, left, simulate

from deepconsensus_py.polishing.run import polish_files


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    simulate(folder)
    return folder


@pytest.fixture(scope="session")
def whole(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Left:
    output = tmp_path_factory.mktemp("whole") / "out.bam"
    polish_files(job(inputs, output, checkpoint=128))
    return left(output)
