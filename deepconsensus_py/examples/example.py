"""A training example: a molecule and its truth, from which windows, labels and augmentations are all derived."""

import json
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import Alignment, Draft, Pass, Truth, Zmw
from deepconsensus_py.pileup.columns import Operations, joined_operations, misfits, ranges


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A molecule with known truth.

    Attributes:
        zmw: the draft and its aligned passes.
        truth: the true sequence, aligned to the same draft.
    """

    zmw: Zmw
    truth: Truth

    @property
    def name(self) -> str:
        """The draft's name."""
        return self.zmw.name


@dataclass(frozen=True, slots=True)
class Entry:
    """What the index of an example file says of one molecule, so that molecules are chosen without being decoded.

    Attributes:
        name: the draft's name.
        split: ``"train"``, ``"eval"`` or ``"test"``.
        contig: where the truth comes from.
        passes: aligned passes.
        columns: of the spaced pileup, long insertions trimmed as by default.
        fields: which of ``pulse_widths``, ``inter_pulse_durations`` and ``snr`` all its passes have, and
            ``draft_qualities`` where the draft has them.
    """

    name: str
    split: str
    contig: str
    passes: int
    columns: int
    fields: tuple[str, ...]


DRAFT_TAGS = ("ec", "np", "rq", "wl")
PASS_TAGS = ("cx", "rq")
"""Tags that describe the sequencing; names, lengths and further kinetics are not stored in them again."""

OPTIONAL = ("pulse_widths", "inter_pulse_durations", "snr")
"""Fields that a pass may lack."""

_METADATA = "example"

_Arrays = dict[str, NDArray[Any]]
_Tags = tuple[tuple[str, Any, str], ...]


def pack(example: Example) -> bytes:
    """An example as the bytes of a safetensors file, not yet compressed.

    Raises:
        MoleculeError: an alignment does not fit.
    """
    zmw, truth = example.zmw, example.truth
    draft, passes = zmw.draft, zmw.passes
    sequences = [*(p.bases for p in passes), truth.bases]
    alignments = _alignments(example)
    operations = joined_operations(alignments)
    if misfits(operations, [len(bases) for bases in sequences], len(draft.bases)).any():
        raise MoleculeError(f"{zmw.name}: an alignment does not fit; align passes and truth to this draft")
    arrays: _Arrays = {
        "draft.bases": draft.bases,
        "bases": np.concatenate(sequences) ^ _expected_bases(operations, draft.bases),
        "base_counts": np.array([len(bases) for bases in sequences], np.int32),
        "starts": np.array([a.start for a in alignments], np.int32),
        "operation_counts": np.array([len(a.operations) for a in alignments], np.int32),
        "operations": operations.code,
        "operation_lengths": _smallest(operations.length),
        "reverse": np.array([p.reverse for p in passes], np.bool_),
    }
    if draft.qualities is not None:
        arrays["draft.qualities"] = draft.qualities
    for field in OPTIONAL:
        values = [getattr(p, field) for p in passes]
        arrays[f"has.{field}"] = np.array([value is not None for value in values], np.bool_)
        arrays[field] = np.concatenate([np.empty(0, _DTYPES[field]), *(v for v in values if v is not None)])
    contiguous = {name: np.ascontiguousarray(values) for name, values in arrays.items()}
    return save(contiguous, metadata={_METADATA: json.dumps(_about(example))})


