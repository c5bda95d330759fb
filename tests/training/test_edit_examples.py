"""Labelled homopolymers: labels correct the draft, tokens are the network's, files round-trip or are refused."""

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import edlib
import numpy as np
import pytest
from edit_tools import apply_classes
from example_molecules import assert_equal
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from deepconsensus_py.align.passes import align_passes, align_zmw, oriented
from deepconsensus_py.edits.refine import refine
from deepconsensus_py.edits.repeats import find_homopolymers
from deepconsensus_py.edits.tokens import COVERED, edit_evidence, homopolymer_tokens, undecided_homopolymers
from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.examples.example import Example
from deepconsensus_py.examples.file import ExampleFile, write_examples
from deepconsensus_py.pacbio.molecule import Draft, N, Pass, Zmw, decode_bases
from deepconsensus_py.training import edit_examples
from deepconsensus_py.training.edit_examples import (
    END,
    HEADER,
    EditExamples,
    joined,
    labelled_homopolymers,
    make_edit_examples,
    read_edit_examples,
    write_edit_examples,
)
from deepconsensus_py.training.task import hole_of


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def parts(example_file: Path) -> list[EditExamples]:
    return list(make_edit_examples([ExampleFile(example_file)], redrafts=1, seed=1))


def raw(example: Example) -> list[Pass]:
    return [replace(oriented(p, reverse=p.reverse), alignment=None, reverse=False) for p in example.zmw.passes]


def on_draft(example: Example, draft: np.ndarray) -> Example:
    """The molecule with another draft."""
    zmw = align_zmw(Zmw(Draft(example.name, draft, None), tuple(raw(example))))
    (truth,) = align_passes(zmw.draft, [Pass("truth", example.truth.bases, None, None, None)])
    assert truth is not None
    assert truth.alignment is not None
    return Example(zmw, replace(example.truth, bases=truth.bases, alignment=truth.alignment))


def spoilt(example: Example, seed: int = 0, errors: int = 12) -> Example:
    """The molecule with homopolymers of its truth made longer, shorter and preceded by others, as its draft."""
    rng, truth = generator(seed), example.truth.bases
    homopolymers = find_homopolymers(truth)
    inner = np.flatnonzero((homopolymers.start > 2 * END) & (homopolymers.stop < len(truth) - 2 * END))
    classes = np.zeros(len(homopolymers), np.uint8)
    classes[rng.choice(inner[::9], errors, replace=False)] = rng.integers(1, 9, errors)
    draft, _ = apply_classes(truth, classes)
    return on_draft(example, draft)


# Labels


