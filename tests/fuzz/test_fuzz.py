"""Two thousand damaged files of every kind; ``fuzz.py`` runs as many as one likes by hand."""

import sys
from pathlib import Path
from random import Random

import pytest

sys.path.append(str(Path(__file__).parent))
import fuzz
import mutations

SEED, CASES, PARTS = 0, 2000, 10


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz") / "files"
    fuzz.prepare(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_damaged_files_are_one_sentence_or_one_molecules_error(sound: Path, part: int) -> None:
    size = CASES // PARTS
    results = list(fuzz.batch(sound, SEED, part * size, (part + 1) * size))
    assert [number for number, _, _ in results] == list(range(part * size, (part + 1) * size))
    assert [f"seed {SEED} case {number} ({kind}): {fault}" for number, kind, fault in results if fault] == []


def test_sound_files_come_back_as_they_are(sound: Path) -> None:
    """What is judged is the change alone: files taken apart and put together again give the same records."""
    random = Random(0)
    for kind in ("field", "tag", "content"):
        case = fuzz.bam(sound / "sound", random, lambda record, _: mutations.sized(record), kind)
        assert fuzz.judged(sound, case) == ""


def test_what_is_wrong_is_seen(sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drafts = (sound / "sound" / "ccs.fastq").read_bytes()
    assert fuzz.judged(sound, fuzz.Case("fastq", "ccs.fastq", drafts, frozenset())) == ""
    without_the_first = b"\n".join(drafts.split(b"\n")[4:])
    lost = fuzz.Case("fastq", "ccs.fastq", without_the_first, frozenset())
    assert f"other records of ['{fuzz.HOLES[0]}']" in fuzz.judged(sound, lost)
    monkeypatch.setattr(fuzz, "main", lambda words: 1 / 0)
    assert "ZeroDivisionError" in fuzz.judged(sound, lost)
