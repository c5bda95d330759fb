"""What a HiFi read carries beside its bases and qualities: kinetics, base modifications, tags. NumPy in, NumPy out."""
