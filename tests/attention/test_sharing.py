"""One softmax, no genomics, and files of the agreed size, read off the source."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import deepconsensus_py
from deepconsensus_py import attention

PACKAGE = Path(deepconsensus_py.__file__).parent
ATTENTION = PACKAGE / "attention"
CORE = ATTENTION / "core.py"
WEIGHING = {"softmax", "Softmax", "scaled_dot_product_attention", "flex_attention", "MultiheadAttention"}
LINES = {
    "core": 275,
    "checks": 105,
    "segments": 70,
    "flexible": 80,
    "patterns": 215,
    "cells": 125,
    "position": 190,
    "relative": 175,
    "rotary": 60,
    "routing": 115,
    "causal_routing": 190,
    "plan": 210,
    "groups": 175,
    "multihead": 130,
    "blocks": 145,
    "sublayers": 60,
    "tokens": 175,
    "build": 80,
    "spatial": 80,
    "config": 170,
    "cost": 125,
    "parallel": 105,
    "explain": 95,
    "__init__": 65,
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


WITH_TORCH_ALONE = """
import sys

OTHERS = {"numpy", "numba", "pysam", "safetensors", "mappy", "edlib", "pyabpoa", "psutil", "tqdm", "yaml"}

class TorchAlone:
    def find_spec(self, name, path=None, target=None):
        ours = name.startswith("deepconsensus_py.") and not name.startswith("deepconsensus_py.attention")
        if (ours and name != "deepconsensus_py._version") or name.split(".")[0] in OTHERS:
            raise ModuleNotFoundError(f"{name} is not to be imported")

sys.meta_path.insert(0, TorchAlone())
import torch
from deepconsensus_py.attention import *
q, k, v = torch.randn(3, 2, 4, 100, 16)
mixed = attend(q, k, v, pattern=BlockLocal(16, 8), bias=Shaw(16, 8))
trunk = Trunk(TrunkConfig(layers=1, d=64, heads=4, ff=64, attention=preset("full")))
assert mixed.shape == (2, 4, 100, 16) and trunk(Tokens(torch.randn(2, 100, 64))).shape == (2, 100, 64)
"""
"""The core at work where nothing of the package's other rooms and libraries can be imported, not even by torch."""


def test_the_core_works_with_torch_alone() -> None:
    run = subprocess.run([sys.executable, "-c", WITH_TORCH_ALONE], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_what_is_exported_is_there() -> None:
    assert [name for name in attention.__all__ if not hasattr(attention, name)] == []


def test_attention_files_keep_to_their_size() -> None:
    lines = {module.stem: module.read_text().count("\n") for module in ATTENTION.glob("*.py")}
    assert lines.keys() == LINES.keys()
    assert {name: count for name, count in lines.items() if count > LINES[name]} == {}
