"""Aligned passes to spaced columns, windows and integer arrays. NumPy in, NumPy out."""
