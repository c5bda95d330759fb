"""Surveys of attention in vision: recognition, detection and segmentation, with three heads on one trunk.

``claim`` trains and judges; ``heads`` has the three heads, and convolutions in place of the trunk.
"""
