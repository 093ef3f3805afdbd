"""Screen 9: energy as it flows, drawn from what is measured and from nothing else."""
