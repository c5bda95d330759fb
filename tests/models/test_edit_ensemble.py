"""An ensemble of edit networks: the mean of their probabilities where the first is not confident, in one file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from edit_toys import random_evidence, random_model, random_network, scores_of

from deepconsensus_py.edits.classes import EDITED, NONE
from deepconsensus_py.edits.inference import CONFIDENT
from deepconsensus_py.edits.tokens import COVERED, homopolymer_tokens
from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.device import DeviceNetwork
from deepconsensus_py.models.edit_ensemble import EditEnsemble, EnsembleConfig
from deepconsensus_py.models.edit_network import EditConfig, EditNetwork
from deepconsensus_py.models.registry import load_model
from deepconsensus_py.models.weights import read_model, save_model
from deepconsensus_py.options import BF16, FP32

CLOSE = 1e-6


def random_ensemble(members: int, **sizes: int) -> EditEnsemble:
    """An ensemble of the networks of ``random_network``, by their seeds."""
    networks = [random_network(seed, **sizes) for seed in range(members)]
    ensemble = EditEnsemble(EnsembleConfig(tuple(network.config for network in networks))).eval()
    for own, network in zip(ensemble.members, networks, strict=True):
        own.load_state_dict(network.state_dict())
    return ensemble


TOKENS = homopolymer_tokens(random_evidence(), np.arange(40))


def test_an_ensemble_of_one_is_the_network() -> None:
    scores = scores_of(random_ensemble(1), TOKENS)
    assert torch.allclose(scores.softmax(-1), scores_of(random_network(), TOKENS).softmax(-1), atol=CLOSE)


@pytest.mark.parametrize("offset", [0.0, -6.0])
def test_probabilities_are_averaged_unless_the_first_network_is_confident_of_no_edit(offset: float) -> None:
    ensemble = random_ensemble(3)
    torch.nn.init.zeros_(ensemble.members[0].slope)
    torch.nn.init.constant_(ensemble.members[0].offset, offset)
    scores = scores_of(ensemble, TOKENS)
    by_member = torch.stack([scores_of(member, TOKENS).softmax(-1) for member in ensemble.members])
    confident = by_member[0, :, NONE] >= CONFIDENT
    assert confident.sum() == 0 if offset == 0 else 0 < confident.sum() < len(confident)
    wanted = torch.where(confident[:, None], by_member[0], by_member.mean(0))
    assert torch.allclose(scores.exp(), wanted, atol=CLOSE)
    assert torch.allclose(scores.softmax(-1), wanted, atol=CLOSE)


def test_an_impossible_edit_has_finite_scores() -> None:
    evidence = replace(random_evidence(), pooled=np.full((60, EDITED), -32767, np.int16))
    assert scores_of(random_ensemble(3), homopolymer_tokens(evidence, np.arange(60))).isfinite().all()


def test_a_file_brings_everything_back(tmp_path: Path) -> None:
    ensemble = random_ensemble(3)
    ensemble.networks[1].config = replace(ensemble.members[1].config, without=("neighbours",))
    ensemble.config = EnsembleConfig(tuple(member.config for member in ensemble.members))
    save_model(tmp_path / "three.safetensors", replace(random_model(), network=ensemble))
    loaded = read_model(tmp_path / "three.safetensors").network
    assert isinstance(loaded, EditEnsemble)
    assert [member.config.without for member in loaded.members] == [(), ("neighbours",), ()]
    assert torch.equal(scores_of(loaded, TOKENS), scores_of(ensemble, TOKENS))


def test_a_file_of_a_single_network_is_read_as_before(tmp_path: Path) -> None:
    save_model(tmp_path / "one.safetensors", random_model())
    network = read_model(tmp_path / "one.safetensors").network
    assert isinstance(network, EditNetwork)
    assert network.config.to_dict().keys() == {"trunk"}
    assert torch.equal(scores_of(network, TOKENS), scores_of(random_network(), TOKENS))


def test_fields_that_a_network_is_without_have_no_effect() -> None:
    network, changed = random_network(), TOKENS["passes"].copy()
    changed[..., EDITED : COVERED - 1] = 50
    other = {**TOKENS, "passes": changed}
    assert not torch.equal(scores_of(network, other), scores_of(network, TOKENS))
    network.config = replace(network.config, without=("neighbours",))
    assert torch.equal(scores_of(network, other), scores_of(network, TOKENS))
    assert (other["passes"] == changed).all()


def test_a_configuration_that_cannot_be_is_refused() -> None:
    config = random_ensemble(2).config
    assert EnsembleConfig.from_dict(config.to_dict()) == config
    member = config.to_dict()["ensemble"][0]
    for wrong in ({"ensemble": []}, {"ensemble": 3}, {"depth": 2}, {"ensemble": [{**member, "without": ["snr"]}]}):
        with pytest.raises(ModelError, match="not the configuration of an"):
            EnsembleConfig.from_dict({**config.to_dict(), **wrong})
    with pytest.raises(ValueError, match="kinetics, not 'snr'"):
        replace(EditConfig.of(), without=("snr",))


@pytest.mark.parametrize("precision", [FP32, BF16])
def test_a_device_runs_every_member(precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepconsensus_py.models.device.has_bf16", lambda _: True)
    ensemble = random_ensemble(3)
    running = DeviceNetwork(ensemble, precision=precision)
    dtypes = {p.dtype for name, p in running._network.named_buffers() if "trunk" in name} | {
        module.dtype
        for name, module in running._network.named_modules()
        if ".trunk." in name and hasattr(module, "dtype")
    }
    assert dtypes == {torch.bfloat16 if precision == BF16 else torch.float32}
    wanted = scores_of(ensemble, TOKENS).exp().numpy()
    assert np.abs(running.forward(TOKENS) - wanted).max() < (0.1 if precision == BF16 else 1e-5)


def test_it_is_described_and_loaded_by_its_file(tmp_path: Path) -> None:
    ensemble, network = random_ensemble(3), random_network()
    assert ensemble.summary().startswith("mean of 3 networks, ")
    flops = [int(scorer.cost().split()[0].replace(",", "")) for scorer in (ensemble, network)]
    assert flops[0] == 3 * flops[1]
    save_model(tmp_path / "three.safetensors", replace(random_model(), network=ensemble))
    corrector = load_model(tmp_path / "three.safetensors")
    assert np.allclose(corrector.network.forward(TOKENS), scores_of(ensemble, TOKENS).exp().numpy(), atol=1e-5)
