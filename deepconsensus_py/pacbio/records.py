"""Conversion of BAM records to passes and drafts, and back."""

from array import array
from collections.abc import Iterable
from typing import Any

import numpy as np
import pysam
from numpy.typing import NDArray

from deepconsensus_py.pacbio.bam_record import Record
from deepconsensus_py.pacbio.bam_tags import Tags
from deepconsensus_py.pacbio.codec import frames_to_codes
from deepconsensus_py.pacbio.molecule import Alignment, Draft, Pass, decode_bases, reverse_complement
from deepconsensus_py.pacbio.names import parse_ccs

_FIELDS_OF_PASS = frozenset({"pw", "ip", "sn"})
_UNMAPPED = 4
_REVERSE = 16
_MAPPED_QUALITY = 60
_UNAVAILABLE_MAPPING_QUALITY = 255

_WHOLE, _NUMBER, _NUMBERS, _TEXT = "a whole number", "a number", "an array of numbers", "text"
_TYPES: dict[str, type | tuple[type, ...]] = {_WHOLE: int, _NUMBER: (int, float), _NUMBERS: array, _TEXT: str}
_TYPE_OF_TAG = (
    dict.fromkeys(("np", "zm", "cx", "qs", "qe"), _WHOLE)
    | dict.fromkeys(("rq", "ec"), _NUMBER)
    | dict.fromkeys(("pw", "ip", "sn"), _NUMBERS)
    | {"RG": _TEXT}
)
"""Types of the tags that we use (PacBio BAM format, "Use of read tags for per-read information")."""

_NEVER_NEGATIVE = frozenset({"np", "zm", "cx"})


def read_tags(record: Record) -> Tags:
    """All tags as (tag, value, type code); arrays keep their element type as ``array.array``.

    Raises:
        MoleculeError: the record is damaged, or a tag that we use has the wrong type.
    """
    record.require_sound()
    tags = record.read_tags()
    for tag, value, code in tags:
        wanted = _TYPE_OF_TAG.get(tag)
        if wanted and not isinstance(value, _TYPES[wanted]):
            raise record.error(f"tag '{tag}' must be {wanted}, but has type {code}")
        if tag in _NEVER_NEGATIVE and value < 0:
            raise record.error(f"tag '{tag}' is negative ({value})")
    return tags


def set_tags(record: pysam.AlignedSegment, tags: Iterable[tuple[str, Any, str]]) -> None:
    """Set tags in the form of ``read_tags``; arrays may also be NumPy's, of 8 to 32 bit integers or ``float32``."""
    record.set_tags([(tag, *_packed(value, code)) for tag, value, code in tags])


def _packed(value: Any, code: str) -> tuple[Any, str | None]:
    if isinstance(value, np.ndarray):
        return array(value.dtype.char, value.tobytes()), None
    if isinstance(value, str) and code != "A":
        # pysam counts the characters of a string instead of its bytes.
        return value.encode("utf-8"), code
    # An array.array has its own type code, and pysam rejects "B" beside it.
    return (value, None) if code == "B" else (value, code)


def read_pass(record: Record) -> Pass:
    """A pass from a subread record; aligned if the record is.

    Raises:
        MoleculeError: the record is damaged, kinetics do not fit the bases, or ``sn`` is not four finite numbers.
    """
    tags = read_tags(record)
    if record.unmapped and record.cigar:
        raise record.error("flagged as unmapped, but has a CIGAR")
    values = {tag: value for tag, value, _ in tags if tag in _FIELDS_OF_PASS}
    bases = record.bases()
    reverse = record.reverse and not record.unmapped
    return Pass(
        name=record.name,
        bases=bases,
        pulse_widths=_kinetics(record, values, "pw", len(bases), reverse),
        inter_pulse_durations=_kinetics(record, values, "ip", len(bases), reverse),
        snr=_snr(record, values),
        alignment=None if record.unmapped else Alignment(record.start, *record.read_cigar()),
        reverse=reverse,
        tags=tuple(entry for entry in tags if entry[0] not in _FIELDS_OF_PASS),
    )


def _kinetics(
    record: Record, values: dict[str, Any], tag: str, n_bases: int, reverse: bool
) -> NDArray[np.uint8] | None:
    raw = np.asarray(values.get(tag, ()))
    if not len(raw):
        return None
    if len(raw) != n_bases:
        raise record.error(f"tag '{tag}' has {len(raw)} values for {n_bases} bases")
    if raw.dtype.kind not in "iu":
        raise record.error(f"tag '{tag}' must contain whole numbers")
    codes = raw if raw.dtype == np.uint8 else frames_to_codes(raw)
    return codes[::-1] if reverse else codes


