"""Where the proxy's figures go. Whoever takes them knows that they are the proxy's (label ``source``)."""

from typing import Protocol

Labels = tuple[tuple[str, str], ...]
"""Names and values, sorted by name."""


class Sink(Protocol):
    """Takes samples and never waits, whether somebody records them or not."""

    def counter(self, name: str, by: float, labels: Labels) -> None:
        """Something happened ``by`` times more."""
        ...

    def timing(self, name: str, seconds: float, labels: Labels) -> None:
        """One measured duration (s)."""
        ...

    def gauge(self, name: str, value: float, labels: Labels) -> None:
        """How it is now; to be said each second as long as it is known."""
        ...

    def happened(self, do: str, at_ns: int, labels: Labels, how: str = "") -> None:
        """In a stream of tokens: ``prompt``, ``token`` or ``end``, at that time of `clock.perf_ns`.

        ``how``: an answer ended, as `operation` has it.
        """
        ...

    def close(self) -> None:
        """Hand over what is left, within a second."""
        ...
