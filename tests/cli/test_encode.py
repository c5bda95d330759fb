"""``encode`` and then ``polish --features`` give what ``polish`` gives."""

import gzip
from pathlib import Path

import pysam
import pytest

from deepconsensus_py.cli.main import main


def polish(output: Path, *arguments: str) -> Path:
    assert main(["polish", *arguments, "-o", str(output), "--threads", "1"]) == 0
    return output


def records(path: Path) -> list[str]:
    with pysam.AlignmentFile(str(path), check_sq=False) as reads:
        return [read.to_string() for read in reads]


@pytest.fixture
def inputs(testdata: Path) -> list[str]:
    return [str(testdata / "subreads.bam"), "--ccs", str(testdata / "ccs.bam")]


@pytest.mark.parametrize("threads", ["1", "2"])
def test_a_shard_polishes_to_the_same_reads_and_table(inputs: list[str], tmp_path: Path, threads: str) -> None:
    shard = tmp_path / "all.shard"
    assert main(["encode", *inputs, "-o", str(shard), "--threads", threads]) == 0
    through = polish(tmp_path / "through.bam", "--features", str(shard))
    direct = polish(tmp_path / "direct.bam", *inputs)
    assert records(through) == records(direct)
    tables = [gzip.decompress(path.with_suffix(".zmws.tsv.gz").read_bytes()) for path in (through, direct)]
    assert tables[0] == tables[1]


def test_chunks_together_are_the_whole(inputs: list[str], tmp_path: Path) -> None:
    shards = [tmp_path / f"{number}.shard" for number in (1, 2, 3)]
    for number, shard in enumerate(shards, 1):
        assert main(["encode", *inputs, "--chunk", f"{number}/3", "-o", str(shard), "--threads", "1"]) == 0
    through = polish(tmp_path / "through.bam", "--features", *map(str, shards))
    assert records(through) == records(polish(tmp_path / "direct.bam", *inputs))


def test_a_chunk_without_an_aligned_pass_is_encoded_with_its_molecules(
    testdata: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aligned, ccs = tmp_path / "aligned.bam", str(testdata / "ccs.bam")
    references = [read.query_name for read in pysam.AlignmentFile(ccs, check_sq=False)]
    header = {"HD": {"VN": "1.6"}, "SQ": [{"SN": name, "LN": 1000} for name in references]}
    pysam.AlignmentFile(str(aligned), "wb", header=header).close()
    shard = tmp_path / "a.shard"
    assert main(["encode", str(aligned), "--ccs", ccs, "--chunk", "1/2", "-o", str(shard), "--threads", "1"]) == 0
    polish(tmp_path / "p.bam", "--features", str(shard))
    rows = gzip.decompress((tmp_path / "p.zmws.tsv.gz").read_bytes()).decode().splitlines()[1:]
    assert [row.split("\t")[:2] for row in rows] == [
        [name, "no_subreads"] for name in references[: len(references) // 2]
    ]


def test_a_chunk_without_molecules_is_polished_to_none(inputs: list[str], tmp_path: Path) -> None:
    shard = tmp_path / "a.shard"
    assert main(["encode", *inputs, "--chunk", "1/1000", "-o", str(shard), "--threads", "1"]) == 0
    assert records(polish(tmp_path / "p.bam", "--features", str(shard))) == []


def test_each_program_is_in_the_header_after_the_one_before(inputs: list[str], tmp_path: Path) -> None:
    shard = tmp_path / "all.shard"
    assert main(["encode", *inputs, "--limit", "2", "-o", str(shard), "--threads", "1"]) == 0
    with pysam.AlignmentFile(str(polish(tmp_path / "p.bam", "--features", str(shard))), check_sq=False) as reads:
        encoded, polished = reads.header.to_dict()["PG"][-2:]
    assert "encoded for model edits" in encoded["DS"]
    assert polished["PP"] == encoded["ID"]


def test_features_of_another_encoding_are_refused_in_one_sentence(
    inputs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shard, output = tmp_path / "all.shard", tmp_path / "p.bam"
    assert main(["encode", *inputs, "--model", "vote", "--ins-trim", "0", "-o", str(shard), "--threads", "1"]) == 0
    capsys.readouterr()
    assert main(["polish", "--features", str(shard), "--model", "vote", "-o", str(output)]) == 1
    said = capsys.readouterr().err
    assert f"{shard}: was encoded for model vote, which does not fit model vote (insertion_trim is 0, not 5)" in said
    assert not output.exists()


def test_a_truncated_shard_ends_the_run_without_an_output(
    inputs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shard, output = tmp_path / "all.shard", tmp_path / "p.bam"
    assert main(["encode", *inputs, "-o", str(shard), "--threads", "1"]) == 0
    shard.write_bytes(shard.read_bytes()[:-100])
    assert main(["polish", "--features", str(shard), "-o", str(output)]) == 1
    assert (
        f"{shard}: is damaged (BadZipFile: File is not a zip file), or not a feature shard" in capsys.readouterr().err
    )
    assert [path.name for path in tmp_path.iterdir()] == ["all.shard"]
