"""Example files: what is written is read, in any order and process; what is damaged is refused in one sentence."""

import json
import pickle
import zipfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from example_molecules import assert_equal, random_example

from deepconsensus_py.errors import InputError, MoleculeError, OutputError
from deepconsensus_py.examples.example import Example
from deepconsensus_py.examples.file import LAST_MEMBER, ExampleFile, write_examples


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    rng = np.random.default_rng(3)
    return [random_example(rng, hole=hole) for hole in range(1, 6)]


@pytest.fixture
def path(examples: list[Example], tmp_path: Path) -> Path:
    path = tmp_path / "molecules.examples"
    write_examples(path, examples)
    return path


def rewritten(path: Path, **changes: object) -> Path:
    """The file with another index."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    about = {**json.loads(members[LAST_MEMBER]), **changes}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, json.dumps(about) if name == LAST_MEMBER else data)
    return path


def test_examples_come_back_in_any_order(path: Path, examples: list[Example]) -> None:
    file = ExampleFile(path)
    assert len(file) == len(examples)
    for index in (3, 0, 4, -1, 3):
        assert_equal(file[index], examples[index])
    assert [example.name for example in file[1:3]] == ["m/2/ccs", "m/3/ccs"]
    with pytest.raises(IndexError):
        file[5]


def test_the_index_tells_molecules_apart(path: Path, examples: list[Example]) -> None:
    file = ExampleFile(path)
    assert file.names == tuple(example.name for example in examples)
    assert [entry.split for entry in file.entries] == [example.truth.split for example in examples]
    assert [entry.passes for entry in file.entries] == [len(example.zmw.passes) for example in examples]
    assert file.entries[0].fields == ("pulse_widths", "inter_pulse_durations", "snr", "draft_qualities")


def test_a_field_that_one_pass_lacks_is_not_in_the_index(examples: list[Example], path: Path) -> None:
    zmw = next(example.zmw for example in examples if len(example.zmw.passes) > 1)
    truth = next(example.truth for example in examples if example.name == zmw.name)
    lacking = replace(zmw, passes=(replace(zmw.passes[0], pulse_widths=None), *zmw.passes[1:]))
    write_examples(path, [Example(lacking, truth)])
    assert "pulse_widths" not in ExampleFile(path).entries[0].fields


def test_what_is_left_out_is_counted(examples: list[Example], path: Path) -> None:
    bad = replace(examples[1].truth, end=examples[1].truth.end + 1)
    given = [
        examples[0],
        MoleculeError("m/8/ccs: none", outcome="missing_truth_range"),
        Example(examples[1].zmw, bad),
        examples[2],
        MoleculeError("m/9/ccs: none", outcome="missing_truth_range"),
    ]
    counts = write_examples(path, given)
    assert counts == {
        "n_zmw_processed": 5,
        "n_zmw_pass": 2,
        "n_zmw_eval": 1,
        "n_zmw_train": 1,
        "n_zmw_missing_truth_range": 2,
        "n_zmw_truth_misfit": 1,
    }
    assert ExampleFile(path).counts == counts
    assert ExampleFile(path).names == ("m/1/ccs", "m/3/ccs")


def test_a_file_may_hold_no_example(path: Path) -> None:
    write_examples(path, [])
    assert len(ExampleFile(path)) == 0


def test_equal_examples_make_equal_files(examples: list[Example], path: Path) -> None:
    before = path.read_bytes()
    write_examples(path, examples)
    assert path.read_bytes() == before


def test_a_failed_write_leaves_the_file_as_it_was(examples: list[Example], path: Path) -> None:
    before = path.read_bytes()

    def stream():
        yield examples[0]
        raise InputError("the subreads end here")

    with pytest.raises(InputError, match="end here"):
        write_examples(path, stream())
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(OutputError):
        write_examples(path.parent / "absent" / "file", examples)


def test_worker_processes_read_the_same(path: Path, examples: list[Example]) -> None:
    file = ExampleFile(path)
    assert len(pickle.dumps(file)) < 200 + len(str(path))
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for read, example in zip(pool.map(file.__getitem__, range(len(file))), examples, strict=True):
            assert_equal(read, example)


# Bad input


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as fault:
        list(ExampleFile(path))
    assert str(path) in str(fault.value)
    return str(fault.value)


def test_a_missing_file(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "absent")


@pytest.mark.parametrize("kept", [0, 10, 0.5, -1])
def test_a_truncated_file(path: Path, kept: float) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole)) if isinstance(kept, float) else kept])
    assert "not an example file, or a truncated one" in refusal(path)


def test_a_foreign_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "not an example file" in refusal(path)


def test_another_format_in_the_index(path: Path) -> None:
    assert "does not say 'deepconsensus-py examples'" in refusal(rewritten(path, format="photographs"))


def test_a_newer_file(path: Path) -> None:
    sentence = refusal(rewritten(path, version=2, tool="9.9"))
    assert "has example version 2 (written by deepconsensus-py 9.9)" in sentence
    assert "encode again" in sentence


def test_an_index_that_does_not_describe_molecules(path: Path) -> None:
    assert "index is damaged" in refusal(rewritten(path, molecules=[{"name": "m/1/ccs"}]))
    assert "index is damaged" in refusal(rewritten(path, molecules=[]))


def test_a_changed_byte_is_found_when_its_molecule_is_read(path: Path) -> None:
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        end = archive.getinfo("00000001.safetensors").header_offset
    for place in np.linspace(60, end - 1, 40).astype(int).tolist():
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert "molecule m/1/ccs is damaged" in refusal(path)


def test_a_file_that_goes_away(path: Path) -> None:
    file = ExampleFile(path)
    path.unlink()
    with pytest.raises(InputError, match="no such file"):
        file[0]
