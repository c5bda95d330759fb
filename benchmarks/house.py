"""How the package is laid out, in figures: files, functions, names, comments, and what only tests use.

    python benchmarks/house.py [CHECKOUT]

prints a Markdown table for a checkout of this repository (default: the one that this file stands in), then the lists
behind it for a person to judge. Only files that git knows are counted; the checkout's own ``polish`` runs once on
``testdata/`` to see which of the package's files it executes. Takes seconds.

A function's lines are those from its ``def`` to its end, docstring included. Definitions of one name are alike when
they are functions of the same signature, as ``add_parser`` is in every command. Comments are those after ``#`` but
``noqa`` and ``type: ignore``; docstrings are none.
"""

import argparse
import ast
import io
import os
import re
import subprocess
import sys
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

PACKAGE = "deepconsensus_py"
USERS = ("benchmarks", "workflow", "docs", "README.md", "config", ".ci")
"""What may use a function beside the package itself, so that it is not there for tests alone."""

LAB = ("lab/", "claims/", "tasks/")
"""Rooms of the lab, whose systems have names of their own."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

LOADED = """
import inspect, os, sys, threading
called = set()
def note(frame, event, argument):
    if event == "call" and frame.f_code.co_flags & inspect.CO_OPTIMIZED:  # Not the body of a module or a class.
        called.add(frame.f_code.co_filename)
threading.setprofile(note)
sys.setprofile(note)
from deepconsensus_py.cli.main import main
status = main(["polish", "testdata/subreads.bam", "--ccs", "testdata/ccs.bam", "--limit", "2", "--threads", "1",
               "-o", os.path.join(sys.argv[1], "polished.bam")])
sys.setprofile(None)
print("LOADED", *(f"{path}\\t{path in called}" for module in list(sys.modules.values())
                  if getattr(module, "__name__", "").startswith("deepconsensus_py")
                  and (path := getattr(module, "__file__", None))), sep="\\n")
sys.exit(status)
"""


class Module:
    """A file of the package with its syntax tree."""

    def __init__(self, root: Path, path: str) -> None:
        self.path = path
        self.name = path.removeprefix(f"{PACKAGE}/")
        self.text = (root / path).read_text()
        self.lines = self.text.count("\n")
        self.tree = ast.parse(self.text)

    @property
    def stem(self) -> str:
        """Its name alone."""
        return Path(self.path).stem

    @property
    def only_a_docstring(self) -> bool:
        """Whether it is an ``__init__.py`` that says what a room is and does nothing."""
        return self.stem == "__init__" and all(isinstance(node, ast.Expr) for node in self.tree.body)

    @cached_property
    def functions(self) -> list[Function]:
        """All functions and methods, inner ones too."""
        return [node for node in ast.walk(self.tree) if isinstance(node, FUNCTIONS)]

    @property
    def comments(self) -> int:
        """Comments that are no instructions to tools."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        comments = [token.string for token in tokens if token.type == tokenize.COMMENT]
        return sum(not re.match(r"#\s*(noqa|type: ignore)", comment) for comment in comments)

    def public(self) -> Iterator[tuple[str, str]]:
        """Each public name that the module defines at its top level, and the kind and signature of its definition."""
        for node in self.tree.body:
            for name, what in _defined(node):
                if not name.startswith("_"):
                    yield name, what


def _defined(node: ast.stmt) -> Iterator[tuple[str, str]]:
    if isinstance(node, FUNCTIONS):
        yield node.name, f"({ast.unparse(node.args)}) -> {ast.unparse(node.returns) if node.returns else ''}"
    elif isinstance(node, ast.ClassDef):
        yield node.name, f"class, line {node.lineno}"
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (
            (name.id, "constant") for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)
        )


