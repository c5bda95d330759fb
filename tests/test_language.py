"""What users and developers read is in the words of the field: no phrase of the list below in any prose."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]

AVOIDED = {
    r"(undecided|homopolymer|decided|short|long|neighbouring) runs?\b(?! of (`|polish|snakemake))": "homopolymer",
    r"\brun[- ]lengths?\b|\bruns? of (the|a) draft\b|\bruns? of( \w+){0,3} (bases?|letters?)\b": "homopolymer (length)",
    r"\b(go|goes|going|gone|went) on with\b": "continue, resume",
    r"\b(speak|speaks|spoke|spoken|speaking) (for|against)\b": "support(s), contradict(s), evidence for or against",
    r"\b(pass|passes|models?|networks?|evidence|alignments?) (say|says|said|know|knows|knew)\b": "show, predict",
    r"\bdoubt(s|ed|ful|less)?\b": "uncertain, ambiguous",
    r"\bat hand\b": "available",
    r"\bfor want of\b": "without",
    r"\bof all chance\b": "random",
    r"\bwhat (became|becomes|can become|has become|will become) of\b": "outcome(s)",
    r"\bin that order of ease\b": "(drop it)",
    r"\b(leave|leaves|left|leaving)\b( \w+){0,4} out\b": "skip, ignore, omit, exclude",
}
"""Regular expressions of phrases to avoid, in any case, and what to write instead."""

TEXTS = ("README.md", "docs/*.md", "docs/developers/*.md", "workflow/**/*", "deepconsensus_py/**/*.html", "config/*")


def prose_of(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of each comment and string (docstrings, messages) of Python code; names are no prose."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
    comments: list[tuple[int, str]] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            # A sentence may go on in the next line: neighbouring comments are read as one.
            line, text = token.start[0], token.string.lstrip("# ")
            if comments and comments[-1][0] + comments[-1][1].count("\n") + 1 == line:
                comments[-1] = comments[-1][0], f"{comments[-1][1]}\n{text}"
            else:
                comments.append((line, text))
    yield from comments


def faults(line: int, text: str) -> Iterator[tuple[int, str]]:
    """Line and description of each phrase to avoid in a text that starts at a line."""
    for phrase, better in AVOIDED.items():
        for found in re.finditer(phrase.replace(" ", r"\s+"), text, re.IGNORECASE):
            words = " ".join(found[0].split())
            yield line + text.count("\n", 0, found.start()), f"{words!r}; write: {better}"


def files() -> Iterator[Path]:
    """All Python files of the package, and all pages."""
    yield from sorted((REPOSITORY / "deepconsensus_py").rglob("*.py"))
    for pattern in TEXTS:
        yield from sorted(path for path in REPOSITORY.glob(pattern) if path.is_file())


def texts(path: Path) -> Iterator[tuple[int, str]]:
    content = path.read_text("utf-8")
    if path.suffix == ".py":
        yield from prose_of(content)
    else:
        yield 1, content


def test_nothing_is_written_in_words_to_avoid() -> None:
    found = []
    for path in files():
        name = str(path.relative_to(REPOSITORY))
        for line, text in texts(path):
            found += [f"{name}:{at}: {fault}" for at, fault in faults(line, text)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('"""What became\nof it."""', [1]),
        ("x = 1\n# Twice: the network\n# knows it.", [2]),
        ('log("%d reads are left\\nout")', [1]),
        ('f"{n} undecided runs"', [1]),
        ("def at_hand(doubts): return doubts", []),
        ('"a homopolymer of 5 bases; the run was resumed; runs of `polish`"', []),
    ],
)
def test_the_matcher_finds_phrases_in_prose_alone(code: str, expected: list[int]) -> None:
    assert [at for line, text in prose_of(code) for at, _ in faults(line, text)] == expected
