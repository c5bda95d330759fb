"""Decision Transformer: reinforcement learning as modelling of sequences, beside Q-learning.

Chen et al. 2021, "Decision Transformer: Reinforcement Learning via Sequence Modeling"; the baseline is Kumar et al.
2020, "Conservative Q-Learning for Offline Reinforcement Learning".

``claim`` trains and judges; ``agents`` has the agents, ``offline`` behaviour cloning and Q-learning, ``keydoor`` and
``stitching`` the two environments.
"""
