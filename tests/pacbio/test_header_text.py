"""Headers: bytes are kept, padding is dropped, and what no program could read goes nowhere."""

import struct
import subprocess
import sys
from pathlib import Path

import pysam
import pytest
from bam_bytes import header, record, write

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.header_text import header_lines
from deepconsensus_py.pacbio.headers import Program, aligned_header, polished_header
from deepconsensus_py.pacbio.record_file import RecordFile
from deepconsensus_py.pacbio.writers import open_reads

LATIN_1 = b"@HD\tVN:1.6\n@RG\tID:aaaa0000\tSM:M\xfcller\n"


@pytest.fixture
def bam(tmp_path: Path) -> Path:
    return tmp_path / "x.bam"


def lines(path: Path) -> list[str]:
    with RecordFile(path) as file:
        return header_lines(file.header)


def test_bytes_that_are_not_utf_8_come_out_as_they_were(bam: Path, tmp_path: Path) -> None:
    write(bam, header(LATIN_1), record(b"m/1/ccs"))
    out = tmp_path / "out.bam"
    with open_reads(out, polished_header(bam, Program("1", "x"))):
        pass
    assert b"\tSM:M\xfcller\n" in pysam.BGZFile(str(out), "rb").read()
    assert lines(bam)[1] == "@RG\tID:aaaa0000\tSM:M\udcfcller"
    assert lines(out)[1] == "@RG\tID:aaaa0000\tPL:PACBIO\tDS:READTYPE=CCS\tSM:M\udcfcller"
    assert "@RG\tID:aaaa0000\tSM:M\udcfcller" in header_lines(aligned_header([bam], {"m/1/ccs": 4}, Program("1", "x")))


def test_only_a_line_feed_ends_a_line(bam: Path) -> None:
    text = "@CO\ta\x0bb\x0cc\x1cd\x85e\u2028f\r"
    write(bam, header(f"@HD\tVN:1.6\n{text}\n".encode()))
    assert lines(bam) == ["@HD\tVN:1.6", text]


def test_padding_behind_the_text_is_dropped(bam: Path) -> None:
    write(bam, header(b"@HD\tVN:1.6\n" + bytes(100)), record(b"m/1/ccs"))
    assert lines(bam) == ["@HD\tVN:1.6"]


def test_a_nul_byte_inside_is_refused_with_its_line(bam: Path) -> None:
    write(bam, header(b"@HD\tVN:1.6\n@RG\tID:x\tSM:\0\n"))
    with pytest.raises(InputError, match=rf"^{bam}: line 2 of the header contains a NUL byte; .*samtools reheader"):
        lines(bam)


@pytest.mark.parametrize(
    "line",
    [
        "@RG\tSM:x",
        "@PG\tPN:x",
        "@RG ID:x",
        "@RG\tID:x\tnocolon",
        "@RG",
        "junk",
        "@RG\tID:x\t",
        "@RG\tID:x\tABC:d",
        "@CO",
    ],
)
def test_a_line_that_no_program_can_read_is_left_out_with_a_warning(bam: Path, line: str, caplog) -> None:
    write(bam, header(f"@HD\tVN:1.6\n{line}\n@RG\tID:y\n".encode()))
    assert lines(bam) == lines(bam) == ["@HD\tVN:1.6", "@RG\tID:y"]
    assert [message for message in caplog.messages if str(bam) in message] == [
        f"{bam}: line 2 of the header is not a SAM header line and is ignored: {line!a}"
    ]
    with open_reads(bam.with_name("out.bam"), polished_header(bam, Program("1", "x"))):
        pass
    written = pysam.view("-H", "--no-PG", str(bam.with_name("out.bam")))
    assert written.startswith("@HD\tVN:1.6\tSO:unknown\tpb:5.0.0\n@RG\tID:y\tPL:PACBIO\tDS:READTYPE=CCS\n@PG\t")


@pytest.mark.parametrize(
    ("text", "references", "reason"),
    [
        (b"@SQ\tSN:a\tLN:5\n@SQ\tSN:a\tLN:5\n", [(b"a", 5), (b"a", 5)], "has two references named 'a'"),
        (b"@SQ\tSN:a\tLN:5\n", [(b"b", 5)], "lines of the header do not match its 1 references"),
        (b"@SQ\tSN:a\tLN:6\n", [(b"a", 5)], "lines of the header do not match its 1 references"),
        (b"@SQ\tSN:a\tLN:5\n", [], "lines of the header do not match its 0 references"),
    ],
)
def test_references_that_contradict_each_other_are_refused(
    bam: Path, text: bytes, references: list[tuple[bytes, int]], reason: str
) -> None:
    write(bam, header(text, references))
    with pytest.raises(InputError, match=rf"^{bam}: .*{reason}"):
        lines(bam)


def test_references_without_lines_get_lines(bam: Path) -> None:
    write(bam, header(b"@HD\tVN:1.6\n", [(b"m/1/ccs", 5), (b"m/2/ccs", 2**31 - 1)]))
    assert lines(bam) == ["@HD\tVN:1.6", "@SQ\tSN:m/1/ccs\tLN:5", "@SQ\tSN:m/2/ccs\tLN:2147483647"]


def test_names_of_every_length_are_read(bam: Path) -> None:
    references = [(b"n" * size + b"%d" % i, i) for i, size in enumerate([0, 1, 500, 3, 200, 0, 7])]
    write(bam, header(b"", references), record(b"m/1/ccs"))
    with RecordFile(bam) as file:
        assert [(n.encode(), size) for n, size in zip(file.header.references, file.header.lengths, strict=True)] == (
            references
        )
        assert [found.name for found in file] == ["m/1/ccs"]


@pytest.mark.parametrize(
    "start",
    [
        struct.pack("<i", 2**31 - 1),
        struct.pack("<i", -1),
        struct.pack("<ii", 0, 2**31 - 1),
        struct.pack("<ii", 0, -1),
        struct.pack("<iii", 0, 1, 2**31 - 1),
        struct.pack("<iii", 0, 1, 0),
    ],
)
def test_a_header_of_impossible_sizes_is_refused(bam: Path, start: bytes) -> None:
    write(bam, b"BAM\1", start, bytes(50))
    with pytest.raises(InputError, match=rf"^{bam}: "):
        lines(bam)


def test_a_header_that_is_far_too_large_is_refused_before_memory_is_used(bam: Path) -> None:
    size = 300 << 20
    with pysam.BGZFile(str(bam), "wb") as file:
        file.write(b"BAM\1" + struct.pack("<i", size))
        for _ in range(size >> 20):
            file.write(b"A" * (1 << 20))
    program = f"""
import resource, sys
from pathlib import Path
from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.record_file import RecordFile
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    RecordFile(Path({str(bam)!r}))
except InputError as error:
    print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    sentence, small = done.stdout.splitlines()
    assert sentence.startswith(f"{bam}: the header takes 300 MB or more, which is implausible for a file of this size")
    assert small == "True"


def test_a_bam_file_in_plain_gzip_is_refused(tmp_path: Path, bam: Path) -> None:
    import gzip

    bam.write_bytes(gzip.compress(header(b"") + record(b"m/1/ccs")))
    with pytest.raises(InputError, match=rf"^{bam}: is compressed by gzip, and BAM must be by bgzip"):
        lines(bam)


def test_a_file_without_its_last_block_is_truncated(bam: Path) -> None:
    write(bam, header(b""), record(b"m/1/ccs"))
    bam.write_bytes(bam.read_bytes()[:-28])
    with pytest.raises(InputError, match=rf"^{bam}: is truncated or damaged .its end is missing"):
        lines(bam)
