"""The benchmark of planted errors plants what it says, and the qualities of its reads tell what is left."""

from pathlib import Path
from types import ModuleType

import edlib
import pytest

from deepconsensus_py.pacbio.molecule import decode_bases

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import planted

    return planted


@pytest.mark.parametrize(
    ("kind", "longer"), [("none", 0), ("1 missing", -10), ("8 missing", -80), ("1 wrong", 0), ("3 too many", 30)]
)
def test_drafts_have_the_errors_that_are_counted(planted: ModuleType, kind: str, longer: int) -> None:
    zmw, truth, bases = planted.molecule(kind, 3, 1)
    draft = decode_bases(zmw.draft.bases)
    assert len(draft) - len(truth) == longer
    assert bases == max(abs(longer), 10 * (kind == "1 wrong"))
    assert 0.8 * bases <= edlib.align(draft, truth)["editDistance"] <= bases


@pytest.mark.parametrize("kind", ["3 missing", "8 missing"])
def test_what_is_left_is_expected_within_a_factor_of_two(planted: ModuleType, kind: str) -> None:
    *_, left, expected, _ = planted.row("pairhmm", kind, 12, 1).split("|")
    assert int(left) > 0
    assert float(expected) / 2 <= int(left) <= 2 * float(expected)
