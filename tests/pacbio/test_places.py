"""Runs of an index are those that a loop over its rows finds."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from deepconsensus_py.pacbio import pbi
from deepconsensus_py.pacbio.pbi import BASIC, UNMAPPED, PacBioIndex, PbiFile, write_pbi
from deepconsensus_py.pacbio.places import RecordSpans, read_spans

rows = st.lists(st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(-1, 1)), max_size=12)
"""Read group, hole number and reference of each record."""

OFFSET = 1000


def by_loop(records: list[tuple[int, int, int]], *, aligned: bool) -> list[tuple[int, int, int, int, int]]:
    """What each run has in common, its offset, and how many records lie from its first to its last."""
    spans: list[list[int]] = []
    latest = None
    for row, (group, hole, reference) in enumerate(records):
        if aligned and reference < 0:
            continue
        what = (group, hole, reference if aligned else 0)
        if what == latest:
            spans[-1][-1] = row
        else:
            spans.append([*what, row, row])
        latest = what
    return [(*run[:3], run[3] * OFFSET, run[4] - run[3] + 1) for run in spans]


def as_tuples(spans: RecordSpans) -> list[tuple[int, ...]]:
    columns = (spans.groups, spans.holes, spans.references, spans.offsets, spans.sizes)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=rows, aligned=st.booleans(), block=st.integers(1, 5))
@example(records=[(1, 1, 0), (1, 2, -1), (1, 1, 0), (1, 1, 1), (1, 1, -1)], aligned=True, block=2)
def test_runs_are_those_of_a_loop(
    tmp_path: Path, records: list[tuple[int, int, int]], aligned: bool, block: int
) -> None:
    basic, mapped = np.zeros(len(records), BASIC), np.full(len(records), UNMAPPED)
    basic["fileOffset"] = np.arange(len(records)) * OFFSET
    table = np.array(records, np.int32).reshape(-1, 3)
    basic["rgId"], basic["holeNumber"], mapped["tId"] = table.T
    write_pbi(tmp_path / "a.pbi", [PacBioIndex(basic, mapped if aligned else None)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pbi, "_ROWS", block)
        found = read_spans(PbiFile(tmp_path / "a.pbi"), aligned=aligned)
    assert as_tuples(found) == by_loop(records, aligned=aligned)
    assert found.last == max(len(records) - 1, 0) * OFFSET


def test_an_aligned_file_without_any_mapped_record_has_no_runs(tmp_path: Path) -> None:
    write_pbi(tmp_path / "a.pbi", [PacBioIndex(np.zeros(3, BASIC))])
    assert as_tuples(read_spans(PbiFile(tmp_path / "a.pbi"), aligned=True)) == []
