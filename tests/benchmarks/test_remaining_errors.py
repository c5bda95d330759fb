"""The list of remaining errors finds the errors that were made, and its evidence is for putting them right."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from deepconsensus_py.evaluate.reads import Read
from deepconsensus_py.pacbio.molecule import decode_bases
from deepconsensus_py.pacbio.zmws import read_zmws

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def errors(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import remaining_errors

    return remaining_errors


@pytest.fixture
def known(errors, testdata: Path):
    """A molecule whose draft is taken for the truth."""
    from reads import KnownMolecule, unaligned

    zmw = next(read_zmws([testdata / "subreads.bam"], testdata / "ccs.bam"))
    return KnownMolecule("1", unaligned(zmw), zmw.draft.bases)


def with_errors(bases: str) -> str:
    """A base less at 200, one more before 400, and another one at 600."""
    wrong = {"A": "C", "C": "G", "G": "T", "T": "A"}[bases[600]]
    return bases[:200] + bases[201:400] + "ACGT"[bases[400] == "A"] + bases[400:600] + wrong + bases[601:]


def test_every_error_is_a_place_and_the_passes_want_it_put_right(errors, known) -> None:
    truth = decode_bases(known.truth)
    read = Read("m/1/ccs", with_errors(truth), np.full(len(truth), 30.0))
    bench = errors.Bench(read, known)
    places = bench.places()
    assert [place.bases for place in places] == [1, 1, 1]
    assert [abs(place.truth[0] - at) < 8 for place, at in zip(places, (200, 400, 600), strict=True)] == [True] * 3
    for place in places:
        by_pass = bench.evidence(*place.read, truth[slice(*place.truth)])
        assert errors.together(by_pass) > 3
        start, stop, drafted = bench.drafted(place)
        assert drafted == bench.righted(place, start, stop) != read.bases[start:stop]
        (true_row, draft_row, read_row), passes = bench.rows(place)
        assert true_row == draft_row != read_row
        assert {len(row) for row in (true_row, read_row, *filter(None, passes))} == {len(read_row)}
        assert true_row.replace("-", "") in truth


def test_a_right_read_has_no_place(errors, known) -> None:
    bench = errors.Bench(Read("m/1/ccs", decode_bases(known.truth)), known)
    assert bench.places() == []


def test_nothing_is_no_evidence(errors, known) -> None:
    bench = errors.Bench(Read("m/1/ccs", decode_bases(known.truth)), known)
    np.testing.assert_allclose(bench.evidence(300, 310, bench.read[300:310]), 0, atol=1e-5)


@pytest.mark.parametrize(
    ("to_truth", "sides", "repeat", "why"),
    [
        (-30, [[0, 5], [0, 4]], False, "truth uncertain: the passes agree on the read"),
        (-30, [[0, 5], [4, 1]], False, "strands disagree"),
        (-3, [[1, 3], [1, 3]], True, "tandem repeat"),
        (0.5, [[2, 3], [3, 2]], False, "signal, but less than the model wants"),
        (-1, [[5, 0], [0, 5]], False, "strands disagree"),
        (-1, [[2, 3], [2, 3]], False, "passes split"),
        (-1, [[2, 3], [2, 2]], False, "passes split"),
        (-5, [[1, 5], [0, 5]], False, "no signal in the passes"),
    ],
)
def test_classes(errors, to_truth: float, sides: list[list[int]], repeat: bool, why: str) -> None:
    assert errors.why_it_is_there(to_truth, np.array(sides), repeat=repeat) == why


def test_words_for_errors(errors, known) -> None:
    bench = errors.Bench(Read("m/1/ccs", "ACGTT" + decode_bases(known.truth)), known)
    bench.read, bench.truth = "ACCGTTA", "ACCCGTA"
    assert errors.what_is_wrong(bench, errors.Place((1, 1), (1, 2))) == "lacks C, homopolymer of 3"
    assert errors.what_is_wrong(bench, errors.Place((4, 5), (5, 5))) == "has T too many, homopolymer of 1"
    assert errors.what_is_wrong(bench, errors.Place((3, 4), (4, 5))) == "G is G"
    assert errors.what_is_wrong(bench, errors.Place((0, 0), (4, 6))) == "lacks GT"


def test_a_read_is_described(
    errors, known, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = decode_bases(known.truth)
    monkeypatch.setattr(errors, "polished", lambda *_: Read("m/1/ccs", with_errors(truth), np.full(len(truth), 30.0)))
    classes = errors.describe(known, "pairhmm", brief=False)
    assert classes == Counter({"signal, but less than the model wants": 3, errors.BROKEN: 3})
    printed = capsys.readouterr().out
    assert printed.count("(it was right)") == 3
    assert printed.count("   truth ") == 3
