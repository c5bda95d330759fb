"""Nothing begins after the word, and the word counts only where it left something out."""

from deepconsensus_py.polishing.progress import Stop


def test_items_pass_until_the_word() -> None:
    stop, seen = Stop(), []
    for item in stop.before("abcdef"):
        seen.append(item)
        if item == "c":
            stop.ask()
    assert seen == ["a", "b", "c"]
    assert stop.early


def test_a_word_after_the_last_item_leaves_nothing_out() -> None:
    stop = Stop()
    for item in stop.before("abc"):
        if item == "c":
            stop.ask()
    assert not stop.early


def test_without_the_word_all_pass() -> None:
    stop = Stop()
    assert list(stop.before("abc")) == ["a", "b", "c"]
    assert not stop.early
