"""Model files: safetensors with weights, configuration, encoding, calibration and a model card."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from deepconsensus_py.errors import ModelError, OutputError
from deepconsensus_py.methods import METHODS, imported
from deepconsensus_py.models.device import Agreement
from deepconsensus_py.models.header import (
    CHECKSUM,
    FORMAT,
    HEADER,
    Tensors,
    checksum,
    damaged,
    find_model,
    read_header,
    require_checksum,
    require_shapes,
)
from deepconsensus_py.models.network import CorrectionNetwork
from deepconsensus_py.pileup.method import Triage


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A network and its metadata.

    Attributes:
        name: in headers and reports.
        network: the network with its weights.
        spec: the encoding it was trained on, plain JSON values.
        calibration: quality map (``polishing.qualities.Calibration``), or ``"skip"``.
        card: model card, Markdown: what it was trained on, how it was measured, what it is not for.
        agreement: of lower precisions with float32, by name, if measured.
        triage: threshold below which windows skip a column network, if calibrated.
    """

    name: str
    network: CorrectionNetwork
    spec: Mapping[str, Any]
    calibration: str = "skip"
    card: str = ""
    agreement: Mapping[str, Agreement] = field(default_factory=dict)
    triage: Triage | None = None


_Kind = TypeVar("_Kind", bound=CorrectionNetwork)


def network_of(model: Model, kind: type[_Kind]) -> _Kind:
    """A model's network, checked to be of a class.

    Raises:
        ModelError: it is of a different method.
    """
    if not isinstance(model.network, kind):
        raise ModelError(f"model {model.name!r} is not of method {kind.method!r}: it cannot be used here")
    return model.network


def read_model(name_or_path: str | Path, device: str | torch.device = "cpu") -> Model:
    """Read a model.

    Args:
        name_or_path: a bundled model's name, or the path of a ``.safetensors`` file.
        device: to load the network on.

    Raises:
        ModelError: there is no such model, it is not one of our files, or its parts are inconsistent.
    """
    path = find_model(name_or_path)
    header = read_header(path)
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 -- not a mapping
            written = json.loads(file.metadata()[HEADER])
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path}: not a safetensors file, or damaged ({error})") from error
    try:
        with torch.device("meta"):
            network: CorrectionNetwork = imported(METHODS[header["family"]].network).of(header["config"])
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise damaged(path, error) from error
    spec, weights = network.upgraded(header["spec"], state)
    network.require_spec(spec, str(path))
    load_state(network, weights, source=str(path))
    fields = {key: header[key] for key in ("name", "calibration", "card")} | {"spec": spec}
    try:
        agreement = {name: Agreement(**found) for name, found in header.get("agreement", {}).items()}
        triage = Triage(**header["triage"]) if "triage" in header else None
    except (AttributeError, TypeError, ValueError) as error:
        raise damaged(path, error) from error
    require_checksum(path, written, _tensors(state))
    return Model(network=network.eval(), agreement=agreement, triage=triage, **fields)


def load_state(network: CorrectionNetwork, state: Mapping[str, Tensor], *, source: str) -> None:
    """Load weights into a network.

    Args:
        network: the network; may be on the meta device.
        state: tensors by name, assigned without copying.
        source: name of the model in errors.

    Raises:
        ModelError: names or shapes differ from the network's.
    """
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    given = {name: tuple(tensor.shape) for name, tensor in state.items()}
    require_shapes(wanted, given, source)
    for name, tensor in state.items():
        if not (tensor.is_floating_point() and bool(tensor.isfinite().all())):
            raise ModelError(f"{source}: is damaged: {name} has invalid weights ({tensor.dtype}); copy it again")
    network.load_state_dict(state, assign=True)


def _tensors(state: Mapping[str, Tensor]) -> Tensors:
    for name, tensor in state.items():
        contents = tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        yield name, str(tensor.dtype), tuple(tensor.shape), contents


def model_header(model: Model) -> dict[str, Any]:
    """The header of a model file, as plain JSON values.

    Raises:
        ModelError: the spec does not fit the network.
    """
    model.network.require_spec(model.spec, model.name)
    header: dict[str, Any] = {
        "format": FORMAT,
        "family": model.network.method,
        "name": model.name,
        "config": model.network.config.to_dict(),
        "spec": dict(model.spec),
        "calibration": model.calibration,
        "card": model.card,
    }
    if model.agreement:
        header["agreement"] = {name: asdict(found) for name, found in model.agreement.items()}
    if model.triage:
        header["triage"] = asdict(model.triage)
    return header


def save_model(path: Path, model: Model) -> None:
    """Write a model atomically.

    Raises:
        ModelError: the spec does not fit the network.
        OutputError: the file cannot be written.
    """
    header = model_header(model)
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in model.network.state_dict().items()}
    header[CHECKSUM] = checksum(header, _tensors(state))
    partial = path.with_name(f".{path.name}.partial")
    try:
        # save_file would create a file that only its owner can read.
        partial.write_bytes(save(state, metadata={HEADER: json.dumps(header)}))
        partial.replace(path)
    except (SafetensorError, OSError) as error:
        partial.unlink(missing_ok=True)
        raise OutputError(f"{path}: cannot be written ({error})") from error
