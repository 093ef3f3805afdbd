"""Values that cross modules: frozen, no I/O."""