def unpack(data: bytes) -> Example:
    """The example of ``pack``'s bytes.

    Raises:
        ValueError, KeyError, IndexError, TypeError: they are not such bytes.
    """
    # The header is a little-endian uint64 length and that many bytes of JSON; load() keeps its metadata to itself.
    end = 8 + int.from_bytes(data[:8], "little")
    about = json.loads(json.loads(data[8:end])["__metadata__"][_METADATA])
    try:
        arrays = load(data)
    except SafetensorError as fault:
        raise ValueError(str(fault)) from fault
    tags = _read_tags(about["draft"]["tags"])
    draft = Draft(about["draft"]["name"], arrays["draft.bases"], arrays.get("draft.qualities"), tags)
    alignments = _split_alignments(arrays)
    bases = arrays["bases"] ^ _expected_bases(joined_operations(alignments), draft.bases)
    *sequences, truth_bases = np.split(bases, np.cumsum(arrays["base_counts"])[:-1])
    optional = {field: _split_optional(arrays, field) for field in OPTIONAL}
    passes = tuple(
        Pass(
            name=one["name"],
            bases=sequences[number],
            alignment=alignments[number],
            reverse=bool(arrays["reverse"][number]),
            tags=_read_tags(one["tags"]),
            **{field: values[number] for field, values in optional.items()},
        )
        for number, one in enumerate(about["passes"])
    )
    truth = Truth(name=draft.name, bases=truth_bases, alignment=alignments[-1], **about["truth"])
    return Example(Zmw(draft, passes), truth)


_DTYPES = {"pulse_widths": np.uint8, "inter_pulse_durations": np.uint8, "snr": np.float32}


def _alignments(example: Example) -> list[Alignment]:
    """Of the passes and of the truth."""
    aligned = [p.alignment for p in example.zmw.passes if p.alignment is not None]
    if len(aligned) < len(example.zmw.passes):
        raise MoleculeError(f"{example.name}: a pass is not aligned; align the subreads first")
    return [*aligned, example.truth.alignment]


def _expected_bases(operations: Operations, draft: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The draft base that each base of the passes and the truth is aligned to, 0 for inserted and clipped ones."""
    expected = np.zeros(int(operations.on_query.sum()), np.uint8)
    aligns, first = operations.aligns, np.cumsum(operations.on_query) - operations.on_query
    length = operations.length[aligns]
    expected[ranges(first[aligns], length)] = draft[ranges(operations.draft[aligns], length)]
    return expected


def _split_alignments(arrays: _Arrays) -> list[Alignment]:
    stops = np.cumsum(arrays["operation_counts"])[:-1]
    operations = np.split(arrays["operations"], stops)
    lengths = np.split(arrays["operation_lengths"].astype(np.int32), stops)
    return [Alignment(int(start), *both) for start, *both in zip(arrays["starts"], operations, lengths, strict=True)]


def _split_optional(arrays: _Arrays, field: str) -> list[NDArray[Any] | None]:
    """The values of each pass, None for those that have none."""
    has = arrays[f"has.{field}"]
    counts = np.full(len(has), 4) if field == "snr" else arrays["base_counts"][:-1]
    stops = np.cumsum(counts * has)
    parts = np.split(arrays[field], stops[:-1]) if len(has) else []
    return [part if present else None for part, present in zip(parts, has, strict=True)]


def _about(example: Example) -> dict[str, Any]:
    """All that is not an array."""
    zmw, truth = example.zmw, example.truth
    return {
        "draft": {"name": zmw.name, "tags": _kept_tags(zmw.draft.tags, DRAFT_TAGS)},
        "passes": [{"name": p.name, "tags": _kept_tags(p.tags, PASS_TAGS)} for p in zmw.passes],
        "truth": {field: getattr(truth, field) for field in ("contig", "begin", "end", "split")},
    }


def _kept_tags(tags: _Tags, kept: Sequence[str]) -> list[tuple[str, Any, str, str]]:
    """Tags as (tag, value, type code, element type or empty)."""
    return [
        (tag, list(value), code, value.typecode) if isinstance(value, array) else (tag, value, code, "")
        for tag, value, code in tags
        if tag in kept
    ]


def _read_tags(stored: Sequence[Sequence[Any]]) -> _Tags:
    return tuple((tag, array(kind, value) if kind else value, code) for tag, value, code, kind in stored)


def _smallest(values: NDArray[np.int64]) -> NDArray[Any]:
    """Non-negative values in the smallest type that holds them."""
    return values.astype(np.min_scalar_type(int(values.max())))
