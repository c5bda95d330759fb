"""``model`` as a command."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.cli.main import main
from deepconsensus_py.models import header
from deepconsensus_py.models.column_network import ColumnConfig, ColumnNetwork
from deepconsensus_py.models.weights import Model, read_model, save_model
from deepconsensus_py.pileup.features import FeatureSpec


@pytest.fixture
def file(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    tables = ("bases", "pulse_widths", "inter_pulse_durations", "strands", "draft_quality", "snr")
    trunk = TrunkConfig(layers=1, d=8, heads=2, ff=16, attention=preset("full"))
    config = ColumnConfig(max_passes=4, width=30, embeddings=dict.fromkeys(tables, 2), trunk=trunk)
    spec = FeatureSpec(max_passes=4, width=30).to_dict()
    save_model(tmp_path / "tiny.safetensors", Model("tiny", ColumnNetwork(config), spec, card="# Tiny\n\nA card."))
    return tmp_path / "tiny.safetensors"


def test_show_tells_all(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "show", str(file)]) == 0
    out = capsys.readouterr().out
    network = read_model(file).network
    assert "name\ttiny\n" in out
    assert "1 layers, 8 wide, 2 heads" in out
    assert "windows of 4 passes by 30 columns" in out
    assert f"parameters\t{sum(p.numel() for p in network.parameters()):,}\n" in out
    assert f"cost\t{network.config.flops():,} FLOPs per window\n" in out
    assert '"max_passes": 4' in out
    assert out.endswith("# Tiny\n\nA card.\n")


def test_list_names_the_vote_and_what_is_bundled(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(header, "bundled_models", lambda: {"tiny": file})
    assert main(["model", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["pairhmm", "vote", "tiny"]
    assert all(line.split("\t")[1] for line in lines)


@pytest.mark.parametrize(("words", "last"), [(["list"], " 261,084 parameters."), (["show", "pairhmm"], "}")])
def test_models_without_networks_and_the_list_of_all_need_no_torch(words: list[str], last: str) -> None:
    program = f"import sys; from deepconsensus_py.cli.main import main; main(['model', *{words}]); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    *lines, modules = done.stdout.splitlines()
    assert lines[-1].endswith(last)
    assert "torch" not in modules.split()


def test_the_vote_can_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "show", "vote"]) == 0
    assert "name\tvote\n" in capsys.readouterr().out


def test_unknown_models_and_wrong_outputs_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "show", "best"]) == 1
    assert "unknown model 'best'" in capsys.readouterr().err
    assert main(["model", "convert", str(tmp_path), "-o", str(tmp_path / "m.bin")]) == 1
    assert "m.bin: model files end in .safetensors" in capsys.readouterr().err
    assert main(["model", "convert", str(tmp_path), "-o", str(tmp_path / "m.safetensors")]) == 1
    assert "expected one checkpoint (*.index), found none" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.real
def test_convert_writes_a_model_named_for_its_file(
    golden: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "bq.safetensors"
    assert main(["model", "convert", str(golden / "ckpt_tiny_bq" / "checkpoint-1"), "-o", str(output)]) == 0
    assert "windows of 5 passes and draft qualities by 100 columns" in capsys.readouterr().err
    model = read_model(output)
    assert (model.name, model.calibration) == ("bq", "skip")
    assert model.card.startswith("# bq\n")
    assert "checkpoint-1" in model.card
    assert str(golden) not in model.card
    assert main(["model", "convert", str(golden / "ckpt_tiny_bq"), "-o", str(output), "--name", "other"]) == 0
    assert read_model(output).name == "other"


def test_check_writes_what_it_found(
    tiny_model: Path,
    testdata: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("deepconsensus_py.models.device.has_bf16", lambda _: True)
    reads = [str(testdata / "subreads.bam"), "--ccs", str(testdata / "ccs.bam"), "--limit", "1"]
    output = tmp_path / "checked.safetensors"
    assert main(["model", "check", str(tiny_model), *reads, "-o", str(output)]) == 0
    line = capsys.readouterr().out
    checked = read_model(output)
    assert line == f"bf16\t{checked.agreement['bf16']}\n"
    torch.testing.assert_close(checked.network.state_dict(), read_model(tiny_model).network.state_dict())
    assert main(["model", "show", str(output)]) == 0
    assert line in capsys.readouterr().out
    assert main(["model", "check", str(tiny_model), *reads, "-o", str(tmp_path / "m.bin")]) == 1
    assert "m.bin: model files end in .safetensors" in capsys.readouterr().err
