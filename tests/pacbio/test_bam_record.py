"""Records are taken from their bytes; what is wrong with one of them is said, and nothing is read beyond it."""

import struct
from array import array
from pathlib import Path

import numpy as np
import pytest
from bam_bytes import array_tag, header, record, tag, write

from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.pacbio.bam_record import Record
from deepconsensus_py.pacbio.molecule import decode_bases
from deepconsensus_py.pacbio.record_file import RecordFile
from deepconsensus_py.pacbio.records import read_draft, read_pass, read_tags

NAME = b"m/1/0_4"
REFERENCES = [(b"m/1/ccs", 10)]
TEXT = b"@HD\tVN:1.6\n@SQ\tSN:m/1/ccs\tLN:10\n"


@pytest.fixture
def bam(tmp_path: Path) -> Path:
    return tmp_path / "x.bam"


def read(bam: Path, *records: bytes) -> list[Record]:
    write(bam, header(TEXT, REFERENCES), *records)
    with RecordFile(bam) as file:
        return list(file)


def test_a_sound_record_is_read_as_it_is(bam: Path) -> None:
    aligned = {"flag": 16, "reference": 0, "start": 3, "cigar": [(1, "S"), (2, "="), (1, "D"), (2, "X")]}
    (found,) = read(bam, record(NAME, "ACGTN", tag("zz", "Z", b"a b\0"), qualities=bytes(range(5)), **aligned))
    assert (found.name, found.flag, found.start, found.reference_name) == ("m/1/0_4", 16, 3, "m/1/ccs")
    assert (found.letters(), decode_bases(found.bases())) == ("ACGTN", "ACGTN")
    assert found.qualities().tolist() == [0, 1, 2, 3, 4]
    assert [part.tolist() for part in found.read_cigar()] == [[4, 7, 2, 8], [1, 2, 1, 2]]
    assert found.read_tags() == (("zz", "a b", "Z"),)
    assert (found.fault, found.reverse, found.unmapped, found.primary) == ("", True, False, True)


def test_letters_other_than_bases_are_kept_as_letters_and_are_n_as_bases(bam: Path) -> None:
    (found,) = read(bam, record(NAME, "=ACMGRSVTWYHKDBN"))
    assert found.letters() == "=ACMGRSVTWYHKDBN"
    assert decode_bases(found.bases()) == "NACNGNNNTNNNNNNN"


def test_flag_0_in_a_file_without_references_is_an_unaligned_read(bam: Path) -> None:
    write(bam, header(b""), record(NAME, flag=0))
    with RecordFile(bam) as file:
        (found,) = file
    assert found.unmapped
    assert read_pass(found).alignment is None


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        (array_tag("xx", "C", [1, 2, 3], count=4), "tag 'xx' has 4 values and extends beyond the record"),
        (array_tag("xx", "I", [1], count=2**32 - 1), "tag 'xx' has 4294967295 values and extends beyond the record"),
        (tag("xx", "B", b"C\x01"), "tag 'xx' extends beyond the record"),
        (tag("xx", "B", b"Z\x01\0\0\0a"), "tag 'xx' is an array of unknown type 'Z'"),
        (tag("xx", "i", b"\1\2\3"), "tag 'xx' extends beyond the record"),
        (tag("xx", "Z", b"no end"), "tag 'xx' extends beyond the record"),
        (tag("xx", "H", b"1AFF"), "tag 'xx' extends beyond the record"),
        (tag("xx", "Q", b"abcd"), "tag 'xx' has unknown type 'Q'"),
        (tag("xx", "\xff", b"abcd"), r"tag 'xx' has unknown type '\\xff'"),
        (tag("xx", "Z", b"M\xfcller\0"), "tag 'xx' is not UTF-8 text .byte 0xfc."),
        (tag("xx", "Z", b"a\tb\0"), "tag 'xx' contains control characters"),
        (tag("xx", "A", b"\t"), r"tag 'xx' is not a printable character .'\\t'."),
        (tag("xx", "A", b"\xfc"), r"tag 'xx' is not a printable character .'\\xfc'."),
        (tag("\xfc1", "i", bytes(4)), r"found '.xfc1i.* instead of a tag"),
        (b"xx", "found 'xx' instead of a tag"),
        (tag("xx", "C", b"\1") * 2, "tag 'xx' occurs twice"),
    ],
)
def test_tags_that_are_wrong_are_the_records_fault(bam: Path, tags: bytes, reason: str) -> None:
    first, second = read(bam, record(NAME, tags=tags), record(b"m/2/0_4"))
    with pytest.raises(MoleculeError, match=rf"^{bam}: record m/1/0_4: {reason}"):
        read_pass(first)
    assert read_pass(second).name == "m/2/0_4"