class House:
    """A checkout, counted."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = self.tracked(PACKAGE)
        self.modules = [Module(root, path) for path in self.files if path.endswith(".py")]
        self.lengths = sorted(
            ((node.end_lineno or 0) - node.lineno + 1, f"{module.name}:{node.lineno} {node.name}")
            for module in self.modules
            for node in module.functions
        )

    def tracked(self, *places: str) -> list[str]:
        """The files under some places that git knows."""
        found = subprocess.run(
            ["git", "ls-files", "--", *places], cwd=self.root, capture_output=True, text=True, check=True
        )
        return [path for path in found.stdout.splitlines() if (self.root / path).is_file()]

    def under(self, lines: int) -> list[Module]:
        """The short ones."""
        return [module for module in self.modules if module.lines < lines]

    def typed(self) -> float:
        """The share of functions with types throughout."""
        functions = [node for module in self.modules for node in module.functions]
        return sum(map(is_typed, functions)) / len(functions)

    def named_twice(self, *, lab: bool = True) -> dict[str, dict[str, str]]:
        """Each public name that two modules or more define: module to kind and signature; with or without the lab."""
        places: dict[str, dict[str, str]] = defaultdict(dict)
        for module in self.modules if lab else [module for module in self.modules if not module.name.startswith(LAB)]:
            for name, what in module.public():
                places[name][module.name] = what
        return {name: where for name, where in sorted(places.items()) if len(where) > 1}

    def module_names(self) -> dict[str, list[str]]:
        """Names of modules to the modules, of those that three or more have."""
        by_stem: dict[str, list[str]] = defaultdict(list)
        for module in self.modules:
            by_stem[module.stem].append(module.name)
        return {stem: names for stem, names in sorted(by_stem.items()) if len(names) > 2 and stem != "__init__"}

    def executed(self) -> dict[str, bool]:
        """The files of the package that ``polish`` loads, and whether it calls functions of them.

        It runs on two molecules in one process. Compiled functions are not seen.
        """
        environment = os.environ | {"PYTHONPATH": str(self.root), "PYTHONDONTWRITEBYTECODE": "1"}
        with TemporaryDirectory() as folder:
            command = [sys.executable, "-c", LOADED, folder]
            run = subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, check=False)
        if run.returncode:
            sys.exit(f"polish failed in {self.root}:\n{run.stderr}")
        rows = (line.split("\t") for line in run.stdout.rsplit("LOADED\n", 1)[1].splitlines())
        return {str(Path(path).relative_to(self.root / PACKAGE)): called == "True" for path, called in rows}

    def only_tests(self) -> list[str]:
        """Functions and methods that tests name, and nothing else: no module, benchmark, page or rule."""
        elsewhere: Counter[str] = Counter()
        for path in self.tracked(*USERS):
            elsewhere.update(uses_in(self.root / path))
        for module in self.modules:
            elsewhere.update(shared_uses(module.tree))
        tests = {use for path in self.tracked("tests") if path.endswith(".py") for use in uses_in(self.root / path)}
        return [
            f"{module.name}:{line} {name}"
            for module in self.modules
            for line, name in _unused(module, elsewhere, tests)
        ]


def _unused(module: Module, elsewhere: Counter[str], tests: set[str]) -> Iterator[tuple[int, str]]:
    """Line and name of the functions of a module that tests name and nothing else does."""
    classes = [node for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)]
    of_classes = {node for definition in classes for node in definition.body}
    local = local_uses(module.tree)
    for node in module.functions:
        names = {f".{node.name}", f"{dotted(module.path)}:{node.name}"}
        own = shared_uses(node)
        used = sum(elsewhere[name] - own[name] for name in names)
        if node not in of_classes:
            used += local[node.name] - local_uses(node)[node.name]
        if not used and names & tests and not (node.name.startswith("__") and node.name.endswith("__")):
            yield node.lineno, node.name


def is_typed(node: Function) -> bool:
    """Whether every argument but ``self`` and ``cls`` and the result have a type."""
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
    arguments = [argument for argument in every if argument is not None and argument.arg not in {"self", "cls"}]
    return node.returns is not None and all(argument.annotation is not None for argument in arguments)


def dotted(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def local_uses(tree: ast.AST) -> Counter[str]:
    """How often code uses each name as a variable."""
    return Counter(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


def shared_uses(tree: ast.AST) -> Counter[str]:
    """How often code names what stands elsewhere: ``module:name`` for imports, ``.name`` for attributes and strings."""
    found: Counter[str] = Counter()
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module), names=aliases):
                found.update(f"{module}:{alias.name}" for alias in aliases)
            case ast.Attribute(attr=name) | ast.Constant(value=str(name)):
                found[f".{name}"] += 1
    return found


def uses_in(path: Path) -> Counter[str]:
    """The same of a file outside the package: of a module, or any word of a rule or of the code of a page."""
    text = path.read_text(errors="replace")
    if path.suffix == ".py":
        return shared_uses(ast.parse(text))
    if path.suffix == ".md":
        text = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))
    return Counter(f".{name}" for name in re.findall(r"[^\W\d]\w*", text))


def unlike(definitions: dict[str, str]) -> bool:
    """Whether definitions of one name differ, constants aside, whose values say nothing of their meaning."""
    return len(set(definitions.values())) > 1


def table(house: House, executed: dict[str, bool], only_tests: list[str]) -> Iterator[tuple[str, str]]:
    """The rows."""
    lines = [module.lines for module in house.modules]
    short = house.under(50)
    twice = house.named_twice()
    yield "files in the package; Python files", f"{len(house.files)}; {len(lines)}"
    crumbs = sum(not module.only_a_docstring for module in short)
    yield "Python files under 50 lines; without `__init__.py` of a docstring alone", f"{len(short)}; {crumbs}"
    yield "lines; median of a file", f"{sum(lines)}; {median(lines):.0f}"
    yield "files of the package that `polish` loads; calls functions of", f"{len(executed)}; {sum(executed.values())}"
    percentile = quantiles([length for length, _ in house.lengths], n=10)[-1]
    yield "functions; longest; 90th percentile", f"{len(house.lengths)}; {house.lengths[-1][0]}; {percentile:.0f}"
    yield "typed functions", f"{house.typed():.1%}"
    counts = (sum(map(unlike, names.values())) for names in (twice, house.named_twice(lab=False)))
    yield (
        "public names of two modules or more; defined unlike; without the lab",
        "; ".join(map(str, [len(twice), *counts])),
    )
    yield "names that three modules or more have", str(len(house.module_names()))
    yield "comments per 100 lines", f"{100 * sum(module.comments for module in house.modules) / sum(lines):.1f}"
    yield "functions that only tests use", str(len(only_tests))


def lists(house: House, only_tests: list[str]) -> Iterator[tuple[str, list[str]]]:
    """What stands behind the figures."""
    short = [f"{module.name} {module.lines}" for module in house.under(50) if not module.only_a_docstring]
    yield "Python files under 50 lines", short
    yield "The ten longest functions", [f"{name} {length}" for length, name in house.lengths[:-11:-1]]
    twice = house.named_twice()
    yield "Public names defined unlike", [f"{name}: {', '.join(at)}" for name, at in twice.items() if unlike(at)]
    yield "Public names defined alike", [f"{name}: {', '.join(at)}" for name, at in twice.items() if not unlike(at)]
    yield (
        "Module names of three or more",
        [f"{stem}: {', '.join(names)}" for stem, names in house.module_names().items()],
    )
    yield "Functions that only tests use", only_tests


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path, nargs="?", default=Path(__file__).resolve().parents[1])
    house = House(parser.parse_args().checkout.resolve())
    only_tests = house.only_tests()
    print("| | |\n|---|---|")
    for name, value in table(house, house.executed(), only_tests):
        print(f"| {name} | {value} |")
    for title, entries in lists(house, only_tests):
        print(f"\n{title}:\n")
        print(*(f"- {entry}" for entry in entries), sep="\n")


if __name__ == "__main__":
    main()
