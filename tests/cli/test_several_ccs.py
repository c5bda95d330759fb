"""Several CCS files: every command reads them all, one after the other."""

import json
from pathlib import Path

import pytest
from restarts import run_until
from support import Commands, edited, record_lines

from deepconsensus_py.polishing.engine import PolishSettings
from deepconsensus_py.polishing.filters import ReadFilter
from deepconsensus_py.polishing.run import PolishRun
from deepconsensus_py.polishing.sources import Reads
from deepconsensus_py.reports.side_files import MOLECULES, REPORT, side_file


@pytest.fixture(scope="module")
def parts(testdata: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The drafts, cut in two files; some molecules are left out of both, which makes it quick."""
    folder = tmp_path_factory.mktemp("parts")
    cuts = {"one.bam": slice(0, 2), "two.bam": slice(2, 3)}
    return [
        edited(testdata / "ccs.bam", folder / name, lambda records, cut=cut: records[cut]) for name, cut in cuts.items()
    ]


@pytest.fixture(scope="module")
def whole(testdata: Path, parts: list[Path]) -> Path:
    return edited(testdata / "ccs.bam", parts[0].parent / "whole.bam", lambda records: records[:3])


FAST = ("--model", "vote", "--min-quality", 0, "--threads", 1)


def test_the_reads_of_all_files_are_polished(run: Commands, testdata, parts, whole, tmp_path) -> None:
    subreads = testdata / "subreads.bam"
    names = tmp_path / "all.fofn"
    names.write_text("".join(f"{part}\n" for part in parts))
    given = {"whole": [whole], "parts": parts, "fofn": [names]}
    for name, files in given.items():
        options = [word for file in files for word in ("--ccs", file)]
        assert run("polish", *options, subreads, "-o", tmp_path / f"{name}.bam", *FAST).status == 0
        report = json.loads(side_file(tmp_path / f"{name}.bam", REPORT).read_text())
        assert report["inputs"] == [str(subreads), *map(str, files)]
        assert report["counts"]["outcomes"] == {"no_draft": 3, "success": 3}
    tables = {side_file(tmp_path / f"{name}.bam", MOLECULES).read_bytes()[10:] for name in given}
    reads = [record_lines(tmp_path / f"{name}.bam") for name in given]
    assert len(reads[0]) == 3
    assert reads[1] == reads[0] == reads[2]
    assert len(tables) == 1


def test_what_is_encoded_is_of_all_files(run: Commands, testdata, parts, whole, tmp_path) -> None:
    shards = []
    for name, files in (("whole", [whole]), ("parts", parts)):
        options = [word for file in files for word in ("--ccs", file)]
        shards.append(tmp_path / name)
        assert run("encode", testdata / "subreads.bam", *options, "-o", shards[-1], "--model", "vote").status == 0
        assert run("polish", "--features", shards[-1], "-o", tmp_path / f"{name}.bam", *FAST).status == 0
    assert record_lines(tmp_path / "whole.bam") == record_lines(tmp_path / "parts.bam")


def test_a_run_is_not_resumed_without_one_of_its_files(run: Commands, testdata, parts, tmp_path, monkeypatch) -> None:
    subreads, output = testdata / "subreads.bam", tmp_path / "out.bam"
    settings = PolishSettings(filter=ReadFilter(min_quality=0, min_length=10))
    job = PolishRun(Reads((subreads,), tuple(parts)), (), output, model="vote", settings=settings, checkpoint=1)
    run_until(2, job, monkeypatch)
    for files, differ in ((parts[:1], "3 input files, now 2"), (parts[::-1], "input one.bam, now two.bam")):
        options = [word for file in files for word in ("--ccs", file)]
        result = run("polish", subreads, *options, "-o", output, *FAST, "--resume")
        assert (result.status, differ in result.err) == (1, True)
    assert run("polish", subreads, "--ccs", parts[0], "--ccs", parts[1], "-o", output, *FAST, "--resume").status == 0
    assert len(record_lines(output)) == 3


def test_a_file_that_is_given_twice_is_refused(run: Commands, testdata, parts, tmp_path) -> None:
    result = run("polish", testdata / "subreads.bam", "--ccs", parts[0], "--ccs", parts[0], "-o", tmp_path / "o.bam")
    assert result.status == 1
    assert f"{parts[0]}: given twice; give each file once" in result.err


def test_no_output_replaces_one_of_several_files(run: Commands, testdata, parts) -> None:
    before = parts[0].read_bytes()
    options = ("--ccs", parts[0], "--ccs", parts[1], "-o", parts[0])
    for command in ("polish", "encode"):
        result = run(command, testdata / "subreads.bam", *options)
        assert result.status == 1
        assert f"{parts[0]}: is also an input" in result.err
    assert parts[0].read_bytes() == before


def test_a_molecule_of_the_second_file_is_explained(run: Commands, testdata, parts, tmp_path) -> None:
    name = record_lines(parts[1])[0].split("\t")[0]
    options = ("--zmw", name, "--window", 9999, "--model", "vote", "-o", tmp_path / "page.html")
    result = run("explain", testdata / "subreads.bam", "--ccs", parts[0], "--ccs", parts[1], *options)
    # It is found, or its length would not be known.
    assert result.status == 1
    assert "there is no window 9999" in result.err
