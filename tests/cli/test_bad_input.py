"""Bad input: one clear sentence, a status that says so, and nothing under the final name.

A fault of one molecule is that molecule's: it is reported, and the others are polished.
"""

import gzip
import os
import shutil
from array import array
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pysam
import pytest
from support import Commands, edited, record_lines, records

from deepconsensus_py.cli._options import ZMWS_FAILED
from deepconsensus_py.methods import DEFAULT
from deepconsensus_py.polishing.run import REASONS_SHOWN
from deepconsensus_py.reports.table import COLUMNS

Edit = Callable[[list[pysam.AlignedSegment]], list[pysam.AlignedSegment]]


def outcomes(output: Path) -> dict[str, dict[str, str]]:
    """Rows of the molecule table by hole number."""
    with gzip.open(output.with_suffix("").with_suffix(".zmws.tsv.gz"), "rt") as table:
        rows = [dict(zip(COLUMNS, line.rstrip("\n").split("\t"), strict=True)) for line in table][1:]
    return {row["name"].split("/")[1]: row for row in rows}


@pytest.fixture
def refused(run: Commands, tmp_path: Path) -> Callable[..., str]:
    """Polish what must be refused, and give the sentence."""

    def polish(subreads: Path, ccs: Path, *options: object) -> str:
        output = tmp_path / "out.bam"
        result = run("polish", subreads, "--ccs", ccs, "-o", output, *options)
        assert result.status == 1
        assert "Traceback" not in result.err
        sentences = [line for line in result.err.splitlines() if line.startswith("deepconsensus-py polish: ")]
        assert len(sentences) == 1
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith(("out", ".out"))] == []
        return sentences[0]

    return polish


def holes(testdata: Path) -> list[int]:
    return [d.get_tag("zm") for d in records(testdata / "ccs.bam")]


# Files


