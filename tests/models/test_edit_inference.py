"""Edit networks without torch: the same probabilities as torch's, for any network that is supported and any batch."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from edit_toys import random_evidence, random_model, random_network, scores_of

from deepconsensus_py.corrector import Arrays
from deepconsensus_py.edits.inference import EditInference, blank_item
from deepconsensus_py.edits.method import SPEC
from deepconsensus_py.edits.tokens import homopolymer_tokens
from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.device import DeviceNetwork
from deepconsensus_py.models.edit_ensemble import EditEnsemble, EnsembleConfig
from deepconsensus_py.models.edit_network import EditConfig, EditScorer
from deepconsensus_py.models.header import read_arrays
from deepconsensus_py.models.registry import load_model
from deepconsensus_py.models.weights import network_of, read_model, save_model
from deepconsensus_py.options import BF16

SIZES = {"d": 32, "heads": 2, "ff": 48}
TOKENS = homopolymer_tokens(random_evidence(most=40), np.arange(60))


def inference(network: EditScorer) -> EditInference:
    config = network.config.to_dict()
    assert EditInference.supports(SPEC, config)
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    assert {name: array.shape for name, array in weights.items()} == EditInference.shapes(config)
    return EditInference(config, weights, 1)


def differs(network: EditScorer, tokens: Arrays) -> float:
    """The largest difference from torch's scores, as logarithms of probabilities that are not tiny."""
    wanted = scores_of(network, tokens).log_softmax(-1).detach().numpy()
    found = inference(network).forward(tokens)
    seen = wanted > np.log(1e-20)
    assert np.abs(found - np.exp(wanted)).max() < 1e-5
    return float(np.abs(np.log(found[seen]) - wanted[seen]).max())


@pytest.mark.parametrize("sizes", [{}, {"layers": 1}, {"layers": 3, "heads": 1}, {"d": 64, "heads": 4, "ff": 128}])
def test_a_network_gives_the_scores_of_torch(sizes: dict[str, int]) -> None:
    assert differs(random_network(3, **{**SIZES, **sizes}), TOKENS) < 1e-4


def test_a_blank_item_has_the_types_of_others() -> None:
    blank = blank_item()
    assert {name: (a.dtype, a.shape[-1]) for name, a in blank.items()} == {
        name: (a.dtype, a.shape[-1]) for name, a in TOKENS.items()
    }
    assert np.isfinite(inference(random_network(**SIZES)).forward(blank)).all()


@pytest.mark.parametrize("without", [("neighbours",), ("kinetics",), ("kinetics", "neighbours")])
def test_fields_that_a_network_is_without_have_no_effect(without: tuple[str, ...]) -> None:
    network = random_network(**SIZES)
    plain = inference(network).forward(TOKENS)
    network.config = replace(network.config, without=without)
    assert differs(network, TOKENS) < 1e-4
    assert np.abs(inference(network).forward(TOKENS) - plain).max() > 1e-3


@pytest.mark.parametrize("offset", [0.0, -6.5])
def test_an_ensemble_gives_the_scores_of_torch(offset: float) -> None:
    networks = [random_network(seed, **SIZES) for seed in range(3)]
    ensemble = EditEnsemble(EnsembleConfig(tuple(network.config for network in networks))).eval()
    for own, network in zip(ensemble.members, networks, strict=True):
        own.load_state_dict(network.state_dict())
    # Of some items the first network is confident of no edit; at an offset of 0 of none.
    torch.nn.init.zeros_(ensemble.members[0].slope)
    torch.nn.init.constant_(ensemble.members[0].offset, offset)
    assert differs(ensemble, TOKENS) < 1e-4


def test_the_bundled_networks_give_the_probabilities_of_torch() -> None:
    network = load_model("edits").network
    assert isinstance(network, EditInference)
    wanted = DeviceNetwork(network_of(read_model("edits"), EditScorer)).forward(TOKENS)
    assert np.abs(network.forward(TOKENS) - wanted).max() < 1e-5


