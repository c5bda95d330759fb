"""Compiled code is kept from run to run, and never used once a module that it may contain has changed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import deepconsensus_py

PACKAGE = Path(deepconsensus_py.__file__).parent

INNER = "from deepconsensus_py.kernels import kernel\nSTEP = 1\n\n@kernel\ndef inner(x):\n    return x + STEP\n"
OUTER = "from deepconsensus_py.align.inner import inner\nfrom deepconsensus_py.kernels import kernel\n\n"
OUTER += "@kernel\ndef outer(x):\n    return 10 * inner(x)\n"
CALL = "from deepconsensus_py.edits.outer import outer\nprint(outer(1), sum(outer.stats.cache_hits.values()))\n"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package whose kernels call those of another room."""
    package = tmp_path / "deepconsensus_py"
    for room in ("align", "edits"):
        (package / room).mkdir(parents=True)
        (package / room / "__init__.py").touch()
    (package / "__init__.py").touch()
    shutil.copy(PACKAGE / "kernels.py", package)
    (package / "align" / "inner.py").write_text(INNER)
    (package / "edits" / "outer.py").write_text(OUTER)
    return package


def called(package: Path) -> list[int]:
    """What the kernel gives, and how often it came from the cache."""
    command = [sys.executable, "-c", CALL]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=package.parent)
    return [int(word) for word in done.stdout.split()]


def test_compiled_code_is_cached(package: Path) -> None:
    assert called(package) == [20, 0]
    assert called(package) == [20, 1]


def test_what_is_cached_can_be_asked(package: Path) -> None:
    ask = "from deepconsensus_py import kernels; print(*kernels.cached_functions(), kernels.nothing_cached())"

    def asked() -> list[str]:
        command = [sys.executable, "-c", ask]
        env = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=package.parent, env=env)
        return done.stdout.split()

    assert asked() == ["0", str(package), "True"]
    called(package)
    assert asked() == ["2", str(package), "False"]
    (package / "align" / "other.py").touch()
    assert asked() == ["0", str(package), "True"]


def test_a_change_in_another_module_is_seen(package: Path) -> None:
    called(package)
    inner = package / "align" / "inner.py"
    inner.write_text(inner.read_text().replace("STEP = 1", "STEP = 2"))
    assert called(package) == [30, 0]
    inner.write_text(inner.read_text().replace("x + STEP", "x * STEP"))
    assert called(package) == [20, 0]
    assert called(package) == [20, 1]


def test_the_rooms_with_kernels_are_all_named() -> None:
    from deepconsensus_py.kernels import ROOMS

    using = {path.parent.name for path in PACKAGE.rglob("*.py") if "kernels import kernel" in path.read_text()}
    assert using <= set(ROOMS)
    direct = [str(path) for path in PACKAGE.rglob("*.py") if "njit" in path.read_text() and path.name != "kernels.py"]
    assert direct == []
