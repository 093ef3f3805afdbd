"""Where the proxy's figures go."""

from collections.abc import Mapping
from typing import Protocol


class Sink(Protocol):
    """Takes samples and never waits, whether somebody records them or not."""

    def counter(self, name: str, total: float, labels: Mapping[str, str]) -> None:
        """A cumulative count, from 0 at the proxy's start."""
        ...

    def timing(self, name: str, seconds: float, labels: Mapping[str, str]) -> None:
        """One measured duration (s)."""
        ...

    def close(self) -> None:
        """Hand over what is left, within a second."""
        ...
