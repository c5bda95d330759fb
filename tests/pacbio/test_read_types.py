"""Reads of another sort than is needed are refused by their own name, whatever the file's format."""

import re
from collections.abc import Callable
from pathlib import Path

import pysam
import pytest
from support import Commands, read_drafts

from deepconsensus_py.align.to_file import align_files
from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.headers import Program
from deepconsensus_py.pacbio.indexing import index_bam
from deepconsensus_py.pacbio.zmws import Fault, read_subreads, read_zmws

SORTS = {
    "SCRAP": "scraps",
    "POLYMERASE": "polymerase reads",
    "HQREGION": "HQ-region reads",
    "ZMW": "ZMW reads",
    "SEGMENT": "segmented reads",
    "TRANSCRIPT": "transcripts",
}


def retyped(path: Path, target: Path, kind: str, *, also: str = "") -> Path:
    """A copy with another READTYPE; with ``also`` the last record is of a second read group of that type."""
    with pysam.AlignmentFile(str(path), check_sq=False) as file:
        text, found = str(file.header).rstrip() + "\n", list(file.fetch(until_eof=True))
    text = re.sub("READTYPE=[A-Z]+", f"READTYPE={kind}", text)
    if also:
        text += f"@RG\tID:bbbb0000\tDS:READTYPE={also}\tPU:m1\n"
    head = pysam.AlignmentHeader.from_text(text)
    mode = {".bam": "wb", ".sam": "w"}[target.suffix]
    with pysam.AlignmentFile(str(target), mode, header=head) as file:
        for number, record in enumerate(found):
            copy = pysam.AlignedSegment.from_dict(record.to_dict(), head)
            if also:
                copy.set_tag("RG", "bbbb0000" if number == len(found) - 1 else "aaaa0000")
            file.write(copy)
    return target


@pytest.mark.parametrize("ending", [".bam", ".sam"])
@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize("kind", [*SORTS, "CCS"])
def test_other_reads_given_as_subreads(make, kind: str, indexed: bool, ending: str) -> None:
    path = retyped(make.subreads([1, 2]), make.folder / f"other{ending}", kind)
    if indexed and ending == ".bam":
        index_bam(path)
    wanted = {**SORTS, "CCS": "HiFi (CCS) reads"}[kind]
    sentence = re.escape(f"{path}: contains {wanted} ({make.movie}/1/0_60), but subreads are needed; give ")
    for read in (lambda: list(read_subreads([path])), lambda: list(read_zmws([path], make.drafts([1])))):
        with pytest.raises(InputError, match=f"^{sentence}"):
            read()
    with pytest.raises(InputError, match=f"^{sentence}"):
        align_files([path], make.drafts([1]), make.folder / "out.bam", Program("1", "align"))


@pytest.mark.parametrize("ending", [".bam", ".sam"])
@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize("kind", [*SORTS, "SUBREAD"])
def test_other_reads_given_as_ccs_reads(make, kind: str, indexed: bool, ending: str) -> None:
    drafts = make.drafts([1, 2])
    path = retyped(drafts, make.folder / f"other{ending}", kind)
    if indexed and ending == ".bam":
        index_bam(path)
    wanted = {**SORTS, "SUBREAD": "subreads"}[kind]
    sentence = re.escape(f"{path}: contains {wanted} ({make.movie}/1/ccs), but CCS reads are needed; ")
    with pytest.raises(InputError, match=f"^{sentence}"):
        list(read_zmws([make.subreads([1, 2])], path))


@pytest.mark.parametrize("indexed", [False, True])
def test_a_file_of_several_sorts_says_which_read_is_the_other(make, indexed: bool) -> None:
    path = retyped(make.subreads([1, 2]), make.folder / "mixed.bam", "SUBREAD", also="SCRAP")
    if indexed:
        index_bam(path)
    name = f"{make.movie}/2/200_260 of read group bbbb0000, among others"
    with pytest.raises(InputError, match=rf"^{path}: contains scraps \({name}\), but subreads are needed"):
        list(read_zmws([path], make.drafts([1, 2])))
    # Read groups of other sorts without a read are no harm.
    sound = retyped(make.subreads([1, 2]), make.folder / "sound.bam", "SUBREAD", also="SUBREAD")
    assert len(list(read_zmws([sound], make.drafts([1, 2])))) == 2


