"""A folder for compiled code where numba finds none."""

import os
import stat
from pathlib import Path

import pytest

from deepconsensus_py.cli import _numba


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_numba.VARIABLE, "")
    monkeypatch.delenv(_numba.VARIABLE)


def test_nothing_is_done_where_a_usual_folder_can_be_written() -> None:
    with _numba.provided_cache():
        assert _numba.VARIABLE not in os.environ


def test_a_folder_of_ones_own_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_numba.os, "access", lambda folder, mode: False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with _numba.provided_cache():
        folder = Path(os.environ[_numba.VARIABLE])
        assert folder.parent == tmp_path
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert _numba.VARIABLE in capsys.readouterr().err
    assert not folder.exists()


def test_the_folder_that_was_asked_for_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_numba.os, "access", lambda folder, mode: False)
    monkeypatch.setenv(_numba.VARIABLE, "/mine")
    with _numba.provided_cache():
        assert os.environ[_numba.VARIABLE] == "/mine"
