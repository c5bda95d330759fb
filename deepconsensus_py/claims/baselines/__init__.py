"""What attention is measured against: networks and methods without it, each as short as its definition."""
