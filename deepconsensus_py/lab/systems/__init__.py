"""The published systems, each a module with a ``ROW``, or a folder whose module ``claim`` has it."""
