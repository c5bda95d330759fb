"""One representation for many modalities: several heads on one trunk.

A claim of patents on multi-modal models: networks for each modality around one shared representation.

``claim`` trains and judges; ``joint`` has the four tasks and their training in turn.
"""
