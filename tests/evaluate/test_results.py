"""Side files of runs: which belong together, and what is refused."""

import gzip
import json
from pathlib import Path

import pytest

from deepconsensus_py.errors import InputError
from deepconsensus_py.evaluate.runs import load_runs


def _copy(report: Path, folder: Path, output: str) -> Path:
    content = json.loads(report.read_text()) | {"output": output}
    folder.mkdir()
    target = folder / f"{Path(output).stem}.report.json"
    target.write_text(json.dumps(content))
    return target


def test_a_run_has_its_table_of_molecules(run_report: Path) -> None:
    (run,) = load_runs([run_report])
    assert run.name == "out.bam"
    assert sorted(run.table.after) == [31.2, 40.8]
    assert run.table.after.total() + run.table.failed == 3
    assert run.evaluation is None


def test_the_table_of_molecules_may_be_absent(run_report: Path) -> None:
    run_report.with_name("out.zmws.tsv.gz").unlink()
    (run,) = load_runs([run_report])
    assert (run.table.after.total(), run.table.failed) == (0, 0)


def test_an_evaluation_belongs_to_the_run_whose_output_it_judged(run_report: Path, evaluation: Path) -> None:
    other = _copy(run_report, run_report.parent.parent / "other", "other.bam")
    first, second = load_runs([evaluation, other, run_report])
    assert (first.name, first.evaluation) == ("other.bam", None)
    assert second.evaluation["total"]["errors"] == 3


def test_or_else_to_the_only_run_in_its_folder(run_report: Path, evaluation: Path) -> None:
    other = _copy(run_report, run_report.parent.parent / "other", "other.bam")
    moved = other.with_name("evaluation.json")
    moved.write_text(evaluation.read_text().replace("out.bam", "moved/out.bam"))
    first, second = load_runs([run_report, other, moved])
    assert first.evaluation is None
    assert second.evaluation is not None


def test_an_evaluation_of_other_reads_is_refused(run_report: Path, evaluation: Path) -> None:
    evaluation.write_text(evaluation.read_text().replace("out.bam", "elsewhere.bam"))
    with pytest.raises(InputError, match=r"elsewhere\.bam"):
        load_runs([run_report, evaluation])


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"total": {}}'])
def test_other_files_are_refused(run_report: Path, tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"x\.json"):
        load_runs([run_report, path])


def test_an_evaluation_alone_is_refused(evaluation: Path) -> None:
    with pytest.raises(InputError, match="no report of a run"):
        load_runs([evaluation])


def test_a_damaged_table_is_named(run_report: Path) -> None:
    table = run_report.with_name("out.zmws.tsv.gz")
    table.write_bytes(gzip.compress(b"name\toutcome\n" * 100)[:-10])
    with pytest.raises(InputError, match=r"out\.zmws\.tsv\.gz"):
        load_runs([run_report])
