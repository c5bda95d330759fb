"""The Transformer: an encoder and a decoder of attention alone.

Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser and Polosukhin 2017, "Attention Is All You Need"; with the
patent on attention-based sequence transduction.

``claim`` trains and judges; ``correction`` has the networks, ``passes`` the generated windows that they correct.
"""
