"""A subread of which one part is damaged is the fault of the molecule it lies among, and of no other."""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pysam
import pytest
from bam_bytes import header, record, tag, write

from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.pacbio.indexing import index_bam
from deepconsensus_py.pacbio.pbi import _HEADER, BASIC, pbi_path
from deepconsensus_py.pacbio.zmws import Fault, read_subreads, read_zmws

MOVIE = "m64011_190228_190319"
TEXT = f"@HD\tVN:1.6\n@RG\tID:aaaa0000\tDS:READTYPE=SUBREAD\tPU:{MOVIE}\n".encode()


def subread(hole: int, number: int, name: str = "", zm: int | None = None, **fields: object) -> bytes:
    own = name or f"{MOVIE}/{hole}/{10 * number}_{10 * number + 4}"
    tags = b"" if zm == -1 else tag("zm", "i", struct.pack("<i", hole if zm is None else zm))
    return record(own.encode("latin-1"), tags=tags + tag("RG", "Z", b"aaaa0000\0"), **fields)


def molecules(path: Path) -> dict[int, object]:
    """Of each ZMW how many passes it has, or why they cannot be read."""
    found = list(read_subreads([path]))
    assert len({molecule for molecule, _ in found}) == len(found)
    return {molecule.hole: str(p) if isinstance(p, MoleculeError) else len(p) for molecule, p in found}


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Path]:
    return tmp_path / "subreads.bam"


@pytest.mark.parametrize("at", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("n\xfc", r"n\xfc: the read name is not printable ASCII ending with a NUL byte"),
        ("read", "read: the read name is not a subread's (movie/zmw/qStart_qEnd)"),
        (f"{MOVIE}/77/1_5", f"{MOVIE}/77/1_5: its name has ZMW 77, but its tag 'zm' has {{}}"),
        (f"{MOVIE}/{'7' * 5000}/1_5"[:250], f"{(MOVIE + '/' + '7' * 300)[:250]}: the read name is not a subread's"),
    ],
)
def test_a_damaged_name_goes_by_the_hole_number_in_its_tag(files: Path, at: int, name: str, reason: str) -> None:
    own = [1, 1, 2, 2, 3, 3]
    records = [subread(hole, i, name if i == at else "") for i, hole in enumerate(own)]
    write(files, header(TEXT), *records)
    found = molecules(files)
    damaged = found.pop(own[at])
    assert str(damaged).startswith(f"{files}: record {reason.format(own[at])}")
    assert found == dict.fromkeys({1, 2, 3} - {own[at]}, 2)


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_damaged_letter_of_the_movie_is_the_molecules_fault(files: Path, at: int) -> None:
    records = [subread(1, i, f"{MOVIE[:-1]}x/2/{i}_{i + 4}" if i == at else f"{MOVIE}/2/{i}_9", zm=2) for i in range(3)]
    write(files, header(TEXT), subread(1, 0), *records, subread(3, 0))
    found = molecules(files)
    assert "its movie is not in the header" in str(found.pop(2))
    assert found == {1: 1, 3: 1}


@pytest.mark.parametrize(("name", "owner"), [(f"{MOVIE}/2/\n9_4", 2), (f"{MOVIE}/1/\n9_4", 1), ("\n", 1)])
def test_a_record_without_name_and_tag_goes_by_what_is_left_of_its_name(files: Path, name: str, owner: int) -> None:
    records = [subread(1, 0), subread(1, 1, name, zm=-1), subread(2, 0), subread(3, 0)]
    write(files, header(TEXT), *records)
    found = molecules(files)
    assert "the read name is not printable ASCII" in str(found.pop(owner))
    assert found == dict.fromkeys({1, 2, 3} - {owner}, 1)


def test_a_record_of_a_molecule_of_its_own_is_that_ones_fault(files: Path) -> None:
    write(files, header(TEXT), subread(1, 0, "x\xfc"), subread(2, 0), subread(3, 0, "x\xfc"), subread(4, 0))
    found = molecules(files)
    assert [type(found[hole]) for hole in (1, 2, 3, 4)] == [str, int, str, int]


def test_two_movies_side_by_side_are_two_molecules(files: Path) -> None:
    write(files, header(TEXT), subread(1, 0), subread(2, 0, "m84004_220919_222401_s1/1/0_4", zm=1))
    assert [(str(m), len(p)) for m, p in read_subreads([files])] == [
        (f"{MOVIE}/1", 1),
        ("m84004_220919_222401_s1/1", 1),
    ]


def test_a_file_of_other_reads_is_refused_by_its_second_record(files: Path) -> None:
    write(files, header(TEXT), *(record(f"read{i}".encode()) for i in range(3)))
    with pytest.raises(InputError, match=rf"^{files}: read read0: the read name is not a subread's"):
        molecules(files)


def test_an_unaligned_record_that_is_flagged_as_a_further_alignment_is_a_fault(files: Path) -> None:
    write(files, header(TEXT), subread(1, 0), subread(1, 1, flag=4 | 0x100), subread(2, 0))
    assert "flagged as secondary or supplementary" in str(molecules(files)[1])


