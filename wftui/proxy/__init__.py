"""Measuring from the client's side: a pass-through between a client and a model server that reads along."""
