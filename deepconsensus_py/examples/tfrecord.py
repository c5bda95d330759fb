"""Read training examples of DeepConsensus v1.2 (``.tfrecord.gz``) without TensorFlow.

A file is a chain of records (tensorflow.org/tutorials/load_data/tfrecord), each a ``tf.train.Example`` message
(tensorflow/core/example/example.proto) of one window: the tensor of its rows, its label, and where it comes from.
"""

import gzip
import struct
from collections.abc import Iterator, Mapping
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.corrector import Arrays
from deepconsensus_py.errors import InputError
from deepconsensus_py.examples.windows import WindowExamples
from deepconsensus_py.models.tensorflow import masked_crc32c, message_fields
from deepconsensus_py.pacbio.inputs import reading
from deepconsensus_py.pileup.features import PASS_FEATURES, FeatureSpec, row_count, row_slices

CHUNK = 256
"""Windows decoded at once."""

_GZIP_MAGIC = b"\x1f\x8b"
_LENGTH, _CHECKSUM = struct.Struct("<Q"), struct.Struct("<I")
_BYTES, _INTEGERS = 1, 3  # fields of tf.train.Feature

_Features = Mapping[str, Any]


def read_tfrecord(path: Path, spec: FeatureSpec) -> Iterator[WindowExamples]:
    """The windows of a file in chunks, in file order.

    Args:
        path: ``.tfrecord.gz``, or the same uncompressed.
        spec: the encoding; its passes and width must be those of the file. How long insertions were trimmed, the file
            does not say.

    Raises:
        InputError: the file is missing, truncated, damaged, of another kind, without labels, or of another encoding.
    """
    records = _records(path)
    while chunk := list(islice(records, CHUNK)):
        try:
            yield _windows(path, [_features(record) for record in chunk], spec)
        except (KeyError, IndexError, ValueError, TypeError, AttributeError) as fault:
            raise InputError(
                f"{path}: has a record that is not a training example of DeepConsensus ({fault}); "
                "give files that its preprocess command wrote with labels"
            ) from fault


def _records(path: Path) -> Iterator[bytes]:
    with reading(path), _opened(path) as file:
        while header := file.read(_LENGTH.size):
            _check(header, file)
            data = file.read(*_LENGTH.unpack(header))
            _check(data, file)
            yield data


def _opened(path: Path) -> gzip.GzipFile | BufferedReader:
    with path.open("rb") as file:
        compressed = file.read(2) == _GZIP_MAGIC
    return gzip.open(path) if compressed else path.open("rb")


def _check(data: bytes, file: gzip.GzipFile | BufferedReader) -> None:
    """Compare data with the checksum that follows it."""
    checksum = file.read(_CHECKSUM.size)
    if len(checksum) < _CHECKSUM.size:
        raise ValueError("the last record is truncated")
    if _CHECKSUM.unpack(checksum)[0] != masked_crc32c(data):
        raise ValueError("a record's checksum differs")


def _features(record: bytes) -> dict[str, Any]:
    """The features of an example by name: bytes, or ``int64`` arrays."""
    found = {}
    for _, entry in message_fields(dict(message_fields(record))[1]):
        name_and_value = dict(message_fields(entry))
        for kind, values in message_fields(name_and_value[2]):
            found[name_and_value[1].decode()] = _values(kind, [value for _, value in message_fields(values)])
    return found


def _values(kind: int, values: list[Any]) -> Any:
    if kind == _BYTES:
        return values[0]
    if kind != _INTEGERS:
        raise ValueError("a list of floats")
    packed = [_integers(v) if isinstance(v, bytes) else np.array([v], np.uint64).view(np.int64) for v in values]
    return np.concatenate(packed) if packed else np.empty(0, np.int64)


def _integers(packed: bytes) -> NDArray[np.int64]:
    """Varints of seven bits per byte, least significant first; the last byte of each is below 128."""
    data = np.frombuffer(packed, np.uint8)
    ends = np.flatnonzero(data < 0x80)
    starts = np.append(0, ends[:-1] + 1)
    place = np.arange(ends[-1] + 1) - np.repeat(starts, ends + 1 - starts)
    groups = (data[: len(place)] & 0x7F).astype(np.uint64) << (7 * place).astype(np.uint64)
    return np.add.reduceat(groups, starts).view(np.int64)


def _windows(path: Path, records: list[_Features], spec: FeatureSpec) -> WindowExamples:
    shapes = {tuple(record["subreads/shape"].tolist()) for record in records}
    if len(shapes) > 1:
        raise ValueError("windows of several sizes")
    rows, width, _ = shapes.pop()
    fitting = {row_count(spec) - spec.use_draft_qualities + more for more in (0, 1)}
    if rows not in fitting or width != spec.width:
        raise InputError(
            f"{path}: its windows have {(rows - 5) // 4} passes and {width} columns, not {spec.max_passes} and "
            f"{spec.width}; train a model of that size, or encode the molecules again"
        )
    tensors = np.stack([_floats(record, "subreads").reshape(rows, width) for record in records])
    quality = np.stack([record["ccs_base_quality_scores"].reshape(width) for record in records])
    return WindowExamples(
        inputs={**_inputs(tensors, spec), "draft_quality": quality.astype(np.int8)},
        labels=np.stack([_floats(record, "label").reshape(width) for record in records]).astype(np.uint8),
        names=np.array([record["name"].decode() for record in records]),
        position=np.array([record["window_pos"][0] for record in records], np.int32),
        num_passes=np.array([record["subreads/num_passes"][0] for record in records], np.int32),
        counts={"n_examples": len(records)},
    )


def _floats(record: _Features, name: str) -> NDArray[np.float32]:
    return np.frombuffer(record[f"{name}/encoded"], "<f4")


def _inputs(tensors: NDArray[np.float32], spec: FeatureSpec) -> Arrays:
    """The rows of tensors ``float32[n, rows, width]`` except draft qualities, as input of a column network."""
    slices = row_slices(spec)
    passes = {name: tensors[:, slices[name]].astype(np.uint8) for name in PASS_FEATURES}
    return {
        **passes,
        "strands": passes["strands"][:, :, 0],
        "draft": tensors[:, slices["draft"].start].astype(np.uint8),
        "snr": tensors[:, -4:, 0],
    }
