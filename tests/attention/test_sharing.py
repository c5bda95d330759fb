"""One softmax, no genomics, and files of the agreed size, read off the source."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import deepconsensus_py

PACKAGE = Path(deepconsensus_py.__file__).parent
ATTENTION = PACKAGE / "attention"
CORE = ATTENTION / "core.py"
WEIGHING = {"softmax", "Softmax", "scaled_dot_product_attention", "flex_attention", "MultiheadAttention"}
LINES = {
    "core": 180,
    "checks": 80,
    "segments": 70,
    "flexible": 80,
    "patterns": 205,
    "position": 140,
    "relative": 135,
    "routing": 110,
    "plan": 120,
    "groups": 150,
    "multihead": 100,
    "blocks": 135,
    "sublayers": 60,
    "tokens": 80,
    "build": 40,
    "spatial": 80,
    "config": 155,
    "presets": 40,
    "cost": 100,
    "parallel": 100,
    "explain": 95,
    "__init__": 10,
}


def calls(module: Path) -> Iterator[str]:
    """Names of everything that is called."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Call):
            yield getattr(node.func, "attr", getattr(node.func, "id", ""))


@pytest.mark.parametrize(
    "module", sorted(set(PACKAGE.rglob("*.py")) - {CORE}), ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_scores_become_weights_in_the_core_alone(module: Path) -> None:
    assert not WEIGHING & set(calls(module))


def test_the_core_does_weigh() -> None:
    assert {"softmax", "scaled_dot_product_attention"} <= set(calls(CORE))


@pytest.mark.parametrize("module", sorted(ATTENTION.glob("*.py")), ids=lambda p: p.name)
def test_attention_imports_torch_and_the_standard_library_alone(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text())):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            library = name.split(".")[0]
            assert library in {"torch", *sys.stdlib_module_names} or name.startswith("deepconsensus_py.attention"), name


@pytest.mark.parametrize("module", sorted(ATTENTION.glob("*.py")), ids=lambda p: p.name)
def test_attention_files_keep_to_their_size(module: Path) -> None:
    assert module.read_text().count("\n") <= LINES[module.stem]
