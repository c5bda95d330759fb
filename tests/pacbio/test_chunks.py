"""Chunks are the whole, with and without indexes; with them, only the chunk is read."""

import logging
import os
import random
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pysam
import pytest
from support import content, edited

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.draft_parts import DraftPart
from deepconsensus_py.pacbio.indexing import index_bam
from deepconsensus_py.pacbio.molecule import Zmw
from deepconsensus_py.pacbio.pbi import pbi_path
from deepconsensus_py.pacbio.record_file import RecordFile
from deepconsensus_py.pacbio.zmws import read_subreads, read_zmws

OTHER_MOVIE = "m84004_220919_222401_s1"
INDEXED = [(), ("subreads",), ("drafts",), ("subreads", "drafts")]


class Files:
    """Subreads and drafts of two movies that share some molecules, in different orders."""

    def __init__(self, make, *, aligned: bool) -> None:
        strands = ["3/ccs/fwd", "5/ccs/rev", "3/ccs/rev", "5/ccs/fwd"]
        first = [f"{hole}/ccs" for hole in (1, 2, 4, 6, 7, 8, 9)]
        second = [f"{hole}/ccs" for hole in (1, 2, 3, 14, 15, 16)]
        one = self._drafts(make, [*first, *strands, "30/ccs", "31/consensus", "2/ccs"], "one.bam")
        make_other = type(make)(make.folder)
        make_other.movie = OTHER_MOVIE
        two = self._drafts(make_other, [*second, "40/ccs"], "two.bam")
        self.drafts = merged(make.folder / "ccs.bam", [one, two], seed=1)
        if aligned:
            self.subreads = [
                make.aligned([*first, *strands[:3], "50/ccs"], "a.bam"),
                make_other.aligned(["60/ccs", *second], "b.bam"),
            ]
        else:
            self.subreads = [
                make.subreads([50, 1, 2, 4, 3, 5, 6, 7, 8, 9], "a.bam"),
                make_other.subreads([60, 1, 2, 3, 14, 15, 16, 61], "b.bam"),
            ]

    @staticmethod
    def _drafts(make, names: list[str], name: str) -> Path:
        return make.drafts(names, name)

    def index(self, which: Iterable[str]) -> None:
        for path in (*(self.subreads if "subreads" in which else ()), *((self.drafts,) if "drafts" in which else ())):
            index_bam(path)

    def read(self, **choice: Any) -> list[tuple[Any, ...]]:
        return content(read_zmws(self.subreads, self.drafts, **choice))


def merged(path: Path, parts: list[Path], seed: int) -> Path:
    records = []
    for part in parts:
        with pysam.AlignmentFile(str(part), check_sq=False) as file:
            head = file.header
            records += list(file.fetch(until_eof=True))
    with pysam.AlignmentFile(str(path), "wb", header=head) as file:
        for record in random.Random(seed).sample(records, len(records)):
            file.write(record)
    return path


@pytest.fixture(params=[False, True], ids=["raw", "aligned"])
def files(make, request: pytest.FixtureRequest) -> Files:
    return Files(make, aligned=request.param)


@pytest.mark.parametrize("indexed", INDEXED, ids="+".join)
def test_chunks_are_the_whole(files: Files, indexed: tuple[str, ...]) -> None:
    """Records, faults and their words, whichever files have an index."""
    whole = files.read()
    assert len(whole) == 21
    assert sum(len(item) == 2 and "and read" in str(item[1]) for item in whole) == 1
    files.index(indexed)
    assert files.read() == whole
    for chunks in (1, 3, 7, 30):
        assert [item for i in range(chunks) for item in files.read(chunk=(i + 1, chunks))] == whole


@pytest.mark.parametrize("indexed", INDEXED, ids="+".join)
def test_the_rest_of_a_chunk_is_its_tail(files: Files, indexed: tuple[str, ...]) -> None:
    parts = {
        choice: files.read(chunk=choice[0], limit=choice[1]) for choice in (((2, 3), None), ((1, 2), 8), (None, 15))
    }
    files.index(indexed)
    for (chunk, limit), whole in parts.items():
        for skip in range(len(whole) + 2):
            choice = {"chunk": chunk, "limit": limit, "skip": skip}
            assert files.read(**choice) == whole[skip:]
            assert len(DraftPart(files.drafts, **choice)) == max(len(whole) - skip, 0)


