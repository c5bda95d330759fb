"""The edit method, its NumPy half: candidate edits of a draft and their evidence under a pair hidden Markov model."""
