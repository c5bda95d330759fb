"""Model files come back whole, and refuse what does not fit together."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from deepconsensus_py.errors import ModelError, OutputError
from deepconsensus_py.models import header, weights
from deepconsensus_py.models.column_network import ColumnConfig, ColumnNetwork
from deepconsensus_py.models.device import Agreement
from deepconsensus_py.models.header import HEADER, bundled_models, read_header
from deepconsensus_py.models.weights import Model, read_model, save_model
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.pileup.method import Triage


@pytest.fixture
def model(config: ColumnConfig, make_network: Callable[[ColumnConfig], ColumnNetwork]) -> Model:
    spec = FeatureSpec(max_passes=3, width=12, use_draft_qualities=True)
    return Model("tiny", make_network(config), spec.to_dict(), "0,1.2,-0.99", "# Card\n\nTrained on nothing.")


@pytest.fixture
def file(tmp_path: Path, model: Model) -> Path:
    save_model(tmp_path / "tiny.safetensors", model)
    return tmp_path / "tiny.safetensors"


def rewrite(file: Path, *, tensors: dict[str, Tensor] | None = None, **header: object) -> None:
    """Change parts of a file."""
    with weights.safe_open(file, framework="pt") as opened:
        values = json.loads(opened.metadata()[HEADER])
    metadata = {HEADER: json.dumps({**values, **header})}
    save_file({**load_file(file), **(tensors or {})}, file, metadata=metadata)


def test_everything_comes_back(file: Path, model: Model, windows: dict[str, Tensor]) -> None:
    loaded = read_model(file)
    assert (loaded.name, loaded.calibration, loaded.card) == ("tiny", "0,1.2,-0.99", model.card)
    assert loaded.spec == model.spec
    assert loaded.network.config == model.network.config
    assert not loaded.network.training
    with torch.inference_mode():
        assert torch.equal(loaded.network(windows), model.network(windows))


def test_what_was_measured_comes_back(file: Path, model: Model) -> None:
    assert (read_model(file).agreement, read_model(file).triage) == ({}, None)
    measured = replace(model, agreement={"bf16": Agreement(1000, 2, 0.95)}, triage=Triage(0.5, 200, 40, 11, 12))
    save_model(file, measured)
    loaded = read_model(file)
    assert (loaded.agreement, loaded.triage) == (measured.agreement, measured.triage)


@pytest.mark.parametrize("part", [{"agreement": {"bf16": {"bases": 1}}}, {"agreement": [1]}, {"triage": {"doubt": 1}}])
def test_measurements_that_cannot_be_read_are_damage(file: Path, part: dict[str, object]) -> None:
    rewrite(file, **part)
    with pytest.raises(ModelError, match="its header is damaged"):
        read_model(file)


def test_loaded_networks_can_learn(file: Path, windows: dict[str, Tensor]) -> None:
    network = read_model(file).network
    network(windows).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_saving_again_writes_the_same_file(file: Path, tmp_path: Path) -> None:
    save_model(tmp_path / "again.safetensors", read_model(file))
    assert (tmp_path / "again.safetensors").read_bytes() == file.read_bytes()


def test_others_may_read_the_file_as_any_other(file: Path) -> None:
    (file.parent / "any").touch()
    assert file.stat().st_mode == (file.parent / "any").stat().st_mode


def test_weights_that_do_not_fit_are_refused_with_both_shapes(file: Path) -> None:
    rewrite(file, tensors={"output.weight": torch.zeros(5, 20)})
    with pytest.raises(
        ModelError,
        match=r"tiny\.safetensors: weights do not fit the configuration: output\.weight is \(5, 20\), "
        r"the network needs \(5, 16\)",
    ):
        read_model(file)


def test_weights_too_many_or_too_few_are_refused(file: Path, model: Model) -> None:
    rewrite(file, tensors={"output.wait": torch.zeros(5)})
    with pytest.raises(ModelError, match=r"output\.wait is \(5,\), the network needs none of that name"):
        read_model(file)
    deeper = replace(model.network.config, trunk=replace(model.network.config.trunk, layers=3))
    save_model(file, model)
    rewrite(file, config=deeper.to_dict())
    with pytest.raises(ModelError, match=r"trunk\.encoder\.blocks\.2\.attention\.alpha is absent, the network needs"):
        read_model(file)


@pytest.mark.parametrize("change", [{"max_passes": 4}, {"width": 13}, {"use_draft_qualities": False}])
def test_spec_and_network_must_agree(file: Path, model: Model, change: dict[str, int]) -> None:
    (key, value), spec = next(iter(change.items())), {**model.spec, **change}
    message = f"the feature spec has {key} {value}, the network {key} {model.spec[key]}"
    with pytest.raises(ModelError, match=message):
        save_model(file, replace(model, spec=spec))
    rewrite(file, spec=spec)
    with pytest.raises(ModelError, match=message):
        read_model(file)


def test_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"@HD\tVN:1.6\n" * 100)
    with pytest.raises(ModelError, match=r"model\.safetensors: not a safetensors file, or damaged"):
        read_model(path)
    save_file({"x": torch.zeros(2)}, path)
    with pytest.raises(ModelError, match="not a model of deepconsensus-py; convert checkpoints with"):
        read_model(path)


def test_files_of_a_later_version_are_refused(file: Path) -> None:
    rewrite(file, format=2, family="run")
    with pytest.raises(ModelError, match=r"a .edits. model of format 2, .* edits and columns models of format 1"):
        read_model(file)


@pytest.mark.parametrize("header", ["{", "[]", "{}", '{"format": 1, "family": "column", "name": "x"}'])
def test_damaged_headers_are_refused(file: Path, header: str) -> None:
    save_file(load_file(file), file, metadata={HEADER: header})
    with pytest.raises(ModelError, match="its header is damaged"):
        read_model(file)


@pytest.mark.parametrize("place", [0.3, 0.6, 0.999])
def test_a_wrong_bit_of_the_weights_is_refused(file: Path, place: float) -> None:
    data = bytearray(file.read_bytes())
    start = 8 + int.from_bytes(data[:8], "little")
    # The lowest bit of a float32 would change reads and nothing else.
    data[start + int((len(data) - start) * place) // 4 * 4] ^= 1
    file.write_bytes(data)
    with pytest.raises(ModelError, match=rf"{file}: is damaged: its checksum"):
        read_model(file)


def test_a_wrong_letter_of_the_header_is_refused(file: Path) -> None:
    rewrite(file, calibration="0,1.3,-0.99")
    with pytest.raises(ModelError, match="its checksum"):
        read_model(file)


def test_files_of_earlier_versions_have_no_checksum(file: Path, model: Model) -> None:
    with weights.safe_open(file, framework="pt") as opened:
        values = json.loads(opened.metadata()[HEADER])
    del values["sha256"]
    save_file(load_file(file), file, metadata={HEADER: json.dumps(values)})
    assert read_model(file).name == model.name


def test_bundled_models_have_a_checksum() -> None:
    assert all("sha256" in read_header(path) for path in bundled_models().values())


def test_truncated_files_are_refused(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ModelError, match="not a safetensors file, or damaged"):
        read_model(file)


def test_unknown_names_list_the_known_ones(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setattr(header, "bundled_models", lambda: {"hifi": file, "revio": file})
    with pytest.raises(
        ModelError, match=r"unknown model 'best': no such file, and the known models are pairhmm, vote, hifi, revio"
    ):
        read_model("best")
    assert read_model("hifi").name == "tiny"


def test_bundled_models_load() -> None:
    for name in bundled_models():
        assert read_model(name).name == name


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path, model: Model) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        save_model(tmp_path / "nowhere" / "tiny.safetensors", model)
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        save_model(tmp_path / "folder.safetensors", model)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.safetensors"]
