"""The draft's homopolymer runs as units: what every pass says about them, and edits of them. NumPy in, NumPy out."""
