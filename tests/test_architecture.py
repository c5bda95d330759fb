"""The house rules of docs/developers/architecture.md, read off the source."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import deepconsensus_py

PACKAGE = Path(deepconsensus_py.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
TESTS = Path(__file__).parent

GROUND = {"errors", "_version", "files", "kernels", "options", "methods"}
"""Modules that stand beside the rooms and that all rooms but attention may import."""

MAY_IMPORT = {
    "attention": {"attention"},
    "workers": {"workers"},
    "pacbio": {"pacbio"},
    "align": {"align", "workers", "pacbio"},
    "pileup": {"pileup", "corrector", "align", "pacbio"},
    "edits": {"edits", "corrector", "align", "pacbio"},
    "hifi": {"hifi", "align", "pacbio"},
    "models": {"models", "attention", "edits", "pileup", "corrector", "pacbio", "weights"},
    "weights": {"weights"},
    "reports": {"reports", "pacbio"},
    "polishing": {"polishing", "reports", "models", "hifi", "corrector", "align", "pacbio", "workers"},
    "overlaps": {"overlaps", "polishing", "models", "reports", "hifi", "align", "pacbio", "workers"},
    "examples": {"examples", "pileup", "corrector", "align", "pacbio", "workers", "models"},
    "simulate": {"simulate", "align", "pacbio"},
    "evaluate": {"evaluate", "polishing", "reports", "models", "pileup", "edits", "corrector", "align", "pacbio"},
    "training": {"training", "examples", "models", "simulate", "evaluate", "polishing", "pileup", "edits", "align"}
    | {"pacbio", "workers", "attention", "reports"},
    "heads": {"heads", "attention", "models"},
    "lab": {"lab", "heads", "attention", "models"},
    "cli": {"cli", "lab", "heads", "training", "attention", "workers", "pacbio", "align", "pileup", "models"}
    | {"polishing", "overlaps", "reports", "examples", "simulate", "evaluate"},
}
"""Room to the rooms it may import. ``corrector`` is a module: the interface of all methods."""

DOORS = {
    "lab/reads.py": {"align", "evaluate", "examples", "pacbio", "pileup", "polishing", "reports", "simulate"},
    "lab/real_windows.py": {"examples"},
}
"""Modules that alone of their room may import these rooms as well."""

FORBIDDEN_LIBRARIES = {
    "attention": {"numpy", "pysam", "numba"},
    "pacbio": {"torch"},
    "align": {"torch"},
    "pileup": {"torch", "pysam"},
    "edits": {"torch", "pysam", "edlib", "mappy"},
    "workers": {"torch", "pysam", "numba"},
    "hifi": {"torch", "pysam"},
    "overlaps": {"torch", "pysam"},
    "models": {"pysam", "mappy", "pyabpoa", "zipfile", "gzip"},
    "reports": {"torch", "pysam", "numba", "numpy"},
    "simulate": {"torch"},
    "examples": {"torch", "pysam"},
    "heads": {"numpy", "pysam", "numba"},
}

SLOW_TO_IMPORT = {"torch", "numpy", "pysam", "numba", "snakemake", "pandas", "safetensors", "tqdm", "jinja2"} | {
    "matplotlib"
}


def imports(module: Path) -> Iterator[tuple[ast.stmt, str]]:
    """Every import statement of a module, with the dotted name it imports."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            # "from deepconsensus_py import cli" imports a room as well.
            names = [alias.name for alias in node.names] if node.module == "deepconsensus_py" else [""]
            yield from ((node, f"{node.module}.{name}".rstrip(".")) for name in names)


def room(module: Path) -> str:
    """The room that a module stands in; the package's own modules stand in none."""
    parts = module.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


def in_rooms() -> list[Path]:
    return [module for module in MODULES if room(module)]


def name_of(module: Path) -> str:
    return str(module.relative_to(PACKAGE))


def test_every_room_has_its_rule() -> None:
    assert {room(module) for module in in_rooms()} <= MAY_IMPORT.keys()


