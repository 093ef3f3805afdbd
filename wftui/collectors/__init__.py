"""Collectors: they read one source each and return samples. They never write, never draw, never sleep."""
