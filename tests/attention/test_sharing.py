"""One softmax, no genomics, and files of the agreed size, read off the source."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

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


def test_scores_become_weights_in_the_core_alone() -> None:
    modules = {str(module.relative_to(PACKAGE)): module for module in PACKAGE.rglob("*.py") if module != CORE}
    assert {name: found for name, module in modules.items() if (found := WEIGHING & set(calls(module)))} == {}


def test_the_core_does_weigh() -> None:
    assert {"softmax", "scaled_dot_product_attention"} <= set(calls(CORE))


def imported(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_attention_imports_torch_and_the_standard_library_alone() -> None:
    known = {"torch", *sys.stdlib_module_names}
    names = [(module.name, name) for module in ATTENTION.glob("*.py") for name in imported(module)]
    assert [
        (module, name)
        for module, name in names
        if name.split(".")[0] not in known and not name.startswith("deepconsensus_py.attention")
    ] == []


def test_attention_files_keep_to_their_size() -> None:
    lines = {module.stem: module.read_text().count("\n") for module in ATTENTION.glob("*.py")}
    assert lines.keys() == LINES.keys()
    assert {name: count for name, count in lines.items() if count > LINES[name]} == {}