def aligned(path: Path, **changes: object) -> Path:
    """Two passes of each of two drafts, of which the third has changes."""
    drafts = [(f"{MOVIE}/{hole}/ccs".encode(), 8) for hole in (1, 2)]
    text = TEXT + b"".join(b"@SQ\tSN:%s\tLN:%d\n" % draft for draft in drafts)
    place = {"flag": 0, "start": 0, "cigar": [(4, "=")]}
    records = [
        subread(1 + i // 2, i, **{**place, "reference": i // 2, **(changes if i == 2 else {})})  # type: ignore[arg-type]
        for i in range(4)
    ]
    ccs = [record(name, "ACGT" * 2, tag("zm", "i", struct.pack("<i", i + 1))) for i, (name, _) in enumerate(drafts)]
    write(path.with_name("ccs.bam"), header(TEXT.replace(b"SUBREAD", b"CCS")), *ccs)
    return write(path, header(text, drafts), *records)


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"reference": 0}, f"is aligned to {MOVIE}/1/ccs, not to the CCS read of its own ZMW"),
        ({"reference": 9}, "reference 9"),
        ({"start": 5}, "alignment extends beyond"),
        ({"flag": 4}, "flagged as unmapped, but has a CIGAR"),
        ({"cigar": [(5, "=")]}, "CIGAR covers 5 bases, but the read has 4"),
        ({"length": 77}, "name, CIGAR, bases and qualities exceed the size of the record"),
        ({"qualities": b"\xff" * 4, "name_size": 3}, "the read name is not printable"),
    ],
)
def test_a_damaged_alignment_is_its_molecules_fault(files: Path, changes: dict, reason: str, indexed: bool) -> None:
    aligned(files)
    if indexed:
        index_bam(files)
        sound = pbi_path(files).read_bytes()
    aligned(files, **changes)
    if indexed:
        pbi_path(files).write_bytes(sound)
    first, second = read_zmws([files], files.with_name("ccs.bam"))
    assert not isinstance(first, Fault)
    assert len(first.passes) == 2
    assert isinstance(second, Fault)
    assert reason in second.reason


def changed_index(bam: Path, column: str, row: int, value: int) -> None:
    """The index of a file with one other number in it."""
    index_bam(bam)
    data = bytearray(pysam.BGZFile(str(pbi_path(bam)), "rb").read())
    (n,) = np.frombuffer(data, "<u4", 1, 10)
    names = list(BASIC.names or ())
    at = _HEADER.size + sum(BASIC[name].itemsize for name in names[: names.index(column)]) * int(n)
    size = BASIC[column].itemsize
    data[at + row * size : at + (row + 1) * size] = value.to_bytes(size, "little", signed=True)
    write(pbi_path(bam), bytes(data))


@pytest.mark.parametrize("row", range(6))
@pytest.mark.parametrize("hole", [77, -5, 2**31 - 1])
def test_an_index_with_a_wrong_hole_number_loses_no_pass_in_silence(files: Path, row: int, hole: int) -> None:
    write(files, header(TEXT), *(subread(1 + i // 2, i) for i in range(6)))
    drafts = write(files.with_name("ccs.bam"), header(b""), *(record(f"{MOVIE}/{h}/ccs".encode()) for h in (1, 2, 3)))
    changed_index(files, "holeNumber", row, hole)
    with pytest.raises(InputError, match=rf"^{pbi_path(files)}: does not belong to {files} .* make the index again"):
        list(read_zmws([files], drafts))


@pytest.mark.parametrize(("row", "asked"), [(1, 1), (2, 2), (3, 2), (4, 3)])
def test_an_index_is_compared_on_both_sides_of_a_molecule(files: Path, row: int, asked: int) -> None:
    write(files, header(TEXT), *(subread(1 + i // 2, i) for i in range(6)))
    drafts = write(files.with_name("ccs.bam"), header(b""), record(f"{MOVIE}/{asked}/ccs".encode()))
    changed_index(files, "holeNumber", row, 77)
    with pytest.raises(InputError, match=r"found instead of ZMW 77"):
        list(read_zmws([files], drafts))


@pytest.mark.parametrize(("column", "value"), [("fileOffset", 5), ("fileOffset", -1), ("fileOffset", 2**62)])
@pytest.mark.parametrize("row", [0, 1, 5])
def test_an_index_with_a_wrong_place_is_refused_or_does_not_matter(
    files: Path, row: int, column: str, value: int
) -> None:
    write(files, header(TEXT), *(subread(1 + i // 2, i) for i in range(6)))
    drafts = write(files.with_name("ccs.bam"), header(b""), *(record(f"{MOVIE}/{h}/ccs".encode()) for h in (1, 2, 3)))
    changed_index(files, column, row, value)
    if row == 1:  # only the first record of a molecule is sought
        assert [len(item.passes) for item in read_zmws([files], drafts)] == [2, 2, 2]
    else:
        with pytest.raises(InputError, match=rf"^{pbi_path(files)}: does not belong to {files}"):
            list(read_zmws([files], drafts))


@pytest.mark.parametrize(("n", "reason"), [(7, "truncated"), (2**31, "too small for"), (2**32 - 1, "too small for")])
def test_an_index_of_more_records_than_it_can_hold_is_refused(files: Path, n: int, reason: str) -> None:
    write(files, header(TEXT), *(subread(1, i) for i in range(6)))
    index_bam(files)
    data = bytearray(pysam.BGZFile(str(pbi_path(files)), "rb").read())
    data[10:14] = n.to_bytes(4, "little")
    write(pbi_path(files), bytes(data))
    with pytest.raises(InputError, match=rf"^{pbi_path(files)}: is {reason}"):
        list(read_subreads([files]))
