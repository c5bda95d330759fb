"""``deepconsensus-py index``: an index beside each file."""

import shutil
from pathlib import Path

from support import Commands

from deepconsensus_py.pacbio.pbi import read_pbi


def test_each_file_gets_its_index(run: Commands, testdata: Path, tmp_path: Path) -> None:
    for name in ("subreads.bam", "ccs.bam"):
        shutil.copy(testdata / name, tmp_path)
    (tmp_path / "movies.fofn").write_text("subreads.bam\n")
    done = run("index", tmp_path / "movies.fofn", tmp_path / "ccs.bam")
    assert (done.status, done.out) == (0, "")
    sizes = {name: len(read_pbi(tmp_path / f"{name}.pbi").basic) for name in ("subreads.bam", "ccs.bam")}
    assert done.err.splitlines() == [f"{size} records in {tmp_path}/{name}.pbi" for name, size in sizes.items()]


def test_a_bad_file_is_named(run: Commands, tmp_path: Path) -> None:
    done = run("index", tmp_path / "nothing.bam")
    assert done.status == 1
    assert done.err == f"deepconsensus-py index: {tmp_path}/nothing.bam: no such file\n"
