"""The journal of an unfinished run: its last checkpoint, and all that its records depend on (inputs, model, options).

A run is resumed only if none of these has changed, so that its records are those of an uninterrupted run.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deepconsensus_py._version import __version__
from deepconsensus_py.corrector import Method
from deepconsensus_py.errors import InputError
from deepconsensus_py.files import flush_to_disk, writing
from deepconsensus_py.methods import WITHOUT_WEIGHTS
from deepconsensus_py.models.header import find_model
from deepconsensus_py.pacbio.inputs import reading
from deepconsensus_py.pacbio.pipes import is_pipe
from deepconsensus_py.polishing.outputs import Stored

_LOOKED_AT = 1 << 16
"""Bytes that are hashed at the start and at the end of an input; inputs may have hundreds of gigabytes."""


def run_identity(
    inputs: Sequence[Path], model: str, method: Method, options: Mapping[str, Any], formats: Sequence[str]
) -> dict[str, Any]:
    """Everything that a run's records depend on, as plain JSON values.

    Args:
        inputs: all input files.
        model: its name or the path of its file.
        method: its method.
        options: those that the records depend on.
        formats: file name extensions of the outputs.

    Raises:
        InputError: an input cannot be read.
        ModelError: the model's file does not exist any more.
    """
    facts = {
        "version": __version__,
        "inputs": [_fingerprint(path) for path in inputs],
        "model": model_facts(method) | {"weights": _weights(model)},
        "options": dict(options),
        "formats": list(formats),
    }
    # As it comes back from a journal: with lists for tuples.
    plain: dict[str, Any] = json.loads(json.dumps(facts))
    return plain


def model_facts(method: Method) -> dict[str, Any]:
    """The report's entry ``model``."""
    return {"name": method.name, "spec": dict(method.spec), "calibration": method.calibration}


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Description of the differences between two identities; empty if there are none.

    Args:
        then: the earlier identity, as read from JSON.
        now: the current one.
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


def can_be_resumed(identity: Mapping[str, Any]) -> bool:
    """Whether a run's inputs can be read again: pipes cannot."""
    return all("sha256" in facts for facts in identity["inputs"])


def _fingerprint(path: Path) -> dict[str, Any]:
    if is_pipe(path):
        return {"name": str(path)}
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
        # Only name and content count: inputs may have been moved.
        if old["name"] != new["name"]:
            yield f"input {old['name']}, now {new['name']}"
        elif old != new:
            yield f"input {new['name']} has changed"


def _other_model(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    if then["name"] != now["name"]:
        yield f"model {then['name']}, now {now['name']}"
    elif then != now:
        yield f"model {now['name']} has changed"


def _other_values(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*then, *now}):
        yield from _changed(name, then.get(name), now.get(name))


def _changed(name: str, then: object, now: object) -> Iterable[str]:
    return () if then == now else (f"{name} {then}, now {now}",)


FORMAT = "deepconsensus-py journal"
VERSION = 3
NAME = "journal.json"


@dataclass(frozen=True, slots=True)
class Journal:
    """A checkpoint: what is safely on disk.

    Attributes:
        identity: everything that the run's records depend on; see ``polishing.journal``.
        places: the final path of each finished file, by its name in the folder; see ``outputs.Targets.places``.
        report: the report of the run so far.
        files: size and checksum of each file, by its name in the folder.
        complete: whether all ZMWs are finished and the files only have to be moved to their final paths.
    """

    identity: Mapping[str, Any]
    places: Mapping[str, str]
    report: Mapping[str, Any]
    files: Mapping[str, Stored]
    complete: bool = False

    @property
    def molecules(self) -> int:
        """Number of finished ZMWs."""
        return int(self.report["counts"]["zmws"])


def write_journal(folder: Path, journal: Journal) -> None:
    """Replace the journal of a folder atomically.

    Raises:
        OutputError: it cannot be written.
    """
    new = folder / f"{NAME}.new"
    run = asdict(journal)
    about = {"format": FORMAT, "version": VERSION, "tool": __version__, "sha256": _checksum(run), "run": run}
    with writing(folder):
        with new.open("w", encoding="utf-8") as file:
            json.dump(about, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        new.replace(folder / NAME)
        flush_to_disk(folder)


def read_journal(folder: Path) -> Journal | None:
    """The journal of a folder, or None where none has been written.

    Raises:
        InputError: it is damaged, or of another version.
    """
    path = folder / NAME
    if not path.exists():
        return None
    with reading(path):
        text = path.read_bytes()
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{path}: is damaged, or not a journal; delete {folder} to start over")
    if content.get("version") != VERSION:
        raise InputError(
            f"{path}: has journal version {content.get('version')} (written by deepconsensus-py "
            f"{content.get('tool')}), deepconsensus-py {__version__} reads version {VERSION}; resume with that "
            f"version, or delete {folder} to start over"
        )
    run = content.get("run")
    # The checksum proves that write_journal wrote it, so keys and types are not checked again.
    if not isinstance(run, dict) or content.get("sha256") != _checksum(run):
        raise InputError(f"{path}: is damaged (wrong checksum); delete {folder} to start over")
    return Journal(**run | {"files": {name: Stored(**stored) for name, stored in run["files"].items()}})


def _checksum(run: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(run).encode()).hexdigest()
