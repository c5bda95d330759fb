"""Molecules for commands that are ended early."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from held import polish
from restarts import simulate
from support import record_lines

from deepconsensus_py.cli.main import main


@pytest.fixture(scope="session")
def twelve(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("twelve")
    simulate(folder)
    return folder


@pytest.fixture(scope="session")
def twelve_polished(twelve: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Records of the run that is not ended early; its status is 3 for the molecule that is there twice."""
    output = tmp_path_factory.mktemp("polished") / "out.bam"
    assert main([*polish(twelve), "-o", str(output)]) == 3
    return record_lines(output)


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path is short enough for the address of a socket."""
    with TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)
