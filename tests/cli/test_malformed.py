"""One odd byte ends no run: its molecule is an error, the others are polished as ever, and outputs can be read."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import pysam
import pytest
from bam_bytes import array_tag, parts, resized, tag, write
from support import Commands, record_lines

from deepconsensus_py.reports.table import COLUMNS

Polished = tuple[int, str, list[dict[str, str]], list[str]]


@pytest.fixture(scope="module")
def sound(testdata: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes | list[bytes]]:
    """Headers and records of two molecules of the test data: ``subreads`` and ``ccs``."""
    head, records = parts(testdata / "ccs.bam")
    names = [record[36 : 36 + record[12]].split(b"ccs")[0] for record in records[:2]]
    subreads_head, subreads = parts(testdata / "subreads.bam")
    chosen = [record for record in subreads if record[36 : 36 + record[12]].startswith(tuple(names))]
    return {"ccs": (head, records[:2]), "subreads": (subreads_head, chosen)}


@pytest.fixture
def polish(run: Commands, sound: dict, tmp_path: Path) -> Callable[..., Polished]:
    """Polish with changed headers or first records: status, messages, rows and records."""

    def polish(**changes: Callable[[bytes], bytes]) -> Polished:
        files = {}
        for sort, (head, records) in sound.items():
            head_change = changes.get(f"{sort}_header", bytes)
            change = changes.get(sort, bytes)
            files[sort] = write(tmp_path / f"{sort}.bam", head_change(head), change(records[0]), *records[1:])
        out = tmp_path / "out.bam"
        options = ("--min-quality", 0, "--threads", 1, "--model", "vote")
        status, _, err = run("polish", files["subreads"], "--ccs", files["ccs"], "-o", out, *options)
        if not out.exists():
            return status, err, [], []
        with gzip.open(tmp_path / "out.zmws.tsv.gz", "rt", encoding="utf-8") as table:
            rows = [dict(zip(COLUMNS, line.rstrip("\n").split("\t"), strict=True)) for line in table]
        return status, err, rows[1:], record_lines(out)

    return polish


WRONG = {
    "count": array_tag("xx", "C", [1, 2], count=600),
    "huge count": array_tag("xx", "f", [], count=2**32 - 1),
    "type": tag("xx", "Q", bytes(8)),
    "latin-1": tag("xx", "Z", b"M\xfcller\0"),
    "no end": tag("xx", "Z", b"abc"),
    "half a tag": b"x",
}


def with_tags(more: bytes) -> Callable[[bytes], bytes]:
    return lambda record: resized(record + more)


@pytest.mark.parametrize("sort", ["ccs", "subreads"])
@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_tag_is_its_molecules_error(polish, sort: str, wrong: str) -> None:
    _, _, _, whole = polish()
    status, err, (first, second), lines = polish(**{sort: with_tags(WRONG[wrong])})
    assert status == 3
    assert "Traceback" not in err
    assert (first["outcome"], second["outcome"]) == ("error", "success")
    assert f"{sort}.bam: record {first['name'].removesuffix('ccs')}" in first["reason"]
    assert lines == whole[1:]


def test_tags_of_every_type_are_copied_also_through_shards(polish, run: Commands, tmp_path: Path) -> None:
    forms = dict(zip("cCsSiI", "bBhHiI", strict=True))
    largest = {"c": 127, "C": 255, "s": 32767, "S": 65535, "i": 2**31 - 1, "I": 2**32 - 1}
    more = [tag(f"x{code}", code, struct.pack(f"<{forms[code]}", value)) for code, value in largest.items()]
    more += [array_tag(f"y{code}", code, [value, 0]) for code, value in largest.items()]
    more += [array_tag("ye", "S", []), array_tag("yf", "f", [0.5]), tag("xf", "f", struct.pack("<f", -1.5))]
    more += [tag("zA", "A", b"~"), tag("zH", "H", b"1AFF\0"), tag("zU", "Z", "Müller".encode() + b"\0")]
    more += [tag("zE", "Z", b"\0"), tag("zD", "d", struct.pack("<d", 1e300))]
    status, *_ = polish(ccs=with_tags(b"".join(more)))
    assert status == 0
    shard, out = tmp_path / "x.shard", tmp_path / "of_shard.bam"
    encoded = run("encode", tmp_path / "subreads.bam", "--ccs", tmp_path / "ccs.bam", "-o", shard, "--model", "vote")
    assert encoded.status == 0
    options = ("-o", out, "--min-quality", 0, "--threads", 1, "--model", "vote")
    assert run("polish", "--features", shard, *options).status == 0
    for file in (tmp_path / "out.bam", out):
        written = parts(file)[1][0]
        assert [copied for copied in more if copied not in written] == []


def test_a_number_of_passes_with_a_tab_is_one_cell_of_an_error(polish) -> None:
    def change(record: bytes) -> bytes:
        at = record.index(b"np", 36 + record[12])
        return resized(record[:at] + tag("np", "Z", b"3\t4\n\0") + record[at + 4 :])

    status, _, (first, second), _ = polish(ccs=change)
    assert (status, first["outcome"], first["np"], second["outcome"]) == (3, "error", ".", "success")
    assert "tag 'np'" in first["reason"]


def test_flag_0_in_a_file_without_references_is_unaligned(polish) -> None:
    _, _, _, whole = polish()
    status, _, _, lines = polish(subreads=lambda record: record[:18] + bytes(2) + record[20:])
    assert (status, lines) == (0, whole)


def test_bytes_of_the_header_are_kept(polish, tmp_path: Path) -> None:
    def change(head: bytes) -> bytes:
        return with_text(head, b"@RG\tSM:M\xfcller\t")

    _, _, _, whole = polish()
    status, _, _, lines = polish(ccs_header=change, subreads_header=change)
    assert (status, lines) == (0, whole)
    with pysam.BGZFile(str(tmp_path / "out.bam"), "rb") as file:
        assert b"\tSM:M\xfcller" in file.read()


@pytest.mark.parametrize("command", ["align", "draft", "index", "filter"])
def test_every_command_keeps_bytes_of_the_header(run: Commands, sound: dict, tmp_path: Path, command: str) -> None:
    files = {}
    for sort, (head, records) in sound.items():
        files[sort] = write(tmp_path / f"{sort}.bam", with_text(head, b"@RG\tSM:M\xfcller\t"), *records)
    out = tmp_path / "out.bam"
    arguments = {
        "align": (files["subreads"], "--ccs", files["ccs"], "-o", out, "--threads", 1),
        "draft": (files["subreads"], "-o", out, "--threads", 1),
        "filter": (files["ccs"], "-o", out, "-q", 0),
        "index": (files["subreads"],),
    }[command]
    assert run(command, *arguments).status == 0
    if command != "index":
        with pysam.BGZFile(str(out), "rb") as file:
            assert b"SM:M\xfcller\t" in file.read()


def test_gather_keeps_bytes_of_the_header(polish, run: Commands, tmp_path: Path) -> None:
    polish(ccs_header=lambda head: with_text(head, b"@RG\tSM:M\xfcller\t"))
    both = tmp_path / "both.bam"
    assert run("gather", tmp_path / "out.bam", "-o", both).status == 0
    with pysam.BGZFile(str(both), "rb") as file:
        assert b"\tSM:M\xfcller" in file.read()
    assert record_lines(both) == record_lines(tmp_path / "out.bam")


def with_text(head: bytes, group: bytes) -> bytes:
    """A header whose first read group begins otherwise."""
    (size,) = struct.unpack_from("<i", head, 4)
    text = head[8 : 8 + size].replace(b"@RG\t", group, 1)
    return head[:4] + struct.pack("<i", len(text)) + text + head[8 + size :]


def test_filter_leaves_a_damaged_read_out_and_says_so(run: Commands, sound: dict, tmp_path: Path) -> None:
    head, (first, second) = sound["ccs"]
    ccs, out = write(tmp_path / "ccs.bam", head, resized(first + WRONG["count"]), second), tmp_path / "out.bam"
    status, _, err = run("filter", ccs, "-o", out, "-q", 0)
    assert status == 3
    assert "1 of 2 reads of Q0 or better" in err
    assert "warning: 1 damaged read skipped" in err
    assert len(record_lines(out)) == 1


@pytest.mark.parametrize("digits", [11, 5000])
def test_a_hole_number_of_many_digits_is_one_sentence(run: Commands, sound: dict, tmp_path: Path, digits: int) -> None:
    head, records = sound["subreads"]
    subreads = write(tmp_path / "subreads.bam", head, *records)
    name = f"m64011_190228_190319/{'9' * digits}/ccs"
    fastq, truth = tmp_path / "ccs.fastq", tmp_path / "truth.fasta"
    fastq.write_text(f"@{name}\nACGT\n+\nIIII\n")
    truth.write_text(f">{name}\nACGT\n")
    ccs = write(tmp_path / "ccs.bam", *parts_of(sound["ccs"]))
    for arguments in (
        ("polish", subreads, "--ccs", fastq, "-o", tmp_path / "out.bam", "--model", "vote", "--threads", 1),
        ("explain", subreads, "--ccs", ccs, "--zmw", "9" * digits, "--window", 0, "-o", tmp_path / "x.html"),
        ("evaluate", fastq, "--truth", truth),
        ("evaluate", fastq, "--truth", truth, "--zmws", "9" * digits),
    ):
        status, _, err = run(*arguments)
        assert status in {1, 2}
        assert "Traceback" not in err


def parts_of(file: tuple[bytes, list[bytes]]) -> list[bytes]:
    return [file[0], *file[1]]
