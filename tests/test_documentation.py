"""What the front page says is there."""

import re
from pathlib import Path

import pytest

from deepconsensus_py._version import __version__
from deepconsensus_py.cli.main import commands

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = [REPOSITORY / "README.md", REPOSITORY / "workflow" / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]


def test_the_readme_lists_the_commands_that_there_are() -> None:
    listed = re.findall(r"^\| `(\w+)[ `]", (REPOSITORY / "README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == commands()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_the_citation_names_the_version() -> None:
    assert f"\nversion: {__version__}\n" in (REPOSITORY / "CITATION.cff").read_text()


def test_direct_dependencies_are_pinned() -> None:
    project = (REPOSITORY / "pyproject.toml").read_text()
    asked = set(re.findall(r'"([\w-]+)(?:\[[^]]*\])?>=', project)) - {"setuptools"}
    pinned = dict(re.findall(r"^([\w-]+)==(\S+)$", (REPOSITORY / "constraints.txt").read_text(), re.MULTILINE))
    assert asked <= pinned.keys()
    assert pinned["torch"] == "2.13.0"
