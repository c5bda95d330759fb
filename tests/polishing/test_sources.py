"""A run that begins after K molecules gives what the whole one gives after its first K."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from deepconsensus_py.align.to_file import align_files
from deepconsensus_py.corrector import Method
from deepconsensus_py.models.registry import load_method
from deepconsensus_py.pacbio.headers import Program
from deepconsensus_py.polishing.progress import StageClock
from deepconsensus_py.polishing.read import Encoded
from deepconsensus_py.polishing.shards import write_shard
from deepconsensus_py.polishing.sources import Reads, Source, encoded_reads, encoded_shards

PROGRAM = Program("1.2.3", "deepconsensus-py …")
MOLECULES = 3
"""Of the sources here."""


@pytest.fixture(scope="module")
def vote() -> Method:
    return load_method("vote")


@pytest.fixture(scope="module")
def sources(testdata: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reads]:
    """The first molecules of testdata, in every way in which they may be given."""
    raw, drafts = testdata / "subreads.bam", testdata / "ccs.bam"
    aligned = tmp_path_factory.mktemp("aligned") / "aligned.bam"
    align_files([raw], drafts, aligned, PROGRAM, chunk=(1, 2))
    return {
        "raw": Reads((raw,), drafts, limit=MOLECULES),
        "aligned": Reads((aligned,), drafts, limit=MOLECULES),
        "a chunk": Reads((raw,), drafts, chunk=(2, 2), limit=MOLECULES),
        "no drafts": Reads((raw,), None, limit=MOLECULES),
    }


def encoded(reads: Reads, vote: Method, skip: int) -> Source:
    reads = Reads(reads.subreads, reads.drafts, reads.chunk, reads.limit, skip)
    return encoded_reads(reads, vote, PROGRAM, 1, StageClock())


def assert_same(found: Iterable[Encoded], expected: Iterable[Encoded]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert (one.draft.name, one.passes, one.outcome) == (other.draft.name, other.passes, other.outcome)
        assert (one.features is None) == (other.features is None)
        if one.features is not None and other.features is not None:
            for name, values in other.features.inputs.items():
                np.testing.assert_array_equal(one.features.inputs[name], values)


@pytest.mark.parametrize("kind", ["raw", "aligned", "a chunk", "no drafts"])
def test_skipped_reads_leave_the_tail_of_the_whole(sources: dict[str, Reads], vote: Method, kind: str) -> None:
    whole = list(encoded(sources[kind], vote, 0).molecules)
    assert len(whole) == MOLECULES
    for skip in range(1, MOLECULES + 2):
        source = encoded(sources[kind], vote, skip)
        assert source.total == max(MOLECULES - skip, 0)
        assert_same(source.molecules, whole[skip:])


def test_skipped_molecules_may_span_shards(sources: dict[str, Reads], vote: Method, tmp_path: Path) -> None:
    shards = [tmp_path / "a.shard", tmp_path / "b.shard"]
    for path, kind in zip(shards, ("raw", "a chunk"), strict=True):
        source = encoded(sources[kind], vote, 0)
        write_shard(path, source.molecules, vote, str(source.header))
    read = partial(encoded_shards, shards, vote, PROGRAM, StageClock())
    whole = list(read().molecules)
    assert len(whole) == 2 * MOLECULES
    for skip in range(2 * MOLECULES + 2):
        source = read(skip=skip)
        assert source.total == max(2 * MOLECULES - skip, 0)
        assert_same(source.molecules, whole[skip:])


@pytest.mark.parametrize("skip", [0, 1, 3, 4])
def test_a_molecule_of_two_shards_is_a_fault_however_far_a_run_has_come(
    sources: dict[str, Reads], vote: Method, tmp_path: Path, skip: int
) -> None:
    shards = [tmp_path / "one.shard", tmp_path / "two.shard"]
    for shard in shards:
        source = encoded(sources["raw"], vote, 0)
        write_shard(shard, source.molecules, vote, str(source.header))
    molecules = list(encoded_shards(shards, vote, PROGRAM, StageClock(), skip=skip).molecules)
    assert [m.outcome for m in molecules] == (["", "", ""] + ["error"] * 3)[skip:]
    assert f"is in both {shards[0]} and {shards[1]}" in molecules[-1].reason


def test_read_groups_of_all_shards_are_kept(sources: dict[str, Reads], vote: Method, tmp_path: Path) -> None:
    shards = [tmp_path / f"{number}.shard" for number in range(2)]
    for number, shard in enumerate(shards):
        write_shard(shard, [], vote, f"@HD\tVN:1.6\n@RG\tID:group{number}\n")
    header = encoded_shards(shards, vote, PROGRAM, StageClock()).header.to_dict()
    assert [group["ID"] for group in header["RG"]] == ["group0", "group1"]
