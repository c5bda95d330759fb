"""Attention-augmented convolution: channels from attention beside channels from convolution.

Bello, Zoph, Vaswani, Shlens and Le 2019, "Attention Augmented Convolutional Networks".

``claim`` trains and judges; ``arrangement`` has the task that only the places of glyphs decide, and its networks.
"""