def test_labels_correct_the_draft(examples: list[Example], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without refinement to do it for them, and with nothing decided, labels turn a spoilt draft into the truth."""
    monkeypatch.setattr(edit_examples, "refine", lambda zmw: refine(zmw, rounds=0))
    monkeypatch.setattr(
        edit_examples, "undecided_homopolymers", lambda evidence: np.flatnonzero(evidence.covered.any(axis=0))
    )
    mended = 0
    for number, example in enumerate(examples):
        wrong = spoilt(example, number)
        part = labelled_homopolymers(wrong, generator(), given=True)
        draft, truth = wrong.zmw.draft.bases, wrong.truth.bases
        homopolymers = find_homopolymers(draft)
        inner = np.flatnonzero((homopolymers.start >= END) & (homopolymers.stop <= len(draft) - END))
        if len(part) < len(inner):
            continue
        classes = np.zeros(len(homopolymers), np.uint8)
        classes[inner] = part.label
        assert part.label.any()
        made, _ = apply_classes(draft, classes)
        ends = slice(END, -END)
        assert edlib.align(decode_bases(made[ends]), decode_bases(truth), mode="HW")["editDistance"] == 0
        mended += 1
    assert mended > 1


def test_only_undecided_homopolymers_are_labelled(examples: list[Example]) -> None:
    for example in examples:
        part = labelled_homopolymers(example, generator(), given=True)
        assert 0 < len(part) <= len(undecided_homopolymers(edit_evidence(refine(example.zmw))))
        assert part.hole[0] == hole_of(example.name)


def test_homopolymers_beyond_the_truth_are_ignored(examples: list[Example], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        edit_examples, "undecided_homopolymers", lambda evidence: np.flatnonzero(evidence.covered.any(axis=0))
    )
    example = max(examples, key=lambda one: len(one.truth.bases))
    whole = labelled_homopolymers(example, generator(), given=True)
    truth = replace(example.truth, bases=example.truth.bases[400:-300])
    part = labelled_homopolymers(replace(example, truth=truth), generator(), given=True)
    assert 0.4 * 700 < len(whole) - len(part) < 700


def test_a_truth_of_another_molecule_is_refused(examples: list[Example]) -> None:
    other = generator().integers(1, 5, 1000, np.uint8)
    with pytest.raises(MoleculeError, match="does not align") as caught:
        labelled_homopolymers(
            replace(examples[0], truth=replace(examples[0].truth, bases=other)), generator(), given=True
        )
    assert caught.value.outcome == "truth_misfit"


def test_an_unknown_base_of_the_truth_labels_nothing(examples: list[Example]) -> None:
    example = examples[-1]
    truth = example.truth.bases.copy()
    truth[100:-100:3] = N
    part = labelled_homopolymers(replace(example, truth=replace(example.truth, bases=truth)), generator(), given=True)
    assert len(part) < len(labelled_homopolymers(example, generator(), given=True))


# Which homopolymers


def test_the_homopolymers_of_a_draft_are_capped(examples: list[Example], monkeypatch: pytest.MonkeyPatch) -> None:
    example = max(examples, key=lambda one: len(labelled_homopolymers(one, generator(), given=True)))
    every = labelled_homopolymers(example, generator(), given=True)
    monkeypatch.setattr(edit_examples, "MOST_HOMOPOLYMERS", 20)
    one, same, other = (labelled_homopolymers(example, generator(seed), given=True) for seed in (0, 0, 1))
    assert len(one) == len(other) == 20 < len(every)
    assert_equal(one, same)
    assert not np.array_equal(one.run, other.run)
    rows = [row.tobytes() for row in every.run]
    places = [rows.index(row.tobytes()) for row in one.run]
    assert places == sorted(places)


def test_a_draft_that_is_the_truth_is_not_given(examples: list[Example], tmp_path: Path) -> None:
    example = max(examples, key=lambda one: len(one.zmw.passes))
    write_examples(tmp_path / "x.examples", [on_draft(example, example.truth.bases)])
    file = ExampleFile(tmp_path / "x.examples")
    assert not list(make_edit_examples([file], redrafts=0, seed=1))
    made = list(make_edit_examples([file], redrafts=3, seed=1))
    assert made
    assert not any(part.given[0] for part in made)


def test_every_molecule_comes_with_its_draft_and_with_others(
    parts: list[EditExamples], examples: list[Example]
) -> None:
    given = [int(part.hole[0]) for part in parts if part.given[0]]
    assert given == [hole_of(e.name) for e in examples if not np.array_equal(e.zmw.draft.bases, e.truth.bases)]
    redrafts = [int(part.hole[0]) for part in parts if not part.given[0]]
    assert set(redrafts) <= {hole_of(e.name) for e in examples}
    assert len(redrafts) > len(examples) / 2
    assert any(part.label.any() for part in parts)


def test_the_seed_decides(example_file: Path, parts: list[EditExamples]) -> None:
    file = ExampleFile(example_file)
    again = list(make_edit_examples([file], redrafts=1, seed=1))
    assert_equal(tuple(again), tuple(parts))
    others = joined(list(make_edit_examples([file], redrafts=1, seed=2)))
    assert not np.array_equal(others.passes, joined(parts).passes)


# Tokens and files


def same_tokens(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    """The same sets of passes about the same homopolymers."""
    sets = [[sorted(p.tobytes() for p in item if p[COVERED]) for item in tokens["passes"]] for tokens in (one, other)]
    return sets[0] == sets[1] and np.array_equal(one["run"], other["run"])


def test_tokens_are_those_that_the_corrector_makes(examples: list[Example], tmp_path: Path) -> None:
    for example in examples:
        written = write_edit_examples(
            tmp_path / "x.safetensors", [labelled_homopolymers(example, generator(), given=True)]
        )
        read = read_edit_examples(tmp_path / "x.safetensors")
        assert_equal(read, written)
        evidence = edit_evidence(refine(example.zmw))
        every = homopolymer_tokens(evidence, undecided_homopolymers(evidence))
        rows = {row.tobytes(): place for place, row in enumerate(every["run"])}
        places = [rows[row.tobytes()] for row in read.run]
        chosen = generator().permutation(len(read))
        wanted = {name: values[np.array(places)[chosen]] for name, values in every.items()}
        assert same_tokens(read.tokens(chosen), wanted)


def test_tokens_of_nothing() -> None:
    empty = EditExamples(**{f.name: np.zeros(1, np.int64) for f in fields(EditExamples)})
    empty = replace(
        empty, passes=np.zeros((0, 5), np.int8), run=np.zeros((0, 7), np.int16), label=np.zeros(0, np.uint8)
    )
    tokens = empty.tokens(np.empty(0, np.int64))
    assert (len(tokens["passes"]), len(tokens["run"])) == (0, 0)


def test_joined_examples_are_those_of_the_parts(parts: list[EditExamples]) -> None:
    whole = joined(parts)
    assert len(whole) == sum(map(len, parts))
    assert whole.drafts == len(parts)
    for draft, part in enumerate(parts):
        chosen = whole.of_draft(draft)
        assert np.array_equal(whole.label[chosen], part.label)
        assert same_tokens(whole.tokens(chosen), part.tokens(np.arange(len(part))))
    assert_equal(joined([whole]), whole)
    assert_equal(joined([joined(parts[:2]), joined(parts[2:])]), whole)


def test_nothing_to_learn_from_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no usable molecule"):
        write_edit_examples(tmp_path / "x.safetensors", [])
    assert not list(tmp_path.iterdir())


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def _text(path: Path) -> None:
    path.write_text("evidence")


def _version(path: Path) -> None:
    _rewrite(path, about={"version": 99})


def _format(path: Path) -> None:
    _rewrite(path, about={"format": "deepconsensus-py examples"})


def _bare(path: Path) -> None:
    save_file(load_file(path), path)


def _lacking(path: Path) -> None:
    _rewrite(path, without="label")


def _fields(path: Path) -> None:
    _rewrite(path, run=load_file(path)["run"][:, 1:])


def _rewrite(path: Path, *, about: dict[str, object] | None = None, without: str = "", **arrays: np.ndarray) -> None:
    with safe_open(path, framework="np") as file:
        header = json.loads(file.metadata()[HEADER])
    kept = {name: values for name, values in {**load_file(path), **arrays}.items() if name != without}
    save_file(
        {name: np.ascontiguousarray(values) for name, values in kept.items()},
        path,
        metadata={HEADER: json.dumps({**header, **(about or {})})},
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_cut, "damaged"),
        (_text, "not an evidence file"),
        (_version, "of version 99"),
        (_format, "not an evidence file; create one with 'deepconsensus-py prepare-training'"),
        (_bare, "not an evidence file; create one with 'deepconsensus-py prepare-training'"),
        (_lacking, "label"),
        (_fields, "other fields"),
        (Path.unlink, "no such file"),
    ],
)
def test_broken_files_are_refused_in_a_sentence(
    parts: list[EditExamples], tmp_path: Path, change: Callable[[Path], None], said: str
) -> None:
    path = tmp_path / "x.safetensors"
    write_edit_examples(path, parts[:1])
    change(path)
    with pytest.raises(InputError, match=said) as caught:
        read_edit_examples(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
