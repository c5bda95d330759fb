"""What the documentation says is there, and its examples run."""

import argparse
import importlib.util
import re
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from mkdocs.exceptions import PluginError
from support import parsers

import deepconsensus_py
from deepconsensus_py._version import __version__
from deepconsensus_py.cli.main import build_parser, commands
from deepconsensus_py.evaluate import tables
from deepconsensus_py.hifi.tags import ALIGNMENT_TAGS, CLIPPED_TAGS, PER_BASE_TAGS
from deepconsensus_py.reports.outcomes import Outcome
from deepconsensus_py.reports.table import COLUMNS, FAULTS

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = [
    *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "workflow/README.md")),
    *sorted((REPOSITORY / "docs").rglob("*.md")),
]
NOTEBOOK = REPOSITORY / "docs" / "tutorial.ipynb"
"""Its links are written as those of pages, within the strings of its JSON."""

LINK = re.compile(r"\]\(([^)]+)")

FILE = r"[` ](?!results/)([a-z0-9_./]+\.(?:py|smk|html|toml))[`: ]"
"""A file of the repository as pages name it."""


def test_the_readme_lists_the_commands_that_there_are() -> None:
    listed = re.findall(r"^\| `([\w-]+)[ `]", (REPOSITORY / "README.md").read_text(), re.MULTILINE)
    assert listed == commands()


def test_links_lead_somewhere() -> None:
    links = [(page, link) for page in [*PAGES, NOTEBOOK] for link in LINK.findall(page.read_text())]
    inner = [(page, *link.partition("#")[::2]) for page, link in links if not link.startswith("https://")]
    assert [(page.name, target) for page, target, _ in inner if not (page.parent / target).exists()] == []
    places = [(page, page.parent / target if target else page, place) for page, target, place in inner if place]
    assert [(page.name, place) for page, target, place in places if place not in anchors(target)] == []


