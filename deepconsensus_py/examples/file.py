"""Example files: training examples in one compressed file, read one at a time and in any order.

A file is a zip archive of one safetensors file per molecule and, behind them, ``examples.json`` with the counts and the
index; ``docs/developers/formats.md`` has the layout.
"""

import json
import logging
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, overload

from deepconsensus_py._version import __version__
from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.examples.example import OPTIONAL, Entry, Example, pack, unpack
from deepconsensus_py.files import atomic_path
from deepconsensus_py.pacbio.inputs import reading
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.pileup.labels import label_windows
from deepconsensus_py.pileup.pileup import build_pileup
from deepconsensus_py.pileup.windows import window_bounds

log = logging.getLogger(__name__)

FORMAT = "deepconsensus-py examples"
VERSION = 1
LAST_MEMBER = "examples.json"

COMPRESSION_LEVEL = 6
"""Of deflate; 9 would take 1 % off the size for five times the time."""

_ANY = FeatureSpec(required=())
"""An encoding that every sound molecule has."""

_LOCAL_HEADER = struct.Struct("<26xHH")
"""Of a zip member (APPNOTE 6.3, section 4.3.7): lengths of the name and the extra field that its data come after."""


def write_examples(path: Path, examples: Iterable[Example | MoleculeError]) -> Counter[str]:
    """Write examples as they come; the file takes its name only when complete.

    Args:
        path: the file.
        examples: molecules with truth, or why a molecule has none; those are counted. So is a molecule whose alignments
            do not fit, which is skipped.

    Returns:
        The counts, which are in the file too: molecules ``n_zmw_processed``, those written ``n_zmw_pass`` and by split
        (``n_zmw_train``…), those skipped under ``n_zmw_`` and their outcome.

    Raises:
        OutputError: the file cannot be written.
    """
    counts: Counter[str] = Counter()
    entries: list[Entry] = []
    with atomic_path(path) as target, zipfile.ZipFile(target, "w") as archive:
        for example in examples:
            counts["n_zmw_processed"] += 1
            try:
                entry, data = _checked(example)
            except MoleculeError as fault:
                if f"n_zmw_{fault.outcome}" not in counts:
                    log.warning("%s (%s; others are counted only)", fault, fault.outcome)
                counts[f"n_zmw_{fault.outcome}"] += 1
                continue
            _add(archive, f"{len(entries):08d}.safetensors", data)
            entries.append(entry)
            counts.update(("n_zmw_pass", f"n_zmw_{entry.split}"))
        about = {"format": FORMAT, "version": VERSION, "tool": __version__, "counts": counts}
        molecules = [asdict(entry) for entry in entries]
        _add(archive, LAST_MEMBER, json.dumps({**about, "molecules": molecules}, indent=1).encode())
    return counts


class ExampleFile(Sequence[Example]):
    """A file of training examples; each is read and decoded when asked for.

    Held in memory are the index and a few numbers per molecule. The file is opened anew for every molecule, so that
    objects pickle small, survive a fork, and many files can be in use.

    Attributes:
        path: the file.
        tool: version of the program that wrote it.
        counts: of the run that wrote it, as ``write_examples`` gives them.
        entries: the index, in file order.
    """

    path: Path
    tool: str
    counts: Mapping[str, int]
    entries: tuple[Entry, ...]

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            InputError: missing, truncated, of another kind or of another version.
        """
        try:
            with reading(path), zipfile.ZipFile(path) as archive:
                about = json.loads(archive.read(LAST_MEMBER))
                members = [m for m in archive.infolist() if m.filename != LAST_MEMBER]
        except (zipfile.BadZipFile, KeyError) as fault:
            raise InputError(f"{path}: not an example file, or a truncated one; write it again with encode") from fault
        _require_known(path, about)
        self.path = path
        try:
            self.tool = about["tool"]
            self.counts = about["counts"]
            self.entries = tuple(Entry(**{**entry, "fields": tuple(entry["fields"])}) for entry in about["molecules"])
        except (KeyError, TypeError) as fault:
            raise InputError(f"{path}: its index is damaged; write it again with encode") from fault
        if len(self.entries) != len(members):
            raise InputError(f"{path}: its index is damaged (it lists {len(self)} of {len(members)} molecules)")
        self._places = [(m.header_offset, m.compress_size, m.CRC) for m in members]

    def __reduce__(self) -> tuple[type["ExampleFile"], tuple[Path]]:
        return ExampleFile, (self.path,)

    @property
    def names(self) -> tuple[str, ...]:
        """The drafts' names, in file order."""
        return tuple(entry.name for entry in self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Example]: ...
    def __getitem__(self, index: int | slice) -> Example | Sequence[Example]:
        """Read and decode examples.

        Raises:
            InputError: the file is damaged there, or gone.
            IndexError: there are not so many.
        """
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        name = self.entries[index].name
        with reading(self.path):
            try:
                return unpack(self._member(index))
            except (ValueError, KeyError, IndexError, TypeError, struct.error, zlib.error) as fault:
                sentence = f"molecule {name} is damaged ({fault}); write it again with encode"
                raise InputError(f"{self.path}: {sentence}") from fault

    def _member(self, index: int) -> bytes:
        # Not through ZipFile: that would read the whole directory again, or share one file position between processes.
        offset, size, checksum = self._places[index]
        with self.path.open("rb") as file:
            file.seek(offset)
            file.seek(sum(_LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))), 1)
            data = zlib.decompress(file.read(size), -zlib.MAX_WBITS)
        if zlib.crc32(data) != checksum:
            raise ValueError("wrong checksum")
        return data


def _require_known(path: Path, about: Mapping[str, Any]) -> None:
    if about.get("format") != FORMAT:
        raise InputError(f"{path}: not an example file (its {LAST_MEMBER} does not say {FORMAT!r})")
    if about.get("version") != VERSION:
        raise InputError(
            f"{path}: has example version {about.get('version')} (written by deepconsensus-py {about.get('tool')}), "
            f"deepconsensus-py {__version__} reads version {VERSION}; encode again with this version"
        )


def _checked(example: Example | MoleculeError) -> tuple[Entry, bytes]:
    """An example as its line of the index and its bytes, once passes and truth are known to fit the draft."""
    if isinstance(example, MoleculeError):
        raise example
    zmw, truth = example.zmw, example.truth
    pileup = build_pileup(zmw, _ANY)
    label_windows(pileup, window_bounds(pileup, _ANY), truth, _ANY)
    fields = [field for field in OPTIONAL if all(getattr(p, field) is not None for p in zmw.passes)]
    if zmw.draft.qualities is not None:
        fields.append("draft_qualities")
    entry = Entry(zmw.name, truth.split, truth.contig, len(zmw.passes), pileup.columns, tuple(fields))
    return entry, pack(example)


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    # A ZipInfo of our own has no time of day, so that equal examples make equal files.
    member = zipfile.ZipInfo(name)
    member.external_attr = 0o644 << 16
    archive.writestr(member, data, zipfile.ZIP_DEFLATED, COMPRESSION_LEVEL)
