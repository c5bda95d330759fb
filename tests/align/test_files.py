"""``deepconsensus-py align``: files in, one file out."""

from pathlib import Path

import numpy as np
import pysam
import pytest

from deepconsensus_py.align.passes import align_zmw
from deepconsensus_py.cli.main import main
from deepconsensus_py.pacbio.drafts import draft_entries
from deepconsensus_py.pacbio.zmws import read_zmws


def align(testdata: Path, output: Path, *options: str, subreads: Path | None = None, ccs: Path | None = None) -> int:
    files = [str(subreads or testdata / "subreads.bam"), "--ccs", str(ccs or testdata / "ccs.bam")]
    return main(["align", *files, "-o", str(output), *options])


def lines(path: Path) -> list[str]:
    with pysam.AlignmentFile(str(path)) as file:
        return [record.to_string() for record in file]


def copy(source: Path, target: Path, keep) -> Path:
    with (
        pysam.AlignmentFile(str(source), check_sq=False) as records,
        pysam.AlignmentFile(str(target), "wb", template=records) as out,
    ):
        for number, record in enumerate(records):
            if keep(number, record):
                out.write(record)
    return target


def test_the_file_holds_what_the_library_aligns(testdata: Path, tmp_path: Path) -> None:
    output = tmp_path / "aligned.bam"
    assert align(testdata, output) == 0
    expected = [align_zmw(zmw) for zmw in read_zmws([testdata / "subreads.bam"], testdata / "ccs.bam")]
    found = list(read_zmws([output], testdata / "ccs.bam"))
    assert [z.name for z in found] == [z.name for z in expected]
    for a, b in zip(expected, found, strict=True):
        assert [p.name for p in a.passes] == [p.name for p in b.passes]
        for p, q in zip(a.passes, b.passes, strict=True):
            assert (p.reverse, p.alignment.start, p.tags) == (q.reverse, q.alignment.start, q.tags)
            for x, y in (
                (p.bases, q.bases),
                (p.pulse_widths, q.pulse_widths),
                (p.inter_pulse_durations, q.inter_pulse_durations),
                (p.alignment.operations, q.alignment.operations),
                (p.alignment.lengths, q.alignment.lengths),
            ):
                assert np.array_equal(x, y)


def test_references_are_the_drafts_in_their_order(testdata: Path, tmp_path: Path) -> None:
    output = tmp_path / "aligned.bam"
    align(testdata, output)
    with pysam.AlignmentFile(str(output)) as file:
        drafts = [(entry.name, entry.length) for entry in draft_entries(testdata / "ccs.bam")]
        assert list(zip(file.references, file.lengths, strict=True)) == drafts
        records = list(file)
    assert [r.reference_id for r in records] == sorted(r.reference_id for r in records)
    assert all(r.query_name.split("/")[:2] == r.reference_name.split("/")[:2] for r in records)
    assert {r.flag for r in records} == {0, 16}
    assert {r.mapping_quality for r in records} == {60}


def test_threads_and_chunks_change_nothing(testdata: Path, tmp_path: Path) -> None:
    align(testdata, tmp_path / "whole.bam", "--threads", "1")
    align(testdata, tmp_path / "threads.bam", "--threads", "3")
    parts = []
    for i in (1, 2, 3):
        align(testdata, tmp_path / f"{i}.bam", "--chunk", f"{i}/3")
        parts += lines(tmp_path / f"{i}.bam")
    assert lines(tmp_path / "whole.bam") == lines(tmp_path / "threads.bam") == parts


def test_a_molecule_without_subreads_is_reported(testdata: Path, tmp_path: Path, capsys) -> None:
    first = next(draft_entries(testdata / "ccs.bam")).name.rsplit("/", 1)[0] + "/"
    rest = copy(testdata / "subreads.bam", tmp_path / "rest.bam", lambda _, r: not r.query_name.startswith(first))
    assert align(testdata, tmp_path / "aligned.bam", subreads=rest) == 0
    assert f"{first}ccs: no subreads found" in capsys.readouterr().err
    assert all(first not in line for line in lines(tmp_path / "aligned.bam"))


def test_a_pass_that_does_not_align_is_named_and_left_out(testdata: Path, tmp_path: Path, capsys) -> None:
    rng = np.random.default_rng(1)
    spoiled = []

    def spoil(number: int, record: pysam.AlignedSegment) -> bool:
        if number == 2:
            spoiled.append(record.query_name)
            record.query_sequence = "".join(rng.choice(list("ACGT"), record.query_length))
        return True

    subreads = copy(testdata / "subreads.bam", tmp_path / "spoiled.bam", spoil)
    assert align(testdata, tmp_path / "aligned.bam", subreads=subreads) == 0
    said = capsys.readouterr().err
    assert f"subreads do not align: {spoiled[0]}" in said
    kept, total = len(lines(tmp_path / "aligned.bam")), len(list(pysam.AlignmentFile(str(subreads), check_sq=False)))
    assert kept == total - 1
    assert f"{kept} of {total} passes aligned" in said


@pytest.mark.parametrize("threads", ["1", "2"])
def test_aligned_subreads_are_refused(testdata: Path, tmp_path: Path, capsys, threads: str) -> None:
    align(testdata, tmp_path / "aligned.bam")
    assert align(testdata, tmp_path / "again.bam", "--threads", threads, subreads=tmp_path / "aligned.bam") == 1
    assert "are aligned already" in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["aligned.bam"]
