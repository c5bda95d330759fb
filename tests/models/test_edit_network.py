"""The edit network: the hidden Markov model before it has learnt anything, and a function of a set ever after."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from edit_toys import random_evidence, random_model, random_network, scores_of
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import nn

from deepconsensus_py.attention.cost import flop_counter
from deepconsensus_py.edits.classes import EDIT_CLASSES, EDITED
from deepconsensus_py.edits.method import SPEC
from deepconsensus_py.edits.tokens import (
    COVERED,
    HOMOPOLYMER_FIELDS,
    IMPOSSIBLE,
    PASS_FIELDS,
    SCORE_STEP,
    homopolymer_tokens,
)
from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.edit_network import EditConfig, EditNetwork
from deepconsensus_py.models.weights import read_model, save_model

Arrays = Mapping[str, NDArray[np.integer]]
CLOSE = 1e-4
SEEDS = st.integers(0, 2**32)


def tokens_of(seed: int = 0, *, passes: int = 6, chosen: int = 20) -> dict[str, NDArray[np.signedinteger]]:
    return homopolymer_tokens(random_evidence(seed, passes=passes), np.arange(chosen))


def close(one: torch.Tensor, other: torch.Tensor) -> bool:
    return torch.allclose(one, other, rtol=CLOSE, atol=CLOSE)


def test_an_untrained_network_is_the_hidden_markov_model() -> None:
    evidence = random_evidence(3)
    network = EditNetwork(EditConfig.of(layers=1, d=8, heads=2, ff=8)).eval()
    with torch.no_grad():
        network.slope.copy_(torch.linspace(0.5, 1.2, EDITED))
        network.offset.copy_(torch.linspace(-2, 1, EDITED))
    scores = scores_of(network, homopolymer_tokens(evidence, np.arange(60)))
    nats = torch.from_numpy(evidence.pooled * np.float32(SCORE_STEP)).clamp(IMPOSSIBLE, 40)
    assert not scores[:, 0].any()
    assert close(scores[:, 1:], nats * network.slope.detach() + network.offset.detach())
    assert (scores.softmax(-1)[:, 1:][nats == IMPOSSIBLE] < 1e-9).all()


@given(SEEDS, st.permutations(range(6)), st.integers(0, 3), st.integers(0, 6))
def test_passes_are_a_set(seed: int, order: list[int], padding: int, place: int) -> None:
    network, tokens = random_network(), tokens_of(seed)
    mixed = np.insert(tokens["passes"][:, order], [place] * padding, 0, axis=1)
    assert close(scores_of(network, {**tokens, "passes": mixed}), scores_of(network, tokens))


def test_a_pass_counts_only_where_it_spans_the_homopolymer() -> None:
    network, tokens = random_network(), tokens_of(1)
    before = scores_of(network, tokens)
    covered = tokens["passes"][:, :, COVERED] > 0
    for which, differs in ((~covered, False), (covered, True)):
        changed = tokens["passes"].copy()
        changed[..., :COVERED][which] = 50
        after = scores_of(network, {**tokens, "passes": changed})
        assert close(after[which.any(axis=1)], before[which.any(axis=1)]) != differs


def test_every_field_counts() -> None:
    network, tokens = random_network(), tokens_of(2, passes=12)
    before = scores_of(network, tokens)
    # Steps far enough apart that the one-hot letters differ, too.
    for name, fields in (("passes", PASS_FIELDS), ("run", HOMOPOLYMER_FIELDS)):
        for field in range(fields):
            changed = tokens[name].copy()
            changed[..., field] = np.where(changed[..., field] == 1, 2 if name == "run" else 0, 1)
            assert not torch.equal(scores_of(network, {**tokens, name: changed}), before), (name, field)


@given(SEEDS, st.lists(st.integers(0, 19), min_size=1))
def test_a_homopolymer_is_scored_independently_of_its_batch(seed: int, chosen: list[int]) -> None:
    network, tokens = random_network(), tokens_of(seed)
    some = {name: values[chosen] for name, values in tokens.items()}
    assert close(scores_of(network, some), scores_of(network, tokens)[chosen])


@pytest.mark.parametrize("passes", [0, 1, 32])
def test_any_number_of_passes_has_scores(passes: int) -> None:
    scores = scores_of(random_network(), tokens_of(passes=passes))
    assert scores.shape == (20, len(EDIT_CLASSES))
    assert scores.dtype == torch.float32
    assert scores.isfinite().all()


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_strongest_evidence_has_scores(sign: int) -> None:
    evidence = random_evidence(passes=100)
    evidence.covered[:], evidence.ratios[:], evidence.pooled[:], evidence.tandem_repeats[:] = (
        True,
        127 * sign,
        32767 * sign,
        32767,
    )
    evidence.length[:], evidence.rates[:] = 10**6, 0
    assert scores_of(random_network(), homopolymer_tokens(evidence, np.arange(60))).isfinite().all()


def test_all_weights_can_learn() -> None:
    network = random_network().train()
    tensors = {name: torch.from_numpy(values) for name, values in tokens_of().items()}
    nn.functional.cross_entropy(network(tensors), torch.zeros(20, dtype=torch.long)).backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in network.parameters())


@pytest.mark.parametrize("passes", [1, 10])
@pytest.mark.parametrize("sizes", [{}, {"layers": 3, "d": 32, "heads": 4, "ff": 48}])
def test_its_cost_is_what_it_computes(passes: int, sizes: dict[str, int]) -> None:
    network = random_network(**sizes)
    with flop_counter() as counter:
        scores_of(network, tokens_of(passes=passes, chosen=1))
    assert counter.get_total_flops() == network.config.flops(passes)
    assert network.parameter_count() == sum(weight.numel() for weight in network.state_dict().values())


def test_a_configuration_is_plain_values() -> None:
    config = EditConfig.of(layers=3, d=32, heads=4, ff=48, dropout=0.1)
    assert EditConfig.from_dict(config.to_dict()) == config
    for wrong in ({"depth": 2}, {"trunk": {}}, {"trunk": {**config.to_dict()["trunk"], "heads": 5}}):
        with pytest.raises(ModelError, match="edit network"):
            EditConfig.from_dict({**config.to_dict(), **wrong})


def test_a_file_brings_everything_back(tmp_path: Path) -> None:
    model = random_model()
    save_model(tmp_path / "random.safetensors", model)
    loaded = read_model(tmp_path / "random.safetensors")
    assert (loaded.name, loaded.calibration, loaded.card) == ("random", "skip", "# Card")
    assert isinstance(loaded.network, EditNetwork)
    assert loaded.network.config == model.network.config
    assert not loaded.network.training
    assert torch.equal(scores_of(loaded.network, tokens_of()), scores_of(model.network, tokens_of()))
    save_model(tmp_path / "again.safetensors", loaded)
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "random.safetensors").read_bytes()


def test_a_model_of_another_encoding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="train it again"):
        save_model(tmp_path / "x.safetensors", replace(random_model(), spec={**SPEC, "version": 99}))
    assert not list(tmp_path.iterdir())
