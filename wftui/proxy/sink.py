"""Where the proxy's figures go. Whoever takes them knows that they are the proxy's (label ``source``)."""

from collections.abc import Mapping
from typing import Protocol


class Sink(Protocol):
    """Takes samples and never waits, whether somebody records them or not."""

    def counter(self, name: str, by: float, labels: Mapping[str, str]) -> None:
        """Something happened ``by`` times more."""
        ...

    def timing(self, name: str, seconds: float, labels: Mapping[str, str]) -> None:
        """One measured duration (s)."""
        ...

    def close(self) -> None:
        """Hand over what is left, within a second."""
        ...
