"""Dataset XML of PacBio: the BAM files that it lists, and the filters that choose records of them.

Source: PacBio data sets, version 3.0 ("DataSet XML"); filters and operators as in pbbam (``PbiFilter::FromDataSet``).
A filter that is not understood is refused: to ignore it would polish what was excluded.
"""

import re
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt, ne
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.pacbio.names import parse_ccs, parse_subread, whole_number

if TYPE_CHECKING:
    from deepconsensus_py.pacbio.bam_record import Record

SUFFIX = ".xml"

_FILES = {
    "SubreadSet": "PacBio.SubreadFile.SubreadBamFile",
    "ConsensusReadSet": "PacBio.ConsensusReadFile.ConsensusReadBamFile",
}
"""Types of data sets that are read, with the type of their files."""

_LARGEST, _DEEPEST = 100 << 20, 64
"""Bytes of a file, and levels of elements in it."""

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    word: compare
    for words, compare in (
        ("= == eq", eq),
        ("!= ne", ne),
        ("< lt &lt;", lt),
        ("<= lte &lt;=", le),
        ("> gt &gt;", gt),
        (">= gte &gt;=", ge),
    )
    for word in words.split()
}

_CAST = "uint32cast"
"""The hash by which chunked data sets divide hole numbers. The other one, ``BoostHashCombine``, is refused: pbbam and
pbcore compute different values for it, as both say."""

_LIST = re.compile(r"[\[({](.*)[\])}]")


@dataclass(frozen=True, slots=True)
class Property:
    """One condition of a filter.

    Attributes:
        name: ``zm``, ``rq``, ``length`` or ``qname``.
        compare: compares the record's value with ``value``.
        value: whole number, number or text; a frozen set of whole numbers is a list of hole numbers.
        modulo: of hole numbers; 0 compares them as they are.
    """

    name: str
    compare: Callable[[Any, Any], bool]
    value: Any
    modulo: int = 0

    def accepts(self, record: "Record") -> bool:
        """Whether a record fulfils it; a damaged one whose value is unknown does, so that it is reported."""
        found = _VALUES[self.name](record)
        if found is None:
            return True
        if isinstance(self.value, frozenset):
            return found in self.value
        return self.compare(found % self.modulo if self.modulo else found, self.value)


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """The filters of a data set.

    Attributes:
        alternatives: a record is chosen if it fulfils all properties of one of them.
    """

    alternatives: tuple[tuple[Property, ...], ...]

    def accepts(self, record: "Record") -> bool:
        """Whether a record is chosen."""
        return any(all(one.accepts(record) for one in properties) for properties in self.alternatives)


@dataclass(frozen=True, slots=True, eq=False)
class DataSet:
    """What is read of a data set.

    Attributes:
        files: its BAM files.
        filter: of their records, or None.
        collections: elements ``CollectionMetadata``, which describe the runs of the instrument.
    """

    files: tuple[Path, ...]
    filter: RecordFilter | None
    collections: tuple[ET.Element, ...] = ()


def parse_dataset(data: bytes, path: Path) -> DataSet:
    """Parse a dataset XML.

    Args:
        data: its bytes.
        path: the file, for its folder and for messages.

    Raises:
        InputError: it is no data set of subreads or CCS reads, lists no BAM file, or has an unsupported filter.
    """
    root = _root(data, path)
    kind = _local(root)
    if kind not in _FILES:
        raise InputError(f"{path}: is a {kind}; give a SubreadSet or ConsensusReadSet, or BAM files")
    resources = [one for group in _children(root, "ExternalResources") for one in _children(group, "ExternalResource")]
    ids = [one.get("ResourceId", "") for one in resources if one.get("MetaType") == _FILES[kind]]
    if not ids:
        raise InputError(f"{path}: lists no file of type {_FILES[kind]}; give BAM files")
    described = [one for group in _children(root, "DataSetMetadata") for one in _children(group, "Collections")]
    collections = tuple(one for group in described for one in _children(group, "CollectionMetadata"))
    return DataSet(tuple(_resource(path, name) for name in ids), _filter(root, path), collections)


