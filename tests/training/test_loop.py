import csv
import dataclasses
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor
from training_toys import CONFIG, Line

from deepconsensus_py.errors import DeepConsensusError, InputError, OutputError
from deepconsensus_py.training.config import Stage, TrainConfig
from deepconsensus_py.training.loop import train
from deepconsensus_py.training.task import Batch


def trained(folder: Path, config: TrainConfig = CONFIG, *, resume: bool = False, kill_at: int | None = None) -> Path:
    toy = Line(seed=config.seed, kill_at=kill_at)
    return train([toy] * len(config.stages), config, folder, resume=resume)


def weights(path: Path) -> dict[str, Tensor]:
    return load_file(path)


def log(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "log.csv").read_text().splitlines()))


def same(a: Path, b: Path) -> bool:
    first, second = weights(a), weights(b)
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def one_stage(**changes: object) -> TrainConfig:
    stage = dataclasses.replace(Stage(steps=10, learning_rate=0.02, every=2), **changes)
    return dataclasses.replace(CONFIG, stages=(stage,))


def test_the_loss_falls(tmp_path: Path) -> None:
    trained(tmp_path, one_stage(steps=200, every=20, learning_rate=0.05))
    rows = log(tmp_path)
    assert [int(row["step"]) for row in rows] == [*range(20, 201, 20)]
    assert float(rows[-1]["held_out_loss"]) < 0.6 * float(rows[0]["held_out_loss"])


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    assert same(trained(tmp_path / "a"), trained(tmp_path / "b"))
    other = trained(tmp_path / "c", dataclasses.replace(CONFIG, seed=1))
    assert not same(tmp_path / "a" / "line.safetensors", other)


@pytest.mark.parametrize("kill_at", range(1, 16))
def test_an_interrupted_training_ends_with_the_same_weights(tmp_path: Path, kill_at: int) -> None:
    whole = trained(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "parts", kill_at=kill_at)
    assert same(whole, trained(tmp_path / "parts", resume=True))
    logs = [log(tmp_path / part) for part in ("whole", "parts")]
    columns = ("stage", "step", "loss", "held_out_loss", "learning_rate")
    first, second = ([[row[c] for c in columns] for row in log] for log in logs)
    assert first == second


def test_a_finished_training_is_resumed_without_a_step(tmp_path: Path) -> None:
    first = trained(tmp_path)
    before = weights(first)
    first.unlink()
    trained(tmp_path, resume=True, kill_at=0)
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights(first).items())


def test_another_configuration_is_refused(tmp_path: Path) -> None:
    trained(tmp_path, one_stage())
    with pytest.raises(InputError, match=r"had stages\[0\]\.learning_rate 0\.02, the configuration has 0\.03; "):
        trained(tmp_path, one_stage(learning_rate=0.03), resume=True)
    with pytest.raises(OutputError, match="contains a training"):
        trained(tmp_path, one_stage())


def test_a_card_may_be_written_after_the_training(tmp_path: Path) -> None:
    before = weights(trained(tmp_path, one_stage()))
    path = trained(tmp_path, dataclasses.replace(one_stage(), card="Measured: much."), resume=True)
    with safe_open(path, framework="np") as file:
        assert "Measured: much." in file.metadata()["card"]
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights(path).items())


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    trained(tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InputError, match="damaged"):
        trained(tmp_path, resume=True)


def test_patience_ends_a_stage_and_the_best_weights_are_kept(tmp_path: Path) -> None:
    # A rate so high that the loss soon rises.
    config = one_stage(steps=400, learning_rate=3.0, schedule="constant", patience=2, every=1)
    path = trained(tmp_path, config)
    rows = log(tmp_path)
    losses = [float(row["held_out_loss"]) for row in rows]
    assert len(losses) < 400
    assert losses.index(min(losses)) == len(losses) - 3
    toy = Line()
    toy.network.load_state_dict(weights(path))
    sums = [toy.loss(toy.network.eval(), batch) for batch in toy.held_out()]
    mean = sum(loss.item() for loss, _ in sums) / sum(items for _, items in sums)
    assert mean == pytest.approx(min(losses), rel=1e-5)


class Parted(Line):
    """The items of one batch, over and over, in batches of given sizes, without dropout."""

    def __init__(self, whole: Batch, *sizes: int) -> None:
        super().__init__()
        self.network[1].p = 0.0  # type: ignore[index,union-attr,assignment]
        parts = zip(*(tensor.split(list(sizes)) for tensor in whole.values()), strict=True)
        self._parts = cycle([dict(zip(whole, part, strict=True)) for part in parts])

    def batch(self, rng: np.random.Generator) -> Batch:
        return next(self._parts)


def require_close(a: Path, b: Path) -> None:
    first, second = weights(a), weights(b)
    for name, tensor in first.items():
        torch.testing.assert_close(tensor, second[name], rtol=1e-4, atol=1e-6)


def test_batches_of_a_step_are_one_larger_batch(tmp_path: Path) -> None:
    whole = Line().batch(np.random.default_rng(5))
    one = train([Parted(whole, 8)], one_stage(), tmp_path / "one")
    require_close(one, train([Parted(whole, 5, 2, 1)], one_stage(batches=3), tmp_path / "three"))


def test_gradients_are_of_the_mean_over_all_items(tmp_path: Path) -> None:
    batch = Line().batch(np.random.default_rng(5))
    whole = {name: tensor[:1].expand(8, *tensor.shape[1:]) for name, tensor in batch.items()}
    config = dataclasses.replace(one_stage(), clip=0.0)  # else all gradients have the same length
    steady = train([Parted(whole, 8)], config, tmp_path / "steady")
    require_close(steady, train([Parted(whole, 7, 1)], config, tmp_path / "turns"))


def test_the_best_weights_outlive_an_interruption(tmp_path: Path) -> None:
    config = one_stage(steps=8, learning_rate=3.0, schedule="constant", every=1)
    whole = trained(tmp_path / "whole", config)
    losses = [float(row["held_out_loss"]) for row in log(tmp_path / "whole")]
    assert losses.index(min(losses)) < 6
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "parts", config, kill_at=7)
    assert same(whole, trained(tmp_path / "parts", config, resume=True))


def test_without_held_out_examples_the_last_weights_are_kept(tmp_path: Path) -> None:
    config = dataclasses.replace(one_stage(), average=0.0)
    path = train([Line(held_out=False)], config, tmp_path / "best")
    last = dataclasses.replace(config, stages=(dataclasses.replace(config.stages[0], keep="last"),))
    assert same(path, train([Line()], last, tmp_path / "last"))
    assert "," + "," in (tmp_path / "best" / "log.csv").read_text()


def test_a_loss_that_is_not_finite_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DeepConsensusError, match="lower its learning_rate"):
        trained(tmp_path, one_stage(learning_rate=1e30, steps=50))


def test_bf16_is_close_to_float32(tmp_path: Path) -> None:
    a = weights(trained(tmp_path / "a", one_stage()))
    b = weights(trained(tmp_path / "b", dataclasses.replace(one_stage(), precision="bf16")))
    assert any(not torch.equal(a[name], b[name]) for name in a)
    for name in a:
        torch.testing.assert_close(a[name], b[name], atol=0.1, rtol=0.0)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_processes_that_draw_batches_make_no_difference(tmp_path: Path) -> None:
    config = one_stage(batches=2)
    path = train([Line()], config, tmp_path / "ahead", loaders=2)
    assert same(path, train([Line()], config, tmp_path / "here"))
