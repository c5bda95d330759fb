"""Every row of the table of claims: what it must say, and that all that is exact holds."""

import re
from pathlib import Path

import pytest

from deepconsensus_py.lab import run
from deepconsensus_py.lab.results import show

NUMBERS = {
    "transformer": 1,
    "graph": 2,
    "shaw": 3,
    "image": 4,
    "music": 5,
    "mesh": 6,
    "aaconv": 7,
    "sasa": 8,
    "cls": 9,
    "unified": 10,
    "bot": 11,
    "routing": 12,
    "halo": 13,
    "shape": 14,
    "misnomer": 15,
    "deepconsensus": 16,
    "realm": 17,
    "survey": 18,
    "vit": 19,
    "coca": 20,
    "dt": 21,
    "inductive": 22,
    "pretrain": 23,
}
ROWS = run.claims()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_says_what_it_is(row: run.Row) -> None:
    assert row.number == NUMBERS[row.id]
    for text in (row.system, row.claim, row.baseline, row.on_reads):
        assert text
    assert row.claim.endswith(".")
    assert row.baseline.endswith(".")
    assert row.on_reads.endswith(".")
    assert row.seeds


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_what_is_exact_holds(row: run.Row) -> None:
    result = show(row, fast=True)
    assert result.shown.figures
    assert not result.missed
    names = [figure.name for figure in result.shown.figures]
    assert len(set(names)) == len(names)


def test_the_workflow_has_a_rule_for_every_row() -> None:
    rules = (Path(__file__).parents[2] / "workflow" / "claims.smk").read_text()
    assert re.findall(r'^    "([a-z]+)",$', rules, re.MULTILINE) == sorted(NUMBERS)
    assert sorted(row.id for row in ROWS) == sorted(NUMBERS)
