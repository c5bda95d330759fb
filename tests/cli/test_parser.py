"""Options of all commands: in groups, spelled out, given once; and what is said of a misspelt one."""

import argparse
import pkgutil
from collections.abc import Iterator

import pytest
from support import Commands, parsers

from deepconsensus_py import cli
from deepconsensus_py.cli.main import COMMANDS, build_parser, commands

VALUES = ("1", "2", "1/2", "0.5", "x", "cpu", "1,2")
SHORT = {"--threads": "-t", "--min-quality": "-q", "--model": "-m", "--output": "-o", "--help": "-h", "--verbose": "-v"}
SAYS_THE_SAME = (argparse._StoreTrueAction, argparse._HelpAction, argparse._VersionAction)


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


def test_an_option_that_is_given_twice(capsys: pytest.CaptureFixture[str]) -> None:
    """It adds up or is refused."""
    assert [name for name, parser, action in options() if not twice(parser, action, capsys)] == []


def twice(parser: argparse.ArgumentParser, action: argparse.Action, capsys: pytest.CaptureFixture[str]) -> bool:
    once = words(parser, action)
    for other in parser._actions:
        other.required = False
    if isinstance(action, argparse._AppendAction):
        given = [getattr(parser.parse_known_args(once * times)[0], action.dest) for times in (1, 2)]
        return [len(values) - len(action.default or ()) for values in given] == [1, 2]
    assert getattr(parser.parse_known_args(once)[0], action.dest) != []
    try:
        parser.parse_known_args([*once, *once])
    except SystemExit as end:
        said = f"argument {'/'.join(action.option_strings)}: may be given only once" in capsys.readouterr().err
        return said and end.code == 2
    return False


def test_options_of_all_commands_are_looked_at() -> None:
    names = [name for name, _, _ in options()]
    assert len(names) > 60
    assert {"deepconsensus-py polish --ccs", "deepconsensus-py model check --limit"} <= set(names)


def test_every_module_is_a_command() -> None:
    modules = [module.name for module in pkgutil.iter_modules(cli.__path__)]
    own = {name.replace("_", "-") for name in modules if name != "main" and not name.startswith("_")}
    assert sorted(commands()) == sorted(own)


def test_options_stand_in_groups() -> None:
    for parser in parsers(build_parser()):
        shown = [
            group for group in parser._action_groups if any(a.help != argparse.SUPPRESS for a in group._group_actions)
        ]
        titles = [group.title for group in shown]
        assert not {"positional arguments", "optional arguments"} & set(titles), parser.prog
        assert titles[-1] in {"run", "options"}, parser.prog


def test_short_options_mean_the_same_in_every_command() -> None:
    for parser in parsers(build_parser()):
        for action in parser._actions:
            words = set(action.option_strings)
            assert {word for word in words if len(word) == 2} == {SHORT[word] for word in words & SHORT.keys()}


@pytest.mark.parametrize(
    ("words", "usage", "sentence"),
    [
        (
            ("polish", "a.bam", "--min-qualty", "30"),
            "polish [options]",
            "option --min-qualty; did you mean --min-quality?",
        ),
        (
            ("polish", "a.bam", "--min-qualty=30"),
            "polish [options]",
            "option --min-qualty; did you mean --min-quality?",
        ),
        (
            ("polish", "a.bam", "-o", "x", "--min", "30"),
            "polish [options]",
            "option --min; did you mean --min-quality, --min-rq, --min-snr, --min-passes, --min-length or ",
        ),
        (("filter", "--min-qualty", "30"), "filter [options]", "option --min-qualty; did you mean --min-quality?"),
        (("polish", "a.bam", "-o", "x", "--zzz"), "polish [options]", "unknown option --zzz\n"),
        (("polish", "a.bam", "-o", "x", "-x"), "polish [options]", "unknown argument -x\n"),
        (("filter", "a.bam", "b.bam", "-o", "x", "-q", "1"), "filter [options]", "unknown argument b.bam\n"),
        (("model", "check", "--lmit", "3"), "model check [options]", "option --lmit; did you mean --limit?"),
        (("polsh", "a.bam", "--ccs", "b.bam"), "COMMAND [options]", "command 'polsh'; did you mean polish?"),
        (("nothing",), "COMMAND [options]", "command 'nothing' (see deepconsensus-py --help)"),
        (("model", "lst"), "model COMMAND [options]", "command 'lst'; did you mean list?"),
        (("--verson",), "COMMAND [options]", "option --verson; did you mean --version?"),
    ],
)
def test_the_nearest_name_of_a_misspelt_one(run: Commands, words: tuple[str, ...], usage: str, sentence: str) -> None:
    result = run(*words)
    assert result.status == 2
    assert result.err.startswith(f"usage: deepconsensus-py {usage}")
    assert sentence in result.err


def test_values_and_what_follows_two_hyphens_are_no_options(run: Commands) -> None:
    """They are looked for as files."""
    for words in (("filter", "-o", "x.bam", "-q", "1", "--", "--in.bam"), ("index", "--in x.bam")):
        result = run(*words)
        assert (result.status, "no such file" in result.err) == (1, True), result.err


def test_without_a_command_all_are_shown(run: Commands) -> None:
    result = run()
    assert (result.status, result.out) == (2, "")
    assert result.err == run("--help").out
    at = [result.err.index(f"\n{title}:\n") for title in COMMANDS]
    assert at == sorted(at)
    for name in commands():
        assert result.err.count(f"\n  {name} ") == 1
