"""The published systems: each is a module with a ``CLAIM``, or a folder whose module ``claim`` has one.

No list names them: ``lab.run`` imports what is here. A system imports no other system; what several of them use is in
``lab``.
"""
