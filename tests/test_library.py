"""What the package exports: the names, how reads are read and shown, and that they are written as the command does."""

import ast
import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pysam
import pytest
from support import Commands, record_lines, records

import deepconsensus_py
from deepconsensus_py import Outcome, OutputError, PolishedRead, load_model, polish, read_zmws, write_reads
from deepconsensus_py.pacbio.molecule import Draft, encode_bases


@pytest.fixture(scope="module")
def reads(testdata: Path) -> list[PolishedRead]:
    return list(polish(read_zmws(testdata / "subreads.bam", testdata / "ccs.bam", limit=3)))


def test_type_checkers_see_the_names_that_there_are() -> None:
    tree = ast.parse(Path(deepconsensus_py.__file__).read_text())
    (seen,) = (node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in seen.body if isinstance(node, ast.ImportFrom)]
    imported = {node.module: {alias.name for alias in node.names} for node in imports}
    at_run_time = deepconsensus_py._MODULES
    assert imported == {f"deepconsensus_py.{module}": set(names) for module, names in at_run_time.items()}
    assert {*deepconsensus_py.__all__} == {"__version__"}.union(*imported.values())
    assert [name for name in deepconsensus_py.__all__ if not hasattr(deepconsensus_py, name)] == []


def test_the_names_are_listed_before_they_are_used() -> None:
    program = "import deepconsensus_py as d, sys; print(*dir(d)); print('numpy' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    names, loaded = run.stdout.splitlines()
    assert set(deepconsensus_py.__all__) <= set(names.split())
    assert loaded == "False"


def test_another_name_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'polsih'"):
        _ = deepconsensus_py.polsih


def test_paths_are_strings_or_paths_one_or_several(testdata: Path) -> None:
    subreads, ccs = testdata / "subreads.bam", testdata / "ccs.bam"
    given = [(subreads, ccs), (str(subreads), str(ccs)), ([subreads], [str(ccs)]), ((str(subreads),), [ccs])]
    names = [[zmw.name for zmw in read_zmws(*paths)] for paths in given]
    assert names[0]
    assert names == [names[0]] * len(given)


def test_without_ccs_reads_drafts_are_made(testdata: Path, run: Commands, tmp_path: Path) -> None:
    zmws = list(read_zmws(testdata / "subreads.bam", limit=2))
    made = list(polish(zmws))
    assert [read.name for read in made] == [zmw.name for zmw in zmws]
    assert run("polish", testdata / "subreads.bam", "--limit", 2, "-o", tmp_path / "out.bam").status == 0
    assert [read.to_pysam().to_string() for read in made if read.passed] == record_lines(tmp_path / "out.bam")


def test_chunks_without_ccs_reads_are_those_of_the_subreads(testdata: Path) -> None:
    names = [zmw.name for zmw in read_zmws(testdata / "subreads.bam")]
    parts = [[zmw.name for zmw in read_zmws(testdata / "subreads.bam", chunk=(i, 4))] for i in (1, 2, 3, 4)]
    assert [name for part in parts for name in part] == names
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_what_was_skipped_counts_for_the_limit(testdata: Path) -> None:
    names = [zmw.name for zmw in read_zmws(testdata / "subreads.bam")]
    assert [zmw.name for zmw in read_zmws(testdata / "subreads.bam", skip=1, limit=3)] == names[1:3]
    assert not list(read_zmws(testdata / "subreads.bam", skip=3, limit=2))


def test_a_read_shows_itself(reads: list[PolishedRead]) -> None:
    read = reads[0]
    assert repr(read) == f"<PolishedRead {read.name}: success, {len(read.bases)} bp, rq {read.rq:.6f}>"
    assert 0.99 < read.rq < 1
    unread = PolishedRead(Draft("m/1/ccs", encode_bases("ACGT"), None), Outcome.TOO_FEW_PASSES, "why")
    assert repr(unread) == "<PolishedRead m/1/ccs: too_few_passes>"
    assert unread.sequence == ""
    assert unread.rq == 0
    for form in (unread.fastq, unread.to_pysam):
        with pytest.raises(ValueError, match="m/1/ccs has no polished read: too_few_passes"):
            form()


