"""Several files of drafts are read one after the other, as one file of them all would be."""

import re
from pathlib import Path

import pytest
from support import content

from deepconsensus_py.align.to_file import align_files
from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.draft_parts import DraftPart
from deepconsensus_py.pacbio.drafts import draft_entries
from deepconsensus_py.pacbio.headers import Program, polished_header
from deepconsensus_py.pacbio.indexing import index_bam
from deepconsensus_py.pacbio.record_file import RecordFile
from deepconsensus_py.pacbio.zmws import Fault, find_zmw, read_zmws

PARTS = ([1, 2, "3/ccs/fwd"], [], [4, "5/consensus", 6, 7, 8], ["3/ccs/rev", 9])
ENDINGS = {
    "bam": (".bam",) * 4,
    "fastq": (".fastq",) * 4,
    "mixed": (".bam", ".bam", ".fastq", ".bam"),
}


def parts_of(make, endings: tuple[str, ...]) -> list[Path]:
    paths = [make.drafts(names, f"{i}{ending}") for i, (names, ending) in enumerate(zip(PARTS, endings, strict=True))]
    return [path for path in paths if path.stat().st_size]


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize("endings", ENDINGS.values(), ids=ENDINGS)
def test_chunks_of_several_files_are_those_of_one(make, endings: tuple[str, ...], indexed: bool) -> None:
    subreads = make.subreads(range(1, 11))
    parts = parts_of(make, endings)
    whole = make.drafts([name for part in PARTS for name in part], f"whole{endings[0]}")
    bams = [path for path in (subreads, *parts) if path.suffix == ".bam"] if indexed else []
    for path in bams:
        index_bam(path)

    def read(drafts: Path | list[Path], **choice) -> list[object]:
        # The name of the file is in the words on the draft that is misnamed.
        return [
            (item[0], "fault") if len(item) == 2 else item for item in content(read_zmws([subreads], drafts, **choice))
        ]

    assert len(read(whole)) == 10
    for chunk in (None, *((i + 1, 4) for i in range(4))):
        for limit, skip in ((None, 0), (2, 0), (None, 1), (7, 4)):
            choice = {"chunk": chunk, "limit": limit, "skip": skip}
            assert read(parts, **choice) == read(whole, **choice), choice
            assert len(DraftPart(parts, **choice)) == len(DraftPart(whole, **choice))


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize("chunk", [None, (2, 2)])
def test_a_molecule_in_two_files_is_a_fault_that_names_both(make, indexed: bool, chunk) -> None:
    subreads = make.subreads([1, 2, 3, 4])
    one, two = make.drafts([1, 2], "one.bam"), make.drafts([3, 2], "two.bam")
    for path in (subreads, one, two) if indexed else ():
        index_bam(path)
    last = list(read_zmws([subreads], [one, two], chunk=chunk))[-1]
    assert isinstance(last, Fault)
    assert last.reason == f"{make.movie}/2/ccs: occurs twice, as read 2 of {one} and read 2 of {two}"


def test_molecules_of_another_movie_with_the_same_hole_numbers_are_others(make) -> None:
    other = type(make)(make.folder)
    other.movie = "m84004_220919_222401_s1"
    subreads = [make.subreads([1, 2], "a.bam"), other.subreads([1, 2], "b.bam")]
    drafts = [make.drafts([1, 2], "one.bam"), other.drafts([1, 2], "two.bam")]
    for path in (*subreads, *drafts):
        index_bam(path)
    for chunk in (None, (2, 2)):
        assert all(len(item) == 5 for item in content(read_zmws(subreads, drafts, chunk=chunk)))


def test_a_file_of_file_names_of_drafts(make) -> None:
    one, two = make.drafts([1], "one.bam"), make.drafts([2], "two.bam")
    names = make.folder / "all.fofn"
    names.write_text("one.bam\ntwo.bam\n")
    assert [entry.name for entry in draft_entries(names)] == [f"{make.movie}/{hole}/ccs" for hole in (1, 2)]
    assert DraftPart([names]).paths == (one, two)
    with pytest.raises(InputError, match=rf"^{re.escape(str(two))}: given twice"):
        DraftPart([names, two])


@pytest.mark.parametrize("indexed", [False, True])
def test_files_without_any_draft(make, indexed: bool) -> None:
    subreads = make.subreads([1])
    empty = [make.drafts([], "one.bam"), make.drafts([], "two.bam")]
    for path in empty if indexed else ():
        index_bam(path)
    with pytest.raises(InputError, match=rf"^{empty[0]}, {empty[1]}: no reads found$"):
        list(read_zmws([subreads], empty))


def test_the_header_has_the_read_groups_of_all_files(make) -> None:
    other = type(make)(make.folder)
    other.movie = "m84004_220919_222401_s1"
    header = polished_header([make.drafts([1], "one.bam"), other.drafts([2], "two.fastq")], Program("1", "polish"))
    groups = header.to_dict()["RG"]
    assert [group["PU"] for group in groups] == [make.movie, other.movie]


def test_one_molecule_of_several_files(make) -> None:
    subreads, drafts = make.subreads([1, 2]), [make.drafts([1], "one.bam"), make.drafts([2], "two.bam")]
    assert find_zmw([subreads], drafts, "2").name == f"{make.movie}/2/ccs"
    with pytest.raises(InputError, match=rf"^{drafts[0]}, {drafts[1]}: no CCS read of ZMW 3"):
        find_zmw([subreads], drafts, "3")


def test_drafts_of_all_files_are_aligned_to(make) -> None:
    drafts = [make.drafts([1], "one.bam"), make.drafts([2], "two.fastq")]
    counts = align_files([make.subreads([1, 2])], drafts, make.folder / "out.bam", Program("1", "align"))
    assert counts.molecules == 2
    with RecordFile(make.folder / "out.bam") as file:
        assert list(file.header.references) == [f"{make.movie}/{hole}/ccs" for hole in (1, 2)]
