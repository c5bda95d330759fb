"""Music Transformer: relative positions for long music, computed by skewing.

Huang, Vaswani, Uszkoreit, Shazeer, Simon, Hawthorne, Dai, Hoffman, Dinculescu and Eck 2019, "Music Transformer:
Generating Music with Long-Term Structure".

``claim`` trains and judges; ``chorales`` reads the chorales of music21, ``motifs`` generates melodies without it.
"""
