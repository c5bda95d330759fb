"""Convert DeepConsensus checkpoints."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepconsensus_py.attention.config import AttentionConfig, TrunkConfig
from deepconsensus_py.attention.patterns import BlockLocal, Full
from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.column_network import CLASSES, ColumnConfig, ColumnNetwork
from deepconsensus_py.models.tensorflow import Bundle
from deepconsensus_py.models.weights import Model, load_state
from deepconsensus_py.pileup.features import FeatureSpec

BLOCK = 20  # columns per block of the band; any number gives the same result

# Embedding layers in the checkpoint, and the parameters that give their channels.
TABLES = {
    "bases": ("bases", "per_base_hidden_size"),
    "pulse_widths": ("pw", "pw_hidden_size"),
    "inter_pulse_durations": ("ip", "ip_hidden_size"),
    "strands": ("strand", "strand_hidden_size"),
    "draft_quality": ("ccs_base_quality_scores", "ccs_bq_hidden_size"),
    "snr": ("sn", "sn_hidden_size"),
}
ALWAYS = ("use_bases", "use_pw", "use_ip", "use_strand", "use_ccs", "use_sn")
VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"

CARD = """# {name}

Weights of a DeepConsensus checkpoint (`{file}`), converted by deepconsensus-py.

- Architecture: the column network of DeepConsensus (Baid et al. 2023), as described by `params.json`.
- Training data, measurements and terms of use: see the authors of the checkpoint; none were made here.
- Quality calibration in `params.json`: {calibration}.
"""


def convert_checkpoint(checkpoint: Path, *, name: str) -> Model:
    """Read a DeepConsensus v1.2 checkpoint, with or without optimiser slots.

    Args:
        checkpoint: its folder, or its prefix ``…/checkpoint-N``, with ``params.json`` beside it.
        name: of the model.

    Raises:
        ModelError: there is no checkpoint, it is damaged, or its network is not supported.
    """
    prefix = find_prefix(checkpoint)
    params = _read_params(prefix.parent / "params.json")
    try:
        config = config_from_params(params)
    except KeyError as error:
        raise ModelError(
            f"{prefix.parent / 'params.json'}: no {error}, which the parameters of DeepConsensus v1.2 have"
        ) from error
    network = ColumnNetwork(config)
    load_state(network, dict(_state(Bundle(prefix), config)), source=str(prefix))
    return Model(
        name=name,
        network=network.eval(),
        spec=FeatureSpec(
            max_passes=config.max_passes, width=config.width, use_draft_qualities=config.use_draft_qualities
        ).to_dict(),
        calibration=params.get("dc_calibration") or "skip",
        card=CARD.format(name=name, file=prefix.name, calibration=params.get("dc_calibration") or "none"),
    )


def find_prefix(checkpoint: Path) -> Path:
    """The prefix of a checkpoint, from its folder or the prefix itself.

    Raises:
        ModelError: there is no checkpoint, or several without a record of the latest.
    """
    if not checkpoint.is_dir():
        prefix = checkpoint.with_suffix("") if checkpoint.suffix == ".index" else checkpoint
        if not prefix.with_name(prefix.name + ".index").is_file():
            raise ModelError(f"{checkpoint}: no such folder, and no {prefix.name}.index there; give a folder or prefix")
        return prefix
    prefixes = [path.with_suffix("") for path in sorted(checkpoint.glob("*.index"))]
    latest = checkpoint / "checkpoint"
    if len(prefixes) > 1 and latest.is_file():
        named = latest.read_text().partition('model_checkpoint_path: "')[2].partition('"')[0]
        prefixes = [prefix for prefix in prefixes if prefix.name == Path(named).name] or prefixes
    if len(prefixes) != 1:
        found = ", ".join(prefix.name for prefix in prefixes) or "none"
        raise ModelError(f"{checkpoint}: expected one checkpoint (*.index), found {found}; give the prefix of one")
    return prefixes[0]


def _read_params(path: Path) -> dict[str, Any]:
    try:
        params = json.loads(path.read_text())
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}; it belongs beside the checkpoint") from error
    except ValueError as error:
        raise ModelError(f"{path}: not JSON ({error})") from error
    if not isinstance(params, dict):
        raise ModelError(f"{path}: not a table of parameters")
    return params


def config_from_params(params: Mapping[str, Any]) -> ColumnConfig:
    """The configuration that a ``params.json`` of DeepConsensus v1.2 describes.

    Raises:
        KeyError: a parameter is missing.
        ModelError: the parameters describe a network of another kind.
    """
    kind = params["model_name"]
    left_out = [flag for flag in ALWAYS if not params.get(flag, True)]
    if kind != "transformer_learn_values" or left_out:
        described = f"{kind} without {', '.join(left_out)}" if left_out else kind
        raise ModelError(f"only the network transformer_learn_values with all inputs can be read, not {described}")
    if params["vocab_size"] != CLASSES:
        raise ModelError(f"the network has {params['vocab_size']} classes, ours have {CLASSES}")
    return ColumnConfig(
        max_passes=params["max_passes"],
        width=params["max_length"],
        embeddings={table: params.get(key, 8) for table, (_, key) in TABLES.items()},
        trunk=_trunk_from_params(params),
        use_draft_qualities=params.get("use_ccs_bq", False),
        condense=params.get("condense_transformer_input", False),
    )


def _trunk_from_params(params: Mapping[str, Any]) -> TrunkConfig:
    band = params.get("attn_win_size")
    pattern = BlockLocal(BLOCK, band, exact=band) if band else Full()
    return TrunkConfig(
        layers=params["num_hidden_layers"],
        d=params["hidden_size"],
        heads=params["num_heads"],
        ff=params["filter_size"],
        attention=(AttentionConfig(pattern),),
        norm="rezero" if params.get("rezero", False) else "layer",
        position="sinusoid" if params["add_pos_encoding"] else "none",
    )


def _state(bundle: Bundle, config: ColumnConfig) -> Iterator[tuple[str, Tensor]]:
    """Our names and tensors of all weights; none may be missing or unused."""
    keys = dict(_keys(config))
    present = {name.removesuffix(VALUE) for name in bundle.names() if name.startswith("model/") and "/.OPT" not in name}
    missing, unexpected = sorted(keys.keys() - present), sorted(present - keys.keys())
    if missing or unexpected:
        found = "; ".join(
            f"{word} {', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}"
            for word, names in (("lacks", missing), ("also has", unexpected))
            if names
        )
        raise ModelError(f"{bundle.prefix}: params.json describes {len(keys)} weights; the checkpoint {found}")
    for key, ours in keys.items():
        yield ours, torch.from_numpy(_as_ours(ours, bundle.read(key + VALUE), config.trunk.d))


def _as_ours(name: str, weight: NDArray[Any], d: int) -> NDArray[np.float32]:
    """Kernels are (in, out), with a dimension for heads; our matrices are (out, in)."""
    weight = weight.astype(np.float32)
    if name.startswith("tables."):
        weight[0] = 0.0  # code 0 is masked in the original, a row of zeros here
    elif name.endswith(".out.weight"):
        weight = weight.reshape(-1, d).T
    elif name.endswith(".weight") and weight.ndim > 1:
        weight = weight.reshape(weight.shape[0], -1).T
    return weight.copy()


def _keys(config: ColumnConfig) -> Iterator[tuple[str, str]]:
    """Names in the checkpoint and ours."""
    for table in config.tables:
        yield f"model/{TABLES[table][0]}_embedding_layer/embeddings", f"tables.{table}.weight"
    if config.condense:
        yield "model/transformer_input_condenser/kernel", "condenser.weight"
    for layer in range(config.trunk.layers):
        yield from _layer_keys(layer, config.trunk.norm)
    yield "model/encoder_stack/output_normalization/gamma", "trunk.encoder.norm.weight"
    yield "model/encoder_stack/output_normalization/beta", "trunk.encoder.norm.bias"
    yield "model/fc1/kernel", "output.weight"
    yield "model/fc1/bias", "output.bias"


def _layer_keys(layer: int, norm: str) -> Iterator[tuple[str, str]]:
    for half, ours in enumerate(("attention", "feed_forward")):
        theirs, block = f"model/encoder_stack/layers/{layer}/{half}", f"trunk.encoder.blocks.{layer}.{ours}"
        if norm == "rezero":
            yield f"{theirs}/alpha", f"{block}.alpha"
        else:
            yield f"{theirs}/layer_norm/gamma", f"{block}.norm.weight"
            yield f"{theirs}/layer_norm/beta", f"{block}.norm.bias"
        if ours == "attention":
            for projection, name in (("query", "query"), ("key", "key"), ("value", "value"), ("output", "out")):
                yield f"{theirs}/layer/{projection}_dense_layer/kernel", f"{block}.layer.{name}.weight"
        else:
            for dense, name in (("filter", "widen"), ("output", "narrow")):
                yield f"{theirs}/layer/{dense}_dense_layer/kernel", f"{block}.layer.{name}.weight"
                yield f"{theirs}/layer/{dense}_dense_layer/bias", f"{block}.layer.{name}.bias"
