"""Screen 9: power as flows, drawn from what is measured and from nothing else."""
