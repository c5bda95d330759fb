"""Indexes come back as they were written, in the bytes of the format, and one that is not whole is refused."""

import errno
import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pysam
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deepconsensus_py.errors import InputError, OutputError
from deepconsensus_py.pacbio import pbi
from deepconsensus_py.pacbio.pbi import (
    BARCODES,
    BASIC,
    MAPPED,
    REFERENCES,
    UNBARCODED,
    UNMAPPED,
    PacBioIndex,
    PbiFile,
    pbi_path,
    read_pbi,
    write_pbi,
)

MADE_BY_PBINDEX = sorted((Path(__file__).parent / "pbindex").glob("*.pbi"))
SECTIONS = ("basic", "mapped", "references", "barcodes")


def table(dtype: np.dtype, size: int, seed: int = 0) -> np.ndarray:
    """Rows of any numbers that the fields can hold."""
    random = np.random.default_rng(seed)
    rows = np.empty(size, dtype)
    for name in dtype.names or ():
        rows[name] = np.frombuffer(random.bytes(size * dtype[name].itemsize), dtype[name])
    if dtype == BASIC:
        rows["readQual"] = random.random(size)
    return rows


def assert_same(one: PacBioIndex, other: PacBioIndex) -> None:
    for section in SECTIONS:
        a, b = getattr(one, section), getattr(other, section)
        assert (a is None) == (b is None), section
        if a is not None:
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)


def assembled(version: int, flags: int, n_records: int, *columns: bytes) -> bytes:
    return b"PBI\1" + struct.pack("<IHI", version, flags, n_records) + bytes(18) + b"".join(columns)


def compressed(path: Path, data: bytes) -> Path:
    with pysam.BGZFile(str(path), "wb", None) as file:
        file.write(data)
    return path


TWO_RECORDS = (
    struct.pack("<2i", -1695408763, 0x4E5B5363),  # rgId
    struct.pack("<2i", 100, 0),  # qStart
    struct.pack("<2i", 160, 8),  # qEnd
    struct.pack("<2i", 7, 4194375),  # holeNumber
    struct.pack("<2f", 0.75, 0.5),  # readQual
    struct.pack("<2B", 3, 131),  # ctxtFlag
    struct.pack("<2q", 253 << 16, 40000 << 16 | 65000),  # fileOffset
)
THEIR_PLACES = (
    struct.pack("<2i", 1, -1),  # tId
    struct.pack("<2I", 5, 2**32 - 1),  # tStart
    struct.pack("<2I", 65, 2**32 - 1),  # tEnd
    struct.pack("<2I", 101, 2**32 - 1),  # aStart
    struct.pack("<2I", 159, 2**32 - 1),  # aEnd
    struct.pack("<2B", 1, 0),  # revStrand
    struct.pack("<2I", 50, 0),  # nM
    struct.pack("<2I", 2, 0),  # nMM
    struct.pack("<2B", 254, 255),  # mapQV
)
THEIR_OPERATIONS = (struct.pack("<2I", 4, 0), struct.pack("<2I", 6, 0))  # nInsOps, nDelOps
THEIR_REFERENCES = (struct.pack("<I", 3), struct.pack("<9I", 0, 2**32 - 1, 2**32 - 1, 1, 0, 1, 2**32 - 1, 1, 2))
THEIR_BARCODES = (struct.pack("<2h", 12, -1), struct.pack("<2h", 13, -1), struct.pack("<2b", 80, -1))

BASIC_ROWS = np.array(
    [(-1695408763, 100, 160, 7, 0.75, 3, 253 << 16), (0x4E5B5363, 0, 8, 4194375, 0.5, 131, 40000 << 16 | 65000)], BASIC
)
MAPPED_ROWS = np.array([(1, 5, 65, 101, 159, 1, 50, 2, 254, 4, 6), UNMAPPED.item()], MAPPED)
REFERENCE_ROWS = np.array([(0, 2**32 - 1, 2**32 - 1), (1, 0, 1), (2**32 - 1, 1, 2)], REFERENCES)
BARCODE_ROWS = np.array([(12, 13, 80), UNBARCODED.item()], BARCODES)


@pytest.mark.parametrize(
    ("flags", "index", "columns"),
    [
        (0, PacBioIndex(BASIC_ROWS), TWO_RECORDS),
        (1, PacBioIndex(BASIC_ROWS, MAPPED_ROWS), (*TWO_RECORDS, *THEIR_PLACES, *THEIR_OPERATIONS)),
        (4, PacBioIndex(BASIC_ROWS, barcodes=BARCODE_ROWS), (*TWO_RECORDS, *THEIR_BARCODES)),
        (
            7,
            PacBioIndex(BASIC_ROWS, MAPPED_ROWS, REFERENCE_ROWS, BARCODE_ROWS),
            (*TWO_RECORDS, *THEIR_PLACES, *THEIR_OPERATIONS, *THEIR_REFERENCES, *THEIR_BARCODES),
        ),
    ],
)
def test_the_bytes_are_those_of_the_format(tmp_path: Path, flags: int, index: PacBioIndex, columns) -> None:
    expected = assembled(0x00040000, flags, 2, *columns)
    path = tmp_path / "a.pbi"
    assert write_pbi(path, [index]) == 2
    assert gzip.decompress(path.read_bytes()) == expected
    assert_same(read_pbi(compressed(tmp_path / "b.pbi", expected)), index)


