"""A run asked to end early finishes the molecules that it has begun."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


class Stop:
    """A word to a run, from a signal handler or another thread, that it should end.

    Attributes:
        asked: whether the word has been given.
        early: whether something was left out for it.
    """

    def __init__(self) -> None:
        self.asked = self.early = False

    def ask(self) -> None:
        """Let nothing more begin."""
        self.asked = True

    def before(self, items: Iterable[Item]) -> Iterator[Item]:
        """Pass items on until the word is given; one that is read and left out is not begun."""
        for item in items:
            if self.asked:
                self.early = True
                return
            yield item
