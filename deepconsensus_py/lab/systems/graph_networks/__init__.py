"""Graph networks: one update, shared by all nodes and steps, generalises to larger graphs.

Battaglia et al. 2018, "Relational inductive biases, deep learning, and graph networks".

``claim`` trains and judges; ``baselines`` has the networks that attention along edges is compared with, ``hop_graphs``
generated graphs, ``paths`` shortest paths in them, ``pass_graphs`` partial-order graphs of simulated passes.
"""