def test_the_page_has_the_same_rules() -> None:
    page = (TESTS.parent / "docs" / "developers" / "architecture.md").read_text()
    rows = {own: re.search(rf"^\| `{own}/` \|.*$", page, re.MULTILINE) for own in MAY_IMPORT if own != "cli"}
    found = {own: set(re.findall(r"`(\w+)`", row[0].split(" | ")[2])) for own, row in rows.items() if row}
    assert found == {own: MAY_IMPORT[own] - {own} for own in rows}


def test_a_room_imports_only_what_it_may() -> None:
    assert [fault for module in in_rooms() for fault in forbidden_imports(module)] == []


def forbidden_imports(module: Path) -> Iterator[str]:
    own = room(module)
    allowed = MAY_IMPORT[own] | (GROUND if own != "attention" else set()) | DOORS.get(name_of(module), set())
    for node, name in imports(module):
        library, *inner = name.split(".")
        # The package as a whole is nobody's to import.
        ours = library == "deepconsensus_py" and (not inner or inner[0] not in allowed)
        if ours or library in FORBIDDEN_LIBRARIES.get(own, ()):
            yield f"{name_of(module)}:{node.lineno} imports {name}"


def test_a_system_of_the_lab_is_nobody_elses() -> None:
    """So that one folder or module is all that a new system adds."""
    found = []
    for module in (PACKAGE / "lab").rglob("*.py"):
        for node, name in imports(module):
            system = re.match(r"deepconsensus_py\.lab\.systems\.\w+", name)
            own = ".".join(module.relative_to(PACKAGE.parent).with_suffix("").parts)
            if system and not f"{own}.".startswith(f"{system[0]}."):
                found.append(f"{name_of(module)}:{node.lineno} imports {name}")
    assert found == []


def test_only_its_own_tests_import_the_lab() -> None:
    others = [path for path in TESTS.rglob("*.py") if TESTS / "lab" not in path.parents]
    assert [
        f"{path.relative_to(TESTS)}:{node.lineno} imports {name}"
        for path in others
        for node, name in imports(path)
        if name.startswith("deepconsensus_py.lab")
    ] == []


def test_one_module_knows_the_format_of_model_files() -> None:
    readers = [module for module in in_rooms() if any("safetensors" in name for _, name in imports(module))]
    assert [name_of(module) for module in readers] == [
        "examples/example.py",
        "models/header.py",
        "models/weights.py",
        "polishing/shards.py",
        "training/checkpoint.py",
        "training/edit_examples.py",
    ]


def functions() -> Iterator[tuple[str, int]]:
    """Every function and its lines."""
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{name_of(module)}:{node.lineno} {node.name}", (node.end_lineno or 0) - node.lineno + 1


def test_files_are_short() -> None:
    assert [name_of(module) for module in MODULES if module.read_text().count("\n") > 400] == []


def test_functions_are_short() -> None:
    assert [name for name, lines in functions() if lines > 80] == []


def test_nine_functions_in_ten_are_under_thirty_lines() -> None:
    lengths = [lines for _, lines in functions()]
    assert sum(length < 30 for length in lengths) >= 0.9 * len(lengths)


@pytest.mark.parametrize("arguments", [["--version"], ["polish", "--help"]])
def test_the_command_line_starts_without_heavy_imports(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from deepconsensus_py.cli.main import main\n"
        "try:\n"
        f"    main({arguments!r})\n"
        "except SystemExit:\n"
        "    print('IMPORTED', *{name.split('.')[0] for name in sys.modules})\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    imported = run.stdout.rsplit("IMPORTED", 1)[1].split()
    assert not SLOW_TO_IMPORT & set(imported)


def test_the_package_itself_is_light() -> None:
    program = "import sys, deepconsensus_py; print(*{name.split('.')[0] for name in sys.modules})"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not SLOW_TO_IMPORT & set(run.stdout.split())
