"""The table of ZMWs in numbers."""

from deepconsensus_py.evaluate.run_comparison import length_bin
from deepconsensus_py.evaluate.runs import MOST_ROWS, RunTable
from deepconsensus_py.reports.table import COLUMNS


def row(name: str, outcome: str, *values: object, reason: str = ".") -> dict[str, str]:
    return dict(zip(COLUMNS, map(str, (name, outcome, *values, 1, 0, 1, ".", reason)), strict=True))


def test_reads_that_were_written_are_counted_by_length_and_passes() -> None:
    rows = [
        row("m/1/ccs", "success", 12, 10, 1000, 1001, 25.5, 31.2),
        row("m/2/ccs", "success", 7, ".", 1000, 1001, ".", 30.0),
        row("m/3/ccs", "failed_quality_filter", 3, 3, 900, 890, 15.0, 18.0),
    ]
    table = RunTable(rows)
    assert (table.lengths, table.passes) == ({1001: 2}, {10: 1, 7: 1})
    assert (table.before, table.after) == ({25.5: 1, 15.0: 1}, {31.2: 1, 30.0: 1, 18.0: 1})
    assert ([failure["name"] for failure in table.failures], table.failed) == (["m/3/ccs"], 1)


def test_only_the_first_failures_are_kept_and_do_not_repeat_their_names() -> None:
    many = (row(f"m/{n}/ccs", "error", 0, ".", 0, ".", ".", ".", reason=f"m/{n}/ccs: damaged") for n in range(200))
    table = RunTable(many)
    assert (len(table.failures), table.failed) == (MOST_ROWS, 200)
    assert {failure["reason"] for failure in table.failures} == {"damaged"}


def test_tables_add_up() -> None:
    one, other = (RunTable([row("m/1/ccs", "success", 9, 8, 500, length, 25.0, 30.0)]) for length in (500, 600))
    one.merge(other)
    assert (one.lengths, one.passes, one.after) == ({500: 1, 600: 1}, {8: 2}, {30.0: 2})


def test_bins_are_round_and_about_forty() -> None:
    assert [length_bin([{most: 1}]) for most in (150, 2_900, 24_000, 51_000)] == [5, 100, 1000, 2000]
    assert length_bin([{}, {}]) == 5
