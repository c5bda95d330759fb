"""REALM: a retriever trained through the likelihood of the answers that are read from what it finds.

Guu, Lee, Tung, Pasupat and Chang 2020, "REALM: Retrieval-Augmented Language Model Pre-Training"; REALM++ is
Balachandran, Vaswani, Tsvetkov and Parmar 2021, "Simple and Efficient ways to Improve REALM".

``claim`` trains and judges; ``questions`` makes questions from the Python reference, with BM25 and an exact reader.
"""
