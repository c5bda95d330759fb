"""The shared attention core; it knows nothing of genomics and imports torch alone."""
