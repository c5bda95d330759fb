"""A pair hidden Markov model of passes given their draft: how well each small edit of the draft explains them."""
