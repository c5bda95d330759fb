import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from deepconsensus_py.errors import InputError, ModelError
from deepconsensus_py.examples.example import Example
from deepconsensus_py.models.registry import load_model
from deepconsensus_py.models.weights import read_model
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.pileup.method import encode_columns
from deepconsensus_py.training.columns import ColumnModel
from deepconsensus_py.training.config import Stage, TrainConfig
from deepconsensus_py.training.loop import train
from deepconsensus_py.training.task import tasks_of

SMALL: dict[str, Any] = {
    "layers": 1,
    "d": 16,
    "ff": 32,
    "embeddings": {"bases": 4, "pulse_widths": 1, "inter_pulse_durations": 1, "strands": 1, "snr": 1},
    "max_passes": 6,
    "required": ["pulse_widths"],
}
HELD_OUT = 4194370


def config_of(example_file: Path, **changes: Any) -> TrainConfig:
    config = TrainConfig(
        task="columns",
        name="small",
        average=0.9,
        held_out=(HELD_OUT,),
        model=SMALL,
        data={"examples": [str(example_file)], "batch": 16, "augmentation": {"reverse": 0.5, "crop": 900}},
        stages=(Stage(steps=25, learning_rate=0.01, warm_up=5, every=5),),
    )
    return dataclasses.replace(config, **changes)


def test_a_column_network_learns_to_call_the_draft(example_file: Path, examples: list[Example], tmp_path: Path) -> None:
    config = config_of(example_file)
    path = train(tasks_of(config), config, tmp_path)
    losses = [float(line.split(",")[4]) for line in (tmp_path / "log.csv").read_text().splitlines()[1:]]
    assert losses[-1] < 0.7 * losses[0]

    corrector = load_model(path)
    assert corrector.method.name == "small"
    assert corrector.method.spec["max_passes"] == 6
    assert corrector.method.spec["required"] == ["pulse_widths"]
    features = encode_columns(examples[1].zmw, FeatureSpec.from_dict(corrector.method.spec))
    assert corrector.network.forward(features.inputs).shape == (features.items, 100, 5)
    card = read_model(path).card
    assert "train 25: loss" in card
    assert '"learning_rate": 0.01' in card


def test_held_out_molecules_are_those_named(example_file: Path, examples: list[Example]) -> None:
    config = config_of(example_file, left_out=(4194369,))
    (task,) = tasks_of(config)
    (wanted,) = (example for example in examples if f"/{HELD_OUT}/" in example.name)
    features = encode_columns(wanted.zmw, ColumnModel(**{**SMALL, "required": ("pulse_widths",)}).spec())
    held_out = torch.cat([batch["bases"] for batch in task.held_out()])
    assert np.array_equal(held_out.numpy(), features.inputs["bases"])
    assert all(torch.equal(a["bases"], b["bases"]) for a, b in zip(task.held_out(), task.held_out(), strict=True))


def test_held_out_and_excluded_molecules_are_not_trained_on(example_file: Path, examples: list[Example]) -> None:
    unused = (HELD_OUT, 4194369, 4194371, 4194372, 4194373)
    config = config_of(example_file, left_out=unused[1:], data={"examples": [str(example_file)], "batch": 40})
    (task,) = tasks_of(config)
    (used,) = (example for example in examples if not any(f"/{hole}/" in example.name for hole in unused))
    features = encode_columns(used.zmw, FeatureSpec.from_dict({**FeatureSpec().to_dict(), "max_passes": 6}))
    known = {window.tobytes() for window in features.inputs["bases"]}
    drawn = [window.numpy().tobytes() for window in task.batch(np.random.default_rng(0))["bases"]]
    assert set(drawn) <= known


def test_a_batch_follows_from_its_generator(example_file: Path) -> None:
    (task,) = tasks_of(config_of(example_file))
    first, _, again = (task.batch(np.random.default_rng(seed)) for seed in (3, 4, 3))
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_the_same_seed_draws_the_same_weights(example_file: Path) -> None:
    first, again, other = (tasks_of(config_of(example_file, seed=seed))[0].network.state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["output.weight"], other["output.weight"])


def test_training_starts_from_a_model(example_file: Path, tiny_model: Path, tmp_path: Path) -> None:
    config = config_of(
        example_file,
        init=str(tiny_model),
        model={},
        average=0.0,
        stages=(Stage(steps=1, learning_rate=1e-12),),
    )
    path = train(tasks_of(config), config, tmp_path)
    trained, before = read_model(path), read_model(tiny_model)
    assert trained.spec == before.spec
    for name, tensor in trained.network.state_dict().items():
        torch.testing.assert_close(tensor, before.network.state_dict()[name])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "rows"}, "unknown task 'rows'; known are columns"),
        ({"model": {"layer": 3}}, "model.layer is unknown"),
        ({"model": {"attention": "wide"}}, "model: unknown attention preset 'wide'"),
        ({"model": {"embeddings": {"colour": 3}}}, "model.embeddings: unknown colour"),
        ({"model": {"embeddings": {7: 3, "colour": 3}}}, "model.embeddings: unknown 7, colour"),
        ({"model": {"embeddings": {"bases": "four"}}}, "model.embeddings: bases is 'four', but must be"),
        ({"model": {"embeddings": {"bases": 0}}}, "model.embeddings: bases is 0, but must be"),
        ({"data": {}}, r"data of stages\[0\]: give either examples or windows"),
        ({"data": {"examples": ["none.examples"]}}, "none.examples"),
        ({"held_out": (5,)}, "molecule 5 is to be held out or excluded, but is not in"),
        ({"init": "none.safetensors"}, "remove model"),
        ({"init": "none.safetensors", "model": {}}, "unknown model 'none.safetensors'"),
    ],
)
def test_what_does_not_fit_is_named(example_file: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises((InputError, ModelError), match=message):
        tasks_of(config_of(example_file, **changes))


@pytest.mark.real
def test_the_originals_windows_are_trained_on(human_1m: Path) -> None:
    path = human_1m / "tf_examples" / "train" / "train.tfrecord.gz"
    paths = [path] if path.exists() else sorted((human_1m / "tf_examples").rglob("*eval*.tfrecord.gz"))
    model = {**SMALL, "max_passes": 20}
    config = TrainConfig(
        task="columns",
        model=model,
        data={"windows": [str(path) for path in paths], "batch": 8},
        stages=(Stage(steps=1, learning_rate=1e-3),),
    )
    (task,) = tasks_of(config)
    batch = task.batch(np.random.default_rng(0))
    loss, items = task.loss(task.network, batch)
    assert items == 8
    assert loss.item() > 0
    with pytest.raises(InputError, match="molecule 5 is to be"):
        tasks_of(dataclasses.replace(config, left_out=(5,)))
