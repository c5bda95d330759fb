"""Checkpoints of the original give its logits and hidden states, and what cannot be converted is named."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepconsensus_py.attention import core
from deepconsensus_py.attention.position import sinusoid
from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.column_network import ColumnConfig
from deepconsensus_py.models.convert import config_from_params, convert_checkpoint, find_prefix
from deepconsensus_py.models.weights import Model, read_model, save_model
from deepconsensus_py.pileup.features import FeatureSpec

TINY = ("rezero", "bq", "layernorm", "fullattn", "nopos", "win3_heads4")
ALL = ("default", *(f"tiny_{case}" for case in TINY))
AsInputs = Callable[[NDArray[np.float32], ColumnConfig], dict[str, Tensor]]

pytestmark = pytest.mark.real


def reference(golden: Path, case: str) -> dict[str, NDArray[np.float32]]:
    with np.load(golden / f"model_{case}_golden.npz") as arrays:
        return {name: arrays[name] for name in arrays.files if "/" not in name}


@pytest.mark.parametrize("case", ALL)
def test_logits_are_equal(golden: Path, as_inputs: AsInputs, tmp_path: Path, case: str) -> None:
    save_model(tmp_path / "m.safetensors", convert_checkpoint(golden / f"ckpt_{case}", name=case))
    network = read_model(tmp_path / "m.safetensors").network
    wanted = reference(golden, case)
    with torch.inference_mode():
        logits = network(as_inputs(wanted["rows"], network.config)).numpy()
    np.testing.assert_allclose(logits, wanted["logits"], rtol=0, atol=1e-4)
    assert np.array_equal(logits.argmax(-1), wanted["softmax"].argmax(-1))


def hidden_states(model: Model, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Outputs of all sublayers, and the attention weights, by the original's names."""
    found: dict[str, Tensor] = {}
    network = model.network

    def keep(name: str) -> Callable[..., None]:
        return lambda _module, _inputs, out: found.__setitem__(name, out)

    def keep_weights(name: str) -> Callable[..., None]:
        def weigh(layer: torch.nn.Module, inputs: tuple[Tensor, ...]) -> None:
            q, k = (layer.split(project(inputs[0])) for project in (layer.query, layer.key))
            plan = core.plan(q, k, pattern=layer.attention.pattern, bias=None, coords=(None, None), mask=None)
            found[name] = core.weights(q, k, plan)

        return weigh

    for i, block in enumerate(network.trunk.encoder.blocks):
        block.attention.register_forward_hook(keep(f"self_attention_layer_{i}"))
        block.feed_forward.register_forward_hook(keep(f"ffn_layer_{i}"))
        block.attention.layer.register_forward_pre_hook(keep_weights(f"attention_scores_{i}"))
    network.trunk.register_forward_hook(keep("final_output"))
    with torch.inference_mode():
        network(inputs)
        found["embedded_concat"], found["condensed"] = network.embed(inputs), network.tokens(inputs)
        found["pos_encoding"] = sinusoid(torch.arange(network.config.width), network.config.trunk.d)
        found["encoder_input"] = found["condensed"] + found["pos_encoding"]
    return found


@pytest.mark.parametrize("case", ALL)
def test_hidden_states_are_equal(golden: Path, as_inputs: AsInputs, case: str) -> None:
    model = convert_checkpoint(golden / f"ckpt_{case}", name=case)
    wanted = reference(golden, case)
    found = hidden_states(model, as_inputs(wanted["rows"], model.network.config))
    compared = wanted.keys() - {"rows", "logits", "softmax"}
    assert len(compared) >= 5
    for name in compared:
        ours = found[name].numpy()[: len(wanted[name])]
        np.testing.assert_allclose(ours, wanted[name], rtol=1e-5, atol=1e-4, err_msg=name)


def test_parameters_and_flops_are_the_published_ones(golden: Path) -> None:
    published = json.loads((golden / "params_flops.json").read_text())["default"]
    network = convert_checkpoint(golden / "ckpt_default", name="default").network
    assert sum(parameter.numel() for parameter in network.parameters()) == published["params"]
    assert len(list(network.parameters())) == 70
    assert network.config.flops() == published["analytic_matmul_flops_per_window"]
    assert network.config.embedded == published["embed_concat_width"]


def test_ratios_are_clipped_as_the_original_clips_them(golden: Path, as_inputs: AsInputs) -> None:
    network = convert_checkpoint(golden / "ckpt_default", name="default").network
    arrays = np.load(golden / "format_rows_synthetic_bq0.npz")
    raw, clipped = arrays["subreads"][None, -4:, :, 0], arrays["rows"][None, -4:, :, 0]
    assert raw.max() > clipped.max()
    assert raw.min() < clipped.min()
    inputs = as_inputs(reference(golden, "default")["rows"][:1], network.config)
    for column in range(raw.shape[-1]):
        embedded = [
            network.embed({**inputs, "snr": torch.from_numpy(rows[..., column].copy())}) for rows in (raw, clipped)
        ]
        assert torch.equal(*embedded)


