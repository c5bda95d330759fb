"""What pages show can be done: their commands run, print what is shown, and messages that they explain exist."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

DOCS = Path(__file__).resolve().parents[1] / "docs"

FILE = re.compile(r'^```\w+ title="([\w.]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
"""Files that a page shows, to be made in ``testdata``."""

BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""Commands that run, and what they print; those of other programs are blocks of bash."""


@pytest.mark.slow
@pytest.mark.parametrize("page", ["quick_start.md", "training.md"])
def test_commands_run_and_print_what_is_shown(page: str, testdata: Path, tmp_path: Path) -> None:
    shutil.copytree(testdata, tmp_path / "testdata")
    blocks = BLOCK.findall((DOCS / page).read_text())
    for name, content in FILE.findall((DOCS / page).read_text()):
        (tmp_path / "testdata" / name).write_text(content)
    script = "\n".join(["set -e", *(words for kind, words in blocks if kind == "sh")])
    assert script.count("deepconsensus-py ") > 3
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    shown = [line for kind, text in blocks if kind == "text" for line in text.splitlines()]
    patterns = [re.sub(r"([*?[])", r"[\1]", line).replace("…", "*") for line in shown]
    printed = done.stdout.splitlines()
    assert [line for line in patterns if not any(fnmatchcase(one, line) for one in printed)] == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of Jupyter's own parts
def test_the_tutorial_runs() -> None:
    notebook = nbformat.read(DOCS / "tutorial.ipynb", as_version=4)
    assert [cell.outputs for cell in notebook.cells if cell.cell_type == "code" and cell.outputs] == []
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(DOCS)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 3
    printed = "".join(output.get("text", "") for output in outputs if output.get("name") == "stdout")
    drafts = sum(map(int, re.findall(r"(\d+) errors in the draft", printed)))
    left = {model: int(errors) for model, errors in re.findall(r"^(\w+) +(\d+) errors in six", printed, re.MULTILINE)}
    assert list(left) == ["majority", "vote", "pairhmm", "edits"]
    assert drafts == 60
    assert max(left["pairhmm"], left["edits"]) < left["vote"] < left["majority"]


def test_messages_that_are_explained_exist() -> None:
    """Row by row of the tables of messages: every part between ellipses is in the source."""
    tables = (DOCS / "faq.md").read_text().partition("## Errors about inputs")[2]
    messages = re.findall(r"^\| `([^`]+)` \|", tables, re.MULTILINE)
    assert len(messages) > 30
    source = "\n".join(written(path) for path in (DOCS.parent / "deepconsensus_py").rglob("*.py"))
    parts = [(message, part.strip()) for message in messages for part in message.split("…")]
    assert [message for message, part in parts if part not in source] == []


def written(path: Path) -> str:
    """The strings of a module, each on a line; what is computed is an ellipsis."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    texts = [node for node in nodes if isinstance(node, ast.Constant | ast.JoinedStr)]
    return "\n".join("".join(fragments(text)) for text in texts)


def fragments(text: ast.Constant | ast.JoinedStr) -> Iterator[str]:
    for value in text.values if isinstance(text, ast.JoinedStr) else [text]:
        yield re.sub(r"%[sd]", "…", str(value.value)) if isinstance(value, ast.Constant) else "…"
