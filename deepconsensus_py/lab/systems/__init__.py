"""The published systems, each a module with a ``CLAIM``, or a folder whose module ``claim`` has it."""
