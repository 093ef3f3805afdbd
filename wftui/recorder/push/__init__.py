"""Pushes: what programs send to ``push.sock``, from a line of JSON to the samples of the open tick."""
