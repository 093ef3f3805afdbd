"""``wftop --demo``: the real recorder and the real view over a scripted machine."""
