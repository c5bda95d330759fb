"""The dataset XML of a BAM file of HiFi reads, as SMRT Link and pbcore read it.

Source: PacBio data sets, version 3.0 (``PacBioDatasets.xsd``, ``PacBioBaseDataModel.xsd``).
"""

import copy
import hashlib
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote
from uuid import UUID
from xml.etree import ElementTree as ET

import numpy as np

from deepconsensus_py.files import atomic_path, writing
from deepconsensus_py.pacbio.indexing import index_bam
from deepconsensus_py.pacbio.inputs import Paths, as_paths, is_dataset, read_dataset, reading
from deepconsensus_py.pacbio.pbi import pbi_path, read_pbi

ENDING = ".consensusreadset.xml"

_SCHEMA = "http://pacificbiosciences.com/{}.xsd"
_NAMESPACES = {
    prefix: _SCHEMA.format(name)
    for prefix, name in (
        ("pbds", "PacBioDatasets"),
        ("pbbase", "PacBioBaseDataModel"),
        ("pbmeta", "PacBioCollectionMetadata"),
        ("pbsample", "PacBioSampleInfo"),
    )
}
_VERSION = "3.0.1"


def write_dataset(bam: Path, inputs: Paths) -> Path:
    """Write the index of a BAM file of HiFi reads and, beside it, its dataset XML.

    Args:
        bam: the file.
        inputs: what the reads were made from; the descriptions of runs in data sets among them are copied.

    Returns:
        The dataset XML.

    Raises:
        InputError: the file or an input cannot be read.
        OutputError: a file cannot be written.
    """
    index_bam(bam)
    pbi = pbi_path(bam)
    rows = read_pbi(pbi).basic
    length = int(rows["qEnd"].sum(dtype=np.int64) - rows["qStart"].sum(dtype=np.int64))
    with reading(pbi):
        content = hashlib.sha256(pbi.read_bytes()).digest()
    collections = [one for path in as_paths(inputs) if is_dataset(path) for one in read_dataset(path).collections]
    target = bam.with_suffix(ENDING)
    with atomic_path(target) as temporary, writing(target):
        temporary.write_bytes(dataset_xml(bam.name, len(rows), length, content, collections))
    return target


def dataset_xml(bam: str, n_records: int, length: int, content: bytes, collections: Sequence[ET.Element]) -> bytes:
    """A dataset XML of one BAM file with its index, both in the folder of the XML.

    Args:
        bam: name of the file.
        n_records: number of reads.
        length: their bases.
        content: what the identifiers are derived from, so that equal reads have equal ones.
        collections: elements ``CollectionMetadata``.
    """
    for prefix, name in _NAMESPACES.items():
        ET.register_namespace(prefix, name)
    root = ET.Element(_tag("pbds", "ConsensusReadSet"), _attributes("PacBio.DataSet.ConsensusReadSet", content))
    root.set("Name", bam.removesuffix(".bam"))
    file = _resource(root, "ExternalResource", "PacBio.ConsensusReadFile.ConsensusReadBamFile", bam, content)
    _resource(file, "FileIndex", "PacBio.Index.PacBioIndex", f"{bam}.pbi", content)
    about = ET.SubElement(root, _tag("pbds", "DataSetMetadata"))
    for name, value in (("TotalLength", length), ("NumRecords", n_records)):
        ET.SubElement(about, _tag("pbds", name)).text = str(value)
    if collections:
        copies = map(copy.deepcopy, collections)
        ET.SubElement(about, _tag("pbmeta", "Collections")).extend(copies)
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


_GROUPS = {"ExternalResource": "ExternalResources", "FileIndex": "FileIndices"}


def _resource(parent: ET.Element, element: str, kind: str, name: str, content: bytes) -> ET.Element:
    group = ET.SubElement(parent, _tag("pbbase", _GROUPS[element]))
    resource = ET.SubElement(group, _tag("pbbase", element), _attributes(kind, content))
    resource.set("ResourceId", quote(name))
    return resource


def _attributes(kind: str, content: bytes) -> dict[str, str]:
    """Attributes of every entity; without times, so that equal runs write equal bytes."""
    identifier = str(UUID(bytes=hashlib.sha256(kind.encode() + content).digest()[:16], version=5))
    name = f"{kind.replace('.', '_').lower()}-{identifier[:8]}"
    return {"MetaType": kind, "UniqueId": identifier, "TimeStampedName": name, "Version": _VERSION}


def _tag(prefix: str, name: str) -> str:
    return f"{{{_NAMESPACES[prefix]}}}{name}"
