"""A repeat is the motif again, transposed; and the chances are those that were said."""

import numpy as np
import pytest

from deepconsensus_py.lab.systems.music_transformer.motifs import (
    INTERVALS,
    PITCHES,
    TRANSPOSITIONS,
    WRONG,
    Melodies,
    melodies,
    transposed_motif,
)


@pytest.fixture(scope="module")
def corpus() -> Melodies:
    return melodies(400, length=192, seed=0)


def test_every_repeat_is_the_motif_transposed_but_for_its_wrong_notes(corpus: Melodies) -> None:
    for tokens, period, lead, wrong in zip(corpus.tokens, corpus.period, corpus.lead, corpus.wrong, strict=True):
        motif = tokens[lead : lead + period]
        for start in range(lead + period, len(tokens), period):
            said = tokens[start : start + period]
            shift = (said - motif[: len(said)])[~wrong[start : start + period]] % PITCHES
            assert len(set(shift.tolist())) <= 1
            assert set(shift.tolist()) <= set((TRANSPOSITIONS % PITCHES).tolist())


def test_what_is_new_goes_by_the_intervals(corpus: Melodies) -> None:
    for tokens, new in zip(corpus.tokens, corpus.period + corpus.lead, strict=True):
        steps = (np.diff(tokens[:new]) + PITCHES // 2) % PITCHES - PITCHES // 2
        assert set(steps.tolist()) <= set(INTERVALS.tolist())
    assert not corpus.wrong[:, :6].any()


def test_the_note_one_period_back_tells_the_next_and_its_place_does_not(corpus: Melodies) -> None:
    right = total = 0
    for tokens, period, lead in zip(corpus.tokens, corpus.period, corpus.lead, strict=True):
        at = np.arange(lead + period + 1, len(tokens))
        expected = (tokens[at - period] + tokens[at - 1] - tokens[at - 1 - period]) % PITCHES
        right += int((tokens[at] == expected).sum())
        total += len(at)
    assert right > 0.8 * total
    for place in (50, 100, 150):
        assert np.bincount(corpus.tokens[:, place], minlength=PITCHES).max() < 0.1 * len(corpus.tokens)


def test_the_bounds_are_what_a_melody_costs_by_hand(corpus: Melodies) -> None:
    per_note = corpus.least_nats.mean() / 192, corpus.most_nats.mean() / 192
    assert 0.2 < per_note[0] < per_note[1] < 1.0
    new, wrong = corpus.period[0] + corpus.lead[0], int(corpus.wrong[0].sum())
    cost = np.log(32) + (new - 1) * np.log(8)
    cost += wrong * -np.log(WRONG / 31) + (192 - new - wrong) * -np.log(1 - WRONG)
    assert corpus.least_nats[0] == pytest.approx(cost)
    repeats = -(-(192 - new) // corpus.period[0])
    assert corpus.most_nats[0] == pytest.approx(cost + np.log(11) + np.log(16) + repeats * np.log(4))


def test_wrong_notes_are_as_frequent_as_said(corpus: Melodies) -> None:
    repeats = (192 - corpus.period - corpus.lead).sum()
    assert abs(corpus.wrong.sum() / repeats - WRONG) < 4 * np.sqrt(WRONG / repeats)


def test_transposing_goes_round_and_back(corpus: Melodies) -> None:
    by = np.arange(400)[:, None]
    assert (transposed_motif(transposed_motif(corpus.tokens, by), -by) == corpus.tokens).all()
    assert (transposed_motif(corpus.tokens, PITCHES) == corpus.tokens).all()
    assert corpus.tokens.min() == 0
    assert corpus.tokens.max() == PITCHES - 1


def test_the_seed_is_the_melody(corpus: Melodies) -> None:
    assert (melodies(400, length=192, seed=0).tokens == corpus.tokens).all()
    assert not (melodies(400, length=192, seed=1).tokens == corpus.tokens).all()
    with pytest.raises(ValueError, match="30 notes"):
        melodies(1, length=30, seed=0)
