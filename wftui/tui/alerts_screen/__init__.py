"""Screen 8: what fires, why, and what can be done about it; the rules and the silences."""