@pytest.mark.parametrize(("code", "form"), list(zip("cCsSiIf", "bBhHiIf", strict=True)))
def test_arrays_of_every_type_are_read_with_their_extremes(bam: Path, code: str, form: str) -> None:
    bounds = np.iinfo(form) if code != "f" else None
    values = [0.5, -0.5] if bounds is None else [bounds.min, bounds.max]
    ((_, found, _),) = read(bam, record(NAME, tags=array_tag("xx", code, values)))[0].read_tags()
    assert (found, found.typecode) == (array(form, values), form)


def test_numbers_of_every_type_are_read_with_their_extremes(bam: Path) -> None:
    limits = {code: (np.iinfo(form).min, np.iinfo(form).max) for code, form in zip("cCsSiI", "bBhHiI", strict=True)}
    forms = dict(zip("cCsSiI", "bBhHiI", strict=True))
    pairs = [(code, number) for code, pair in limits.items() for number in pair]
    tags = b"".join(tag(f"x{i:x}", code, struct.pack(f"<{forms[code]}", n)) for i, (code, n) in enumerate(pairs))
    found = read(bam, record(NAME, tags=tags + tag("dd", "d", struct.pack("<d", 1e300))))[0].read_tags()
    assert [(code, value) for _, value, code in found] == [*pairs, ("d", 1e300)]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (tag("np", "Z", b"3\0"), "tag 'np' must be a whole number, but has type Z"),
        (tag("np", "f", bytes(4)), "tag 'np' must be a whole number, but has type f"),
        (tag("zm", "A", b"1"), "tag 'zm' must be a whole number, but has type A"),
        (tag("cx", "Z", b"3\0"), "tag 'cx' must be a whole number, but has type Z"),
        (tag("rq", "Z", b"1\0"), "tag 'rq' must be a number, but has type Z"),
        (array_tag("ec", "f", [1]), "tag 'ec' must be a number, but has type B"),
        (tag("pw", "i", bytes(4)), "tag 'pw' must be an array of numbers, but has type i"),
        (tag("RG", "i", bytes(4)), "tag 'RG' must be text, but has type i"),
        (tag("np", "i", b"\xfd\xff\xff\xff"), "tag 'np' is negative .-3."),
        (tag("zm", "i", b"\xff\xff\xff\xff"), "tag 'zm' is negative .-1."),
    ],
)
def test_a_tag_that_we_use_has_its_type(bam: Path, wrong: bytes, reason: str) -> None:
    (found,) = read(bam, record(NAME, tags=wrong))
    with pytest.raises(MoleculeError, match=rf"^{bam}: record m/1/0_4: {reason}$"):
        read_tags(found)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (array_tag("ip", "f", [1, 2, 3, 4]), "tag 'ip' must contain whole numbers"),
        (array_tag("pw", "C", [1, 2, 3]), "tag 'pw' has 3 values for 4 bases"),
        (array_tag("sn", "f", [1, 2, 3, float("nan")]), "tag 'sn' must contain four finite numbers"),
    ],
)
def test_kinetics_that_do_not_fit_are_the_records_fault(bam: Path, wrong: bytes, reason: str) -> None:
    (found,) = read(bam, record(NAME, tags=wrong))
    with pytest.raises(MoleculeError, match=rf"^{bam}: record m/1/0_4: {reason}$"):
        read_pass(found)


