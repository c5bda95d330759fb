"""``deepconsensus-py index``, and what its indexes change for the other commands: nothing but what they read."""

import re
import shutil
from pathlib import Path

import pytest
from support import Commands, record_lines

from deepconsensus_py.pacbio.pbi import read_pbi

FILES = ("subreads.bam", "ccs.bam")


@pytest.fixture
def linked(testdata: Path, tmp_path: Path) -> Path:
    """A folder with the files of testdata, for indexes to be put beside them."""
    for name in FILES:
        (tmp_path / name).symlink_to(testdata / name)
    return tmp_path


def test_each_file_gets_its_index(run: Commands, testdata: Path, tmp_path: Path) -> None:
    for name in FILES:
        shutil.copy(testdata / name, tmp_path)
    (tmp_path / "movies.fofn").write_text("subreads.bam\n")
    done = run("index", tmp_path / "movies.fofn", tmp_path / "ccs.bam")
    assert (done.status, done.out) == (0, "")
    sizes = {name: len(read_pbi(tmp_path / f"{name}.pbi").basic) for name in FILES}
    assert [f"{size} records in {tmp_path}/{name}.pbi" for name, size in sizes.items()] == done.err.splitlines()[2:-1]


def test_a_bad_file_is_named(run: Commands, tmp_path: Path) -> None:
    done = run("index", tmp_path / "nothing.bam")
    assert done.status == 1
    assert done.errors == [f"{tmp_path}/nothing.bam: no such file"]


@pytest.mark.parametrize("command", ["polish", "align"])
@pytest.mark.parametrize("chunks", [1, 3, 7])
def test_chunks_through_indexes_are_the_whole(run: Commands, linked: Path, command: str, chunks: int) -> None:
    subreads, ccs = (linked / name for name in FILES)
    inputs = (
        ("align", subreads, "--ccs", ccs)
        if command == "align"
        else ("polish", subreads, "--ccs", ccs, "--model", "vote")
    )
    assert run(*inputs, "-o", linked / "whole.bam", "--threads", 1).status == 0
    assert run("index", subreads, ccs).status == 0
    parts = []
    for i in range(1, chunks + 1):
        done = run(*inputs, "-o", linked / "part.bam", "--threads", 1, "--chunk", f"{i}/{chunks}")
        assert done.status == 0
        assert "no .pbi index found" not in done.err
        parts += record_lines(linked / "part.bam")
    assert parts == record_lines(linked / "whole.bam")


def test_a_chunk_is_encoded_from_its_own_aligned_file(run: Commands, linked: Path) -> None:
    """Also where a chunk is empty: there are six molecules."""
    subreads, ccs = (linked / name for name in FILES)
    encoded = []
    for indexed in (False, True):
        if indexed:
            assert run("index", subreads, ccs).status == 0
        for i in (1, 5, 7):
            aligned, shard = linked / f"{i}.bam", linked / f"{i}.{indexed}.shard"
            done = run("align", subreads, "--ccs", ccs, "-o", aligned, "--chunk", f"{i}/7", "--threads", 1)
            assert done.status == 0
            assert ("no .pbi index found" in done.err) == (not indexed and i > 1)
            done = run(
                "encode", aligned, "--ccs", ccs, "-o", shard, "--chunk", f"{i}/7", "--threads", 1, "--model", "vote"
            )
            assert done.status == 0
            encoded.append(int(re.search(r"(\d+) ZMWs? encoded", done.err)[1]))  # type: ignore[index]
    assert encoded == [0, 1, 1, 0, 1, 1]
