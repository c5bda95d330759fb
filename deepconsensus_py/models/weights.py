"""Model files: safetensors that carry weights, configuration, feature spec, calibration and a model card.

The header's metadata has one entry, ``HEADER``, a JSON object; safetensors writes several in any order, which would
make two writings of one model differ.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from deepconsensus_py.errors import ModelError, OutputError
from deepconsensus_py.models.config import ColumnConfig
from deepconsensus_py.models.network import ColumnNetwork
from deepconsensus_py.models.precision import Agreement
from deepconsensus_py.models.run_network import RUN_SPEC, RunConfig, RunNetwork
from deepconsensus_py.models.triage import Triage

HEADER = "deepconsensus_py"
FORMAT = 1
SUFFIX = ".safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A network and what it was made for.

    Attributes:
        name: what headers and reports call it.
        network: the network with its weights.
        spec: the encoding it was trained on, as plain JSON values.
        calibration: quality map (``polishing.qualities.Calibration``), or ``"skip"``.
        card: model card, Markdown: what it was trained on, how it was measured, what it is not for.
        agreement: of lower precisions with float32, by their names, where it has been measured.
        triage: which windows a column network need not see, where that has been calibrated.
    """

    name: str
    network: ColumnNetwork | RunNetwork
    spec: Mapping[str, Any]
    calibration: str = "skip"
    card: str = ""
    agreement: Mapping[str, Agreement] = field(default_factory=dict)
    triage: Triage | None = None


def column_network(model: Model) -> ColumnNetwork:
    """A model's network, where it must be one of columns.

    Raises:
        ModelError: it is another.
    """
    if not isinstance(model.network, ColumnNetwork):
        raise ModelError(f"model {model.name!r} is not a column network: it cannot be used here")
    return model.network


def bundled_models() -> dict[str, Path]:
    """Names and paths of the models that come with the package."""
    folder = Path(str(resources.files("deepconsensus_py.weights")))
    return {path.stem: path for path in sorted(folder.glob(f"*{SUFFIX}"))}


def find_model(name_or_path: str | Path) -> Path:
    """The file of a bundled model's name, or the path itself.

    Raises:
        ModelError: it is neither.
    """
    path, bundled = Path(name_or_path), bundled_models()
    if str(name_or_path) in bundled:
        return bundled[str(name_or_path)]
    if path.is_file():
        return path
    known = ", ".join(bundled) or "none"
    raise ModelError(f"unknown model {str(name_or_path)!r}: no such file, and the bundled networks are {known}")


def load_model(name_or_path: str | Path, device: str | torch.device = "cpu") -> Model:
    """Read a model.

    Args:
        name_or_path: a bundled model's name, or the path of a ``.safetensors`` file.
        device: where its network is to run.

    Raises:
        ModelError: there is no such model, it is not one of our files, or its parts do not fit each other.
    """
    path = find_model(name_or_path)
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 -- not a mapping
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path}: not a safetensors file, or damaged ({error})") from error
    header = _read_header(metadata, path)
    with torch.device("meta"):
        network = _FAMILIES[header["family"]](header["config"])
    _check_spec(network, header["spec"], source=str(path))
    load_state(network, state, source=str(path))
    fields = ("name", "spec", "calibration", "card", "agreement", "triage")
    return Model(network=network.eval(), **{key: header[key] for key in fields})


def _read_header(metadata: Mapping[str, str], path: Path) -> dict[str, Any]:
    if HEADER not in metadata:
        raise ModelError(
            f"{path}: not a model of deepconsensus-py; convert checkpoints with 'deepconsensus-py model convert'"
        )
    try:
        header: dict[str, Any] = json.loads(metadata[HEADER])
        written = (header["format"], header["family"])
        if missing := {"name", "config", "spec", "calibration", "card"} - header.keys():
            raise KeyError(*missing)
        header["agreement"] = {name: Agreement(**found) for name, found in header.get("agreement", {}).items()}
        header["triage"] = Triage(**header["triage"]) if "triage" in header else None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: its header is damaged ({error!r}); copy or convert it again") from error
    if written[0] != FORMAT or written[1] not in _FAMILIES:
        raise ModelError(
            f"{path}: a {written[1]!r} model of format {written[0]}, this version reads {' and '.join(_FAMILIES)} "
            f"models of format {FORMAT}; use the version that wrote it"
        )
    return header


def load_state(network: ColumnNetwork | RunNetwork, state: Mapping[str, Tensor], *, source: str) -> None:
    """Give a network its weights.

    Args:
        network: the network; may be on the meta device.
        state: tensors by name, which the network takes as they are.
        source: what the error calls them.

    Raises:
        ModelError: names or shapes differ from the network's.
    """
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    given = {name: tuple(tensor.shape) for name, tensor in state.items()}
    for name in sorted(wanted.keys() | given.keys()):
        if wanted.get(name) != given.get(name):
            raise ModelError(
                f"{source}: weights do not fit the configuration: {name} is {given.get(name, 'absent')}, "
                f"the network needs {wanted.get(name, 'none of that name')}"
            )
    network.load_state_dict(state, assign=True)


_FAMILIES: Mapping[str, Callable[[Mapping[str, Any]], ColumnNetwork | RunNetwork]] = {
    "column": lambda config: ColumnNetwork(ColumnConfig.from_dict(config)),
    "run": lambda config: RunNetwork(RunConfig.from_dict(config)),
}
"""What files call each kind of network, and how it is made of its configuration."""


def _check_spec(network: ColumnNetwork | RunNetwork, spec: Mapping[str, Any], *, source: str) -> None:
    """Refuse a network of another encoding; run networks have but one."""
    if isinstance(network, RunNetwork):
        if spec != RUN_SPEC:
            raise ModelError(f"{source}: a run network of encoding {spec}, this version has {RUN_SPEC}; train it again")
        return
    for key in ("max_passes", "width", "use_draft_qualities"):
        if spec.get(key) != getattr(network.config, key):
            raise ModelError(
                f"{source}: the feature spec has {key} {spec.get(key)}, the network {key} "
                f"{getattr(network.config, key)}; weights and spec must come from the same training"
            )


def save_model(path: Path, model: Model) -> None:
    """Write a model; the file takes its name only when it is complete.

    Raises:
        ModelError: the spec does not fit the network.
        OutputError: the file cannot be written.
    """
    config = model.network.config
    _check_spec(model.network, model.spec, source=model.name)
    header: dict[str, Any] = {
        "format": FORMAT,
        "family": "run" if isinstance(model.network, RunNetwork) else "column",
        "name": model.name,
        "config": config.to_dict(),
        "spec": dict(model.spec),
        "calibration": model.calibration,
        "card": model.card,
    }
    if model.agreement:
        header["agreement"] = {name: asdict(found) for name, found in model.agreement.items()}
    if model.triage:
        header["triage"] = asdict(model.triage)
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in model.network.state_dict().items()}
    partial = path.with_name(f".{path.name}.partial")
    try:
        # save_file would make a file that its owner alone may read.
        partial.write_bytes(save(state, metadata={HEADER: json.dumps(header)}))
        partial.replace(path)
    except (SafetensorError, OSError) as error:
        partial.unlink(missing_ok=True)
        raise OutputError(f"{path}: cannot be written ({error})") from error
