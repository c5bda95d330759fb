"""Small generated data sets on which the claims of the attention heads are shown. NumPy out, seeded, no files."""
