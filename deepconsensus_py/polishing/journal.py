"""What decides the records of a run: input, model, options, program. A run is gone on with only by the same."""

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
"""Bytes of an input's start and end that are looked at: its size and time say the rest."""


def run_identity(
    inputs: Sequence[Path], model: str, method: Method, options: Mapping[str, Any], formats: Sequence[str]
) -> dict[str, Any]:
    """What decides a run's records, as plain JSON values.

    Args:
        inputs: all files that molecules are read from.
        model: its name or the path of its file.
        method: its method.
        options: those that records depend on.
        formats: endings of the outputs.

    Raises:
        InputError: an input cannot be read.
        ModelError: the model's file is gone.
    """
    facts = {
        "version": __version__,
        "inputs": [_fingerprint(path) for path in inputs],
        "model": model_facts(method) | {"weights": _weights(model)},
        "options": dict(options),
        "formats": list(formats),
    }
    # As a journal gives it back: without tuples.
    plain: dict[str, Any] = json.loads(json.dumps(facts))
    return plain


def model_facts(method: Method) -> dict[str, Any]:
    """What a report says of the model."""
    return {"name": method.name, "spec": dict(method.spec), "calibration": method.calibration}


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


FORMAT = "deepconsensus-py journal"
VERSION = 2
NAME = "journal.json"


@dataclass(frozen=True, slots=True)
class Journal:
    """What stands on the disk for good.

    Attributes:
        identity: what decides the run's records; see ``polishing.journal``.
        places: the final path of each finished file, by its name in the folder; see ``pieces.Targets.places``.
        report: the report of the run so far.
        files: what is stored of each file, by its name in the folder.
        complete: whether all molecules are done and the files only have to take their names.
    """

    identity: Mapping[str, Any]
    places: Mapping[str, str]
    report: Mapping[str, Any]
    files: Mapping[str, Stored]
    complete: bool = False

    @property
    def molecules(self) -> int:
        """How many molecules are done."""
        return int(self.report["counts"]["molecules"])


def write_journal(folder: Path, journal: Journal) -> None:
    """Replace the journal of a folder; it counts once this returns, and the one before until then.

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
        raise InputError(f"{path}: is damaged, or not the journal of a run; delete {folder} to start over")
    if content.get("version") != VERSION:
        raise InputError(
            f"{path}: has journal version {content.get('version')} of deepconsensus-py {content.get('tool')}, and "
            f"deepconsensus-py {__version__} reads version {VERSION}; finish with that version, or delete {folder} to "
            "start over"
        )
    run = content.get("run")
    # What has the right checksum is what write_journal wrote: its keys and types need no other look.
    if not isinstance(run, dict) or content.get("sha256") != _checksum(run):
        raise InputError(f"{path}: is damaged (its checksum is another); delete {folder} to start over")
    return Journal(**run | {"files": {name: Stored(**stored) for name, stored in run["files"].items()}})


def _checksum(run: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(run).encode()).hexdigest()
