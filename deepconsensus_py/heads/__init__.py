"""Task heads on the attention core: embeddings, output layers, losses and metrics, each in a short file of its own."""
