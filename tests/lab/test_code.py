"""The hash of a row follows its own code and that of the lab, and nothing else."""

from pathlib import Path

import pytest

from deepconsensus_py.lab import code

ROW = "deepconsensus_py.lab.systems.toy"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {
        "lab/systems/toy/__init__.py": "",
        "lab/systems/toy/claim.py": "from deepconsensus_py.lab import claim, fit\n",
        "lab/systems/toy/task.py": "",
        "lab/systems/other.py": "",
        "lab/claim.py": "",
        "lab/fit.py": "def f():\n    import deepconsensus_py.attention.core\n",
        "lab/page.py": "",
        "attention/core.py": "from deepconsensus_py.errors import InputError\n",
        "attention/other.py": "",
        "errors.py": "",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(code, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "row", "core"),
    [
        ("lab/systems/toy/task.py", True, False),
        ("lab/fit.py", True, False),
        ("attention/core.py", False, True),
        ("attention/other.py", False, False),
        ("lab/systems/other.py", False, False),
        ("lab/claim.py", False, False),
        ("lab/page.py", False, False),
        ("errors.py", False, False),
    ],
)
def test_a_change_is_seen_where_it_counts(package: Path, name: str, row: bool, core: bool) -> None:
    before = code.code_of(ROW)
    with (package / name).open("a") as file:
        file.write("# changed\n")
    after = code.code_of(ROW)
    assert (before.row != after.row, before.core != after.core) == (row, core)


def test_a_row_of_one_module_has_a_hash(package: Path) -> None:
    assert code.code_of("deepconsensus_py.lab.systems.other") != code.code_of(ROW)
