"""How command lines are parsed: options in groups, one value each, examples, and suggestions for misspelt names."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any, TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[Parser]"
"""What a module of a command adds its parser to."""

_GIVEN = "_given"
_HELP_COLUMN = 28


class Parser(argparse.ArgumentParser):
    """The parser of the program and of each command.

    An option of one value may be given once, where argparse would take the last value; options that may be repeated say
    so by their action (``append``, ``extend``), and repeated flags are harmless. Options are not abbreviated. A
    misspelt one is refused with the usage of its command and the nearest name.

    Attributes:
        examples: command lines that the help ends with.
    """

    def __init__(self, *, examples: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        """Make a parser without options, ``--help`` included.

        Args:
            examples: what each one does, and what follows the program's and the command's name in it, or where ``{}``
                stands for these.
            kwargs: as ``argparse.ArgumentParser`` has it.
        """
        super().__init__(add_help=False, allow_abbrev=False, formatter_class=_Formatter, **kwargs)
        lines = (words if "{}" in words else f"{{}} {words}" for _, words in examples)
        self.examples = [
            (what, line.format(self.prog).rstrip()) for (what, _), line in zip(examples, lines, strict=True)
        ]
        self._titled: dict[str, argparse._ArgumentGroup] = {}
        for action in (None, "store"):
            self.register("action", action, _StoreOnce)

    @property
    def has_commands(self) -> bool:
        """Whether it is followed by a command of its own, and runs nothing itself."""
        return self._subparsers is not None

    def group(self, title: str) -> argparse._ArgumentGroup:
        """The options under a title, in the order in which titles were first asked for."""
        if title not in self._titled:
            self._titled[title] = self.add_argument_group(title)
        return self._titled[title]

    @property
    def titles(self) -> tuple[str, ...]:
        """The titles of options, in their order."""
        return tuple(self._titled)

    def paths(self, title: str, args: argparse.Namespace) -> list[list[Path]]:
        """The files that are given by options under a title, those of each option by themselves."""
        actions = self._titled[title]._group_actions if title in self._titled else []
        values = [getattr(args, action.dest, None) for action in actions]
        found = ([value] if isinstance(value, Path) else value for value in values if isinstance(value, Path | list))
        return [files for paths in found if (files := [path for path in paths if isinstance(path, Path)])]

    def add_help_option(self, title: str) -> None:
        """Add ``--help`` as the last option under a title."""
        self.group(title).add_argument("-h", "--help", action="help", help="show this help and exit")

    def format_help(self) -> str:
        """The help with its examples."""
        title = ["examples:" if len(self.examples) > 1 else "example:"] if self.examples else []
        lines = [line for what, words in self.examples for line in (f"  # {what}", f"  {words}")]
        return "\n".join([super().format_help(), *title, *lines]).rstrip() + "\n"

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parse; unlike argparse's own, nothing unknown is left over.

        Raises:
            SystemExit: an argument is unknown or wrong.
        """
        words = sys.argv[1:] if args is None else list(args)
        for word in self._own(words):
            name = word.partition("=")[0]
            if name not in self._option_string_actions:
                self.error(f"unknown option {name}{self._nearest(name)}")
        parsed, unknown = super().parse_known_args(words, namespace)
        if unknown:
            self.error(f"unknown argument {unknown[0]}")
        return parsed, unknown

    def _own(self, words: Sequence[str]) -> Iterator[str]:
        """The long options among words; those behind a command's name are the command's."""
        for word in takewhile(lambda word: word != "--", words):
            if word.startswith("--") and " " not in word:
                yield word
            elif self.has_commands and not word.startswith("-"):
                return

    def _nearest(self, name: str) -> str:
        options = self._option_string_actions.items()
        known = [word for word, action in options if word.startswith("--") and action.help != argparse.SUPPRESS]
        return _question([option for option in known if option.startswith(name)] or _close(name, known))

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if isinstance(action, argparse._SubParsersAction) and value not in action.choices:
            nearest = _question(_close(value, list(action.choices)))
            self.error(f"unknown command {value!r}{nearest or f' (see {self.prog} --help)'}")
        super()._check_value(action, value)


def given(args: argparse.Namespace, name: str) -> bool:
    """Whether an option of one value was given, even as its default."""
    return name in getattr(args, _GIVEN, ())


def _close(word: str, known: Sequence[str]) -> list[str]:
    from difflib import get_close_matches

    return get_close_matches(word, known, n=1)


def _question(names: Sequence[str]) -> str:
    listed = " or ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
    return f"; did you mean {listed}?" if names else ""


class _Formatter(argparse.HelpFormatter):
    """Help whose options name their value once: ``-o, --output OUT``."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=_HELP_COLUMN)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {value}"


class _StoreOnce(argparse.Action):
    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - argparse's signature
        namespace: argparse.Namespace,
        values: Any,
        option: str | None = None,
    ) -> None:
        given: set[str] = namespace.__dict__.setdefault(_GIVEN, set())
        if option is not None and self.dest in given:
            raise argparse.ArgumentError(self, "may be given only once")
        given.add(self.dest)
        setattr(namespace, self.dest, values)
