"""The draft's homopolymer runs and repeat tracts, edits of them, and labels by the truth. NumPy in, NumPy out."""
