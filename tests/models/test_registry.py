"""Models by name: the vote without torch, files, and what is not there."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from deepconsensus_py.attention.config import AttentionConfig, TrunkConfig
from deepconsensus_py.attention.patterns import Full
from deepconsensus_py.corrector import Features
from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.column_network import ColumnConfig, ColumnNetwork
from deepconsensus_py.models.device import Agreement
from deepconsensus_py.models.registry import load_method, load_model
from deepconsensus_py.models.weights import Model, read_model, save_model
from deepconsensus_py.options import BF16, FP32
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.pileup.method import Triage


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    trunk = TrunkConfig(
        layers=1, d=8, heads=2, ff=8, attention=(AttentionConfig(Full()),), norm="rezero", position="sinusoid"
    )
    embeddings = {"bases": 2, "pulse_widths": 2, "inter_pulse_durations": 2, "strands": 2, "snr": 2}
    config = ColumnConfig(max_passes=3, width=10, embeddings=embeddings, trunk=trunk)
    spec = FeatureSpec(max_passes=3, width=10).to_dict()
    path = tmp_path / "small.safetensors"
    save_model(path, Model("small", ColumnNetwork(config), spec, "20,1.1,-1.5"))
    return path


def test_a_file_brings_its_own_name_encoding_and_calibration(model_file: Path) -> None:
    corrector = load_model(model_file)
    assert (corrector.method.name, corrector.method.calibration) == ("small", "20,1.1,-1.5")
    assert corrector.method.spec == FeatureSpec(max_passes=3, width=10).to_dict()


@pytest.mark.parametrize("name", ["vote", "file"])
def test_the_trimming_of_insertions_can_be_chosen(model_file: Path, name: str) -> None:
    chosen = model_file if name == "file" else name
    assert load_method(chosen).spec["insertion_trim"] == 5
    assert load_method(chosen, insertion_trim=0).spec["insertion_trim"] == 0


def test_threads_are_streams_of_one_core_each(model_file: Path) -> None:
    before = torch.get_num_threads()
    try:
        assert load_model(model_file, threads=3).network.streams == 3
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_precision_and_triage_are_those_asked_for(model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepconsensus_py.models.device.has_bf16", lambda _: True)
    measured = {"agreement": {BF16: Agreement(1, 0, 1.0)}, "triage": Triage(0.5, 2, 1, 0, 0)}
    save_model(model_file, replace(read_model(model_file), **measured))
    draft = np.ones((2, 10), np.uint8)
    bases = np.stack([draft[:1], draft[1:] + 1])
    inputs = {"bases": bases, "draft": draft, "draft_quality": np.full((2, 10), 60, np.int8)}
    features = Features(inputs, {"mean_quality": np.array([60.0, 60.0])})
    assert load_model(model_file).method.select(features, 0).tolist() == [False, True]
    assert load_model(model_file).method.select(features, 45).tolist() == [False, False]
    assert load_model(model_file, triage=False).method.select(features, 0).tolist() == [True, True]
    assert load_model(model_file).network.precision == BF16
    assert load_model(model_file, precision=FP32).network.precision == FP32


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ModelError, match=r"unknown model 'vite': no such file, and the known models are pairhmm"):
        load_model("vite")


@pytest.mark.parametrize("device", ["cuda:99", "nonsense"])
def test_a_device_that_is_not_there_is_one_sentence(model_file: Path, device: str) -> None:
    with pytest.raises(ModelError, match=f"device '{device}' cannot be used"):
        load_model(model_file, device=device)


def test_the_vote_needs_no_torch() -> None:
    program = (
        "import sys\n"
        "from deepconsensus_py.models.registry import load_model\n"
        "load_model('vote')\n"
        "sys.exit('torch' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