ON_DRAFT = {"flag": 0, "reference": 0, "start": 0}


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"length": 400}, "name, CIGAR, bases and qualities exceed the size of the record"),
        ({"length": -4}, "name, CIGAR, bases and qualities exceed the size of the record"),
        ({"name_size": 200}, "name, CIGAR, bases and qualities exceed the size of the record"),
        ({"name_size": 7}, "the read name is not printable ASCII"),
        ({"name_size": 0}, "the read name is not printable ASCII"),
        ({"reference": 1, "flag": 0, "start": 0}, "reference 1 .mate: -1. is not in the header, which has 1"),
        ({"reference": -2}, "reference -2"),
        ({"mate": 5}, "reference -1 .mate: 5. is not in the header, which has 1"),
        ({"start": -7}, "invalid position -7"),
        ({"flag": 0x1004}, "invalid flag 4100 .more than 12 bits."),
        ({"cigar": [(4, "=")], **ON_DRAFT, "start": 7}, "alignment extends beyond m/1/ccs .10 bases."),
        ({"cigar": [(4, "=")], **ON_DRAFT, "start": -1}, "alignment extends beyond m/1/ccs .10 bases."),
        ({"cigar": [(2, "="), (99, "D"), (2, "=")], **ON_DRAFT}, "alignment extends beyond m/1/ccs .10 bases."),
        ({"cigar": [(5, "=")], **ON_DRAFT}, "CIGAR covers 5 bases, but the read has 4"),
    ],
)
def test_fields_that_do_not_fit_are_the_records_fault(bam: Path, wrong: dict, reason: str) -> None:
    first, second = read(bam, record(NAME, **wrong), record(b"m/2/0_4"))
    with pytest.raises(MoleculeError, match=rf"^{bam}: record .+: {reason}"):
        read_pass(first)
    assert read_pass(second).name == "m/2/0_4"


def test_a_name_that_is_not_ascii_is_shown_with_escapes(bam: Path) -> None:
    (found,) = read(bam, record(b"m\xfc/1/0_4"))
    assert (found.name, found.fault[:8]) == (r"m\xfc/1/0_4", "the read")


def test_an_operation_that_there_is_not(bam: Path) -> None:
    data = bytearray(record(NAME, cigar=[(4, "=")], **ON_DRAFT))
    data[4 + 32 + 8] |= 15
    (found,) = read(bam, bytes(data))
    with pytest.raises(MoleculeError, match="unknown operation in the CIGAR"):
        found.read_cigar()


def test_a_cigar_of_more_operations_than_its_field_can_count(bam: Path) -> None:
    long = array_tag("CG", "I", [1 << 4 | 7, 3 << 4 | 8])
    (found,) = read(bam, record(NAME, tags=long, cigar=[(4, "S"), (4, "N")], **ON_DRAFT))
    assert [part.tolist() for part in found.read_cigar()] == [[7, 8], [1, 3]]


@pytest.mark.parametrize(("quality", "good"), [(93, True), (94, False), (254, False)])
def test_base_qualities_end_at_93(bam: Path, quality: int, good: bool) -> None:
    (found,) = read(bam, record(b"m/1/ccs", qualities=bytes([1, 2, 3, quality])))
    if good:
        assert read_draft(found).qualities.tolist() == [1, 2, 3, 93]
    else:
        with pytest.raises(MoleculeError, match=f"base quality {quality} is above the maximum"):
            read_draft(found)


@pytest.mark.parametrize("size", [-1, 0, 31, 2**31 - 1])
def test_a_record_of_no_possible_size_is_a_damaged_file(bam: Path, size: int) -> None:
    with pytest.raises(InputError, match=rf"^{bam}: is truncated or damaged .a record of {size} bytes."):
        read(bam, record(NAME), record(NAME, size=size))


@pytest.mark.parametrize("size", [100, 1 << 27])
def test_a_record_that_the_file_does_not_hold_is_a_damaged_file(bam: Path, size: int) -> None:
    with pytest.raises(InputError, match=rf"^{bam}: is truncated or damaged .it ends inside"):
        read(bam, record(NAME), record(NAME, size=size))


@pytest.mark.parametrize(
    ("tags", "hole"),
    [
        (tag("zm", "i", struct.pack("<i", 70000)), 70000),
        (array_tag("ip", "C", [7] * 300) + tag("RG", "Z", b"x\0") + tag("zm", "S", struct.pack("<H", 9)), 9),
        (tag("zm", "f", struct.pack("<f", 9)), None),
        (tag("zm", "Z", b"9\0"), None),
        (tag("np", "i", struct.pack("<i", 9)), None),
        (tag("ip", "?", b"") + tag("zm", "C", b"\7"), None),
        (tag("zm", "i", b"\7"), None),
        (b"", None),
    ],
)
def test_the_hole_number_is_found_without_decoding_the_rest(bam: Path, tags: bytes, hole: int | None) -> None:
    (found,) = read(bam, record(NAME, tags=tags))
    assert found.hole() == hole
