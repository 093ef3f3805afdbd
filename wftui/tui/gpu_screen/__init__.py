"""Screen 6: one GPU in all that it tells, and what the GPUs of a machine are to each other."""
