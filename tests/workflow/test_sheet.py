"""Sample sheets and options: what they may hold, and one sentence for what is wrong with them."""

import math
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from workflows import RULES


class WorkflowError(Exception):
    """Stands for Snakemake's."""


def read(sheet: Path, *, options: str = "", **config: str) -> dict[str, Any]:
    """What the files of functions define; they are Python, and have no rules."""
    names = {
        "config": {"samples": str(sheet), "options": options} | config,
        "WorkflowError": WorkflowError,
        "exists": lambda path: Path(path).exists(),
        "results": "results/{}".format,
        **{module.__name__: module for module in (math, re, shlex)},
        "Path": Path,
    }
    for name in ("samples", "options", "inputs"):
        path = RULES / f"{name}.smk"
        exec(compile(path.read_text(), path, "exec"), names)
    return names


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    return tmp_path / "samples.tsv"


def test_a_sheet_with_everything(sheet: Path) -> None:
    sheet.write_text(
        "# movies of 2026\n"
        "sample\tsubreads\tccs\tkinetics\tby_strand\tlane\n"
        "a\t/data/run#1/s.bam\t/data/run#1/ccs.bam\ton\t\t1, 2\n"
        "\n"
        "# the other sample\n"
        "b\tb1.bam\t\t\tTRUE\t7\n"
        'b\t"b2.bam"\t\t\ttrue\t7\n',
        encoding="utf-8-sig",
    )
    samples = read(sheet)["SAMPLES"]
    assert samples == {
        "a": {
            "sample": "a",
            "subreads": ["/data/run#1/s.bam"],
            "ccs": ["/data/run#1/ccs.bam"],
            "hifi": [],
            "truth": "",
            "kinetics": "on",
            "by_strand": "",
            "aligned": "",
            "lane": "1, 2",
        },
        "b": {
            "sample": "b",
            "subreads": ["b1.bam", "b2.bam"],
            "ccs": [],
            "hifi": [],
            "truth": "",
            "kinetics": "",
            "by_strand": "true",
            "aligned": "",
            "lane": "7",
        },
    }


BAD = {
    "": "is empty; the first line names the columns (sample, subreads, ccs, ...)",
    "# nothing\n\n": "is empty; the first line names the columns (sample, subreads, ccs, ...)",
    "sample\tsubreads\n": "has no samples; add a row for each movie",
    "sample,subreads\na,b.bam\n": "has no column 'sample'; separate columns by tabs, not commas",
    "sample\tccs\na\tb.bam\n": "has no column 'subreads', nor 'hifi'",
    "sample\tsubreads\tccs\tccs\na\tb.bam\t\t\n": "has several columns 'ccs'; give each column its own name",
    "sample\tsubreads\na\tb.bam\tc.bam\n": "line 2 has 3 cells, but there are 2 columns",
    "sample\tsubreads\n# \na\n": "line 3 has nothing in column 'subreads', nor in 'hifi'",
    "sample\tsubreads\n\tb.bam\n": "line 2 has nothing in column 'sample'",
    "sample\tsubreads\na/b\tb.bam\n": (
        "line 2: sample 'a/b' is part of file names; use letters, digits, '.', '_' and '-', and begin with a letter or "
        "digit"
    ),
    "sample\tsubreads\tkinetics\na\tb.bam\tyes\n": "line 2: kinetics is 'yes'; it may be auto, on, off or empty",
    "sample\tsubreads\tby_strand\na\tb.bam\t1\n": "line 2: by_strand is '1'; it may be true, false or empty",
    "sample\tsubreads\na\tb.bam\na\tb.bam\n": "line 3: b.bam is there twice; give each file once",
    "sample\tsubreads\ttruth\na\tb.bam\tx\na\tc.bam\ty\n": "line 3: truth of sample a is 'y', and 'x' before",
    "sample\tsubreads\tccs\na\tb.bam\tx\na\tc.bam\t\n": (
        "line 3: sample a has CCS reads of some movies only; give all or none"
    ),
    "sample\tsubreads\tccs\na\tb.bam\t\na\tc.bam\ty\n": (
        "line 3: sample a has CCS reads of some movies only; give all or none"
    ),
    "sample\tsubreads\tccs\tby_strand\na\tb.bam\tx\ttrue\n": (
        "line 2: by_strand builds drafts from the subreads; leave 'ccs' of a empty"
    ),
    "sample\tsubreads\thifi\na\tb.bam\tc.bam\n": (
        "line 2 has 'hifi' reads to correct, and others to polish; use two samples"
    ),
    "sample\tsubreads\thifi\na\tb.bam\t\na\t\tc.bam\n": (
        "line 3: sample a has HiFi reads of some movies only; use two samples"
    ),
    "sample\thifi\tby_strand\na\tb.bam\ttrue\n": (
        "line 2: kinetics and by_strand are of reads to polish; 'hifi' reads keep the kinetics they have"
    ),
    "sample\thifi\tkinetics\na\tb.bam\ton\n": (
        "line 2: kinetics and by_strand are of reads to polish; 'hifi' reads keep the kinetics they have"
    ),
    "sample\tsubreads\taligned\na\tb.bam\ttrue\n": "line 2: aligned is of 'hifi' reads, of which it has none",
}


