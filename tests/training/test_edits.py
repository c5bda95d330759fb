"""Training edit networks: from a YAML file to a model that polishes, on drafts of molecules that no list names."""

import csv
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from edit_toys import random_model, scores_of
from safetensors.torch import load_file
from torch import nn

from deepconsensus_py.edits.classes import NONE
from deepconsensus_py.edits.inference import CONFIDENT
from deepconsensus_py.edits.tokens import COVERED, KINETICS, REVERSE
from deepconsensus_py.errors import InputError
from deepconsensus_py.examples.example import Example
from deepconsensus_py.examples.file import ExampleFile
from deepconsensus_py.models.edit_ensemble import EditEnsemble
from deepconsensus_py.models.edit_network import EditNetwork
from deepconsensus_py.models.registry import load_model
from deepconsensus_py.models.weights import read_model, save_model
from deepconsensus_py.polishing.engine import polish
from deepconsensus_py.training.config import TrainConfig, read_record
from deepconsensus_py.training.edit_examples import EditExamples, joined, make_edit_examples, write_edit_examples
from deepconsensus_py.training.edits import LABELS, MEMBER, EditTask, drop, in_bag
from deepconsensus_py.training.loop import train
from deepconsensus_py.training.task import tasks_of

CONFIG = """
task: edits
name: small
average: 0.9
held_out: [HELD_OUT]
model: {layers: 1, d: 16, heads: 2, ff: 32}
data: {evidence: [EVIDENCE], drafts: 4, runs: 32}
stages:
  - {steps: 30, learning_rate: 0.01, warm_up: 5, every: 5, keep: last}
"""


@pytest.fixture(scope="module")
def examples_of_edits(example_file: Path) -> EditExamples:
    return joined(list(make_edit_examples([ExampleFile(example_file)], redrafts=2, seed=1)))