def test_an_item_has_the_same_probabilities_in_any_batch() -> None:
    network = inference(random_network(**SIZES))
    together = network.forward(TOKENS)
    alone = [network.forward({name: array[i : i + 1] for name, array in TOKENS.items()}) for i in range(60)]
    assert (np.concatenate(alone) == together).all()
    padded = {**TOKENS, "passes": np.pad(TOKENS["passes"], ((0, 0), (0, 3), (0, 0)))}
    assert (network.forward(padded) == together).all()


def test_extreme_evidence_gives_probabilities() -> None:
    tokens = homopolymer_tokens(replace(random_evidence(), pooled=np.full((60, 17), -32767, np.int16)), np.arange(60))
    found = inference(random_network(**SIZES)).forward(tokens)
    assert np.isfinite(found).all()
    assert np.abs(found.sum(axis=1) - 1).max() < 1e-6


@pytest.mark.parametrize(
    "change",
    [
        {"norm": "rezero"},
        {"position": "sinusoid"},
        {"shared": True},
        {"heads": 4},
        {"ff": 40},
        {"depth": 2},
        {"attention": [{"pattern": {"kind": "full", "causal": True}}]},
        {"attention": [{"pattern": {"kind": "full", "causal": False}, "bias": {"kind": "shaw", "reach": [4]}}]},
        {"attention": None},
        {"d": "32"},
    ],
)
def test_what_is_not_supported_is_left_to_torch(change: dict[str, Any]) -> None:
    config = EditConfig.of(**SIZES).to_dict()
    assert EditInference.supports(SPEC, config)
    assert not EditInference.supports({**SPEC, "version": 3}, config)
    changed = {"trunk": {**config["trunk"], **change}}
    assert not EditInference.supports(SPEC, changed)
    assert not EditInference.supports(SPEC, {"ensemble": [config, changed]})
    assert not EditInference.supports(SPEC, {**config, "without": ["snr"]})


def saved(path: Path, **sizes: int) -> Path:
    save_model(path, replace(random_model(), network=random_network(**sizes)))
    return path


def test_a_model_runs_in_torch_where_it_has_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = saved(tmp_path / "narrow.safetensors")
    assert isinstance(load_model(file).network, DeviceNetwork)
    monkeypatch.setattr("deepconsensus_py.models.device.has_bf16", lambda _: True)
    wide = saved(tmp_path / "wide.safetensors", **SIZES)
    assert isinstance(load_model(wide).network, EditInference)
    assert isinstance(load_model(wide, precision=BF16).network, DeviceNetwork)


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    file = saved(tmp_path / "m.safetensors", **SIZES)
    contents = bytearray(file.read_bytes())
    contents[-1] ^= 1
    file.write_bytes(contents)
    with pytest.raises(ModelError, match="checksum does not match"):
        load_model(file)
    contents[-4:] = np.float32(np.nan).tobytes()
    file.write_bytes(contents)
    with pytest.raises(ModelError, match="has invalid weights"):
        read_arrays(file)
    network = random_network(**SIZES)
    network.slope = type(network.slope)(network.slope[:5])
    save_model(file, replace(random_model(), network=network))
    with pytest.raises(ModelError, match="do not fit the configuration: slope"):
        load_model(file)


def test_the_default_model_polishes_without_torch(testdata: Path, tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from deepconsensus_py.cli.main import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", program, *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    reads = ("polish", testdata / "subreads.bam", "--ccs", testdata / "ccs.bam", "--threads", 1)
    done = run(*reads, "-o", tmp_path / "p.fastq", "--limit", 2)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "p.fastq").read_text().count("\n") == 8
    refused = run(*reads, "-o", tmp_path / "q.fastq", "--device", "cuda")
    assert refused.returncode == 1
    assert "this needs PyTorch, which is not installed; pip install 'deepconsensus-py[torch]'" in refused.stderr