def anchors(page: Path) -> set[str]:
    """The places that a link may name: the headings, as GitHub writes them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_pages_say_first_who_reads_them() -> None:
    pages = [page for page in PAGES if page != REPOSITORY / "README.md"]
    assert [page.name for page in pages if not page.read_text().split("\n\n")[1].startswith("For ")] == []


def test_pages_name_files_that_there_are() -> None:
    places = [REPOSITORY / place for place in ("benchmarks", "deepconsensus_py", "tests", "workflow")]
    files = [f"/{path}" for place in places for path in place.rglob("*") if path.is_file()]
    named = [(page.name, name) for page in PAGES for name in re.findall(FILE, page.read_text())]
    assert len(named) > 50
    assert [(page, name) for page, name in named if not any(file.endswith(f"/{name}") for file in files)] == []


def test_the_index_lists_the_pages_that_there_are() -> None:
    docs = REPOSITORY / "docs"
    links = re.findall(r"\]\(([\w/]+\.(?:md|ipynb))\)", (docs / "index.md").read_text())
    assert {docs / link for link in links} == {*docs.rglob("*.md"), *docs.rglob("*.ipynb")} - {docs / "index.md"}


def test_the_page_of_the_library_lists_its_names() -> None:
    listed = re.findall(r"^::: deepconsensus_py\.(\w+)$", (REPOSITORY / "docs" / "api.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(set(deepconsensus_py.__all__) - {"__version__"})


def test_the_site_has_every_option_of_every_command() -> None:
    actions = [action for parser in parsers(build_parser()) for action in parser._actions]
    options = {name for action in actions if action.help != argparse.SUPPRESS for name in action.option_strings}
    listed = re.findall(r"(?<=[` ])-[\w-]+", "\n".join(hooks().commands_page()))
    assert len(options) > 70
    assert options - set(listed) == {"--version"}  # of the program, not of a command


def hooks() -> ModuleType:
    """What makes pages of the site; it is no part of the package."""
    spec = importlib.util.spec_from_file_location("hooks", REPOSITORY / "docs" / "hooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("html", "refused"),
    [
        ('<script src="https://a.org/a.js"></script>', True),
        ('<link rel="stylesheet" href="//a.org/a.css">', True),
        ("<img src=http://a.org/a.png>", True),
        ('<a href="https://a.org">A</a><img src="../a.png"><script src="assets/a.js"></script>', False),
    ],
)
def test_a_site_that_fetches_from_elsewhere_is_refused(html: str, refused: bool, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(html)
    config = SimpleNamespace(site_dir=str(tmp_path))
    with pytest.raises(PluginError, match=r"page\.html") if refused else nullcontext():
        hooks().on_post_build(config)


@pytest.mark.parametrize("page", ["library.md", "attention.md", "developers/attention.md", "developers/simulator.md"])
def test_examples_run(page: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(REPOSITORY)
    examples = re.findall(r"```python\n(.*?)```", Path("docs", page).read_text(), re.DOTALL)
    assert examples
    exec(compile("\n".join(examples), page, "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out


def test_the_citation_and_the_changelog_name_the_version() -> None:
    assert f"\nversion: {__version__}\n" in (REPOSITORY / "CITATION.cff").read_text()
    log = (REPOSITORY / "CHANGELOG.md").read_text()
    assert re.findall(r"^## \[(.*?)\]", log, re.MULTILINE)[:2] == ["Unreleased", __version__]
    entries = re.findall(r"^- .*(?:\n  .*)*", log, re.MULTILINE)
    assert [entry for entry in entries if "\n" in entry or len(entry) > 120] == []


def test_direct_dependencies_are_pinned() -> None:
    project = (REPOSITORY / "pyproject.toml").read_text()
    asked = set(re.findall(r'"([\w-]+)(?:\[[^]]*\])?>=', project)) - {"setuptools"}
    pinned = dict(re.findall(r"^([\w-]+)==(\S+)$", (REPOSITORY / "constraints.txt").read_text(), re.MULTILINE))
    assert asked <= pinned.keys()
    assert pinned["torch"] == "2.13.0"


def test_pages_on_outputs_name_all_columns_outcomes_and_tags() -> None:
    zmws, reports, page = ((REPOSITORY / "docs" / f"{name}.md").read_text() for name in ("zmws", "reports", "outputs"))
    rows = re.findall(r"^\| (`.*?) \| ", zmws.partition("## `OUT.zmws.tsv.gz`")[2], re.MULTILINE)
    named = [word for row in rows for word in re.findall(r"`(\w+)`", row)]
    assert [word for word in named if word in COLUMNS] == list(COLUMNS)
    assert sorted(word for word in named if word in set(Outcome)) == sorted(Outcome)
    for outcome in Outcome:
        if outcome is not Outcome.ERROR:
            assert f"| {outcome} | {outcome.meaning}" in zmws.replace("`", "")
    columns = {*tables.COLUMNS, *tables.BASELINE_COLUMNS} - {"name", "truth_bases", "baseline_errors", "baseline_q"}
    assert columns <= set(re.findall(r"`(\w+)`", reports.partition("## What `evaluate`")[2]))
    (faults,) = re.findall(r"^\| 3 \| .*$", page, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", faults)) == FAULTS
    (per_base,) = re.findall(r"^\| per-base tags dropped \| (.*?):", page, re.MULTILINE)
    assert set(re.findall(r"\b\w\w\b", per_base)) >= PER_BASE_TAGS
    (clipped,) = re.findall(r"^\| clip tags \| (.*?)\(", page, re.MULTILINE)
    assert set(re.findall(r"\b\w\w\b", clipped)) == CLIPPED_TAGS
    (of_alignment,) = re.findall(r"^\| alignment tags dropped \| (.*?):", page, re.MULTILINE)
    assert set(re.findall(r"\b\w\w\b", of_alignment)) == ALIGNMENT_TAGS
