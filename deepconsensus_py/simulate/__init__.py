"""Molecules, passes and drafts with known truth."""
