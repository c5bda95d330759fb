"""Inductive bias of image layers, and attention as an explanation: two claims of surveys of attention in vision.

Convolutions are equivariant to translation; attention is said to show what an answer depends on.

``claim`` measures both; ``planted`` has windows in which one column decides, and explanations of them.
"""
