"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest
from support import Commands

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real reads and reference outputs: ``DCPY_SHARED`` or ``shared`` beside the repository."""
    folder = Path(os.environ.get("DCPY_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no real reads: {folder} is absent (set DCPY_SHARED)")
    return folder


@pytest.fixture(scope="session")
def human_1m(shared: Path) -> Path:
    """Sequel HG002 reads with truth."""
    return shared / "data" / "human_1m"


@pytest.fixture(scope="session")
def golden(shared: Path) -> Path:
    """Outputs of the original program."""
    return shared / "golden"


@pytest.fixture(scope="session")
def testdata() -> Path:
    """The repository's own simulated reads."""
    return REPOSITORY / "testdata"


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Commands:
    """Runs a command in this process and gives its status and what it printed."""
    return Commands(capfd, caplog)
