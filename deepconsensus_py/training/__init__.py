"""Training of networks: one loop for all of them, and the tasks that they are trained on."""
