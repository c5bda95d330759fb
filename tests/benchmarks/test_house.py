"""The figures of the layout, counted in a package of three files."""

import importlib
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
FILES = {
    "deepconsensus_py/__init__.py": '"""A package."""\n',
    "deepconsensus_py/one/reads.py": (
        "LIMIT = 3  # As the instrument has it.\n\n\n"
        "def used(x: int) -> int:\n    return x  # noqa\n\n\n"
        "def tested(x: int) -> int:\n    return tested(x - 1)\n\n\n"
        "class Reader:\n    def tested_too(self):\n        return used(1)\n"
    ),
    "deepconsensus_py/two/reads.py": "def used(x: str) -> str:\n    return x\n",
    "deepconsensus_py/three/reads.py": (
        "from deepconsensus_py.two.reads import used\n\n\ndef shown() -> str:\n    return used('')\n"
    ),
    "docs/page.md": "tested(1) in prose is no use, `shown()` is.\n",
    "tests/test_reads.py": (
        "from deepconsensus_py.one.reads import Reader, tested\nfrom deepconsensus_py.three.reads import shown\n"
        "shown()\nReader().tested_too()\ntested(1)\n"
    ),
}


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("house")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    (tmp_path / "deepconsensus_py" / "unknown.py").write_text("def used(): ...\n")
    return tmp_path


def test_the_figures(house: ModuleType, checkout: Path) -> None:
    counted = house.House(checkout)
    loaded = {"__init__.py": False, "two/reads.py": True}
    rows = dict(house.table(counted, loaded, counted.only_tests()))
    assert list(rows.values()) == ["4; 4", "4; 3", "22; 4", "2; 1", "5; 2; 2", "80.0%", "1; 1; 1", "1", "4.5", "2"]


def test_the_lists(house: ModuleType, checkout: Path) -> None:
    counted = house.House(checkout)
    listed = dict(house.lists(counted, counted.only_tests()))
    assert listed["Public names defined unlike"] == ["used: one/reads.py, two/reads.py"]
    assert listed["Functions that only tests use"] == ["one/reads.py:8 tested", "one/reads.py:13 tested_too"]