def test_truncated_bam(refused, testdata, tmp_path):
    whole = (testdata / "subreads.bam").read_bytes()
    broken = tmp_path / "broken.bam"
    for length in (len(whole) - 28, len(whole) // 2, 40):
        broken.write_bytes(whole[:length])
        sentence = refused(broken, testdata / "ccs.bam")
        assert str(broken) in sentence
        assert "truncated" in sentence or "damaged" in sentence


def test_truncated_drafts(refused, testdata, tmp_path):
    whole = (testdata / "ccs.bam").read_bytes()
    broken = tmp_path / "broken.bam"
    broken.write_bytes(whole[: len(whole) // 2])
    assert str(broken) in refused(testdata / "subreads.bam", broken)


@pytest.mark.parametrize("content", [b"", b"hello, world\n" * 100, b"\x1f\x8b nonsense"])
def test_not_a_bam(refused, testdata, tmp_path, content):
    file = tmp_path / "reads.bam"
    file.write_bytes(content)
    assert str(file) in refused(file, testdata / "ccs.bam")
    assert str(file) in refused(testdata / "subreads.bam", file)


def test_missing_file(refused, testdata, tmp_path):
    assert "absent.bam" in refused(tmp_path / "absent.bam", testdata / "ccs.bam")
    assert "absent.bam" in refused(testdata / "subreads.bam", tmp_path / "absent.bam")


def test_bam_without_records(refused, testdata, tmp_path):
    empty = edited(testdata / "subreads.bam", tmp_path / "empty.bam", lambda found: [])
    assert "no subreads" in refused(empty, testdata / "ccs.bam")
    empty = edited(testdata / "ccs.bam", tmp_path / "empty.bam", lambda found: [])
    assert "no reads" in refused(testdata / "subreads.bam", empty)


def test_hifi_reads_given_as_subreads(refused, testdata):
    assert "HiFi" in refused(testdata / "ccs.bam", testdata / "ccs.bam")


def test_subreads_given_as_drafts(refused, testdata):
    assert "subreads" in refused(testdata / "subreads.bam", testdata / "subreads.bam")


def test_drafts_of_other_molecules(refused, testdata, tmp_path):
    def rename(found):
        for record in found:
            record.query_name = record.query_name.replace("/", "/9", 1)
            record.set_tag("zm", int(record.query_name.split("/")[1]))
        return found

    others = edited(testdata / "ccs.bam", tmp_path / "others.bam", rename)
    assert "none of the" in refused(testdata / "subreads.bam", others)


def test_unknown_model(refused, testdata):
    sentence = refused(testdata / "subreads.bam", testdata / "ccs.bam", "--model", "best")
    assert "'best'" in sentence
    assert "vote" in sentence


def test_file_that_is_not_a_model(refused, testdata):
    assert "safetensors" in refused(
        testdata / "subreads.bam", testdata / "ccs.bam", "--model", testdata / "truth.fasta"
    )


def test_bad_calibration(refused, testdata):
    assert "threshold,w,b" in refused(testdata / "subreads.bam", testdata / "ccs.bam", "--dc-calibration", "1,2")


def test_shard_of_another_encoding(run: Commands, testdata, tmp_path):
    shard, output, vote = tmp_path / "a.shard", tmp_path / "out.bam", ("--model", "vote")
    assert run("encode", testdata / "subreads.bam", "--ccs", testdata / "ccs.bam", "-o", shard, *vote).status == 0
    result = run("polish", "--features", shard, "-o", output, *vote, "--ins-trim", 7)
    assert result.status == 1
    assert "insertion_trim is 5, not 7" in result.err
    assert not output.exists()


def test_shard_of_another_model(run: Commands, testdata, tmp_path):
    shard, output = tmp_path / "a.shard", tmp_path / "out.bam"
    assert run("encode", testdata / "subreads.bam", "--ccs", testdata / "ccs.bam", "-o", shard).status == 0
    result = run("polish", "--features", shard, "-o", output, "--model", "vote")
    assert result.status == 1
    assert "does not fit model vote (another kind of model)" in result.err
    assert not output.exists()


def test_insertion_trimming_by_a_model_that_has_none(refused, testdata):
    assert "--ins-trim" in refused(testdata / "subreads.bam", testdata / "ccs.bam", "--ins-trim", 5)


def test_damaged_shard(run: Commands, testdata, tmp_path):
    shard, output = tmp_path / "a.shard", tmp_path / "out.bam"
    assert run("encode", testdata / "subreads.bam", "--ccs", testdata / "ccs.bam", "-o", shard).status == 0
    whole = shard.read_bytes()
    for damaged in (whole[:-100], whole[:5000] + bytes(200) + whole[5200:], b"not a shard"):
        shard.write_bytes(damaged)
        result = run("polish", "--features", shard, "-o", output)
        assert result.status == 1
        assert str(shard) in result.err
        assert not output.exists()


def test_files_given_twice(run: Commands, refused, testdata, tmp_path):
    again = tmp_path / "again.fofn"
    again.write_text(f"{testdata / 'subreads.bam'}\n{testdata / 'subreads.bam'}\n")
    assert "twice" in refused(again, testdata / "ccs.bam")
    shard, output = tmp_path / "a.shard", tmp_path / "out.bam"
    assert run("encode", testdata / "subreads.bam", "--ccs", testdata / "ccs.bam", "-o", shard).status == 0
    assert "twice" in run("polish", "--features", shard, shard, "-o", output).err
    assert run("polish", "--features", shard, "-o", output).status == 0
    gathered = run("gather", output, output, "-o", tmp_path / "all.bam")
    assert gathered.status == 1
    assert f"{output}: given twice" in gathered.err
    assert not (tmp_path / "all.bam").exists()


@pytest.mark.parametrize("command", ["polish", "encode", "draft"])
def test_aligned_subreads_without_drafts(run: Commands, testdata, tmp_path, command):
    aligned = tmp_path / "aligned.bam"
    assert run("align", testdata / "subreads.bam", "--ccs", testdata / "ccs.bam", "-o", aligned).status == 0
    result = run(command, aligned, "-o", tmp_path / "out.bam")
    assert result.status == 1
    assert result.err.count("are aligned already") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["aligned.bam"]


# Outputs


@pytest.mark.parametrize("output", ["subreads.bam", "ccs.bam", "link.bam"])
def test_inputs_are_not_written_over(run: Commands, testdata, tmp_path, output):
    for name in ("subreads.bam", "ccs.bam"):
        shutil.copy(testdata / name, tmp_path)
    (tmp_path / "link.bam").symlink_to("ccs.bam")
    subreads, ccs, out = tmp_path / "subreads.bam", tmp_path / "ccs.bam", tmp_path / output
    before = (subreads.read_bytes(), ccs.read_bytes())
    for command in (
        ("polish", subreads, "--ccs", ccs, "-o", out),
        ("polish", subreads, "--ccs", ccs, "-o", tmp_path / "new.bam", "--failed", out),
        ("encode", subreads, "--ccs", ccs, "-o", out),
        ("align", subreads, "--ccs", ccs, "-o", out),
        ("draft", *([subreads] if output == "subreads.bam" else [ccs]), "-o", out),
        ("filter", *([subreads] if output == "subreads.bam" else [ccs]), "-q", 20, "-o", out),
        ("gather", *([subreads] if output == "subreads.bam" else [ccs]), "-o", out),
    ):
        result = run(*command)
        assert result.status == 1
        assert f"{out}: is also an input" in result.err
    assert (subreads.read_bytes(), ccs.read_bytes()) == before


def test_two_outputs_into_one_file(run: Commands, testdata, tmp_path):
    output = tmp_path / "out.bam"
    polish = ("polish", testdata / "subreads.bam", "--ccs", testdata / "ccs.bam", "-o", output, "--failed")
    assert "for two outputs" in run(*polish, output).err
    assert not output.exists()
    assert run(*polish, "/dev/null").status == 0


def test_unknown_ending(run: Commands, testdata, tmp_path):
    result = run("polish", testdata / "subreads.bam", "--ccs", testdata / "ccs.bam", "-o", tmp_path / "out.txt")
    assert result.status == 1
    assert "ending" in result.err


def test_folder_that_is_not_there(run: Commands, testdata, tmp_path):
    result = run("polish", testdata / "subreads.bam", "--ccs", testdata / "ccs.bam", "-o", tmp_path / "no" / "out.bam")
    assert result.status == 1
    assert "output directory" in result.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_that_may_not_be_written(run: Commands, testdata, tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    result = run("polish", testdata / "subreads.bam", "--ccs", testdata / "ccs.bam", "-o", folder / "out.bam")
    assert result.status == 1
    assert "may not be written" in result.err


@pytest.mark.parametrize("name", ["out.bam", "out.fastq", "out.fastq.gz"])
def test_full_disk(run: Commands, testdata, small_disk, name):
    (small_disk / "filler").write_bytes(bytes(60 * 1024))
    result = run(
        "polish", testdata / "subreads.bam", "--ccs", testdata / "ccs.bam", "-o", small_disk / name, "--min-quality", 0
    )
    assert result.status == 1
    assert "full" in result.err
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


# Molecules


@pytest.fixture
def polish_edited(run: Commands, testdata, tmp_path):
    """Polish with edited subreads (or drafts) and give status, rows by hole number, and the reads."""

    def polish(edit: Edit | None = None, *, drafts: Edit | None = None, model: str = DEFAULT):
        same = list
        subreads = edited(testdata / "subreads.bam", tmp_path / "subreads.bam", edit or same)
        ccs = edited(testdata / "ccs.bam", tmp_path / "ccs.bam", drafts or same)
        output = tmp_path / "out.bam"
        result = run("polish", subreads, "--ccs", ccs, "-o", output, "--min-quality", 0, "--model", model)
        assert "Traceback" not in result.err
        return result.status, outcomes(output), record_lines(output)

    return polish


def first_hole(edit: Callable[[pysam.AlignedSegment], object]) -> Edit:
    """Edit the records of the first molecule; what gives False is left out."""

    def apply(found):
        hole = found[0].get_tag("zm")
        return [r for r in found if r.get_tag("zm") != hole or edit(r) is not False]

    return apply


def without(*tags: str) -> Callable[[pysam.AlignedSegment], None]:
    def drop(record):
        for tag in tags:
            record.set_tag(tag, None)

    return drop


def test_molecule_without_subreads(polish_edited, testdata):
    status, rows, reads = polish_edited(first_hole(lambda record: False))
    first, *others = map(str, holes(testdata))
    assert status == 0
    assert rows[first]["outcome"] == "no_subreads"
    assert len(reads) == len(others)


def test_molecule_whose_passes_do_not_align(polish_edited, testdata):
    rng = np.random.default_rng(1)

    def scramble(record):
        record.query_sequence = "".join(rng.choice(list("ACGT"), record.query_length))

    status, rows, reads = polish_edited(first_hole(scramble))
    first, *others = map(str, holes(testdata))
    assert status == 0
    assert rows[first]["outcome"] == "no_aligned_pass"
    assert len(reads) == len(others)


@pytest.mark.parametrize("tags", [("pw",), ("ip",), ("sn",), ("pw", "ip", "sn")])
@pytest.mark.parametrize("model", ["vote", "pairhmm", "edits"])
def test_models_that_come_with_the_package_do_without_kinetics(polish_edited, testdata, tags, model):
    status, _, reads = polish_edited(lambda found: [without(*tags)(r) or r for r in found], model=model)
    assert status == 0
    assert len(reads) == len(holes(testdata))


def test_model_that_needs_kinetics_reports_molecules_without(polish_edited, testdata, tiny_model):
    status, rows, reads = polish_edited(first_hole(without("pw")), model=tiny_model)
    first, *others = map(str, holes(testdata))
    assert status == ZMWS_FAILED
    assert rows[first]["outcome"] == "missing_kinetics"
    assert "'pw'" in rows[first]["reason"]
    assert len(reads) == len(others)


def test_raw_frame_kinetics_are_coded(polish_edited):
    def short_pulses(code: str):
        """Frames up to 63 are their own codes."""

        def store(record):
            for tag in ("pw", "ip"):
                record.set_tag(tag, array(code, np.minimum(record.get_tag(tag), 63).tolist()))

        return lambda found: [store(r) or r for r in found]

    frames, codes = polish_edited(short_pulses("H")), polish_edited(short_pulses("B"))
    assert frames == codes
    assert frames[0] == 0


def test_kinetics_of_another_length(polish_edited, testdata):
    def cut(record):
        record.set_tag("pw", record.get_tag("pw")[:-1])

    status, rows, reads = polish_edited(first_hole(cut))
    first, *others = map(str, holes(testdata))
    assert status == ZMWS_FAILED
    assert rows[first]["outcome"] == "error"
    assert "'pw'" in rows[first]["reason"]
    assert len(reads) == len(others)


def test_duplicate_molecule(polish_edited, testdata):
    status, _, reads = polish_edited(drafts=lambda found: [*found, found[0]])
    assert status == ZMWS_FAILED
    assert len(reads) == len(holes(testdata))


def test_unknown_bases(polish_edited, testdata):
    def blur(record):
        codes = list(record.query_sequence)
        codes[::50] = "N" * len(codes[::50])
        record.query_sequence = "".join(codes)

    status, _, reads = polish_edited(lambda found: [blur(r) or r for r in found])
    assert status == 0
    assert len(reads) == len(holes(testdata))
    status, _, reads = polish_edited(drafts=lambda found: [blur(r) or r for r in found])
    assert status == 0
    assert len(reads) == len(holes(testdata))


@pytest.mark.parametrize(
    ("length", "passes"), [("50 50", "6 6"), ("60000 60000", "3 3"), ("1500 1500", "2 2"), ("1000 1000", "200 200")]
)
def test_extreme_molecules(run: Commands, tmp_path, length, passes):
    assert run(
        "simulate", "-o", tmp_path / "sim", "--num-zmws", 1, "--length", *length.split(), "--passes", *passes.split()
    ).status == 0  # fmt: skip
    simulated, output = tmp_path / "sim", tmp_path / "out.bam"
    options = ["--min-quality", 0, "--max-length", 0]
    result = run("polish", simulated / "subreads.bam", "--ccs", simulated / "ccs.bam", "-o", output, *options)
    assert result.status == 0
    (row,) = outcomes(output).values()
    if passes == "2 2":
        assert row["outcome"] == "too_few_passes"
        return
    assert row["outcome"] == "success"
    assert len(records(output)[0].query_sequence) == pytest.approx(int(length.split()[0]), rel=0.15)


def test_many_molecules_of_few_passes_do_not_flood_the_log(run: Commands, tmp_path):
    assert run("simulate", "-o", tmp_path, "--num-zmws", 12, "--length", 300, 300, "--passes", 1, 1).status == 0
    output = tmp_path / "out.bam"
    polished = run("polish", tmp_path / "subreads.bam", "-o", output)
    assert polished.status == 0
    few = [row for row in outcomes(output).values() if row["outcome"] == "too_few_passes"]
    assert len(few) > REASONS_SHOWN
    assert f"{len(few)} too_few_passes: " in polished.err
    assert f"outcome of each ZMW: {tmp_path / 'out.zmws.tsv.gz'}" in polished.err
    assert (
        sum("of the median length, at least 3 needed" in line for line in set(polished.err.splitlines()))
        == REASONS_SHOWN
    )
    assert all("of the median length, at least 3 needed" in row["reason"] for row in few)
    drafted = run("draft", tmp_path / "subreads.bam", "-o", tmp_path / "drafts.bam")
    assert f"{len(few)} too_few_passes: " in drafted.err
    assert "a draft takes 3" not in drafted.err
