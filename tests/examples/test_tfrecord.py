"""The original's training examples: equal to ours, and refused where they are damaged."""

import gzip
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepconsensus_py.errors import InputError
from deepconsensus_py.examples.file import ExampleFile
from deepconsensus_py.examples.tfrecord import read_tfrecord
from deepconsensus_py.examples.windows import WindowExamples, join_windows, window_examples
from deepconsensus_py.models.tensorflow import masked_crc32c
from deepconsensus_py.pileup.features import FeatureSpec

SPEC = FeatureSpec(max_passes=2, width=3)
ROWS = 4 * 2 + 5


def varint(number: int) -> bytes:
    groups = []
    number &= 2**64 - 1
    while number >= 0x80:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*groups, number])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def feature(value: bytes | list[int] | float, *, packed: bool = True) -> bytes:
    if isinstance(value, bytes):
        return field(1, field(1, value))
    if isinstance(value, float):
        return field(2, field(1, struct.pack("<f", value)))
    numbers = field(1, b"".join(map(varint, value))) if packed else b"".join(b"\x08" + varint(v) for v in value)
    return field(3, numbers)


def message(features: dict[str, bytes]) -> bytes:
    return field(1, b"".join(field(1, field(1, name.encode()) + field(2, value)) for name, value in features.items()))


def framed(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    checksums = [struct.pack("<I", masked_crc32c(part)) for part in (length, data)]
    return length + checksums[0] + data + checksums[1]


def features_of(tensor: np.ndarray, **changes: bytes) -> dict[str, bytes]:
    return {
        "subreads/encoded": feature(tensor.astype("<f4").tobytes()),
        "subreads/shape": feature([*tensor.shape, 1]),
        "subreads/num_passes": feature([2]),
        "name": feature(b"m/1/ccs"),
        "window_pos": feature([300]),
        "ccs_base_quality_scores": feature([-1, 127, 128]),
        "label/encoded": feature(np.array([1, 0, 4], "<f4").tobytes()),
        "label/shape": feature([3]),
        **changes,
    }


def tensor(rows: int = ROWS) -> np.ndarray:
    values = np.tile(np.arange(rows)[:, None], 3).astype(float)
    values[:2] = [[1, 2, 0], [4, 4, 3]]
    values[-4:] += 0.25
    return values


@pytest.fixture
def write(tmp_path: Path):
    def write(*records: dict[str, bytes], compress: bool = True) -> Path:
        path = tmp_path / "a.tfrecord.gz"
        data = b"".join(framed(message(record)) for record in records)
        path.write_bytes(gzip.compress(data) if compress else data)
        return path

    return write


def read(path: Path, spec: FeatureSpec = SPEC) -> WindowExamples:
    return join_windows(list(read_tfrecord(path, spec)))


@pytest.mark.parametrize("compress", [True, False])
def test_one_record(write, compress: bool) -> None:
    found = read(write(features_of(tensor()), compress=compress))
    assert (len(found), found.names[0], found.position[0], found.num_passes[0]) == (1, "m/1/ccs", 300, 2)
    assert found.labels.tolist() == [[1, 0, 4]]
    assert found.inputs["bases"].tolist() == [[[1, 2, 0], [4, 4, 3]]]
    assert found.inputs["pulse_widths"][0, :, 0].tolist() == [2, 3]
    assert found.inputs["inter_pulse_durations"][0, :, 0].tolist() == [4, 5]
    assert found.inputs["strands"].tolist() == [[6, 7]]
    assert found.inputs["draft"].tolist() == [[8, 8, 8]]
    assert found.inputs["snr"].tolist() == [[9.25, 10.25, 11.25, 12.25]]
    assert found.inputs["draft_quality"].tolist() == [[-1, 127, -128]]  # as int8


def test_integers_need_not_be_packed(write) -> None:
    scores = feature([-1, 3, 4], packed=False)
    found = read(write(features_of(tensor(), ccs_base_quality_scores=scores)))
    assert found.inputs["draft_quality"].tolist() == [[-1, 3, 4]]


def test_a_tensor_with_a_row_of_draft_qualities(write) -> None:
    path = write(features_of(tensor(ROWS + 1)))
    for spec in (SPEC, replace(SPEC, use_draft_qualities=True)):
        assert read(path, spec).inputs["snr"].tolist() == [[10.25, 11.25, 12.25, 13.25]]


def refusal(path: Path, spec: FeatureSpec = SPEC) -> str:
    with pytest.raises(InputError) as fault:
        read(path, spec)
    assert str(path) in str(fault.value)
    return str(fault.value)


def test_windows_of_another_size(write) -> None:
    sentence = refusal(write(features_of(tensor())), FeatureSpec())
    assert "its windows have 2 passes and 3 columns, not 20 and 100" in sentence


@pytest.mark.parametrize(
    "changes",
    [
        {"label/encoded": feature([1])},
        {"label/encoded": feature(bytes(8))},
        {"window_pos": feature(1.0)},
        {"subreads/shape": feature([7, 7, 1])},
    ],
)
def test_records_of_another_kind(write, changes: dict[str, bytes]) -> None:
    sentence = refusal(write(features_of(tensor()), features_of(tensor(), **changes)))
    assert "has a record that is not a training example of DeepConsensus" in sentence


def test_records_without_labels(write) -> None:
    record = features_of(tensor())
    del record["label/encoded"]
    assert "with labels" in refusal(write(record))


def test_damage(write) -> None:
    path = write(features_of(tensor()), features_of(tensor()), compress=False)
    whole = path.read_bytes()
    for end in (len(whole) - 1, len(whole) - 5, len(whole) // 2 + 4):
        path.write_bytes(whole[:end])
        assert "truncated or damaged" in refusal(path)
    for place in (2, 9, 100, len(whole) - 2):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert "truncated or damaged" in refusal(path)
    path.write_bytes(gzip.compress(whole)[:-20])
    assert "truncated or damaged" in refusal(path)


def test_other_files(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "absent")
    other = tmp_path / "text"
    other.write_text("hello, world\n" * 9)
    assert "damaged" in refusal(other)


@pytest.mark.real
def test_the_original_examples_equal_ours(human_1m: Path, human_file: ExampleFile) -> None:
    count = 0
    for split in ("train", "eval", "test"):
        theirs = read(human_1m / "tf_examples" / f"{split}.tfrecord.gz", FeatureSpec())
        examples = [human_file[i] for i, entry in enumerate(human_file.entries) if entry.split == split]
        ours = join_windows([window_examples(example, FeatureSpec()) for example in examples])
        for field in ("labels", "names", "position", "num_passes"):
            np.testing.assert_array_equal(getattr(theirs, field), getattr(ours, field), err_msg=field)
        for name, values in ours.inputs.items():
            np.testing.assert_array_equal(theirs.inputs[name], values, err_msg=name)
            assert theirs.inputs[name].dtype == values.dtype
        count += len(theirs)
    assert count == 1507