def test_the_spec_follows_the_parameters(golden: Path) -> None:
    spec = convert_checkpoint(golden / "ckpt_tiny_bq", name="bq").spec
    assert FeatureSpec.from_dict(spec) == FeatureSpec(max_passes=5, width=100, use_draft_qualities=True)


@pytest.mark.parametrize("given", ["", "checkpoint-1", "checkpoint-1.index"])
def test_folder_prefix_and_index_mean_the_same(golden: Path, given: str) -> None:
    folder = golden / "ckpt_tiny_rezero"
    assert find_prefix(folder / given) == folder / "checkpoint-1"


@pytest.fixture
def checkpoint(golden: Path, tmp_path: Path) -> Path:
    """A checkpoint to be damaged."""
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    for file in (golden / "ckpt_tiny_rezero").iterdir():
        shutil.copyfile(file, folder / file.name)
    return folder


def change_params(folder: Path, **changes: object) -> None:
    params = json.loads((folder / "params.json").read_text())
    (folder / "params.json").write_text(json.dumps({**params, **changes}))


def test_of_several_checkpoints_the_latest_is_taken(checkpoint: Path) -> None:
    shutil.copyfile(checkpoint / "checkpoint-1.index", checkpoint / "checkpoint-2.index")
    assert find_prefix(checkpoint) == checkpoint / "checkpoint-1"
    (checkpoint / "checkpoint").unlink()
    with pytest.raises(ModelError, match=r"found checkpoint-1, checkpoint-2; give the prefix of one"):
        find_prefix(checkpoint)


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"expected one checkpoint \(\*\.index\), found none"):
        convert_checkpoint(tmp_path, name="x")
    with pytest.raises(ModelError, match=r"checkpoint-9: no such folder, and no checkpoint-9\.index there"):
        convert_checkpoint(tmp_path / "checkpoint-9", name="x")


def test_calibration_comes_from_the_parameters(checkpoint: Path) -> None:
    assert convert_checkpoint(checkpoint, name="x").calibration == "skip"
    change_params(checkpoint, dc_calibration="0,1.197654,-0.99781")
    assert convert_checkpoint(checkpoint, name="x").calibration == "0,1.197654,-0.99781"


def test_missing_parameters_are_named(checkpoint: Path) -> None:
    params = json.loads((checkpoint / "params.json").read_text())
    del params["num_heads"]
    (checkpoint / "params.json").write_text(json.dumps(params))
    with pytest.raises(ModelError, match=r"params\.json: no 'num_heads'"):
        convert_checkpoint(checkpoint, name="x")
    (checkpoint / "params.json").write_text("[")
    with pytest.raises(ModelError, match=r"params\.json: not JSON"):
        convert_checkpoint(checkpoint, name="x")
    (checkpoint / "params.json").write_text("[]")
    with pytest.raises(ModelError, match=r"params\.json: not a table of parameters"):
        convert_checkpoint(checkpoint, name="x")
    (checkpoint / "params.json").unlink()
    with pytest.raises(ModelError, match=r"params\.json: No such file or directory; it belongs beside the checkpoint"):
        convert_checkpoint(checkpoint, name="x")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_name": "fc"}, "not fc"),
        ({"use_sn": False}, "not transformer_learn_values without use_sn"),
        ({"vocab_size": 6}, "has 6 classes"),
    ],
)
def test_networks_of_another_kind_are_refused(golden: Path, change: dict[str, object], message: str) -> None:
    params = json.loads((golden / "ckpt_default" / "params.json").read_text())
    with pytest.raises(ModelError, match=message):
        config_from_params({**params, **change})


def test_missing_and_unexpected_weights_are_named(checkpoint: Path) -> None:
    change_params(checkpoint, rezero=False, add_pos_encoding=False)
    with pytest.raises(
        ModelError,
        match=r"lacks model/encoder_stack/layers/0/0/layer_norm/beta, .* and 5 more; "
        r"also has model/encoder_stack/layers/0/0/alpha, .* and 1 more",
    ):
        convert_checkpoint(checkpoint, name="x")


def test_weights_of_other_shapes_are_refused_with_both(checkpoint: Path) -> None:
    change_params(checkpoint, filter_size=64)
    with pytest.raises(
        ModelError, match=r"feed_forward\.layer\.narrow\.weight is \(16, 32\), the network needs \(16, 64\)"
    ):
        convert_checkpoint(checkpoint, name="x")
