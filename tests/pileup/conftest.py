"""The real molecules as the encoder takes them."""

from pathlib import Path

import numpy as np
import pysam
import pytest

from deepconsensus_py.pacbio.molecule import Alignment, Draft, Pass, Zmw, encode_bases


def read_pass(record: pysam.AlignedSegment) -> Pass:
    direction = -1 if record.is_reverse else 1
    operations, lengths = zip(*record.cigartuples, strict=True)
    return Pass(
        record.query_name,
        encode_bases(record.query_sequence),
        np.array(record.get_tag("pw"), np.uint8)[::direction],
        np.array(record.get_tag("ip"), np.uint8)[::direction],
        np.array(record.get_tag("sn"), np.float32),
        Alignment(record.reference_start, np.array(operations, np.uint8), np.array(lengths, np.int32)),
        record.is_reverse,
    )


def read_aligned(folder: Path) -> list[Zmw]:
    passes: dict[str, list[Pass]] = {}
    with pysam.AlignmentFile(str(folder / "subreads_to_ccs.bam"), check_sq=False) as subreads:
        for record in subreads:
            passes.setdefault(record.reference_name, []).append(read_pass(record))
    with pysam.AlignmentFile(str(folder / "ccs.bam"), check_sq=False) as drafts:
        return [
            Zmw(
                Draft(r.query_name, encode_bases(r.query_sequence), np.array(r.query_qualities, np.uint8)),
                tuple(passes[r.query_name]),
            )
            for r in drafts
            if r.query_name in passes
        ]


@pytest.fixture(scope="session")
def molecules(human_1m: Path) -> list[Zmw]:
    return read_aligned(human_1m)


@pytest.fixture(scope="session")
def truth_files(human_1m: Path) -> tuple[Path, Path, Path]:
    return human_1m / "truth_to_ccs.bam", human_1m / "truth.bed", human_1m / "truth_split.tsv"
