"""Plain values, as YAML and JSON give them, to frozen records, with a sentence for whatever does not fit."""

import types
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from deepconsensus_py.errors import InputError

Record = TypeVar("Record")


def read_record(kind: type[Record], path: Path, changes: Mapping[str, Any] | None = None) -> Record:
    """Read a record from a YAML file.

    Args:
        kind: a dataclass.
        path: the file.
        changes: values of top-level keys that replace those of the file.

    Raises:
        InputError: the file cannot be read, is not YAML, or a key is unknown, missing or of another type.
    """
    import yaml  # noqa: PLC0415 - only needed where a configuration is read

    try:
        values = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); give a YAML file") from error
    except (yaml.YAMLError, AttributeError, RecursionError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not YAML ({' '.join(str(error).split())})") from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: not a table of keys and values; see docs/training.md")
    return record(kind, {**values, **(changes or {})}, where=f"{path}: ")


def record(kind: type[Record], values: Mapping[str, Any], *, where: str) -> Record:
    """Make a record.

    Args:
        kind: a dataclass whose fields are numbers, words, tables, records, or tuples and optional ones of these.
        values: plain values by field name.
        where: what the sentence starts with, e.g. ``"train.yaml: stages[0]."``.

    Raises:
        InputError: a key is unknown, missing, or its value of another type or out of range.
    """
    assert is_dataclass(kind)
    known = {f.name: f for f in fields(kind)}
    for key in values:
        if key not in known:
            raise InputError(f"{where}{key} is not known here; known are {', '.join(known)}")
    for name, f in known.items():
        if name not in values and f.default is MISSING and f.default_factory is MISSING:
            raise InputError(f"{where}{name} is missing")
    hints = get_type_hints(kind)
    converted = {key: _value(hints[key], value, f"{where}{key}") for key, value in values.items()}
    try:
        return kind(**converted)
    except InputError as error:
        raise InputError(f"{where}{error}") from error


def _value(kind: Any, value: Any, where: str) -> Any:
    """A plain value as the type that a field has."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        return None if value is None else _value(arguments[0], value, where)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise InputError(f"{where} must be a list, not {value!r}")
        return tuple(_value(arguments[0], item, f"{where}[{number}]") for number, item in enumerate(value))
    if is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, Mapping):
            raise InputError(f"{where} must be a table of keys and values, not {value!r}")
        return record(kind, value, where=f"{where}.")
    return _plain(origin or kind, value, where)


def _plain(kind: type, value: Any, where: str) -> Any:
    if kind is float and isinstance(value, int | str) and not isinstance(value, bool):
        try:
            return float(value)  # YAML 1.1 takes 1e-3 for a word
        except ValueError:
            pass
    elif isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    words = {float: "a number", int: "a whole number", str: "a word", bool: "true or false"}
    raise InputError(f"{where} must be {words.get(kind, 'a table of keys and values')}, not {value!r}")


def plain(value: Any) -> Any:
    """A record as JSON values."""
    return _listed(asdict(value))


def _listed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, list | tuple) else value
