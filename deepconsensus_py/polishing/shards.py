"""Feature shards: files of encoded ZMWs, so that the network can run on another machine than the encoder.

A shard is a zip archive of one ``shard.json`` and one safetensors file per ZMW (docs/developers/formats.md).
"""

import json
import re
import zipfile
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pysam
from numpy.typing import NDArray
from safetensors.numpy import load, save

from deepconsensus_py._version import __version__
from deepconsensus_py.corrector import Arrays, Features, Method
from deepconsensus_py.errors import InputError, ModelError
from deepconsensus_py.files import atomic_path
from deepconsensus_py.pacbio.header_text import checked_header, header_lines
from deepconsensus_py.pacbio.inputs import reading, understanding
from deepconsensus_py.pacbio.molecule import Draft, N
from deepconsensus_py.pacbio.records import set_tags
from deepconsensus_py.polishing.read import Encoded
from deepconsensus_py.reports.outcomes import Outcome
from deepconsensus_py.reports.zmw import ZmwFacts

FORMAT = "deepconsensus-py features"
VERSION = 2
FIRST_MEMBER = "shard.json"

_NAME = re.compile("[!-~]{1,254}")
"""A valid read name (SAM specification, section 1.4)."""

_WHAT = "a feature shard; write it again with 'encode'"

_SIZE = 8
"""Bytes of the little-endian length of the JSON header at the start of a safetensors file."""

COMPRESSION_LEVEL = 1
"""Deflate's fastest level: windows are mostly gaps and repeated rows, and already shrink to a fifth."""


@dataclass(frozen=True, slots=True)
class ShardInfo:
    """Metadata of a shard.

    Attributes:
        path: the file.
        model: name of the model whose method encoded it.
        spec: that method's spec, as read from JSON.
        header: text of the drafts' BAM header; empty if they came from FASTQ.
        tool: version of the program that wrote it.
        molecules: number of ZMWs.
    """

    path: Path
    model: str
    spec: Mapping[str, Any]
    header: str
    tool: str
    molecules: int

    def require_fit(self, method: Method) -> None:
        """Check that a method takes the shard's encoding.

        Raises:
            ModelError: the specs differ.
        """
        needed = json.loads(json.dumps(dict(method.spec)))
        if needed == self.spec:
            return
        keys = [key for key in sorted({*needed, *self.spec}) if needed.get(key) != self.spec.get(key)]
        differences = ", ".join(f"{key} is {self.spec.get(key)}, not {needed.get(key)}" for key in keys)
        if needed.keys() != self.spec.keys():
            differences = "another kind of model"
        raise ModelError(
            f"{self.path}: was encoded for model {self.model}, which does not fit model {method.name} ({differences}); "
            "encode again with the --model and --ins-trim of this run"
        )


def write_shard(path: Path, molecules: Iterable[Encoded], method: Method, header: str) -> Counter[str]:
    """Write encoded ZMWs; the file gets its name only when it is complete.

    Args:
        path: the file.
        molecules: in draft order.
        method: made the features.
        header: text of the drafts' BAM header, for the polished reads.

    Returns:
        Number of encoded ZMWs under ``"encoded"``, and of the others under their outcomes.

    Raises:
        OutputError: the file cannot be written.
    """
    about = {
        "format": FORMAT,
        "version": VERSION,
        "tool": __version__,
        "model": method.name,
        "spec": dict(method.spec),
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
    """Open a shard; its ZMWs are read one at a time, in draft order.

    Args:
        path: the file.
        skip: skip the first ZMWs.

    Returns:
        The metadata (of the whole shard), and the ZMWs.

    Raises:
        InputError: the file is missing, truncated, damaged or of another kind; also while ZMWs are read.
    """
    with understanding(path, _WHAT), reading(path), zipfile.ZipFile(path) as archive:
        about = dict(json.loads(archive.read(FIRST_MEMBER)))
        members = archive.namelist()[1:]
    if about.get("format") != FORMAT:
        raise InputError(f"{path}: is not a feature shard (its {FIRST_MEMBER} has not the format {FORMAT!r})")
    if about.get("version") != VERSION:
        raise InputError(
            f"{path}: has shard version {about.get('version')} (written by deepconsensus-py {about.get('tool')}), "
            f"deepconsensus-py {__version__} reads version {VERSION}; encode again with this version"
        )
    with understanding(path, _WHAT):
        texts = [_text(about[key]) for key in ("model", "header", "tool")]
        if "\0" in texts[1]:
            raise ValueError("a NUL byte in its header")
        header = "".join(f"{line}\n" for line in header_lines(checked_header(texts[1], (), (), path)))
        info = ShardInfo(path, texts[0], dict(about["spec"]), header, texts[2], len(members))
    return info, _molecules(path, members[skip:])


def _molecules(path: Path, members: list[str]) -> Iterator[Encoded]:
    # Opened only now: there may be more shards than a process may have open files.
    with reading(path):
        archive = zipfile.ZipFile(path)
    with archive:
        for member in members:
            with understanding(f"{path}: member {member}", f"a molecule of {_WHAT}"):
                molecule = _unpack(archive.read(member))
            yield molecule


def first_names(path: Path, count: int) -> Iterator[str]:
    """The names of the first ZMWs of a shard, without decompressing their features.

    Raises:
        InputError: the file is damaged.
    """
    with reading(path):
        archive = zipfile.ZipFile(path)
    with archive:
        for member in archive.namelist()[1 : count + 1]:
            with understanding(f"{path}: member {member}", f"a molecule of {_WHAT}"), archive.open(member) as stream:
                size = int.from_bytes(stream.read(_SIZE), "little")
                name = _text(_about(stream.read(size))["name"])
            yield name


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    # A ZipInfo of our own has no modification time, so that equal ZMWs make equal shards.
    member = zipfile.ZipInfo(name)
    member.external_attr = 0o644 << 16
    archive.writestr(member, data, zipfile.ZIP_DEFLATED, COMPRESSION_LEVEL)


def _pack(molecule: Encoded) -> bytes:
    """One ZMW as safetensors bytes: arrays by prefixed name, the rest as JSON in the metadata."""
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
        "counts": dict(molecule.counts),
        "facts": asdict(molecule.facts),
    }
    contiguous = {name: np.ascontiguousarray(values) for name, values in arrays.items()}
    return save(contiguous, metadata={"molecule": json.dumps(about)})


