"""Headers of model files, and the bundled models; torch is not needed.

The safetensors metadata has one entry, ``HEADER``, a JSON object; several would be written in any order, so that two
copies of a model would differ.
"""

import json
import math
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

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