def test_samples_of_hifi_reads_alone(sheet: Path) -> None:
    sheet.write_text("sample\thifi\taligned\na\t1.bam\t\na\t2.fastq.gz\t\nb\tto_ref.bam\ttrue\n")
    found = read(sheet)
    assert (found["CORRECTED"], found["POLISHED"]) == (["a", "b"], [])
    assert found["SAMPLES"]["a"]["hifi"] == ["1.bam", "2.fastq.gz"]
    assert found["SAMPLES"]["b"]["aligned"] == "true"
    assert re.fullmatch(found["one_of"](found["CORRECTED"]), "b")
    assert not re.fullmatch(found["one_of"](found["POLISHED"]), "b")


@pytest.mark.parametrize(("text", "message"), BAD.items())
def test_a_bad_sheet(sheet: Path, text: str, message: str) -> None:
    sheet.write_text(text)
    with pytest.raises(WorkflowError) as refused:
        read(sheet)
    assert str(refused.value) == f"{sheet}: {message}"


def test_a_sheet_that_cannot_be_read(sheet: Path) -> None:
    named = "'samples' of the configuration names the sample sheet"
    with pytest.raises(WorkflowError, match=re.escape(f"cannot be read (no such file or directory); {named}")):
        read(sheet)
    sheet.write_bytes(b"PK\x03\x04\xff\xfe")
    with pytest.raises(WorkflowError, match="is not text in UTF-8; save the sample sheet as tab-separated text"):
        read(sheet)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--model x", "options: --model cannot be used in the workflow; set 'model' of the configuration"),
        ("-t4", "options: -t cannot be used in the workflow; set --set-threads polish=N of Snakemake"),
        ("--by-strand", "options: --by-strand cannot be used in the workflow; set a column of the sample sheet"),
        ("--failed=x.bam", "options: --failed cannot be used in the workflow"),
        ("other.bam", "options: 'other.bam' is not an option of polish"),
        ("--adapter 'x", """options: "--adapter 'x" cannot be split into words (No closing quotation)"""),
    ],
)
def test_options_that_are_not_for_the_workflow(sheet: Path, options: str, message: str) -> None:
    sheet.write_text("sample\tsubreads\na\ta.bam\n")
    with pytest.raises(WorkflowError) as refused:
        read(sheet, options=options)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("column", "used", "unused"),
    [
        ("subreads", {"model": "edits", "device": "cpu", "options": "--all"}, {"correct_options": "--min-coverage 5"}),
        ("hifi", {"correct_options": "--min-coverage 5"}, {"model": "edits", "device": "cpu", "options": "--all"}),
    ],
)
def test_what_no_sample_uses_is_refused(sheet: Path, column: str, used: dict[str, str], unused: dict[str, str]) -> None:
    sheet.write_text(f"sample\t{column}\na\ta.bam\n")
    read(sheet, **used)
    for key, value in unused.items():
        with pytest.raises(WorkflowError, match=f"{key}: no sample of .* has anything in column") as refused:
            read(sheet, **used | {key: value})
        assert repr("hifi" if column == "subreads" else "subreads") in str(refused.value)


@pytest.mark.parametrize(
    ("columns", "options", "device", "apart"),
    [
        ("", "", "cpu", False),
        ("", "", "cuda:0", True),
        ("", "--hd-finder split", "cuda", False),
        ("\tkinetics", "", "cuda", False),
        ("\tby_strand", "", "cuda", False),
    ],
)
def test_zmws_are_encoded_apart_only_where_that_spares_a_gpu(
    sheet: Path, columns: str, options: str, device: str, apart: bool
) -> None:
    value = {"": "", "\tkinetics": "\ton", "\tby_strand": "\ttrue"}[columns]
    sheet.write_text(f"sample\tsubreads{columns}\na\ta.bam{value}\n")
    assert read(sheet, options=options, device=device)["encoded_apart"]("a") == apart


def test_resources_double_with_each_attempt() -> None:
    names: dict[str, Any] = {"math": math, "INDEX_IN_MEMORY": 2}
    text = (RULES / "common.smk").read_text()
    exec(text[text.index("def more_each_time") :], names)

    class Input(list[str]):
        size_mb = 6000
        size_files_mb = (5800, 200)

    class Wildcards(dict[str, str]):
        scatteritem = "2-of-10"

    files = Input(["subreads.bam", "subreads.bam.pbi"])
    chunk, whole = Wildcards(scatteritem="2-of-10"), Wildcards()
    memory = names["memory"](700, per_thread=300)
    # Twice the index, which each job holds.
    assert [memory(chunk, files, 2, attempt) for attempt in (1, 2, 3)] == [1700, 3400, 6800]
    time = names["minutes"](20, seconds_per_mb=10)
    assert [time(chunk, files, 4, attempt) for attempt in (1, 2)] == [20 + 25, 2 * (20 + 25)]
    assert time(whole, files, 1, 1) == 20 + 1000
    assert names["minutes"](30)(whole, files, 1, 1) == 30
