"""How an action went."""

from typing import NamedTuple


class Outcome(NamedTuple):
    """Of one action."""

    reason: str
    """Why it was not done; empty: it was."""
    detail: str = ""
    tries: int = 0