@pytest.mark.parametrize("indexed", [False, True])
def test_the_rest_of_subreads_without_drafts(make, indexed: bool) -> None:
    paths = [make.subreads([5, 1, 9], "a.bam"), make.subreads([2], "b.bam"), make.subreads([8, 3], "c.bam")]
    for path in paths if indexed else ():
        index_bam(path)
    for skip in range(8):
        assert [molecule.hole for molecule, _ in read_subreads(paths, skip=skip)] == [5, 1, 9, 2, 8, 3][skip:]


@pytest.mark.real
@pytest.mark.parametrize("name", ["subreads.bam", "subreads_to_ccs.bam"])
@pytest.mark.parametrize("indexed", INDEXED[1:], ids="+".join)
def test_real_chunks_are_the_whole(human_1m: Path, tmp_path: Path, name: str, indexed: tuple[str, ...]) -> None:
    paths = {"subreads": tmp_path / name, "drafts": tmp_path / "ccs.bam"}
    for path in paths.values():
        path.symlink_to(human_1m / path.name)
    whole = content(read_zmws([paths["subreads"]], paths["drafts"]))
    for kind in indexed:
        index_bam(paths[kind])
    for chunks in (1, 3, 7):
        parts = (read_zmws([paths["subreads"]], paths["drafts"], chunk=(i + 1, chunks)) for i in range(chunks))
        assert [item for part in parts for item in content(part)] == whole


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The file of every record that is read."""
    found: list[Path] = []
    original = RecordFile.__iter__

    def counting(self: RecordFile):
        for record in original(self):
            found.append(self.path)
            yield record

    monkeypatch.setattr(RecordFile, "__iter__", counting)
    return found


@pytest.mark.parametrize("aligned", [False, True], ids=["raw", "aligned"])
def test_with_indexes_only_the_chunk_is_read(make, read: list[Path], aligned: bool) -> None:
    n = 80
    drafts = make.drafts(range(n))
    subreads = make.aligned([f"{i}/ccs" for i in range(n)]) if aligned else make.subreads(range(n), passes=5)
    index_bam(subreads)
    index_bam(drafts)
    read.clear()
    assert len(list(read_zmws([subreads], drafts, chunk=(8, 8), skip=4))) == 6
    # A few more are looked at to see whether the indexes belong to the files.
    assert read.count(subreads) <= 5 * 6 + 12
    assert read.count(drafts) <= 6 + 4


def test_what_has_no_index_is_advised_once(make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    subreads, drafts = make.subreads(range(9)), make.drafts(range(9))
    advice = "{0}: no .pbi index found; reading sequentially (create one with 'deepconsensus-py index {0}')".format
    for indexed, choice, advised in [
        (None, {}, ()),
        (None, {"chunk": (1, 3)}, (drafts,)),
        (None, {"chunk": (2, 3)}, (drafts, subreads)),
        (None, {"skip": 2}, (drafts, subreads)),
        (drafts, {"chunk": (2, 3)}, (subreads,)),
        (subreads, {"chunk": (2, 3)}, ()),
    ]:
        if indexed:
            index_bam(indexed)
        caplog.clear()
        list(read_zmws([subreads], drafts, **choice))
        assert caplog.messages == ([advice(" ".join(map(str, advised)))] if advised else [])


@pytest.mark.parametrize("indexed", [False, True])
def test_chunks_without_drafts_are_the_whole(make, caplog: pytest.LogCaptureFixture, indexed: bool) -> None:
    caplog.set_level(logging.INFO)
    files = [make.subreads(range(6), "a.bam"), make.subreads(range(6, 11), "b.bam")]
    if indexed:
        for file in files:
            index_bam(file)
    whole = [zmw.name for zmw in read_zmws(files)]
    for chunks in (1, 3, 7, 30):
        parts = (read_zmws(files, chunk=(i + 1, chunks)) for i in range(chunks))
        assert [zmw.name for part in parts for zmw in part] == whole
    assert [zmw.name for zmw in read_zmws(files, chunk=(2, 2), limit=4, skip=1)] == whole[6:9]
    with pytest.raises(InputError, match="chunk 3/2: the first number must be from 1 to 2"):
        read_zmws(files, chunk=(3, 2))
    advised = {"no .pbi index found; reading sequentially" in message for message in caplog.messages}
    assert advised == (set() if indexed else {True})


def test_a_chunk_of_aligned_subreads_is_read_from_its_start_without_a_word(make, caplog) -> None:
    """It holds no molecules of other chunks."""
    caplog.set_level(logging.INFO)
    drafts = make.drafts(range(9))
    index_bam(drafts)
    aligned = make.aligned([f"{hole}/ccs" for hole in (3, 4, 5)])
    assert len(list(read_zmws([aligned], drafts, chunk=(2, 3)))) == 3
    assert caplog.messages == []


def test_secondary_records_of_drafts_count_once_with_an_index_too(make) -> None:
    """Such a file is read through: its index does not tell them."""
    drafts = make.drafts([1, 2, 3])
    with pysam.AlignmentFile(str(drafts), check_sq=False) as file:
        head, records = file.header.to_dict(), list(file.fetch(until_eof=True))
    head["SQ"] = [{"SN": "chr1", "LN": 1000}]
    with pysam.AlignmentFile(str(drafts), "wb", header=pysam.AlignmentHeader.from_dict(head)) as file:
        for record in records:
            for flag in (0, 0x100, 0x800):
                copy = pysam.AlignedSegment.from_dict(record.to_dict(), file.header)
                copy.flag, copy.reference_id, copy.reference_start, copy.cigarstring = flag, 0, 7, "60="
                file.write(copy)
    subreads = make.subreads([1, 2, 3])
    index_bam(drafts)
    assert [len(content(read_zmws([subreads], drafts, chunk=(i, 3)))) for i in (1, 2, 3)] == [1, 1, 1]
    assert len(DraftPart(drafts)) == 3


@pytest.mark.parametrize("orders", [[1, 2, 1], [5, 1, 2, 5, 3]])
def test_a_molecule_in_two_places_is_refused_with_an_index_too(make, orders: list[int]) -> None:
    path = make.subreads(orders)
    index_bam(path)
    with pytest.raises(InputError, match=rf"{path}: the subreads of .*/{orders[0]} are in two separate places"):
        list(read_subreads([path]))
    one, two = make.subreads([1, 2], "one.bam"), make.subreads([2, 3], "two.bam")
    for file in (one, two):
        index_bam(file)
    with pytest.raises(InputError, match=rf"{two}: the subreads of .*/2 are in .* too; merge"):
        list(read_zmws([one, two], make.drafts([3])))


@pytest.mark.parametrize("second", [0, 1])
def test_movies_that_share_a_read_group_are_told_apart(make, second: int) -> None:
    """As no program of PacBio's writes them; such files are read through."""
    other = type(make)(make.folder)
    other.movie = OTHER_MOVIE
    subreads = make.records([make.subread(1, 0), make.subread(2, 0), other.subread(2 + second, 0), other.subread(4, 0)])
    parts = [make.drafts([1, 2, 1], "one.bam"), other.drafts([4, 2 + second], "two.bam")]
    drafts = merged(make.folder / "both.bam", parts, seed=2)
    whole = content(read_zmws([subreads], drafts))
    assert sorted(len(item) for item in whole) == [2, 3, 3, 3, 3]
    for path in (subreads, drafts):
        index_bam(path)
    assert [item for i in range(5) for item in content(read_zmws([subreads], drafts, chunk=(i + 1, 5)))] == whole