class _Builder(ET.TreeBuilder):
    """Refuses document types, which could define entities of any size, and elements within elements without end."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path, self._depth = path, 0

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:  # noqa: ARG002 - ElementTree's own
        raise InputError(f"{self._path}: has a document type (<!DOCTYPE {name}>), which dataset XML has not; remove it")

    def start(self, tag: Any, attributes: Any) -> ET.Element:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise InputError(f"{self._path}: has more than {_DEEPEST} levels of elements; is it a dataset XML?")
        return super().start(tag, attributes)

    def end(self, tag: Any) -> ET.Element:
        self._depth -= 1
        return super().end(tag)


def _root(data: bytes, path: Path) -> ET.Element:
    if len(data) > _LARGEST:
        raise InputError(f"{path}: has more than {_LARGEST >> 20} MB, which is implausible for a dataset XML")
    # Neither external nor internal entities can be defined without a document type.
    parser = ET.XMLParser(target=_Builder(path))  # noqa: S314
    try:
        parser.feed(data)
        root: ET.Element = parser.close()
    except ET.ParseError as error:
        raise InputError(f"{path}: is not well-formed XML ({error}); copy or make it again") from error
    return root


def _local(element: ET.Element) -> str:
    """The name of an element without its namespace, which versions of the format differ in."""
    return element.tag.rpartition("}")[2]


def _children(element: ET.Element, name: str) -> Iterator[ET.Element]:
    return (child for child in element if _local(child) == name)


def _resource(path: Path, name: str) -> Path:
    """The file of a ``ResourceId``: a URI, or a path as it is, from the folder of the XML."""
    if local := local_file(path, name):
        return local
    return path.parent / name if (path.parent / name).exists() else path.parent / unquote(name)


def local_file(path: Path, name: str) -> Path | None:
    """The file of a ``file:`` URL, relative to the folder of the file that lists it; None for other names.

    Raises:
        InputError: it is on another machine.
    """
    if not name.lower().startswith("file:"):
        return None
    url = urlsplit(name)
    if url.netloc not in {"", "localhost"}:
        raise InputError(f"{path}: {name} is on another machine; give a local file")
    return path.parent / unquote(url.path, errors="surrogateescape")


def _filter(root: ET.Element, path: Path) -> RecordFilter | None:
    filters = [one for group in _children(root, "Filters") for one in _children(group, "Filter")]
    alternatives = []
    for one in filters:
        properties = [p for group in _children(one, "Properties") for p in _children(group, "Property")]
        if not properties:
            raise InputError(f"{path}: has a filter without properties; remove it, or give the BAM files")
        alternatives.append(tuple(_property(p, path) for p in properties))
    return RecordFilter(tuple(alternatives)) if alternatives else None


def _property(element: ET.Element, path: Path) -> Property:
    given, operator, text = (element.get(key, "").strip() for key in ("Name", "Operator", "Value"))
    modulo, hashed = element.get("Modulo"), element.get("Hash")
    name = _ALIASES.get(given.lower(), given.lower())
    words = " ".join(f'{key}="{value}"' for key, value in element.attrib.items())
    compare = _OPERATORS.get(operator)
    value = _parsed(name, text, operator) if name in _VALUES else None
    divisor = 0 if modulo is None else whole_number(modulo)
    is_hash = name == "zm" and divisor and type(value) is int and (hashed or "").lower() == _CAST
    if compare is None or value is None or not (is_hash or (modulo is None and hashed is None)):
        raise InputError(
            f"{path}: filter property {words} is not supported; give the BAM files, or filters of zm, rq, length and "
            "qname"
        )
    return Property(name, compare, value, divisor or 0)


def _parsed(name: str, text: str, operator: str) -> Any:
    """The value of a property; None if it has none that can be compared."""
    if name == "qname":
        return text if parse_subread(text) or parse_ccs(text) else None
    if name == "rq":
        with suppress(ValueError, OverflowError):
            # The tag has four bytes: 0.99 must be what it holds for 0.99.
            return struct.unpack("<f", struct.pack("<f", float(text)))[0]
        return None
    listed = _LIST.fullmatch(text)
    if listed is None and "," not in text:
        return whole_number(text)
    numbers = [whole_number(word.strip()) for word in (listed[1] if listed else text).split(",")]
    return frozenset(numbers) if name == "zm" and _OPERATORS.get(operator) is eq and None not in numbers else None


def _hole(record: "Record") -> int | None:
    molecule = parse_subread(record.name) or parse_ccs(record.name)
    return molecule.hole if molecule else record.hole()


def _accuracy(record: "Record") -> float | None:
    try:
        found = next((value for tag, value, _ in record.read_tags() if tag == "rq"), 0.0)
    except MoleculeError:
        return None
    return found if isinstance(found, int | float) else None


_VALUES: "dict[str, Callable[[Record], Any]]" = {
    "zm": _hole,
    "rq": _accuracy,
    "length": lambda record: None if record.fault else record.length,
    "qname": lambda record: record.name,
}
"""The value of each property that is supported, None where it is unknown. Records without ``rq`` have 0 (PacBio BAM
index)."""

_ALIASES = {"zmw": "zm", "querylength": "length"}
