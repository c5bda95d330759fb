"""What decides the records of a run: input, model, options, program. A run is gone on with only by the same."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from deepconsensus_py._version import __version__
from deepconsensus_py.models.header import find_model
from deepconsensus_py.models.interface import Corrector
from deepconsensus_py.models.names import WITHOUT_WEIGHTS
from deepconsensus_py.pacbio.inputs import reading

_LOOKED_AT = 1 << 16
"""Bytes of an input's start and end that are looked at: its size and time say the rest."""


def identity(
    inputs: Sequence[Path], model: str, corrector: Corrector, options: Mapping[str, Any], formats: Sequence[str]
) -> dict[str, Any]:
    """What decides a run's records, as plain JSON values.

    Args:
        inputs: all files that molecules are read from.
        model: name of the corrector or path of its file.
        corrector: the corrector.
        options: those that records depend on.
        formats: endings of the outputs.

    Raises:
        InputError: an input cannot be read.
        ModelError: the model's file is gone.
    """
    facts = {
        "version": __version__,
        "inputs": [_fingerprint(path) for path in inputs],
        "model": model_facts(corrector) | {"weights": _weights(model)},
        "options": dict(options),
        "formats": list(formats),
    }
    # As a journal gives it back: without tuples.
    plain: dict[str, Any] = json.loads(json.dumps(facts))
    return plain


def model_facts(corrector: Corrector) -> dict[str, Any]:
    """What a report says of the model."""
    return {"name": corrector.name, "spec": dict(corrector.spec), "calibration": corrector.calibration}


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What differs between two identities, in words; empty where nothing does.

    Args:
        then: an identity, as JSON gave it back.
        now: another.
    """
    return ", ".join(
        [
            *_changed("version", then["version"], now["version"]),
            *_other_inputs(then["inputs"], now["inputs"]),
            *_other_model(then["model"], now["model"]),
            *_other_values(then["options"], now["options"]),
            *_changed("output format", " and ".join(then["formats"]), " and ".join(now["formats"])),
        ]
    )


def _fingerprint(path: Path) -> dict[str, Any]:
    with reading(path), path.open("rb") as file:
        facts = os.fstat(file.fileno())
        digest = hashlib.sha256(file.read(_LOOKED_AT))
        file.seek(max(facts.st_size - _LOOKED_AT, 0))
        digest.update(file.read(_LOOKED_AT))
    return {"name": path.name, "bytes": facts.st_size, "modified_ns": facts.st_mtime_ns, "sha256": digest.hexdigest()}


def _weights(model: str) -> str:
    if model in WITHOUT_WEIGHTS:
        return ""
    path = find_model(model)
    with reading(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _other_inputs(then: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if len(then) != len(now):
        yield f"{len(then)} input files, now {len(now)}"
        return
    for old, new in zip(then, now, strict=True):
        # A file may have been moved, or be named by another way; what is in it counts.
        if old["name"] != new["name"]:
            yield f"input {old['name']}, now {new['name']}"
        elif old != new:
            yield f"input {new['name']}, which has changed since"


def _other_model(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    if then["name"] != now["name"]:
        yield f"model {then['name']}, now {now['name']}"
    elif then != now:
        yield f"model {now['name']}, which has changed since"


def _other_values(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*then, *now}):
        yield from _changed(name, then.get(name), now.get(name))


def _changed(name: str, then: object, now: object) -> Iterable[str]:
    return () if then == now else (f"{name} {then}, now {now}",)
