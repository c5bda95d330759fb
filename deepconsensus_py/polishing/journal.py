"""The journal of a run: how far it has come, and what it is. One small JSON file, replaced when a piece is stored."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deepconsensus_py._version import __version__
from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.inputs import reading
from deepconsensus_py.pacbio.outputs import flush_to_disk, writing
from deepconsensus_py.polishing.stored import Stored

FORMAT = "deepconsensus-py journal"
VERSION = 2
NAME = "journal.json"


@dataclass(frozen=True, slots=True)
class Journal:
    """What stands on the disk for good.

    Attributes:
        identity: what decides the run's records; see ``polishing.identity``.
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
