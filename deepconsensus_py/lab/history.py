"""Rows that were redone by rules for all rows: their verdict before, and why it changed.

For the page alone, so that a sentence here does not make results older than their code.
"""

REDONE: dict[str, tuple[str, str]] = {}
"""Id of a claim to its verdict by the earlier rules, and what was changed and why."""
