"""The face detector: network, assignment, losses and loop. It learns from scenes alone."""
