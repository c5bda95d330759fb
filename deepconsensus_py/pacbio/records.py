"""BAM records to passes and drafts, and back.

A subread's kinetics lie in sequencing order in the file even where SEQ is reverse-complemented by an alignment
(PacBio BAM format, section "Use of read tags for per-read-base information"); in a ``Pass`` they follow the bases.
Raw-frame kinetics (``B,S``) become codec V1 codes on reading.
"""

from array import array
from collections.abc import Iterable
from itertools import chain
from typing import Any

import numpy as np
import pysam
from numpy.typing import NDArray

from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.codec import frames_to_codes
from deepconsensus_py.pacbio.molecule import Alignment, Draft, Pass, decode_bases, encode_bases, reverse_complement

Tags = tuple[tuple[str, Any, str], ...]

_FIELDS_OF_PASS = frozenset({"pw", "ip", "sn"})
_UNMAPPED = 4
_REVERSE = 16
_MAPPED_QUALITY = 60
_UNAVAILABLE_MAPPING_QUALITY = 255


def read_tags(record: pysam.AlignedSegment) -> Tags:
    """All tags as (tag, value, type code); arrays keep their element type as ``array.array``."""
    return tuple(record.get_tags(with_value_type=True))


def set_tags(record: pysam.AlignedSegment, tags: Iterable[tuple[str, Any, str]]) -> None:
    """Write tags as ``read_tags`` gives them; arrays may be NumPy's, of 8 to 32 bit integers or ``float32``."""
    record.set_tags([(tag, *_packed(value, code)) for tag, value, code in tags])


def _packed(value: Any, code: str) -> tuple[Any, str | None]:
    if isinstance(value, np.ndarray):
        return array(value.dtype.char, value.tobytes()), None
    # An array.array knows its own type, and pysam does not take "B" beside it.
    return (value, None) if code == "B" else (value, code)


def read_pass(record: pysam.AlignedSegment) -> Pass:
    """A pass from a subread record; aligned if the record is.

    Raises:
        MoleculeError: kinetics do not fit the bases, or ``sn`` is not four numbers.
    """
    tags = read_tags(record)
    values = {tag: value for tag, value, _ in tags if tag in _FIELDS_OF_PASS}
    bases = encode_bases(record.query_sequence or "")
    reverse = bool(record.flag & _REVERSE) and not record.is_unmapped
    return Pass(
        name=str(record.query_name),
        bases=bases,
        pulse_widths=_kinetics(record, values, "pw", len(bases), reverse),
        inter_pulse_durations=_kinetics(record, values, "ip", len(bases), reverse),
        snr=_snr(record, values),
        alignment=None if record.is_unmapped else _alignment(record),
        reverse=reverse,
        tags=tuple(entry for entry in tags if entry[0] not in _FIELDS_OF_PASS),
    )


def _kinetics(
    record: pysam.AlignedSegment, values: dict[str, Any], tag: str, n_bases: int, reverse: bool
) -> NDArray[np.uint8] | None:
    raw = np.asarray(values.get(tag, ()))
    if not len(raw):
        return None
    if len(raw) != n_bases:
        raise MoleculeError(
            f"{record.query_name}: tag '{tag}' has {len(raw)} values for {n_bases} bases; the subreads file is damaged"
        )
    codes = raw if raw.dtype == np.uint8 else frames_to_codes(raw)
    return codes[::-1] if reverse else codes


def _snr(record: pysam.AlignedSegment, values: dict[str, Any]) -> NDArray[np.float32] | None:
    if "sn" not in values:
        return None
    snr = np.asarray(values["sn"], np.float32)
    if snr.shape != (4,):
        raise MoleculeError(f"{record.query_name}: tag 'sn' is not four numbers; the subreads file is damaged")
    return snr


def _alignment(record: pysam.AlignedSegment) -> Alignment:
    cigar = np.fromiter(chain.from_iterable(record.cigartuples or ()), np.int32)
    return Alignment(record.reference_start, cigar[::2].astype(np.uint8), cigar[1::2].copy())


def pass_record(
    subread: Pass, header: pysam.AlignmentHeader, reference_id: int = -1, mapping_quality: int = _MAPPED_QUALITY
) -> pysam.AlignedSegment:
    """The BAM record of a pass, kinetics in sequencing order.

    Args:
        subread: the pass.
        header: of the file it is written to.
        reference_id: the draft's place among the header's ``@SQ`` lines, for an aligned pass.
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


def read_draft(record: pysam.AlignedSegment) -> Draft:
    """A draft from a CCS record, in the direction of its own tags whatever it has been aligned to."""
    bases = encode_bases(record.query_sequence or "")
    phred = record.query_qualities
    qualities = None if phred is None else np.frombuffer(phred, np.uint8)
    if record.is_reverse:
        bases = reverse_complement(bases)
        qualities = None if qualities is None else qualities[::-1]
    return Draft(str(record.query_name), bases, qualities, read_tags(record))


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
