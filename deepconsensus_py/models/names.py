"""Names of the correctors that need no weights, alone, so that reading them imports nothing."""

VOTE = "vote"
PAIR_HMM = "pairhmm"

WITHOUT_WEIGHTS = {
    PAIR_HMM: "pair hidden Markov model, rates from each molecule's own passes; no network",
    VOTE: "per-column vote of the passes; no network",
}

DEFAULT = "runs"
"""What corrects unless another model is asked for: the bundled run network."""

AUTO, FP32, BF16 = PRECISIONS = ("auto", "fp32", "bf16")
"""What networks may be asked to compute in; ``models.precision`` says what that means."""
