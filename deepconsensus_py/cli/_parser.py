"""Options that may be given once: a second value is refused, where argparse would forget the first."""

import argparse
from typing import Any

_GIVEN = "_given"


class Parser(argparse.ArgumentParser):
    """A parser, as those of all commands are, whose options of one value refuse a second one.

    Options that add up say so by their action (``append``, ``extend``); a flag that is given twice says the same twice.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for action in (None, "store"):
            self.register("action", action, _StoreOnce)


def given(args: argparse.Namespace, name: str) -> bool:
    """Whether an option of one value was given, even as its default."""
    return name in getattr(args, _GIVEN, ())


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
            raise argparse.ArgumentError(self, "is given twice; give it once")
        given.add(self.dest)
        setattr(namespace, self.dest, values)
