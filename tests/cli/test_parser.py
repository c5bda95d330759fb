"""Every option of every command, given twice: it adds up or is refused."""

import argparse
from collections.abc import Iterator

import pytest

from deepconsensus_py.cli.main import build_parser

VALUES = ("1", "1/2", "x", "cpu", "1,2")
SAYS_THE_SAME = (argparse._StoreTrueAction, argparse._HelpAction, argparse._VersionAction)


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A parser and those of its commands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from parsers(inner)


def options() -> Iterator[tuple[str, argparse.ArgumentParser, argparse.Action]]:
    for parser in parsers(build_parser()):
        for action in parser._actions:
            if action.option_strings and not isinstance(action, SAYS_THE_SAME):
                yield f"{parser.prog} {action.option_strings[-1]}", parser, action


def words(parser: argparse.ArgumentParser, action: argparse.Action) -> list[str]:
    """An option with a value that it takes."""
    for value in action.choices or VALUES:
        try:
            parser._get_value(action, value)
        except argparse.ArgumentError:
            continue
        return [action.option_strings[-1], *[value] * (action.nargs if isinstance(action.nargs, int) else 1)]
    raise AssertionError(f"no value for {action.option_strings}")


@pytest.mark.parametrize(
    ("parser", "action"), [pytest.param(parser, action, id=name) for name, parser, action in options()]
)
def test_an_option_that_is_given_twice(
    parser: argparse.ArgumentParser, action: argparse.Action, capsys: pytest.CaptureFixture[str]
) -> None:
    once = words(parser, action)
    for other in parser._actions:
        other.required = False
    if not isinstance(action, argparse._AppendAction):
        assert getattr(parser.parse_known_args(once)[0], action.dest) != []
        with pytest.raises(SystemExit, match="2"):
            parser.parse_known_args([*once, *once])
        assert f"argument {'/'.join(action.option_strings)}: is given twice; give it once" in capsys.readouterr().err
        return
    n_default = len(action.default or ())
    for times in (1, 2):
        assert len(getattr(parser.parse_known_args(once * times)[0], action.dest)) == n_default + times


def test_options_of_all_commands_are_looked_at() -> None:
    names = [name for name, _, _ in options()]
    assert len(names) > 60
    assert {"deepconsensus-py polish --ccs", "deepconsensus-py model check --limit"} <= set(names)
