"""What the site has beside the pages of this folder: files of the repository, and a page of all commands."""

import re
from argparse import Action
from collections.abc import Iterator
from html import escape
from os.path import normpath, relpath
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from deepconsensus_py.cli._parser import Parser
from deepconsensus_py.cli.main import COMMANDS, build_parser

REPOSITORY = Path(__file__).resolve().parents[1]

ELSEWHERE = {
    "README.md": "readme.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "config/README.md": "configuration.md",
    "workflow/README.md": "workflow.md",
}
"""Files of the repository that are pages of the site."""

LINK = re.compile(r"\[([^][]*)\]\((?![a-z]+:|#)([^)#\s]+)(#[^)]*)?\)")

NOTEBOOK_LINK = re.compile(r'(href="(?![a-z]+:)[^"#]+\.)md\b')

FETCHED = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*\bsrc=\"?(?:https?:)?//|<link\b[^>]*\bhref=\"?(?:https?:)?//"
)
"""What a browser would fetch from elsewhere when it shows a page; links that a reader follows are none of these."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made of other files."""
    for source, page in ELSEWHERE.items():
        files.append(File.generated(config, page, content=(REPOSITORY / source).read_text("utf-8")))
    files.append(File.generated(config, "commands.md", content="\n".join(commands_page())))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Let links between files of the repository lead to their pages; of other files, only the name is left."""
    here = page.file.src_uri
    source = next((path for path, name in ELSEWHERE.items() if name == here), f"docs/{here}")

    def moved(link: re.Match[str]) -> str:
        text, target, place = link[1], normpath(Path(source).parent / link[2]), link[3] or ""
        if target not in ELSEWHERE and not target.startswith("docs/"):
            return text
        uri = ELSEWHERE.get(target, target.removeprefix("docs/"))
        return f"[{text}]({relpath(uri, Path(here).parent)}{place})"

    return LINK.sub(moved, markdown)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:  # noqa: ARG001
    """Let links of a notebook to pages lead to what they become; those of pages are already changed."""
    return NOTEBOOK_LINK.sub(r"\1html", output) if page.file.src_uri.endswith(".ipynb") else output


def on_post_build(config: MkDocsConfig) -> None:
    """Refuse a site that is not complete by itself."""
    pages = Path(config.site_dir).rglob("*.html")
    if fetching := [page.name for page in pages if FETCHED.search(page.read_text("utf-8"))]:
        raise PluginError(f"pages that fetch something from elsewhere: {', '.join(fetching)}")


def commands_page() -> Iterator[str]:
    """The lines of the page of all commands."""
    parser = build_parser()
    commands = parser._subparsers._group_actions[0].choices
    yield "# Commands\n"
    yield "For those who look up an option. This is what `deepconsensus-py COMMAND --help` says, for all commands.\n"
    for title, names in COMMANDS.items():
        yield f"## {title.capitalize()}\n"
        for name in names:
            yield from _command(commands[name], 3)


def _command(parser: Parser, level: int) -> Iterator[str]:
    """The lines about one command, and about its own commands."""
    yield f"{'#' * level} {parser.prog.removeprefix('deepconsensus-py ')}\n"
    yield f"{parser.description}\n"
    usage = [line.strip() for line in parser.format_usage().removeprefix("usage: ").splitlines()]
    yield "\n".join(["```text", *usage, "```", ""])
    for group in parser._action_groups:
        if rows := [row for action in group._group_actions for row in _rows(parser, action)]:
            yield "\n".join([f"| {str(group.title).capitalize()} | |", "|---|---|", *rows, ""])
    if parser.examples:
        yield "```sh"
        yield from (f"# {what}\n{line}" for what, line in parser.examples)
        yield "```\n"
    if parser.has_commands:
        for inner in parser._subparsers._group_actions[0].choices.values():
            yield from _command(inner, level + 1)


def _rows(parser: Parser, action: Action) -> Iterator[str]:
    """The row of an option or argument, if the help shows it."""
    if action.help == "==SUPPRESS==" or not action.help:
        return
    formatter = parser._get_formatter()
    names = formatter._format_action_invocation(action)
    text = " ".join(formatter._expand_help(action).split())
    yield f"| `{_cell(names)}` | {_cell(escape(text, quote=False))} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
