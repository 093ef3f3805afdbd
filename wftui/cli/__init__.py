"""The commands, a file each; heavy imports are inside the functions."""