@pytest.mark.parametrize("indexed", [False, True])
def test_files_of_different_molecules(make, indexed: bool) -> None:
    subreads, drafts = make.subreads(range(7)), make.drafts([11, 12])
    for path in (subreads, drafts) if indexed else ():
        index_bam(path)
    with pytest.raises(InputError, match=re.escape(f"none of the 7 ZMWs of {subreads} is in {drafts}")):
        next(read_zmws([subreads], drafts, chunk=(2, 2)))


def unmapped(records: list[pysam.AlignedSegment]) -> list[pysam.AlignedSegment]:
    for record in records:
        record.flag, record.reference_id, record.reference_start, record.cigarstring = 4, -1, -1, None
    return records


@pytest.mark.parametrize("indexed", [False, True])
def test_files_without_molecules(make, indexed: bool) -> None:
    raw, drafts = make.subreads([]), make.drafts([1])
    aligned = edited(make.aligned(["1/ccs"]), make.folder / "unaligned.bam", unmapped)
    empty = edited(aligned, make.folder / "empty.bam", lambda _: [])
    for path in (raw, aligned, empty) if indexed else ():
        index_bam(path)
    with pytest.raises(InputError, match=r"no subreads found$"):
        list(read_zmws([raw], drafts))
    with pytest.raises(InputError, match=r"no aligned \(5 unaligned\) subreads found"):
        list(read_zmws([aligned], drafts))
    (item,) = read_zmws([empty], drafts)
    assert isinstance(item, Zmw)
    assert item.passes == ()


