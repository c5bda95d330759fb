"""What each claim comes to on sequencing reads, where an experiment shows it.

For the page alone, as ``history``: what no experiment stands behind is not said.
"""

_BENCHED = "Mechanism `{}` of [`bench attention`](attention.md#mechanisms-side-by-side)."

ON_READS: dict[str, str] = {
    "transformer": "Windows of simulated passes are its task, with insertions longer than the slack of a column.",
    "graph": "Partial-order graphs of simulated passes, few in training and many in use, are among the figures.",
    "shaw": _BENCHED.format("shaw"),
    "music": _BENCHED.format("skew"),
    "unified": "Pileups of simulated molecules are one of its tasks.",
    "routing": _BENCHED.format("routing"),
    "halo": _BENCHED.format("halo") + " Blocks there are of columns alone.",
    "shape": "Pileups of simulated molecules are its task.",
    "misnomer": "Costs of every mechanism of [`bench attention`](attention.md#mechanisms-side-by-side).",
    "deepconsensus": "Pileups of simulated molecules are its task.",
    "pretrain": "Pileups of simulated molecules are its task.",
}
"""Id of a claim to its sentence; there is none of other claims."""
