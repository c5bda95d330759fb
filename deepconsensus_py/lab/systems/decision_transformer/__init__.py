"""Decision Transformer: reinforcement learning as modelling of sequences, beside Q-learning.

Chen et al. 2021, "Decision Transformer: Reinforcement Learning via Sequence Modeling"; the baseline is Kumar et al.
2020, "Conservative Q-Learning for Offline Reinforcement Learning".

``claim`` trains and judges; ``agents`` has the agents, ``offline`` behaviour cloning and Q-learning, ``swinging`` both
for continuous actions; ``keydoor``, ``stitching`` and ``pendulum`` are the environments.
"""