def _snr(record: Record, values: dict[str, Any]) -> NDArray[np.float32] | None:
    if "sn" not in values:
        return None
    snr = np.asarray(values["sn"], np.float32)
    if snr.shape != (4,) or not np.isfinite(snr).all():
        raise record.error("tag 'sn' must contain four finite numbers")
    return snr


def pass_record(
    subread: Pass, header: pysam.AlignmentHeader, reference_id: int = -1, mapping_quality: int = _MAPPED_QUALITY
) -> pysam.AlignedSegment:
    """The BAM record of a pass, kinetics in sequencing order.

    Args:
        subread: the pass.
        header: of the file it is written to.
        reference_id: index of the draft in the header's ``@SQ`` lines, for an aligned pass.
        mapping_quality: MAPQ of an aligned pass.
    """
    record = pysam.AlignedSegment(header)
    record.query_name = subread.name
    record.query_sequence = decode_bases(subread.bases)
    if subread.alignment is None:
        record.flag = _UNMAPPED
        record.mapping_quality = _UNAVAILABLE_MAPPING_QUALITY
    else:
        record.flag = _REVERSE if subread.reverse else 0
        record.mapping_quality = mapping_quality
        record.reference_id = reference_id
        record.reference_start = subread.alignment.start
        record.cigartuples = list(
            zip(subread.alignment.operations.tolist(), subread.alignment.lengths.tolist(), strict=True)
        )
    set_tags(record, [*subread.tags, *_tags_of_fields(subread)])
    return record


def _tags_of_fields(subread: Pass) -> Iterable[tuple[str, Any, str]]:
    for tag, codes in (("ip", subread.inter_pulse_durations), ("pw", subread.pulse_widths)):
        if codes is not None:
            native = codes[::-1] if subread.reverse else codes
            yield tag, array("B", native.tobytes()), "B"
    if subread.snr is not None:
        yield "sn", array("f", subread.snr.tobytes()), "B"


def read_draft(record: Record) -> Draft:
    """A draft from a CCS record, in sequencing orientation even if it is aligned to a genome.

    Raises:
        MoleculeError: the record is damaged.
    """
    tags, bases, qualities = read_tags(record), record.bases(), record.qualities()
    named, tagged = parse_ccs(record.name), next((value for tag, value, _ in tags if tag == "zm"), None)
    if named is not None and tagged not in {None, named.hole}:
        raise record.error(f"its name has ZMW {named.hole}, but its tag 'zm' has {tagged}")
    if record.reverse:
        bases = reverse_complement(bases)
        qualities = None if qualities is None else qualities[::-1]
    return Draft(record.name, bases, qualities, tags)


def copied_record(record: Record, header: pysam.AlignmentHeader) -> pysam.AlignedSegment:
    """An unchanged copy of a record, for another file.

    Raises:
        MoleculeError: it is damaged.
    """
    record.require_sound()
    tags, phred, (operations, lengths) = record.read_tags(), record.qualities(), record.read_cigar()
    copy = pysam.AlignedSegment(header)
    copy.query_name = record.name
    copy.flag = record.flag
    copy.reference_id = record.reference_id
    copy.reference_start = record.start
    copy.mapping_quality = record.mapping_quality
    copy.cigartuples = list(zip(operations.tolist(), lengths.tolist(), strict=True))
    copy.next_reference_id, copy.next_reference_start, copy.template_length = record.mate
    copy.query_sequence = record.letters()
    if phred is not None:
        copy.query_qualities = array("B", phred.tobytes())
    # pysam writes a long CIGAR back into the tag CG by itself.
    whole = len(operations) * 4 == len(record.cigar)
    set_tags(copy, [entry for entry in tags if whole or entry[0] != "CG"])
    return copy


def unaligned_record(
    name: str,
    bases: NDArray[np.uint8],
    qualities: NDArray[np.uint8] | None,
    tags: Iterable[tuple[str, Any, str]],
    header: pysam.AlignmentHeader,
) -> pysam.AlignedSegment:
    """The unaligned BAM record of a read (a draft, a polished read).

    Args:
        name: read name.
        bases: ``uint8[n]`` base codes without gaps.
        qualities: ``uint8[n]`` Phred, or None.
        tags: (tag, value, type code) in file order.
        header: of the file it is written to.
    """
    record = pysam.AlignedSegment(header)
    record.query_name = name
    record.flag = _UNMAPPED
    record.mapping_quality = _UNAVAILABLE_MAPPING_QUALITY
    record.query_sequence = decode_bases(bases)
    if qualities is not None:
        record.query_qualities = array("B", qualities.astype(np.uint8, copy=False).tobytes())
    set_tags(record, tags)
    return record
