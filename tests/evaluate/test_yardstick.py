"""On real reads, whole and damaged, every figure is that of the yardstick."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pysam
import pytest

from deepconsensus_py.cli.main import main

pytestmark = pytest.mark.real

Damage = Callable[[str, np.ndarray, np.random.Generator], tuple[str, np.ndarray]]


def _whole(bases: str, qualities: np.ndarray, rng: np.random.Generator) -> tuple[str, np.ndarray]:
    return bases, qualities


def _random_errors(bases: str, qualities: np.ndarray, rng: np.random.Generator) -> tuple[str, np.ndarray]:
    letters = list(bases)
    for place in np.flatnonzero(rng.random(len(letters)) < 0.005):
        letters[place] = str(rng.choice(["", "A", letters[place] * 2, letters[place] + "GT"]))
    changed = "".join(letters)
    return changed, rng.integers(0, 94, len(changed))


def _trimmed(bases: str, qualities: np.ndarray, rng: np.random.Generator) -> tuple[str, np.ndarray]:
    start, end = rng.integers(0, 70, 2)
    return bases[start : len(bases) - end], qualities[start : len(bases) - end]


def _extended(bases: str, qualities: np.ndarray, rng: np.random.Generator) -> tuple[str, np.ndarray]:
    tails = ["".join(rng.choice(list("ACGT"), rng.integers(0, 90))) for _ in range(2)]
    whole = tails[0] + bases + tails[1]
    return whole, np.resize(qualities, len(whole))


def _turned(bases: str, qualities: np.ndarray, rng: np.random.Generator) -> tuple[str, np.ndarray]:
    return bases[::-1].translate(str.maketrans("ACGT", "TGCA")), qualities[::-1]


def _short(bases: str, qualities: np.ndarray, rng: np.random.Generator) -> tuple[str, np.ndarray]:
    return bases[3000:4500], qualities[3000:4500]


DAMAGES = [_whole, _random_errors, _trimmed, _extended, _turned, _short]


def _drafts(path: Path) -> Iterator[pysam.AlignedSegment]:
    with pysam.AlignmentFile(str(path), check_sq=False) as file:
        yield from file


def _write_fastq(drafts: Path, target: Path, damage: Damage, *, suffix: str = "ccs", every: int = 0) -> None:
    """Damaged reads; of every ``every``-th molecule none."""
    rng = np.random.default_rng(0)
    with target.open("w") as file:
        for number, record in enumerate(_drafts(drafts)):
            if every and number % every == 0:
                continue
            bases, qualities = damage(record.query_sequence, np.array(record.query_qualities), rng)
            phred = "".join(chr(33 + int(q)) for q in qualities)
            file.write(f"@{record.query_name.removesuffix('ccs')}{suffix}\n{bases}\n+\n{phred}\n")


def _both(shared: Path, folder: Path, *arguments: str) -> tuple[dict, dict]:
    """The JSON of the yardstick and ours."""
    yardstick = [sys.executable, str(shared / "tools" / "score.py"), *arguments, "--json", "-"]
    theirs = json.loads(subprocess.run(yardstick, check=True, capture_output=True, text=True).stdout)
    target = folder / "ours.json"
    own = [word for word in arguments if word != "--reads"]
    assert main(["evaluate", *own, "--json", str(target)]) == 0
    return theirs, json.loads(target.read_text())


def _assert_equal(theirs: dict, ours: dict) -> None:
    assert ours["total"] == theirs["total"]
    assert len(ours["molecules"]) == len(theirs["molecules"])
    for mine, other in zip(ours["molecules"], theirs["molecules"], strict=True):
        assert mine["name"].split("/")[1] == other["zmw"]
        assert mine["status"] == {"absent from both": "absent"}.get(other["status"], other["status"].lower())
        shared = set(mine) & set(other) - {"status"}
        assert {k: mine[k] for k in shared} == {k: other[k] for k in shared}
        assert set(other) - set(mine) <= {"zmw"}
    if theirs["calibration"] is None:
        assert ours["calibration"] is None
        return
    for mine, other in zip(ours["calibration"].pop("bins"), theirs["calibration"].pop("bins"), strict=True):
        assert (mine.pop("bin"), mine.pop("used")) == (other.pop("bin"), other.pop("used"))
        assert mine == pytest.approx(other, rel=1e-9)
    assert ours["calibration"] == pytest.approx(theirs["calibration"], rel=1e-9)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__.strip("_"))
def test_reads_with_baseline(human_1m: Path, shared: Path, tmp_path: Path, damage: Damage) -> None:
    reads = tmp_path / "reads.fastq"
    _write_fastq(human_1m / "ccs.bam", reads, damage, every=4)
    arguments = ["--truth", str(human_1m / "truth.fasta"), "--reads", str(reads)]
    arguments += ["--baseline", str(human_1m / "ccs.bam"), "--zmws", "4194375,4194376,4194382,4194384,4194388"]
    theirs, ours = _both(shared, tmp_path, *arguments, "--events")
    assert theirs["total"]["missing"] == 1
    _assert_equal(theirs, ours)


def test_bam_without_baseline(human_1m: Path, shared: Path, tmp_path: Path) -> None:
    arguments = ["--truth", str(human_1m / "truth.fasta"), "--reads", str(human_1m / "ccs.bam")]
    _assert_equal(*_both(shared, tmp_path, *arguments))


def test_chosen_molecules(human_1m: Path, shared: Path, tmp_path: Path) -> None:
    arguments = ["--truth", str(human_1m / "truth.fasta"), "--reads", str(human_1m / "ccs.bam"), "--min-np", "5"]
    theirs, ours = _both(shared, tmp_path, *arguments)
    assert ours["total"]["errors"] == 184
    _assert_equal(theirs, ours)
    theirs, ours = _both(shared, tmp_path, *arguments, "--zmws", "4194381,4194388,4194376")
    assert ours["total"]["molecules"] == 2
    _assert_equal(theirs, ours)


def test_by_strand_reads_count_once(human_1m: Path, shared: Path, tmp_path: Path) -> None:
    forward, reverse, both = (tmp_path / name for name in ("fwd.fastq", "rev.fastq", "both.fastq"))
    _write_fastq(human_1m / "ccs.bam", forward, _random_errors, suffix="ccs/fwd")
    _write_fastq(human_1m / "ccs.bam", reverse, _turned, suffix="ccs/rev")
    both.write_text(forward.read_text() + reverse.read_text())
    _assert_equal(*_both(shared, tmp_path, "--truth", str(human_1m / "truth.fasta"), "--reads", str(both)))


def test_fasta_reads_have_no_calibration(human_1m: Path, shared: Path, tmp_path: Path) -> None:
    reads = tmp_path / "reads.fasta"
    reads.write_text("".join(f">{r.query_name}\n{r.query_sequence}\n" for r in _drafts(human_1m / "ccs.bam")))
    theirs, ours = _both(shared, tmp_path, "--truth", str(human_1m / "truth.fasta"), "--reads", str(reads))
    assert ours["calibration"] is None
    _assert_equal(theirs, ours)


def test_simulated_drafts(testdata: Path, shared: Path, tmp_path: Path) -> None:
    reads = tmp_path / "reads.fastq"
    _write_fastq(testdata / "ccs.bam", reads, _random_errors)
    arguments = ["--truth", str(testdata / "truth.fasta"), "--reads", str(reads)]
    _assert_equal(*_both(shared, tmp_path, *arguments, "--baseline", str(testdata / "ccs.bam")))
