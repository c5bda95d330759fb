"""Read groups of HiFi reads, as ``ccs`` writes them: made from those of subreads, of CCS reads, or from read names.

Source: PacBio BAM format, section "BAM header"; chemistries and order of items as in output of ``ccs`` 6.0 to 7.0.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deepconsensus_py.pacbio.names import MoleculeId, Strand, identity_tags, read_group_id

_STRAND_NAME = {Strand.FORWARD: "FORWARD", Strand.REVERSE: "REVERSE"}

_FIELDS = ("ID", "PL", "DS", "PU", "LB", "SM", "PM", "BC", "CM")

_KINETICS = ("Ipd:CodecV1=ip", "PulseWidth:CodecV1=pw")
"""Of ``fi fp ri rp`` as well."""

_KITS = ("BINDINGKIT", "SEQUENCINGKIT", "BASECALLERVERSION")
_BARCODES = ("BarcodeFile", "BarcodeHash", "BarcodeCount", "BarcodeMode", "BarcodeQuality")
_ITEMS = (*_KITS, "FRAMERATEHZ", *_BARCODES, "CONTROL", "STRAND")
"""Items of ``DS`` after the read type and the kinetics."""

_CHEMISTRIES = {
    ("101-365-900", "101-309-400", "5.0"): "S/P2-C2/5.0",
    ("101-500-400", "101-427-800", "5.0"): "S/P3-C3/5.0",
    ("101-490-800", "101-490-900", "5.0"): "S/P3-C1/5.0-8M",
    ("101-789-500", "101-789-300", "5.0"): "S/P4-C2/5.0-8M",
}
"""``CM`` by binding kit, sequencing kit, and major and minor version of the basecaller."""


def ccs_read_group(line: str, *, kinetics: bool = False) -> str:
    """A read group of HiFi reads with the id that it has in the CCS reads.

    Args:
        line: an ``@RG`` line of CCS reads.
        kinetics: whether the reads have kinetics.
    """
    fields = _fields(line)
    return _line(fields, _items(fields), kinetics)


def read_group_of_subreads(line: str, *, kinetics: bool = False) -> str:
    """The read group of HiFi reads that are made from the subreads of a read group.

    Args:
        line: an ``@RG`` line of subreads; its id may end in the numbers of two barcodes, ``/F--R``, which are kept.
        kinetics: whether the reads have kinetics.
    """
    fields = _fields(line)
    _, slash, barcodes = fields.get("ID", "").partition("/")
    fields["ID"] = f"{read_group_id(MoleculeId(fields.get('PU', ''), 0))}{slash}{barcodes}"
    return _line(fields, _items(fields), kinetics)


def strand_read_groups(line: str, *, kinetics: bool = False) -> list[str]:
    """The read groups of the reads of either strand beside that of the reads of both; none if it is of one strand.

    Args:
        line: an ``@RG`` line of HiFi reads.
        kinetics: whether the reads have kinetics.
    """
    fields, items = _fields(line), _items(_fields(line))
    if "STRAND" in items:
        return []
    _, slash, barcodes = fields.get("ID", "").partition("/")
    ids = {strand: read_group_id(MoleculeId(fields.get("PU", ""), 0, strand)) for strand in Strand}
    return [
        _line({**fields, "ID": f"{ids[strand]}{slash}{barcodes}"}, {**items, "STRAND": name}, kinetics)
        for strand, name in _STRAND_NAME.items()
    ]


def tags_of_identity(name: str, groups: Iterable[str | None]) -> tuple[tuple[str, Any, str], ...]:
    """The tags ``RG`` and ``zm`` of a read that is made from subreads, as ``read_group_of_subreads`` has its group.

    Args:
        name: of the read.
        groups: ids of the subreads' read groups. If their barcodes differ, there is no ``RG``.
    """
    found = identity_tags(name)
    barcodes = {(group or "").partition("/")[2] for group in groups}
    if not found or barcodes <= {""}:
        return found
    (tag, value, code), *others = found
    own = ((tag, f"{value}/{barcodes.pop()}", code),) if len(barcodes) == 1 else ()
    return (*own, *others)


def read_group_of_name(
    molecule: MoleculeId, *, name: str = "", subreads: Sequence[str] = (), kinetics: bool = False
) -> str:
    """The read group of reads of which only the names are known, as in FASTQ.

    Args:
        molecule: one of the reads.
        name: the id, if it is known.
        subreads: ``@RG`` lines of the subreads; what all those of the movie agree on is taken over.
        kinetics: whether the reads have kinetics.
    """
    same_movie = [fields for fields in map(_fields, subreads) if fields.get("PU") == molecule.movie]
    fields = {**_common(same_movie), "ID": name or read_group_id(molecule), "PU": molecule.movie}
    items = _common([_items(fields) for fields in same_movie])
    if molecule.strand:
        items["STRAND"] = _STRAND_NAME[molecule.strand]
    return _line(fields, items, kinetics)


def control_groups(lines: Iterable[str]) -> frozenset[str]:
    """The ids of the read groups of the control, the known molecule that is sequenced with the sample.

    Args:
        lines: of a header.
    """
    groups = (_fields(line) for line in lines if line.startswith("@RG"))
    return frozenset(fields.get("ID", "") for fields in groups if _items(fields).get("CONTROL", "").upper() == "TRUE")


def _fields(line: str) -> dict[str, str]:
    return {field[:2]: field[3:] for field in line.split("\t")[1:]}


def _items(fields: Mapping[str, str]) -> dict[str, str]:
    """The items of ``DS``, by key."""
    items = (item.partition("=") for item in fields.get("DS", "").split(";"))
    return {key: value for key, _, value in items}


def _common(groups: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """What has the same value in all of several groups."""
    first, *others = groups or [{}]
    return {key: value for key, value in first.items() if all(other.get(key) == value for other in others)}


def _line(fields: Mapping[str, str], items: Mapping[str, str], kinetics: bool) -> str:
    kept = [f"{key}={items[key]}" for key in _ITEMS if key in items]
    description = ";".join(["READTYPE=CCS", *(_KINETICS if kinetics else ()), *kept])
    chemistry = fields.get("CM") or _chemistry(items)
    own = {**fields, "PL": "PACBIO", "DS": description, **({"CM": chemistry} if chemistry else {})}
    return "\t".join(["@RG", *(f"{tag}:{own[tag]}" for tag in _FIELDS if tag in own)])


def _chemistry(items: Mapping[str, str]) -> str | None:
    binding, sequencing, basecaller = (items.get(key, "") for key in _KITS)
    return _CHEMISTRIES.get((binding, sequencing, ".".join(basecaller.split(".")[:2])))
