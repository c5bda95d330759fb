"""Feature shards: encoded molecules in a file, so that other machines than the encoding one can correct them.

A shard is a zip archive of one ``shard.json`` and one safetensors file per molecule; ``docs/shards.md`` has the layout.
"""

import json
import zipfile
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from deepconsensus_py._version import __version__
from deepconsensus_py.errors import InputError, ModelError
from deepconsensus_py.models.interface import Arrays, Corrector, Features
from deepconsensus_py.pacbio.inputs import reading
from deepconsensus_py.pacbio.molecule import Draft
from deepconsensus_py.pacbio.outputs import atomic_path
from deepconsensus_py.polishing.encoded import Encoded

FORMAT = "deepconsensus-py features"
VERSION = 2
FIRST_MEMBER = "shard.json"

COMPRESSION_LEVEL = 1
"""Of deflate: windows are mostly gaps and repeated rows, the fastest level already makes them five times smaller."""


@dataclass(frozen=True, slots=True)
class ShardInfo:
    """What a shard says of itself.

    Attributes:
        path: the file.
        model: name of the corrector whose encoder made it.
        spec: that corrector's spec, as JSON gives it back.
        header: text of the drafts' BAM header; empty where they came from FASTQ.
        tool: version of the program that wrote it.
        molecules: how many it holds.
    """

    path: Path
    model: str
    spec: Mapping[str, Any]
    header: str
    tool: str
    molecules: int

    def require_fit(self, corrector: Corrector) -> None:
        """Refuse a corrector that needs another encoding.

        Raises:
            ModelError: the specs differ.
        """
        needed = json.loads(json.dumps(dict(corrector.spec)))
        if needed == self.spec:
            return
        keys = [key for key in sorted({*needed, *self.spec}) if needed.get(key) != self.spec.get(key)]
        differences = ", ".join(f"{key} {self.spec.get(key)} against {needed.get(key)}" for key in keys)
        if needed.keys() != self.spec.keys():
            differences = "a model of another kind"
        raise ModelError(
            f"{self.path}: encoded for model {self.model}, which does not fit model {corrector.name} ({differences}); "
            "encode again with the --model and --ins-trim of this run"
        )


def write_shard(path: Path, molecules: Iterable[Encoded], corrector: Corrector, header: str) -> Counter[str]:
    """Write molecules as they come; the file takes its name only when complete.

    Args:
        path: the file.
        molecules: in draft order.
        corrector: whose encoder made the features.
        header: text of the drafts' BAM header, for the polished reads.

    Returns:
        How many molecules were encoded, under ``"encoded"``, and how many were not, under their outcomes.

    Raises:
        OutputError: the file cannot be written.
    """
    about = {
        "format": FORMAT,
        "version": VERSION,
        "tool": __version__,
        "model": corrector.name,
        "spec": dict(corrector.spec),
        "header": header,
    }
    counts: Counter[str] = Counter()
    with atomic_path(path) as target, zipfile.ZipFile(target, "w") as archive:
        _add(archive, FIRST_MEMBER, json.dumps(about, indent=1).encode())
        for number, molecule in enumerate(molecules):
            _add(archive, f"{number:08d}.safetensors", _pack(molecule))
            counts[molecule.outcome or "encoded"] += 1
    return counts


def read_shard(path: Path, *, skip: int = 0) -> tuple[ShardInfo, Iterator[Encoded]]:
    """Open a shard; its molecules are read one at a time, in draft order.

    Args:
        path: the file.
        skip: leave out so many molecules, the first ones.

    Returns:
        What the shard says of itself (of all its molecules), and its molecules.

    Raises:
        InputError: the file is missing, truncated, damaged or of another kind; also while the molecules are read.
    """
    try:
        with reading(path), zipfile.ZipFile(path) as archive:
            about = json.loads(archive.read(FIRST_MEMBER))
            members = archive.namelist()[1:]
    except (zipfile.BadZipFile, KeyError) as fault:
        raise InputError(f"{path}: not a feature shard, or a truncated one; write it again with encode") from fault
    if about.get("format") != FORMAT:
        raise InputError(f"{path}: not a feature shard (its {FIRST_MEMBER} does not say {FORMAT!r})")
    if about.get("version") != VERSION:
        raise InputError(
            f"{path}: has shard version {about.get('version')} (written by deepconsensus-py {about.get('tool')}), "
            f"deepconsensus-py {__version__} reads version {VERSION}; encode again with this version"
        )
    info = ShardInfo(path, about["model"], about["spec"], about["header"], about["tool"], len(members))
    return info, _molecules(path, members[skip:])


def _molecules(path: Path, members: list[str]) -> Iterator[Encoded]:
    # Opened only now: a run may be given more shards than it may have open files.
    with zipfile.ZipFile(path) as archive:
        for member in members:
            try:
                molecule = _unpack(archive.read(member))
            except (zipfile.BadZipFile, zlib.error, SafetensorError, EOFError, KeyError, ValueError, OSError) as fault:
                raise InputError(f"{path}: member {member} is damaged ({fault}); write it again with encode") from fault
            yield molecule


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    # A ZipInfo of our own has no time of day, so that equal molecules make equal shards.
    member = zipfile.ZipInfo(name)
    member.external_attr = 0o644 << 16
    archive.writestr(member, data, zipfile.ZIP_DEFLATED, COMPRESSION_LEVEL)


def _pack(molecule: Encoded) -> bytes:
    """One molecule as safetensors bytes: arrays by prefixed name, all else as JSON in the metadata."""
    draft, features = molecule.draft, molecule.features
    arrays: dict[str, NDArray[Any]] = {"draft.bases": draft.bases}
    if draft.qualities is not None:
        arrays["draft.qualities"] = draft.qualities
    arrays |= {f"tags.{tag}": np.asarray(value) for tag, value, _ in draft.tags if isinstance(value, array)}
    if features is not None:
        arrays |= {f"inputs.{name}": values for name, values in features.inputs.items()}
        arrays |= {f"layout.{name}": values for name, values in features.layout.items()}
    about = {
        "name": draft.name,
        "tags": [(tag, None if isinstance(value, array) else value, code) for tag, value, code in draft.tags],
        "encoded": features is not None,
        "outcome": str(molecule.outcome),
        "reason": molecule.reason,
        "passes": molecule.passes,
        "full_passes": molecule.full_passes,
    }
    contiguous = {name: np.ascontiguousarray(values) for name, values in arrays.items()}
    return save(contiguous, metadata={"molecule": json.dumps(about)})


def _unpack(data: bytes) -> Encoded:
    # The header is a little-endian uint64 length and that many bytes of JSON; load() keeps its metadata to itself.
    end = 8 + int.from_bytes(data[:8], "little")
    about = json.loads(json.loads(data[8:end])["__metadata__"]["molecule"])
    arrays = load(data)
    tags = tuple((tag, _tag_value(arrays.get(f"tags.{tag}"), value), code) for tag, value, code in about["tags"])
    draft = Draft(about["name"], arrays["draft.bases"], arrays.get("draft.qualities"), tags)
    features = Features(_group(arrays, "inputs."), _group(arrays, "layout.")) if about["encoded"] else None
    return Encoded(draft, features, about["outcome"], about["reason"], about["passes"], about["full_passes"])


def _tag_value(stored: NDArray[Any] | None, value: Any) -> Any:
    return value if stored is None else array(stored.dtype.char, stored.tobytes())


def _group(arrays: Arrays, prefix: str) -> Arrays:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}
