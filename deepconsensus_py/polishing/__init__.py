"""The engine: molecules in, polished reads out."""