def _about(header: bytes) -> dict[str, Any]:
    """The metadata in a safetensors header, which ``safetensors.numpy.load`` does not return."""
    return dict(json.loads(json.loads(header)["__metadata__"]["molecule"]))


def _unpack(data: bytes) -> Encoded:
    about = _about(data[_SIZE : _SIZE + int.from_bytes(data[:_SIZE], "little")])
    arrays = load(data)
    tags = tuple((tag, _tag_value(arrays.get(f"tags.{tag}"), value), code) for tag, value, code in about["tags"])
    draft = Draft(about["name"], arrays["draft.bases"], arrays.get("draft.qualities"), tags)
    features = Features(_group(arrays, "inputs."), _group(arrays, "layout.")) if about["encoded"] else None
    own = {name: about[name] for name in ("outcome", "reason", "passes", "full_passes")}
    # Shards of earlier versions have neither.
    facts, counts = ZmwFacts(**about.get("facts", {})), about.get("counts", {})
    molecule = Encoded(draft, features, **own, facts=facts, counts=counts)
    _require_sound(molecule)
    return molecule


def _require_sound(molecule: Encoded) -> None:
    """Check what would make a run fail later, or would end up in its outputs.

    Raises:
        ValueError: a value has the wrong type or is out of range.
    """
    draft, features = molecule.draft, molecule.features
    _text(draft.name), _text(molecule.reason)
    if not _NAME.fullmatch(draft.name) or not all(map(_is_sound_tag, draft.tags)):
        raise ValueError(f"a name or tag of {draft.name!a}")
    if draft.bases.dtype != np.uint8 or draft.bases.ndim != 1 or (draft.bases > N).any():
        raise ValueError("its bases")
    if draft.qualities is not None and (
        draft.qualities.dtype != np.uint8 or draft.qualities.shape != draft.bases.shape or (draft.qualities > 93).any()
    ):
        raise ValueError("its qualities")
    numbers = (molecule.passes, molecule.full_passes, *asdict(molecule.facts).values())
    if any(type(number) is not int or number < 0 for number in numbers):
        raise ValueError("its passes")
    if not all(type(count) is int and count >= 0 for count in dict(molecule.counts).values()):
        raise ValueError("its counts")
    if molecule.outcome not in ({""} if features else set(Outcome)):
        raise ValueError(f"its outcome {molecule.outcome!a}")
    if features and (not features.inputs or len({len(values) for values in features.inputs.values()}) > 1):
        raise ValueError("its items")
    # Raises for numbers that do not fit their type, and for unknown types.
    set_tags(pysam.AlignedSegment(), draft.tags)


def _is_sound_tag(tag: tuple[str, Any, str]) -> bool:
    name, value, code = tag
    if not re.fullmatch("[A-Za-z][A-Za-z0-9]", name) or type(value) not in {str, int, float, array}:
        return False
    return not isinstance(value, str) or (
        code in {"A", "Z", "H"} and min(value, default=" ") >= " " and (code != "A" or len(value) == 1)
    )


def _tag_value(stored: NDArray[Any] | None, value: Any) -> Any:
    return value if stored is None else array(stored.dtype.char, stored.tobytes())


def _group(arrays: Arrays, prefix: str) -> Arrays:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}