FORMS = {
    "m1/7/ccs/0_500": r"contains segmented reads \(m1/7/ccs/0_500\), but CCS reads are needed; polish .* skera",
    "m1/7/ccs/fwd/0_500": "contains segmented reads",
    "transcript/7": r"contains transcripts \(transcript/7\), but .*; polish the HiFi reads before isoseq",
    "m1/transcript/7": "contains transcripts",
    "m1/7/0_500": r"contains subreads \(m1/7/0_500\), but CCS reads are needed",
    "m1/7/CCS": r"read names of CCS reads must be movie/zmw/ccs, in lower case, not m1/7/CCS",
    "SRR1234567.1": r"its reads were renamed by an archive \(SRR1234567.1\)",
    "ERR1234567.1.1": "its reads were renamed by an archive",
    "read_1": r"read names \(read_1\) are not those of CCS reads \(movie/zmw/ccs\)",
    "m1/7": r"read names \(m1/7\) are not those of CCS reads",
}


@pytest.mark.parametrize("write", ["fastq", "fasta", "bam"])
@pytest.mark.parametrize(("name", "reason"), FORMS.items(), ids=FORMS)
def test_names_of_another_form_given_as_ccs_reads(make, name: str, reason: str, write: str) -> None:
    path = make.folder / f"names.{write}"
    if write == "bam":
        with pysam.AlignmentFile(str(path), "wb", text="@HD\tVN:1.6\n") as file:
            for number in (name, name[:-1] + "8"):
                read = pysam.AlignedSegment(file.header)
                read.query_name, read.query_sequence, read.flag = number, "ACGT", 4
                file.write(read)
    else:
        form = "@{0}\nACGT\n+\nIIII\n" if write == "fastq" else ">{0}\nACGT\n"
        path.write_text("".join(form.format(read) for read in (name, name[:-1] + "8")))
    with pytest.raises(InputError, match=f"^{path}: {reason}"):
        list(read_zmws([make.subreads([1, 2])], path))


@pytest.mark.parametrize("name", ["m1/7/ccs/0_500", "transcript/7", "SRR1234567.1"])
def test_names_of_another_form_given_as_subreads(make, name: str) -> None:
    path = make.records([make.subread(1, number, name=name) for number in range(3)])
    reason = {
        "m1": "contains segmented reads",
        "tr": "contains transcripts",
        "SR": "its reads were renamed by an archive",
    }
    with pytest.raises(InputError, match=f"^{path}: {reason[name[:2]]} .*{re.escape(name)}"):
        list(read_subreads([path]))


def test_one_name_among_sound_ones_is_that_molecules_fault(make) -> None:
    drafts = make.drafts([1, "2/ccs/0_500", 3])
    items = list(read_zmws([make.subreads([1, 2, 3])], drafts))
    assert [isinstance(item, Fault) for item in items] == [False, True, False]


def test_reads_of_unknown_types_are_taken_for_what_they_are_given_for(make) -> None:
    path = retyped(make.subreads([1]), make.folder / "unknown.bam", "UNKNOWN")
    assert len(list(read_subreads([path]))) == 1
    drafts = retyped(make.drafts([1]), make.folder / "drafts.bam", "UNKNOWN")
    assert len(read_drafts(drafts)) == 1


def test_no_output_is_made(run: Commands, make) -> None:
    path = retyped(make.subreads([1, 2]), make.folder / "scraps.bam", "SCRAP")
    commands: dict[str, Callable[[], tuple[object, ...]]] = {
        "draft": lambda: (path,),
        "align": lambda: (path, make.drafts([1])),
        "encode": lambda: (path, "--ccs", make.drafts([1])),
        "polish": lambda: (path, "--ccs", make.drafts([1])),
    }
    for command, words in commands.items():
        result = run(command, *words(), "-o", make.folder / "out.bam", "--threads", 1)
        assert result.status == 1
        assert (
            "contains scraps (m64011_190228_190319/1/0_60), but subreads are needed; give MOVIE.subreads.bam"
            in result.err
        )
        assert not list(make.folder.glob("out*"))