@pytest.mark.parametrize("version", [0x00030001, 0x00030002])
def test_before_version_4_there_are_no_counts_of_operations(tmp_path: Path, version: int) -> None:
    data = assembled(version, 7, 2, *TWO_RECORDS, *THEIR_PLACES, *THEIR_REFERENCES, *THEIR_BARCODES)
    index = read_pbi(compressed(tmp_path / "a.pbi", data))
    assert index.mapped is not None
    assert index.mapped.dtype.names == (MAPPED.names or ())[:-2]
    np.testing.assert_array_equal(index.mapped["mapQV"], [254, 255])
    np.testing.assert_array_equal(index.references, REFERENCE_ROWS)
    np.testing.assert_array_equal(index.barcodes, BARCODE_ROWS)


def put_together(sizes: list[int], tables: list[np.ndarray | None], default: np.ndarray) -> np.ndarray | None:
    if all(rows is None for rows in tables):
        return None
    filled = (np.full(n, default) if rows is None else rows for n, rows in zip(sizes, tables, strict=True))
    return np.concatenate(list(filled))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.booleans()), min_size=1, max_size=4),
    rows=st.integers(1, 7),
)
def test_parts_are_put_together(tmp_path: Path, parts: list[tuple[int, bool, bool]], rows: int) -> None:
    """A part without mapped or barcoded records leaves its rows empty where others have some."""
    sizes = [size for size, _, _ in parts]
    basic = [table(BASIC, size, seed) for seed, size in enumerate(sizes)]
    mapped = [table(MAPPED, size, seed) if given else None for seed, (size, given, _) in enumerate(parts)]
    barcodes = [table(BARCODES, size, seed) if given else None for seed, (size, _, given) in enumerate(parts)]
    path = tmp_path / "a.pbi"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pbi, "_ROWS", rows)
        n_records = write_pbi(
            path, (PacBioIndex(b, m, None, c) for b, m, c in zip(basic, mapped, barcodes, strict=True))
        )
        found = read_pbi(path)
    assert n_records == sum(sizes)
    expected = PacBioIndex(
        np.concatenate(basic), put_together(sizes, mapped, UNMAPPED), None, put_together(sizes, barcodes, UNBARCODED)
    )
    assert_same(found, expected)
    assert [p.name for p in tmp_path.iterdir()] == ["a.pbi"]


@pytest.mark.parametrize("path", MADE_BY_PBINDEX, ids=lambda path: path.name)
def test_what_pbindex_made_is_written_as_it_was(path: Path, tmp_path: Path) -> None:
    write_pbi(tmp_path / "again.pbi", [read_pbi(path)])
    assert gzip.decompress((tmp_path / "again.pbi").read_bytes()) == gzip.decompress(path.read_bytes())


def test_one_column_is_read_without_the_others() -> None:
    path = next(path for path in MADE_BY_PBINDEX if path.name.startswith("sorted"))
    whole = read_pbi(path)
    for wanted in ({"holeNumber"}, {"tId", "fileOffset"}, {"bcQual"}):
        tables = (whole.basic, whole.mapped, whole.barcodes)
        expected = {name: table[name] for table in tables for name in table.dtype.names if name in wanted}
        found = {block.column: block.values for block in PbiFile(path).blocks(wanted)}
        assert found.keys() == expected.keys()
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values)


def test_the_index_lies_beside_the_bam_file() -> None:
    assert pbi_path(Path("a/movie.subreads.bam")) == Path("a/movie.subreads.bam.pbi")


SENTENCE_END = r"; make the index again \(deepconsensus-py index\)$"


@pytest.mark.parametrize("n_bytes", [3, 20, 31, 33, 80, -1])
def test_a_truncated_index_is_refused(tmp_path: Path, n_bytes: int) -> None:
    data = assembled(0x00040000, 1, 2, *TWO_RECORDS, *THEIR_PLACES, *THEIR_OPERATIONS)
    path = compressed(tmp_path / "a.pbi", data[:n_bytes])
    with pytest.raises(InputError, match=rf"^{path}: is (truncated|not a PacBio BAM index){SENTENCE_END}"):
        read_pbi(path)


def test_a_file_cut_in_its_compression_is_refused(tmp_path: Path) -> None:
    path = compressed(tmp_path / "a.pbi", assembled(0x00040000, 0, 2, *TWO_RECORDS))
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(InputError, match=rf"^{path}: is truncated or damaged"):
        read_pbi(path)


@pytest.mark.parametrize(("version", "shown"), [(0x00030000, "3.0.0"), (0x00050102, "5.1.2"), (0, "0.0.0")])
def test_another_version_is_refused(tmp_path: Path, version: int, shown: str) -> None:
    path = compressed(tmp_path / "a.pbi", assembled(version, 0, 2, *TWO_RECORDS))
    sentence = rf"^{path}: has format version {shown}; versions 3\.0\.1 to 4\.x are supported{SENTENCE_END}"
    with pytest.raises(InputError, match=sentence):
        PbiFile(path)


def test_another_file_is_refused(make) -> None:
    path = make.subreads([1])
    with pytest.raises(InputError, match=rf"^{path}: is not a PacBio BAM index{SENTENCE_END}"):
        PbiFile(path)
    (make.folder / "text").write_text("hello")
    with pytest.raises(InputError, match="is truncated or damaged"):
        PbiFile(make.folder / "text")


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="output directory"):
        write_pbi(tmp_path / "nowhere" / "a.pbi", [PacBioIndex(BASIC_ROWS)])


def test_nothing_is_left_where_writing_fails(tmp_path: Path) -> None:
    def parts():
        yield PacBioIndex(BASIC_ROWS)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OutputError, match="disk is full"):
        write_pbi(tmp_path / "a.pbi", parts())
    assert list(tmp_path.iterdir()) == []
