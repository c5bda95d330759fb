"""A file is there complete, or not at all."""

import errno
import os
import stat
from pathlib import Path

import pytest

from deepconsensus_py.errors import OutputError
from deepconsensus_py.files import atomic_path


def test_the_name_is_taken_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("old")
    with atomic_path(path) as temporary:
        assert temporary.parent == tmp_path
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit, OutputError])
def test_a_failure_leaves_what_was_there(tmp_path: Path, failure: type[BaseException]) -> None:
    path = tmp_path / "x.txt"
    path.write_text("old")

    def fail_half_way() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise failure

    with pytest.raises(failure):
        fail_half_way()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    umask = os.umask(0o027)
    try:
        with atomic_path(tmp_path / "x.txt"):
            pass
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "x.txt").stat().st_mode) == 0o640


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "x.txt"
    link.symlink_to(tmp_path / "there" / "y.txt")
    with atomic_path(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert (tmp_path / "there" / "y.txt").read_text() == "new"


def test_a_device_is_written_to_and_stays() -> None:
    with atomic_path(Path("/dev/null")) as temporary:
        assert temporary == Path("/dev/null")
    assert Path("/dev/null").is_char_device()


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    def sentence(path: Path) -> str:
        with pytest.raises(OutputError) as error, atomic_path(path):
            pytest.fail("the block ran")
        return str(error.value)

    assert sentence(tmp_path) == f"{tmp_path}: is a directory; give a file name"
    assert (
        sentence(tmp_path / "no" / "x") == f"{tmp_path / 'no' / 'x'}: output directory {tmp_path / 'no'} does not exist"
    )
    (tmp_path / "file").write_text("")
    assert "output directory" in sentence(tmp_path / "file" / "x")
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    if os.access(locked, os.W_OK):
        pytest.skip("this user may write everywhere")
    assert "is not writable" in sentence(locked / "x")


def test_a_write_that_fails_in_the_block(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="disk is full"), atomic_path(tmp_path / "x"):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "x"):
        # Somebody else's failure is not the output's.
        (tmp_path / "input").read_bytes()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up(small_disk: Path) -> None:
    path = small_disk / "x.txt"
    path.write_text("old")
    with pytest.raises(OutputError, match=f"^{path}: disk is full"), atomic_path(path) as temporary:
        temporary.write_bytes(b"x" * 100_000)
    assert path.read_text() == "old"
    assert list(small_disk.iterdir()) == [path]
