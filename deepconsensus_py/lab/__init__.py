"""Published attention systems, reproduced at small scale on the attention core, each beside a baseline.

``systems`` has a module or folder for each. Beside it are what several of them share (training, costs, data sets) and
what runs them and writes the page. Of the rooms that polish reads, only ``reads`` imports anything. ``bench`` compares
mechanisms of attention in one corrector.
"""
