"""See ``claim.py``."""
