"""The bench of mechanisms: what it writes, keeps and refuses."""

import json
from pathlib import Path

import pytest

from deepconsensus_py.errors import InputError
from deepconsensus_py.heads.head import check_batch
from deepconsensus_py.lab import bench
from deepconsensus_py.lab.bench import Settings, build, inputs, judge_head, mechanisms
from deepconsensus_py.lab.reads import simulated, take

TINY = Settings(steps=1, windows=20, batch=4)


@pytest.mark.parametrize("name", list(mechanisms()))
def test_all_take_the_same_windows(name: str) -> None:
    head, windows = build(name, 0), take(simulated(20, 1), slice(0, 2))
    batch = inputs(head, windows)
    check_batch(head, batch)
    head.loss(head(batch), batch).backward()
    assert 0 <= judge_head(head, windows)["exact"] <= 1


def test_what_is_done_is_kept_and_other_settings_are_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "READ", 100)
    told: list[str] = []
    page = bench.bench(TINY, tmp_path, ["band12", "pileup2d"], told.append)
    assert (tmp_path / "attention.md").read_text() == page
    found = json.loads((tmp_path / "attention.json").read_text())
    assert list(found["mechanisms"]) == ["band12", "pileup2d"]
    assert found["mechanisms"]["pileup2d"]["pairs"] == 8 * 100 * 100 + 100 * 8 * 8
    assert "| `band12` |" in page
    bench.bench(TINY, tmp_path, ["band12"], told.append)
    assert told[-1] == "band12: already done"
    bench.bench(Settings(steps=2, windows=20, batch=4), tmp_path, ["band12"], told.append)
    assert "errors/kb" in told[-1]


def test_an_unknown_mechanism_is_named() -> None:
    with pytest.raises(InputError, match="no mechanism band13; there are band12"):
        bench.bench(TINY, None, ["band13"], print)