@pytest.mark.parametrize("indexed", [False, True])
def test_subreads_given_as_drafts_and_drafts_as_subreads(make, indexed: bool) -> None:
    subreads = make.subreads([1, 2])
    unlabelled = make.records([make.subread(1, 0, name=f"{make.movie}/1/ccs")], "unlabelled.bam")
    for path in (subreads, unlabelled) if indexed else ():
        index_bam(path)
    with pytest.raises(InputError, match=rf"^{subreads}: contains subreads \(.*/1/0_60\), but CCS reads are needed"):
        list(read_zmws([subreads], subreads))
    with pytest.raises(InputError, match=rf"^{unlabelled}: contains HiFi"):
        list(read_subreads([unlabelled]))


WRONG = r"^{0}\.pbi: does not belong to {0} \({1}\); make the index again \(deepconsensus-py index\)$"


def replaced(path: Path, by: Path) -> None:
    """Another file under the name of an indexed one, no newer than the index."""
    by.replace(path)
    os.utime(path, (0, 0))


@pytest.mark.parametrize("kind", ["subreads", "drafts"])
def test_the_index_of_another_file_is_refused(make, kind: str) -> None:
    paths = {"subreads": make.subreads(range(9)), "drafts": make.drafts(range(9))}
    maker = getattr(make, kind)

    def read() -> None:
        list(read_zmws([paths["subreads"]], paths["drafts"], chunk=(2, 2)))

    path = paths[kind]
    index_bam(path)
    read()
    for others, why in [
        (range(10), "record (9|27) is not the last one of the file"),
        ([], "an offset is beyond the end of the file|no record at the given offset"),
        ([*range(1, 9), 0], ".* found instead of .*"),
    ]:
        replaced(path, maker(others, "other.bam"))
        with pytest.raises(InputError, match=WRONG.format(path, why)):
            read()


def test_an_index_that_is_older_than_its_file_is_warned_of_and_used(make, caplog: pytest.LogCaptureFixture) -> None:
    subreads, drafts = make.subreads(range(9)), make.drafts(range(9))
    index_bam(subreads)
    os.utime(pbi_path(subreads), (1, 1))
    assert len(list(read_zmws([subreads], drafts))) == 9
    assert caplog.messages == [
        f"{subreads}.pbi: is older than subreads.bam; if the BAM file has changed, make the index again "
        "(deepconsensus-py index)"
    ]


def test_a_damaged_index_is_refused(make) -> None:
    subreads = make.subreads(range(9))
    pbi_path(subreads).write_bytes(b"nonsense")
    with pytest.raises(InputError, match=rf"^{subreads}\.pbi: is truncated or damaged"):
        read_zmws([subreads], make.drafts(range(9)))