@pytest.fixture(scope="module")
def evidence(examples_of_edits: EditExamples, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("evidence") / "simulated.safetensors"
    write_edit_examples(path, [examples_of_edits])
    return path


@pytest.fixture(scope="module")
def held_out(examples_of_edits: EditExamples) -> int:
    """The molecule whose own draft has most homopolymers."""
    sizes = np.diff(examples_of_edits.start) * examples_of_edits.given
    return int(examples_of_edits.hole[sizes.argmax()])


@pytest.fixture
def config(evidence: Path, held_out: int, tmp_path: Path) -> TrainConfig:
    path = tmp_path / "runs.yaml"
    path.write_text(CONFIG.replace("EVIDENCE", str(evidence)).replace("HELD_OUT", str(held_out)))
    return read_record(TrainConfig, path)


def changed(config: TrainConfig, **changes: Any) -> TrainConfig:
    """Another configuration; ``data`` and ``model`` change by their keys."""
    for key in {"data", "model"} & changes.keys():
        changes[key] = {**getattr(config, key), **changes[key]}
    return dataclasses.replace(config, **changes)


def task_of(config: TrainConfig) -> EditTask:
    (task,) = tasks_of(config)
    assert isinstance(task, EditTask)
    return task


def rows_of(batch: Any) -> set[bytes]:
    return {row.numpy().tobytes() for row in batch["run"]}


def of_drafts(examples: EditExamples, wanted: np.ndarray) -> set[bytes]:
    """The tokens of the homopolymers of some drafts."""
    chosen = np.flatnonzero(np.repeat(wanted, np.diff(examples.start)))
    return {row.tobytes() for row in examples.run[chosen]}


# Training


def test_an_edit_network_learns_from_passes(
    config: TrainConfig, examples_of_edits: EditExamples, tmp_path: Path
) -> None:
    """A rule that pooled evidence does not contain: homopolymers covered by reverse passes need another base."""
    passes = examples_of_edits.tokens(np.arange(len(examples_of_edits)))["passes"]
    ruled = dataclasses.replace(examples_of_edits, label=np.where(passes[:, :, REVERSE].any(axis=1), 3, 1).astype("u1"))
    write_edit_examples(tmp_path / "ruled.safetensors", [ruled])
    config = changed(config, data={"evidence": [str(tmp_path / "ruled.safetensors")]})
    tasks = tasks_of(config)
    before = loss_of(tasks[0].network, ruled)
    model = read_model(train(tasks, config, tmp_path / "out"))
    assert loss_of(model.network, ruled) < 0.3 * before
    log = list(csv.DictReader((tmp_path / "out" / "log.csv").read_text().splitlines()))
    assert float(log[-1]["held_out_loss"]) < 0.5 * float(log[0]["held_out_loss"])


def test_what_is_trained_polishes(config: TrainConfig, examples: list[Example], tmp_path: Path) -> None:
    path = train(tasks_of(config), config, tmp_path / "out")
    assert '"task": "edits"' in read_model(path).card
    corrector = load_model(path)
    assert corrector.method.name == "small"
    (read,) = polish([examples[0].zmw], model=corrector)
    assert read.bases is not None


def loss_of(network: nn.Module, examples: EditExamples) -> float:
    """Mean cross-entropy of all homopolymers."""
    assert isinstance(network, EditNetwork)
    scores = scores_of(network, examples.tokens(np.arange(len(examples))))
    return float(nn.functional.cross_entropy(scores, torch.from_numpy(examples.label).long()))


@pytest.mark.parametrize("members", [[], [{}, {"bag": 0.7}]])
def test_a_resumed_training_gives_the_same_weights(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, members: list[dict[str, Any]]
) -> None:
    short = changed(config, stages=(dataclasses.replace(config.stages[0], steps=12),))
    short = changed(short, model={"dropout": 0.1, "members": members}, data={"drop_passes": 0.1, "drop_kinetics": 0.5})
    whole = load_file(train(tasks_of(short), short, tmp_path / "whole"))
    left, batch = [7], EditTask.batch

    def interrupted(task: EditTask, rng: np.random.Generator) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return batch(task, rng)

    monkeypatch.setattr(EditTask, "batch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(tasks_of(short), short, tmp_path / "parts")
    monkeypatch.setattr(EditTask, "batch", batch)
    parts = load_file(train(tasks_of(short), short, tmp_path / "parts", resume=True))
    assert whole.keys() == parts.keys()
    assert all(torch.equal(tensor, parts[name]) for name, tensor in whole.items())


def test_training_starts_as_the_hidden_markov_model(config: TrainConfig) -> None:
    task = task_of(config)
    (batch, *_) = task.held_out()
    zeros = {**batch, "passes": torch.zeros_like(batch["passes"])}
    with torch.inference_mode():
        assert torch.equal(task.network(batch), task.network(zeros))


def test_the_seed_draws_the_weights(config: TrainConfig) -> None:
    weights = [task_of(changed(config, seed=seed)).network.state_dict()["embed_run.weight"] for seed in (0, 0, 1)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_stages_share_the_network(config: TrainConfig) -> None:
    stages = (config.stages[0], dataclasses.replace(config.stages[0], name="second", data={"drafts": 1, "runs": 3}))
    first, second = tasks_of(changed(config, stages=stages))
    assert first.network is second.network
    assert len(second.batch(np.random.default_rng(0))[LABELS]) <= 3


def test_a_model_is_trained_on(config: TrainConfig, tmp_path: Path) -> None:
    model = random_model()
    save_model(tmp_path / "first.safetensors", model)
    task = task_of(dataclasses.replace(config, init=str(tmp_path / "first.safetensors"), model={}))
    assert isinstance(model.network, EditNetwork)
    (batch, *_) = task.held_out()
    tokens = {name: values.numpy() for name, values in batch.items() if name != LABELS}
    assert torch.equal(scores_of(task.network, tokens), scores_of(model.network, tokens))


# Ensembles


def test_members_are_trained_and_averaged(config: TrainConfig, tmp_path: Path) -> None:
    members = [{}, {"without": ["neighbours"]}, {"bag": 0.7}]
    config = changed(config, model={"members": members})
    network = read_model(train(tasks_of(config), config, tmp_path / "out")).network
    assert isinstance(network, EditEnsemble)
    assert [member.config.without for member in network.members] == [(), ("neighbours",), ()]
    (batch, *_) = task_of(config).held_out()
    scores = torch.stack([member(batch).softmax(-1) for member in network.members])
    wanted = torch.where(scores[0, :, NONE, None] >= CONFIDENT, scores[0], scores.mean(0))
    assert torch.allclose(network(batch).exp(), wanted, atol=1e-5)
    assert not any(torch.allclose(scores[0], other, atol=1e-3) for other in scores[1:])


def test_an_ensemble_of_one_is_trained_as_a_network(config: TrainConfig, tmp_path: Path) -> None:
    whole = load_file(train(tasks_of(config), config, tmp_path / "one"))
    config = changed(config, model={"members": [{}]})
    member = load_file(train(tasks_of(config), config, tmp_path / "ensemble"))
    assert all(torch.allclose(member[f"networks.0.{name}"], tensor, atol=1e-5) for name, tensor in whole.items())


def test_members_have_their_own_weights_and_batches(config: TrainConfig) -> None:
    task = task_of(changed(config, model={"members": [{}, {}]}))
    batch = task.batch(np.random.default_rng(0))
    first, second = ({name: values[batch[MEMBER] == number] for name, values in batch.items()} for number in (0, 1))
    assert rows_of(first) != rows_of(second)
    alone = [task_of(changed(config, seed=seed)).network for seed in (0, 1)]
    for member, single in zip(task.network.members, alone, strict=True):
        assert torch.equal(member.embed_run.weight, single.embed_run.weight)
    loss, count = task.loss(task.network, batch)
    parts = [
        task.loss(single, {k: v for k, v in p.items() if k != MEMBER})
        for single, p in zip(alone, (first, second), strict=True)
    ]
    assert count == sum(items for _, items in parts)
    assert loss.item() == pytest.approx(sum(part.item() for part, _ in parts), rel=1e-5)


def test_bags_are_of_molecules_and_follow_from_the_seed(config: TrainConfig, examples_of_edits: EditExamples) -> None:
    holes = np.arange(-1, 2000)
    bag = in_bag(holes, 0.7, 5)
    assert 0.65 < bag.mean() < 0.75
    assert (in_bag(holes[::-1], 0.7, 5) == bag[::-1]).all()
    assert (in_bag(holes[7:9], 0.7, 5) == bag[7:9]).all()
    assert (in_bag(holes, 0.7, 6) != bag).any()
    assert in_bag(holes, 1, 5).all()
    task = task_of(changed(config, model={"members": [{"bag": 0.5}, {}]}, data={"drafts": 60, "runs": 10}))
    batch = task.batch(np.random.default_rng(0))
    bagged = np.isin(examples_of_edits.hole, examples_of_edits.hole[in_bag(examples_of_edits.hole, 0.5, config.seed)])
    assert not bagged.all()
    own = {name: values[batch[MEMBER] == 0] for name, values in batch.items()}
    assert rows_of(own) <= of_drafts(examples_of_edits, bagged)
    assert not rows_of(batch) <= of_drafts(examples_of_edits, bagged)


def test_an_ensemble_is_trained_on(config: TrainConfig, tmp_path: Path) -> None:
    ensemble = changed(config, model={"members": [{}, {}]})
    path = train(tasks_of(ensemble), ensemble, tmp_path / "out")
    task = task_of(dataclasses.replace(config, init=str(path), model={}))
    assert isinstance(task.network, EditEnsemble)
    assert set(task.batch(np.random.default_rng(0))[MEMBER].tolist()) == {0, 1}


# What is drawn


def test_a_batch_depends_on_its_generator_alone(config: TrainConfig) -> None:
    task, other = task_of(config), task_of(config)
    other.batch(np.random.default_rng(5))
    one, same = (t.batch(np.random.default_rng(3)) for t in (task, other))
    assert all(torch.equal(values, same[name]) for name, values in one.items())
    assert len(one[LABELS]) <= 4 * 32
    assert not torch.equal(one["run"], task.batch(np.random.default_rng(4))["run"])


def test_held_out_loss_is_of_the_molecules_own_drafts_and_of_redrafts(
    config: TrainConfig, examples_of_edits: EditExamples, held_out: int
) -> None:
    task = task_of(config)
    for given in (True, False):
        wanted = (examples_of_edits.given == given) & (examples_of_edits.hole == held_out)
        batches = list(task.held_out_of(given=given))
        assert set().union(*map(rows_of, batches)) == of_drafts(examples_of_edits, wanted)
        assert sum(len(batch[LABELS]) for batch in batches) == np.diff(examples_of_edits.start)[wanted].sum() > 0
    every = list(task.held_out())
    for one, again in zip(every, [*task.held_out_of(given=True), *task.held_out_of(given=False)], strict=True):
        assert all(torch.equal(one[name], again[name]) for name in one)


def test_passes_and_kinetics_are_dropped_at_their_rates(config: TrainConfig, examples_of_edits: EditExamples) -> None:
    tokens = examples_of_edits.tokens(np.arange(len(examples_of_edits)))["passes"]
    tokens[..., KINETICS] = tokens[..., COVERED, None]
    same, thinned = tokens.copy(), tokens.copy()
    drop(same, np.random.default_rng(0), passes=0, kinetics=0)
    assert (same == tokens).all()
    drop(thinned, np.random.default_rng(0), passes=0.25, kinetics=0.5)
    covered, left = tokens[..., COVERED] > 0, thinned[..., COVERED] > 0
    assert 0.7 < left[covered].mean() < 0.8
    assert not thinned[~left].any()
    without = ~thinned[left][:, KINETICS].any(axis=1)
    assert 0.4 < without.mean() < 0.6
    rest = np.delete(np.arange(tokens.shape[2]), KINETICS)
    assert (thinned[..., rest][left] == tokens[..., rest][left]).all()
    items = [thinned[item, left[item]][:, KINETICS].any(axis=1) for item in range(len(thinned))]
    assert all(len(set(shown.tolist())) <= 1 for shown in items)


def test_only_batches_to_train_on_are_thinned(config: TrainConfig) -> None:
    whole, thin = task_of(config), task_of(changed(config, data={"drop_passes": 0.9}))
    counts = [task.batch(np.random.default_rng(0))["passes"][:, :, COVERED].sum() for task in (whole, thin)]
    assert counts[1] < 0.5 * counts[0]
    for one, other in zip(whole.held_out(), thin.held_out(), strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_held_out_and_excluded_molecules_are_not_trained_on(
    config: TrainConfig, examples_of_edits: EditExamples, held_out: int
) -> None:
    left_out = int(examples_of_edits.hole[examples_of_edits.hole != held_out][0])
    task = task_of(changed(config, left_out=(left_out,), data={"drafts": 60, "runs": 10}))
    unused = np.isin(examples_of_edits.hole, [held_out, left_out])
    drawn = rows_of(task.batch(np.random.default_rng(0)))
    assert not drawn & (of_drafts(examples_of_edits, unused) - of_drafts(examples_of_edits, ~unused))
    assert drawn <= of_drafts(examples_of_edits, ~unused)


@pytest.mark.parametrize(("given", "lowest", "highest"), [(0, 0, 0), (1000, 0.95, 1)])
def test_how_often_given_drafts_are_drawn(
    config: TrainConfig, examples_of_edits: EditExamples, given: float, lowest: float, highest: float
) -> None:
    task = task_of(changed(config, data={"given": given, "drafts": 50, "runs": 1}))
    own = of_drafts(examples_of_edits, examples_of_edits.given)
    batch = task.batch(np.random.default_rng(0))
    assert lowest <= np.mean([row.numpy().tobytes() in own for row in batch["run"]]) <= highest


def test_a_file_of_no_weight_is_not_drawn(
    config: TrainConfig, examples_of_edits: EditExamples, evidence: Path, tmp_path: Path
) -> None:
    marked = dataclasses.replace(examples_of_edits, run=np.full_like(examples_of_edits.run, 4321))
    write_edit_examples(tmp_path / "marked.safetensors", [marked])
    files = [str(evidence), str(tmp_path / "marked.safetensors")]
    for weights, seen in (((1, 0), {False}), ((0, 1), {True}), ((), {False, True})):
        task = task_of(changed(config, data={"evidence": files, "weights": weights, "drafts": 20, "runs": 4}))
        batch = task.batch(np.random.default_rng(0))
        assert {bool((row == 4321).all()) for row in batch["run"]} == seen


def test_the_loss_is_summed_cross_entropy(config: TrainConfig) -> None:
    task = task_of(config)
    batch = task.batch(np.random.default_rng(0))
    assert batch["passes"][:, :, COVERED].any(dim=1).all()
    loss, count = task.loss(task.network, batch)
    right = task.network(batch).log_softmax(-1).gather(1, batch[LABELS].long()[:, None])
    assert count == len(batch[LABELS])
    assert loss.item() == pytest.approx(-right.sum().item(), rel=1e-5)


# Refusals


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"evidence": []}, "data.evidence names no file; create one with 'deepconsensus-py prepare-training'"),
        ({"weights": [1, 2]}, "a number for every file"),
        ({"drafts": 0}, "1 or more"),
        ({"runs": 0}, "1 or more"),
        ({"drop_passes": 1}, "drop_passes must be"),
        ({"drop_kinetics": -0.1}, "drop_kinetics from 0 to 1"),
        ({"batch": 4}, "batch"),
        ({"evidence": ["absent.safetensors"]}, "absent.safetensors: no such file"),
    ],
)
def test_data_that_cannot_be_used_is_refused(config: TrainConfig, data: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        tasks_of(changed(config, data=data))


@pytest.mark.parametrize(
    "model",
    [
        *({"heads": 3}, {"layers": 0}, {"depth": 3}),
        *({"members": [{"without": ["snr"]}]}, {"members": [{"bag": 0}]}, {"members": 3}, {"members": [{"bag": 1e-9}]}),
    ],
)
def test_a_network_that_cannot_be_is_refused(config: TrainConfig, model: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="model"):
        tasks_of(changed(config, model=model))


@pytest.mark.parametrize("key", ["held_out", "left_out"])
def test_molecules_that_are_not_there_are_refused(config: TrainConfig, key: str, evidence: Path) -> None:
    with pytest.raises(InputError, match="77") as caught:
        tasks_of(changed(config, **{key: (77,)}))
    assert str(evidence) in str(caught.value)


def test_excluding_all_molecules_is_refused(config: TrainConfig, examples_of_edits: EditExamples) -> None:
    every = tuple(set(examples_of_edits.hole.tolist()))
    with pytest.raises(InputError, match="all molecules are held out or excluded"):
        tasks_of(dataclasses.replace(config, held_out=every))


def test_a_model_to_start_from_that_does_not_fit_is_refused(
    config: TrainConfig, tiny_model: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="not an edit network"):
        tasks_of(dataclasses.replace(config, init=str(tiny_model), model={}))
    with pytest.raises(InputError, match="remove model"):
        tasks_of(dataclasses.replace(config, init=str(tiny_model)))
