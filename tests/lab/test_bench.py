"""The bench of mechanisms: what it writes, keeps and refuses."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from deepconsensus_py.align.passes import align_zmw
from deepconsensus_py.errors import InputError
from deepconsensus_py.examples.example import Example
from deepconsensus_py.examples.file import write_examples
from deepconsensus_py.examples.molecules import align_truth
from deepconsensus_py.heads.head import check_batch
from deepconsensus_py.lab import bench
from deepconsensus_py.lab.bench import Settings, build, inputs, judge_head, mechanisms, run_mechanism
from deepconsensus_py.lab.bench_page import bench_page, real_errors, simulated_errors
from deepconsensus_py.lab.reads import judge, simulated, take
from deepconsensus_py.lab.real_windows import LEAST_PASSES, real_windows
from deepconsensus_py.pacbio.truth import TrueSequence
from deepconsensus_py.simulate.movies import simulate_zmws
from deepconsensus_py.simulate.profile import load_profile

TINY = Settings(steps=1, seeds=(1,), windows=20, batch=4)


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
    bench.bench(Settings(steps=2, seeds=(1,), windows=20, batch=4), tmp_path, ["band12"], told.append)
    assert "errors/kb" in told[-1]


def test_an_unknown_mechanism_is_named() -> None:
    with pytest.raises(InputError, match="no mechanism band13; there are band12"):
        bench.bench(TINY, None, ["band13"], print)


def test_errors_are_those_of_all_windows_together() -> None:
    head, windows = build("full", 0), take(simulated(20, 1), slice(0, 8))
    judged = judge_head(head, windows)
    called = head(windows).argmax(-1)
    assert sum(judged["errors"]) == judge(called, windows["labels"]).errors
    assert len(judged["errors"]) == 8


def test_each_real_molecule_is_held_out_once_and_the_others_are_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    molecules = [take(simulated(40, seed), slice(0, 4)) for seed in range(5, 10)]
    settings, trained = Settings(steps=3, seeds=(1, 2), windows=20, batch=4), []
    monkeypatch.setattr(bench, "inputs", lambda head, windows: trained.append(windows["labels"]) or windows)
    row = run_mechanism("band12", settings, molecules)
    assert len(row["real"]) == 5
    assert min(row["real"]) > 0
    # Of the batches of training, which are first: half simulated, half of the molecules that are not held out.
    first = torch.cat([labels[2:] for labels in trained[:3]])
    own = [
        any(torch.equal(window, other) for other in molecule["labels"]) for molecule in molecules for window in first
    ]
    held = [own[at * 6 : at * 6 + 6] for at in range(5)]
    assert not any(any(held[at]) for at in (0, 2, 4))
    assert sum(held[1]) + sum(held[3]) == 6


def test_real_molecules_need_two_seeds() -> None:
    with pytest.raises(InputError, match="1 real molecules and 1 seeds"):
        bench.bench(TINY, None, ["band12"], print, [simulated(20, 1)])


def test_what_is_ahead_has_an_interval_below_what_is_in_use() -> None:
    common = {"bases": 100.0, "exact": [0.5, 0.5, 0.5], "ece": [None] * 3, "train_s": [1.0] * 3, "parameters": 1}
    common |= dict.fromkeys(("gemm_mflop", "attention_mflop", "pairs", "windows_per_s"), 1)
    rows = {
        "band12": {**common, "errors": [[1, 2, 3, 2]] * 3, "real": [4.0, 2.0, 6.0]},
        "better": {**common, "errors": [[0, 1, 2, 1], [0, 1, 2, 1], [0, 1, 2, 2]], "real": [3.9, 2.4, 5.0]},
    }
    assert simulated_errors(rows["band12"]).mean == pytest.approx(20)
    assert simulated_errors(rows["better"], rows["band12"]).mean == pytest.approx(-110 / 12)
    assert real_errors(rows["better"], rows["band12"]).mean == pytest.approx(-0.7 / 3)
    draft = {"errors": [[3, 3, 3, 3]], "real": [5.0, 5.0, 5.0], "bases": 100.0, "exact": [0.1], "ece": [11.0]}
    page = bench_page(rows, draft, {}, 100)
    assert "Fewer errors than `band12` in simulated windows: `better`." in page
    assert "Fewer errors than `band12` in real windows: none." in page
    assert "| draft | 30.00 |" in page


def test_real_windows_are_those_of_molecules_with_enough_passes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    passes = [(2, 2), (LEAST_PASSES, LEAST_PASSES), (6, 6)]
    examples = []
    for few in passes:
        (molecule,) = simulate_zmws(load_profile("sequel"), 1, rng, length=(400, 500), passes=few)
        zmw = align_zmw(molecule.zmw)
        examples.append(Example(zmw, align_truth(zmw.draft, TrueSequence(zmw.name, molecule.truth))))
    write_examples(tmp_path / "some.examples", examples)
    enough = [example for example in examples if len(example.zmw.passes) >= LEAST_PASSES]
    found = real_windows([tmp_path / "some.examples"])
    assert len(found) == len(enough) < 3
    assert all(windows.keys() == simulated(20, 1).keys() for windows in found)
    assert all(windows[name].dtype == values.dtype for windows in found for name, values in simulated(20, 1).items())
    write_examples(tmp_path / "few.examples", examples[:1])
    with pytest.raises(InputError, match="no molecule has 5 passes"):
        real_windows([tmp_path / "few.examples"])
