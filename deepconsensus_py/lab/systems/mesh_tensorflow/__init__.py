"""Mesh-TensorFlow: a layout of named dimensions distributes a program over a mesh of processors.

Shazeer et al. 2018, "Mesh-TensorFlow: Deep Learning for Supercomputers".

``claim`` counts and judges; ``meshes`` trains in several processes.
"""
