"""Progress where standard error is no terminal: a line every half minute."""

import logging
from collections.abc import Iterator
from itertools import count

import pytest

from deepconsensus_py.polishing import progress


@pytest.fixture
def ten_seconds_an_item(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    clock = count(1000.0, 10.0)
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: False, raising=False)
    with caplog.at_level(logging.INFO):
        yield


def test_the_first_item_tells_nothing_of_the_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Compiling takes half a minute, a ZMW a tenth of a second."""
    clock = iter([0.0, 40.0, 71.0, 72.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with caplog.at_level(logging.INFO):
        list(progress.with_progress("abc", 65, "ZMW"))
    assert caplog.messages == ["1 ZMW of 65", "2 ZMWs of 65, 1953 s left, 0.03 per second"]


@pytest.mark.usefixtures("ten_seconds_an_item")
def test_items_pass_and_a_line_says_how_far_they_are(caplog: pytest.LogCaptureFixture) -> None:
    assert list(progress.with_progress("abcdefg", 10, "ZMW")) == list("abcdefg")
    assert caplog.messages == ["3 ZMWs of 10, 70 s left, 0.10 per second", "6 ZMWs of 10, 40 s left, 0.10 per second"]


@pytest.mark.usefixtures("ten_seconds_an_item")
def test_nothing_is_said_of_a_total_that_nobody_knows(caplog: pytest.LogCaptureFixture) -> None:
    list(progress.with_progress("abc", None, "ZMW"))
    assert caplog.messages == ["3 ZMWs, 0.10 per second"]


@pytest.mark.usefixtures("ten_seconds_an_item")
def test_what_was_done_before_is_counted_but_not_in_the_rate(caplog: pytest.LogCaptureFixture) -> None:
    list(progress.with_progress("abc", 10, "ZMW", done=90))
    assert caplog.messages == ["93 ZMWs of 100, 70 s left, 0.10 per second"]
