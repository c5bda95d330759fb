"""Yields: counted once for each threshold, and added up whatever the run was cut into."""

import numpy as np
import pytest
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import Draft
from deepconsensus_py.polishing.read import PolishedRead
from deepconsensus_py.polishing.summary import COUNTED, summary
from deepconsensus_py.reports.outcomes import Outcome
from deepconsensus_py.reports.table import TOTALS, YIELDS, MoleculeTable, zmw_yields

Tags = tuple[tuple[str, object, str], ...]


def phred(quality: int, length: int) -> NDArray[np.uint8]:
    return np.full(length, quality, np.uint8)


def read(before: int | None, after: int, outcome: Outcome = Outcome.SUCCESS, tags: Tags = ()) -> PolishedRead:
    """A draft of 100 bases and its polished read of 101."""
    draft = Draft("m/1/ccs", np.ones(100, np.uint8), None if before is None else phred(before, 100), tags)
    return PolishedRead(draft, outcome, bases=np.ones(101, np.uint8), qualities=phred(after, 101))


def names(found: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in found.items() if count}


@pytest.mark.parametrize(
    ("one", "wanted"),
    [
        (read(19, 20), {"reads_q20_after": 1, "bases_q20_after": 101}),
        (
            read(30, 29),
            {
                "reads_q20_before": 1,
                "bases_q20_before": 100,
                "reads_q30_before": 1,
                "bases_q30_before": 100,
                "reads_q20_after": 1,
                "bases_q20_after": 101,
            },
        ),
        (read(10, 60, Outcome.FAILED_LENGTH_FILTER), {}),
        (read(None, 10), {}),
        (read(None, 10, tags=(("rq", 0.9999, "f"),)), dict.fromkeys(("reads_q20_before", "reads_q30_before"), 1)),
        (read(40, 10, tags=(("rq", -1.0, "f"),)), {}),
    ],
    ids=["only after", "both", "not written", "unknown", "by rq", "no consensus"],
)
def test_what_a_molecule_adds(one: PolishedRead, wanted: dict[str, int]) -> None:
    found = zmw_yields(summary(one))
    assert tuple(found) == YIELDS
    if one.draft.qualities is None:
        found = {name: found[name] for name in ("reads_q20_before", "reads_q30_before", "reads_q20_after")}
    assert names(found) == wanted


def test_counts_add_up() -> None:
    table = MoleculeTable(COUNTED)
    for one in (read(25, 35), read(41, 45), read(10, 15, Outcome.FAILED_QUALITY_FILTER)):
        table.add(summary(one))
    counts = table.counts()
    assert set(YIELDS) < set(TOTALS) <= counts.keys()
    assert [counts[f"reads_q{q}_{when}"] for when in ("before", "after") for q in (20, 30, 40)] == [2, 1, 1, 2, 2, 1]
    assert (counts["bases_q30_before"], counts["bases_q30_after"]) == (100, 202)
