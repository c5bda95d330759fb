"""Files of file names, however they were written; and input that can be read only once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import Commands

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.inputs import expand_paths
from deepconsensus_py.pacbio.zmws import read_subreads

LINES = {
    "plain": b"one.bam\ntwo.bam\n",
    "no line feed at the end": b"one.bam\ntwo.bam",
    "byte-order mark": b"\xef\xbb\xbfone.bam\ntwo.bam\n",
    "CRLF": b"one.bam\r\ntwo.bam\r\n",
    "blank lines and comments": b"\n# subreads\n  one.bam  \n\n\ttwo.bam\n#three.bam\n",
    "quotes": b"\"one.bam\"\n'two.bam'\n",
    "URLs": b"file://FOLDER/one.bam\nfile://localhostFOLDER/two.bam\n",
    "a quoted URL, percent-encoded": b'"file://FOLDER/%6Fne.bam"\nFILE://FOLDER/two%2Ebam\n',
}


@pytest.mark.parametrize("content", LINES.values(), ids=LINES)
def test_what_lines_name(tmp_path: Path, content: bytes) -> None:
    fofn = tmp_path / "all.fofn"
    fofn.write_bytes(content.replace(b"FOLDER", os.fsencode(tmp_path)))
    assert expand_paths([fofn]) == [tmp_path / "one.bam", tmp_path / "two.bam"]


@pytest.mark.parametrize("write", ["latin-1", "quoted", "URL"])
def test_names_that_are_not_utf_8(make, write: str) -> None:
    raw = b"M\xfcnchen.bam"
    make.subreads([1, 2]).rename(make.folder / os.fsdecode(raw))
    fofn = make.folder / "all.fofn"
    folder = os.fsencode(make.folder)
    lines = {"latin-1": raw, "quoted": b'"' + raw + b'"', "URL": b"file://" + folder + b"/M%FCnchen.bam"}
    fofn.write_bytes(lines[write] + b"\n")
    assert [molecule.hole for molecule, _ in read_subreads([fofn])] == [1, 2]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"# nothing\n\n", "lists no files"),
        (b"one.bam\nother.fofn\n", "lists .*other.fofn, which is a list of files itself"),
        (b"file://elsewhere/one.bam\n", "file://elsewhere/one.bam is on another machine"),
        ("one.bam\n".encode("utf-16"), "is UTF-16 text"),
    ],
)
def test_what_names_no_file_of_this_machine(tmp_path: Path, content: bytes, reason: str) -> None:
    fofn = tmp_path / "all.fofn"
    fofn.write_bytes(content)
    with pytest.raises(InputError, match=f"^{fofn}: {reason}"):
        expand_paths([fofn])


def test_a_file_without_name_of_a_line_is_named_in_the_message(make) -> None:
    fofn = make.folder / "all.fofn"
    fofn.write_bytes(b"M\xfcnchen.bam\n")
    with pytest.raises(InputError, match="no such file"):
        list(read_subreads([fofn]))


ONCE = "is a pipe, which can be read only once; write it to a file and give that file"


def test_a_named_pipe_is_refused_unread(run: Commands, make) -> None:
    """Where it would have to be read twice."""
    pipe = make.folder / "pipe.bam"
    os.mkfifo(pipe)
    subreads, output = make.subreads([1]), make.folder / "out.bam"
    for words in (
        ("align", subreads, "--ccs", pipe),
        ("encode", subreads, "--ccs", pipe),
        ("polish", subreads, "--ccs", pipe),
        ("polish", "--features", pipe),
    ):
        result = run(*words, "-o", output)
        assert (result.status, result.errors) == (1, [f"{pipe}: {ONCE}"]), words
    for words in (("index", pipe), ("calibrate", pipe, "--reference", make.drafts([1], "r.fastq"), "-o", output)):
        assert run(*words).errors == [f"{pipe}: {ONCE}"]
    assert not output.exists()


def test_standard_input_from_a_file_is_a_file(make) -> None:
    program = [
        sys.executable,
        "-m",
        "deepconsensus_py.cli.main",
        "draft",
        "/dev/stdin",
        "-o",
        str(make.folder / "out.bam"),
    ]
    with make.subreads([1, 2, 3]).open("rb") as file:
        done = subprocess.run(program, stdin=file, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
