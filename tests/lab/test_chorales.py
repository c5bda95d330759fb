"""Excerpts are of their pieces, transposing keeps intervals, and what is read is read once."""

import sys
from pathlib import Path

import numpy as np
import pytest

from deepconsensus_py.errors import InputError
from deepconsensus_py.lab.systems.music_transformer import chorales
from deepconsensus_py.lab.systems.music_transformer.chorales import (
    NOTES,
    PARTS,
    TRAINING,
    Chorales,
    excerpts,
    transposed,
)


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[np.ndarray]:
    """Pieces that stand for the corpus: each counts up from its own note, one step after another."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = [(np.arange(PARTS * (12 + row % 5)) // PARTS + row) % 20 + 15 for row in range(TRAINING + 20)]
    starts = np.concatenate([[0], np.cumsum([len(piece) for piece in made])])
    monkeypatch.setattr(chorales, "_read", lambda: Chorales(np.concatenate(made), starts))
    return made


def test_the_division_leaves_nothing_out_and_keeps_pieces_whole(pieces: list[np.ndarray]) -> None:
    train, test = chorales.chorales(seed=0)
    assert len(train) == TRAINING
    assert sorted(piece.tolist() for piece in train + test) == sorted(piece.tolist() for piece in pieces)
    assert [piece.tolist() for piece in chorales.chorales(seed=0)[1]] == [piece.tolist() for piece in test]
    assert [piece.tolist() for piece in chorales.chorales(seed=1)[1]] != [piece.tolist() for piece in test]


def test_what_was_read_is_kept(pieces: list[np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    first = chorales.chorales(seed=0)
    monkeypatch.setattr(chorales, "_read", None)
    assert all((a == b).all() for a, b in zip(first[0], chorales.chorales(seed=0)[0], strict=True))


def test_excerpts_begin_at_a_step_of_a_piece(pieces: list[np.ndarray]) -> None:
    drawn = excerpts(pieces, 50, length=48, seed=0)
    whole = {tuple(piece[start : start + 48]) for piece in pieces for start in range(0, len(piece) - 47, PARTS)}
    assert {tuple(row) for row in drawn} <= whole
    assert len({tuple(row) for row in drawn}) > 5
    assert (drawn == excerpts(pieces, 50, length=48, seed=0)).all()


def test_transposing_moves_all_notes_alike_and_no_silence() -> None:
    notes = np.array([[0, 10, 14, 17, 0, 22, 26, 29]])
    for by in (-5, 3):
        moved = transposed(notes, by)
        assert (moved == np.where(notes == 0, 0, notes + by)).all()
    assert transposed(np.array([1, NOTES - 1]), 5).tolist() == [6, NOTES - 8]
    assert transposed(np.array([1, NOTES - 1]), -5).tolist() == [8, NOTES - 6]


def test_excerpts_are_transposed_each_by_its_own_interval(pieces: list[np.ndarray]) -> None:
    still, moved = (excerpts(pieces, 40, length=16, seed=3, transposing=by) for by in (0, 4))
    gaps = [set(row.tolist()) for row in moved - still]
    assert all(len(gap) == 1 for gap in gaps)
    assert {by for gap in gaps for by in gap} <= set(range(-4, 5))
    assert len({by for gap in gaps for by in gap}) > 3


def test_without_music21_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "music21", None)
    with pytest.raises(InputError, match=r"music21 is not installed; .*\[examples\]"):
        chorales.chorales(seed=0)


def test_a_part_sounds_as_long_as_it_is_written() -> None:
    pytest.importorskip("music21", reason="music21 (the examples extra) is not installed")
    from music21 import note, stream

    part = stream.Part(
        [note.Note(60, quarterLength=1), note.Rest(quarterLength=0.5), note.Note(62, quarterLength=0.25)]
    )
    sounding = chorales._part(part, 8) + chorales.LOWEST - 1
    assert sounding.tolist() == [60] * 4 + [chorales.LOWEST - 1] * 2 + [62] + [chorales.LOWEST - 1]
