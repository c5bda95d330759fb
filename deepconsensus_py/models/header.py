"""Model files as far as torch is not needed: headers, weights as arrays, and the bundled models.

The safetensors metadata has one entry, ``HEADER``, a JSON object; several would be written in any order, so that two
copies of a model would differ.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from importlib import resources
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from deepconsensus_py.errors import ModelError
from deepconsensus_py.methods import METHODS, WITHOUT_WEIGHTS, MethodRow

HEADER = "deepconsensus_py"
FORMAT = 1
SUFFIX = ".safetensors"
CHECKSUM = "sha256"
_TYPES = {"name": str, "config": dict, "spec": dict, "calibration": str, "card": str}
FAMILIES = tuple(name for name, row in METHODS.items() if row.network)
"""Methods with networks in model files."""

OLD_FAMILIES = {"column": "columns", "run": "edits"}
"""Their names in files of version 0.1."""

OLD_NAMES = {"runs": "edits"}
"""Names of bundled models in version 0.1."""


def bundled_models() -> dict[str, Path]:
    """Names and paths of the bundled models."""
    folder = Path(str(resources.files("deepconsensus_py.weights")))
    return {path.stem: path for path in sorted(folder.glob(f"*{SUFFIX}"))}


def find_model(name_or_path: str | Path) -> Path:
    """The file of a bundled model, or the path itself.

    Raises:
        ModelError: it is neither.
    """
    path, bundled = Path(name_or_path), bundled_models()
    name = OLD_NAMES.get(str(name_or_path), str(name_or_path))
    if name in bundled:
        return bundled[name]
    if path.is_file():
        return path
    known = ", ".join([*WITHOUT_WEIGHTS, *bundled])
    raise ModelError(f"unknown model {str(name_or_path)!r}: no such file, and the known models are {known}")


def find_method(name_or_path: str | Path) -> tuple[MethodRow, dict[str, Any]]:
    """The method of a model, and the header of its file; empty if it has none.

    Raises:
        ModelError: there is no such model, or its file is not one of ours.
    """
    row = METHODS.get(str(name_or_path))
    if row is not None and not row.network:
        return row, {}
    header = read_header(find_model(name_or_path))
    return METHODS[header["family"]], header


def read_header(path: Path) -> dict[str, Any]:
    """The header of a model file.

    Raises:
        ModelError: it is not one of our files, or of another version.
    """
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path}: not a safetensors file, or damaged ({error})") from error
    return _parsed(metadata, path)


def described(path: Path) -> str:
    """One line about a model file: the first paragraph of its card, and the number of its weights.

    Raises:
        ModelError: it is not one of our files, or of another version.
    """
    paragraphs = [text for text in read_header(path)["card"].split("\n\n") if not text.startswith("#")]
    with safe_open(path, framework="np") as file:
        weights = sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118 -- no mapping
    return f"{' '.join(paragraphs[0].split()) if paragraphs else 'no model card'} {weights:,} parameters."


def read_arrays(path: Path) -> dict[str, NDArray[np.float32]] | None:
    """The weights of a model file by name, or None if some are not float32.

    Raises:
        ModelError: the file is damaged.
    """
    try:
        with safe_open(path, framework="np") as file:
            if {file.get_slice(name).get_dtype() for name in file.keys()} != {"F32"}:  # noqa: SIM118 -- no mapping
                return None
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            written = json.loads(file.metadata()[HEADER])
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path}: not a safetensors file, or damaged ({error})") from error
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ModelError(f"{path}: is damaged: {name} has invalid weights ({array.dtype}); copy it again")
    require_checksum(path, written, ((name, "torch.float32", array.shape, array) for name, array in arrays.items()))
    return arrays


def require_shapes(wanted: Mapping[str, tuple[int, ...]], given: Mapping[str, tuple[int, ...]], source: str) -> None:
    """Refuse weights that do not fit a network.

    Args:
        wanted: shapes of the network's weights, by name.
        given: those that there are.
        source: name of the model in errors.

    Raises:
        ModelError: names or shapes differ.
    """
    for name in sorted(wanted.keys() | given.keys()):
        if wanted.get(name) != given.get(name):
            raise ModelError(
                f"{source}: weights do not fit the configuration: {name} is {given.get(name, 'absent')}, "
                f"the network needs {wanted.get(name, 'none of that name')}"
            )


Tensors = Iterable[tuple[str, str, tuple[int, ...], NDArray[Any]]]
"""Name, type as torch writes it, shape and contents of tensors."""


def require_checksum(path: Path, header: Mapping[str, Any], tensors: Tensors) -> None:
    """Refuse a file whose checksum does not match.

    Args:
        path: the file, for errors.
        header: as written; those of early versions have no checksum.
        tensors: all that the file has.

    Raises:
        ModelError: it does not match.
    """
    if CHECKSUM in header and header[CHECKSUM] != checksum(header, tensors):
        raise ModelError(f"{path}: is damaged: its checksum does not match; copy or convert it again")


def checksum(header: Mapping[str, Any], tensors: Tensors) -> str:
    """SHA-256 of a header without its checksum and of the weights, which have no other check."""
    plain = {key: value for key, value in header.items() if key != CHECKSUM}
    digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode())
    for name, dtype, shape, contents in sorted(tensors, key=itemgetter(0)):
        digest.update(f"{name} {dtype} {tuple(shape)}".encode())
        digest.update(contents.tobytes())
    return digest.hexdigest()


def damaged(path: Path, error: Exception) -> ModelError:
    """The error for a header that cannot be parsed."""
    return ModelError(f"{path}: its header is damaged ({error!r}); copy or convert it again")


def _parsed(metadata: Mapping[str, str], path: Path) -> dict[str, Any]:
    if HEADER not in metadata:
        raise ModelError(
            f"{path}: not a model of deepconsensus-py; convert checkpoints with 'deepconsensus-py model convert'"
        )
    try:
        header: dict[str, Any] = json.loads(metadata[HEADER])
        written = (header["format"], OLD_FAMILIES.get(header["family"], header["family"]))
        if missing := _TYPES.keys() - header.keys():
            raise KeyError(*missing)
        if wrong := [key for key, kind in _TYPES.items() if not isinstance(header[key], kind)]:
            raise TypeError(f"{wrong[0]} is no {_TYPES[wrong[0]].__name__}")
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise damaged(path, error) from error
    if written[0] != FORMAT or written[1] not in FAMILIES:
        raise ModelError(
            f"{path}: a {written[1]!r} model of format {written[0]}, this version reads {' and '.join(FAMILIES)} "
            f"models of format {FORMAT}; use the version that wrote it"
        )
    spec = header["spec"]
    if spec.get("family") in OLD_FAMILIES:
        spec = {**spec, "family": OLD_FAMILIES[spec["family"]]}
    return {**header, "family": written[1], "spec": spec}
