"""Subreads to draft: alignment of passes, and a draft consensus where none is given."""
