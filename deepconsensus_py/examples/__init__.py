"""Training examples: whole molecules with their truth, in files; windows and batches are cut from them as needed."""
