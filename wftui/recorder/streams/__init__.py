"""Streams of tokens at the recorder: what is told of them, and the energy it amounts to."""