def test_letters_and_probabilities(reads: list[PolishedRead]) -> None:
    read = reads[0]
    np.testing.assert_array_equal(encode_bases(read.sequence), read.bases)
    np.testing.assert_allclose(-10 * np.log10(read.error_probabilities), read.qualities, atol=1e-9)
    assert read.error_probabilities.dtype == np.float64


@pytest.mark.parametrize("name", ["out.bam", "out.sam", "out.fastq", "out.fq.gz"])
def test_reads_are_written_as_the_command_writes_them(
    name: str, testdata: Path, run: Commands, tmp_path: Path, reads: list[PolishedRead]
) -> None:
    by_command, by_library = tmp_path / "command" / name, tmp_path / "library" / name
    for path in (by_command, by_library):
        path.parent.mkdir()
    subreads, ccs = testdata / "subreads.bam", testdata / "ccs.bam"
    assert run("polish", subreads, "--ccs", ccs, "--limit", 3, "-o", by_command).status == 0
    assert write_reads(iter(reads), str(by_library), ccs=str(ccs)) == sum(read.passed for read in reads)
    assert _text(by_library) == _text(by_command)
    if name == "out.bam":
        assert [read.to_pysam().to_string() for read in reads if read.passed] == record_lines(by_command)


def _text(path: Path) -> list[str]:
    """The lines of a file of reads, without its programs."""
    if path.suffix == ".bam":
        with pysam.AlignmentFile(str(path), check_sq=False) as file:
            return [line for line in str(file.header).splitlines() if not line.startswith("@PG")] + record_lines(path)
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as text:
        return [line for line in text if not line.startswith("@PG")]


def test_fastq_records_are_those_of_the_file(tmp_path: Path, reads: list[PolishedRead]) -> None:
    path = tmp_path / "out.fastq"
    write_reads(reads, path)
    assert path.read_text() == "".join(read.fastq() for read in reads if read.passed)


def test_without_the_ccs_file_every_read_has_its_read_group(tmp_path: Path, reads: list[PolishedRead]) -> None:
    path = tmp_path / "out.bam"
    write_reads(reads, path)
    with pysam.AlignmentFile(str(path), check_sq=False) as file:
        groups = {group["ID"]: group["PU"] for group in file.header.to_dict()["RG"]}
        programs = [program["PN"] for program in file.header.to_dict()["PG"]]
    assert {groups[record.get_tag("RG")] for record in records(path)} == {reads[0].name.split("/")[0]}
    assert programs == ["deepconsensus-py"]


def test_records_go_into_files_of_others(tmp_path: Path, reads: list[PolishedRead]) -> None:
    header = pysam.AlignmentHeader.from_dict({"HD": {"VN": "1.6"}})
    with pysam.AlignmentFile(str(tmp_path / "own.bam"), "wb", header=header) as file:
        for read in reads:
            file.write(read.to_pysam(header))
    assert record_lines(tmp_path / "own.bam") == [read.to_pysam().to_string() for read in reads]


def test_a_file_that_fails_is_not_there(testdata: Path, tmp_path: Path, reads: list[PolishedRead]) -> None:
    def broken():
        yield reads[0]
        raise RuntimeError("the caller's own")

    for name in ("out.bam", "out.fastq"):
        with pytest.raises(RuntimeError, match="the caller's own"):
            write_reads(broken(), tmp_path / name)
    with pytest.raises(OutputError, match="unknown file name extension"):
        write_reads(reads, tmp_path / "out.txt")
    assert list(tmp_path.iterdir()) == []


def test_the_ccs_file_is_not_replaced(testdata: Path, reads: list[PolishedRead]) -> None:
    with pytest.raises(OutputError):
        write_reads(reads, testdata / "ccs.bam", ccs=testdata / "ccs.bam")


def test_a_model_is_loaded_once_for_many(testdata: Path, reads: list[PolishedRead]) -> None:
    model = load_model("edits")
    for read in reads:
        zmws = (zmw for zmw in read_zmws(testdata / "subreads.bam", testdata / "ccs.bam") if zmw.name == read.name)
        (again,) = polish(zmws, model=model)
        assert again.sequence == read.sequence
