"""Files of ours that are damaged or not whole are one sentence with their name."""

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from held import polish
from support import Commands


@pytest.fixture
def polished(run: Commands, twelve: Path, tmp_path: Path) -> Path:
    output = tmp_path / "run" / "out.bam"
    output.parent.mkdir()
    assert run(*polish(twelve)[:-2], "--threads", 1, "-o", output).status == 3
    return output


def changed(key: str, value: Any) -> Callable[[bytes], bytes]:
    def change(text: bytes) -> bytes:
        report = json.loads(text)
        *outer, last = key.split(".")
        inner = report
        for name in outer:
            inner = inner[name]
        if value is None:
            del inner[last]
        else:
            inner[last] = value
        return json.dumps(report).encode()

    return change


REPORTS: dict[str, Callable[[bytes], bytes]] = {
    "half": lambda text: text[: len(text) // 2],
    "no JSON": lambda text: b"\xff" + text,
    "deep": lambda text: b"[" * 100_000,
    "a list": lambda text: b"[]",
    "no counts": changed("counts", None),
    "no outcomes": changed("counts.outcomes", None),
    "words for counts": changed("counts.outcomes.success", "ten"),
    "a number for counts": changed("counts", 7),
    "no seconds": changed("seconds", None),
    "words for seconds": changed("stages", {"read": "long"}),
}


@pytest.mark.parametrize("damage", REPORTS)
@pytest.mark.parametrize("command", ["gather", "report"])
def test_a_damaged_report_is_named(run: Commands, polished: Path, tmp_path: Path, command: str, damage: str) -> None:
    report = polished.with_suffix(".report.json")
    report.write_bytes(REPORTS[damage](report.read_bytes()))
    given = [polished] if command == "gather" else [report]
    result = run(command, *given, "-o", tmp_path / f"whole.{'bam' if command == 'gather' else 'html'}")
    assert result.status == 1
    (sentence,) = result.errors
    assert str(report) in sentence
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize(
    "content", [b"no gzip", gzip.compress(b"name\n\xff\n", mtime=0), gzip.compress(b"a", mtime=0)[:-4]]
)
@pytest.mark.parametrize("command", ["gather", "report"])
def test_a_damaged_table_is_named(run: Commands, polished: Path, tmp_path: Path, command: str, content: bytes) -> None:
    table = polished.with_suffix(".zmws.tsv.gz")
    table.write_bytes(content)
    other = tmp_path / "run" / "other.bam"
    for ending in (".bam", ".report.json", ".zmws.tsv.gz"):
        shutil.copy(polished.with_suffix(ending), other.with_suffix(ending))
    given = [polished, other] if command == "gather" else [polished.with_suffix(".report.json")]
    result = run(command, *given, "-o", tmp_path / f"whole.{'bam' if command == 'gather' else 'html'}")
    assert result.status == 1
    assert str(table) in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
