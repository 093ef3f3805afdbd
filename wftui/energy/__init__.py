"""Energy: what flowed, how that is known, and whose it was. Pure functions, no input or output."""
