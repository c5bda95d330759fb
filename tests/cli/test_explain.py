"""``explain`` writes a page, or says in one sentence why not."""

from pathlib import Path

import pytest
from support import Commands

ZMW = "4194369"


def test_it_writes_the_page_and_says_so(run: Commands, testdata: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    files = (testdata / "subreads.bam", "--ccs", testdata / "ccs.bam")
    result = run("explain", *files, "--zmw", ZMW, "--window", 2, "-o", page)
    assert (result.status, result.out) == (0, "")
    assert f"page written to {page}" in result.err
    text = page.read_text(encoding="utf-8")
    assert f"/{ZMW}/ccs, window 2</h1>" in text
    assert "Draft bases 200 to 299" in text


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--zmw", "7", "--window", "0"), "no CCS read of ZMW 7"),
        (("--zmw", ZMW, "--window", "9999"), "there is no window 9999"),
        (("--zmw", ZMW, "--window", "0", "--model", "none"), "unknown model 'none'"),
    ],
)
def test_bad_input_gets_a_sentence_and_no_page(
    run: Commands, testdata: Path, tmp_path: Path, options: tuple[str, ...], sentence: str
) -> None:
    files = (testdata / "subreads.bam", "--ccs", testdata / "ccs.bam")
    result = run("explain", *files, *options, "-o", tmp_path / "page.html")
    assert result.status == 1
    (error,) = result.errors
    assert sentence in error
    assert not list(tmp_path.iterdir())


def test_a_page_in_no_folder_is_refused_before_the_work(run: Commands, testdata: Path, tmp_path: Path) -> None:
    files = (testdata / "subreads.bam", "--ccs", testdata / "ccs.bam")
    result = run("explain", *files, "--zmw", ZMW, "--window", 0, "-o", tmp_path / "none" / "page.html")
    assert result.status == 1
    assert "output directory" in result.err
