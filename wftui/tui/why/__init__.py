"""The dialogs of `W`, what changed around a moment, and of `H`, what the health score lacks."""
