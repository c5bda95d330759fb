"""Overlaps in files."""

import gzip
from pathlib import Path

import pytest
from overlap_reads import simulated

from deepconsensus_py.cli.main import main
from deepconsensus_py.errors import InputError
from deepconsensus_py.overlaps.located import LocatedReads, locate
from deepconsensus_py.overlaps.overlap import Overlap, as_overlap
from deepconsensus_py.overlaps.paf import read_paf, write_paf
from deepconsensus_py.overlaps.search import search


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reads") / "hifi.bam"
    simulated(path, length=9000)
    return path


@pytest.fixture(scope="module")
def reads(source: Path) -> LocatedReads:
    return locate([source], source.parent)


@pytest.mark.parametrize("name", ["overlaps.paf", "overlaps.paf.gz"])
def test_what_is_written_is_read(reads: LocatedReads, tmp_path: Path, name: str) -> None:
    expected = [(number, as_overlap(hit)) for number, hit in search(reads)]
    assert write_paf(tmp_path / name, reads) == len(expected) > 20
    assert list(read_paf([tmp_path / name], reads)) == expected
    assert (tmp_path / name).read_bytes().startswith(b"\x1f\x8b") == name.endswith(".gz")


def test_the_command_writes_parts_and_correct_reads_them(source: Path, tmp_path: Path) -> None:
    parts = [tmp_path / f"{number}.paf.gz" for number in (1, 2)]
    for number, part in enumerate(parts, 1):
        assert main(["overlaps", str(source), "--chunk", f"{number}/2", "-o", str(part)]) == 0
    # All reads fit one index, which the first part has.
    assert gzip.decompress(parts[1].read_bytes()) == b""
    whole, given = tmp_path / "whole.fastq", tmp_path / "given.fastq"
    assert main(["correct", str(source), "-o", str(whole)]) == 0
    assert main(["correct", str(source), "-o", str(given), "--paf", str(parts[0]), "--paf", str(parts[1])]) == 0
    assert given.read_bytes() == whole.read_bytes()


def line(reads: LocatedReads, **other: object) -> str:
    lengths, names = reads.rows["length"].tolist(), list(reads.names())
    cells = {"q": names[0], "ql": lengths[0], "qs": 0, "qe": 2500, "strand": "-", "t": names[1], "tl": lengths[1]}
    cells |= {"ts": 400, "te": 2900, "equal": 2495, "columns": 2500, "mapq": 0, "tags": "tp:A:S\tNM:i:5"} | other
    return "\t".join(map(str, cells.values())) + "\n"


def test_lines_of_short_or_different_overlaps_do_not_count(reads: LocatedReads, tmp_path: Path) -> None:
    own = next(iter(reads.names()))
    path = tmp_path / "some.paf"
    path.write_text(
        line(reads)
        + line(reads, columns=1999)
        + line(reads, tags="NM:i:51")
        + line(reads, t=own, tl=reads.rows["length"][0])
    )
    assert list(read_paf([path], reads)) == [(0, Overlap(0, 2500, 1, 400, 2900, True, 2495))]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"t": "movie/99999/ccs"}, "names movie/99999/ccs, which is not among the reads"),
        ({"ql": 5}, "has other lengths"),
        ({"tags": "tp:A:S"}, "has no tag NM; let minimap2 align the bases"),
        ({"qs": "x"}, "invalid literal"),
    ],
)
def test_lines_of_other_reads_are_refused(
    reads: LocatedReads, tmp_path: Path, wrong: dict[str, object], said: str
) -> None:
    path = tmp_path / "other.paf"
    path.write_text(line(reads) + line(reads, **wrong))
    with pytest.raises(InputError, match=rf"other\.paf: line 2 {said}"):
        list(read_paf([path], reads))


def test_a_line_of_few_columns_is_refused(reads: LocatedReads, tmp_path: Path) -> None:
    path = tmp_path / "few.paf"
    path.write_text("a\tb\n")
    with pytest.raises(InputError, match=r"few\.paf: line 1 is not PAF: it has fewer than 12 columns"):
        list(read_paf([path], reads))
