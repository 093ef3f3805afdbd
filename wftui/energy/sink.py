"""Where whoever hears of tokens and frames brings them: the recorder's desk of streams, behind a narrow seam.

Times are seconds of CLOCK_BOOTTIME, as measured or as told; they may come a little late and a little out of order,
but those of one stream come in the order of what happened. Nothing here carries text of a prompt or an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

FINISHED: Final = "finished"
ABORTED: Final = "aborted"
FAILED: Final = "failed"
UNKNOWN: Final = "unknown"
"""Its end was told or is due, and nobody says what came of it."""
ABANDONED: Final = "abandoned"
"""Whoever told of it is gone or silent: it has ended, when and how nobody knows."""
TELLABLE: Final = (FINISHED, ABORTED, FAILED, UNKNOWN)
"""How an answer ended, by the word of who tells of it."""

_NAN: Final = float("nan")
_NOTHING: Final[Mapping[str, float]] = {}


class Key(NamedTuple):
    """Whose stream of tokens it is."""

    source: str
    """The program that tells its tokens, or ``core``; empty: a model server."""
    server: str
    """Endpoint of the model server; empty: none is known."""
    model: str
    """Empty: not told."""


Token = tuple[float, float, float]
"""Of one token: when (s of CLOCK_BOOTTIME), certainty (NaN: not told), weight; as the arguments of ``tokens``."""


class TokenSink(Protocol):
    """Takes what happens in streams of tokens, and in programs that make frames. Nothing here blocks or raises."""

    def prompt(self, key: Key, at_s: float) -> None:
        """An answer was asked for, or, while others are under way, one more began."""

    def tokens(
        self,
        key: Key,
        at_s: float,
        count: int,
        *,
        certainty: float = _NAN,
        weight: float = 1.0,
        top: Mapping[bytes, float] | None = None,
    ) -> None:
        """So many tokens came together.

        Args:
            key: The stream.
            at_s: When.
            count: 1 or more.
            certainty: 0 to 1, of the last of them; NaN: not told.
            weight: What each of them cost by the word of who made it; 1: plain.
            top: Keyed hash of a token to its probability, of the last of them; None: not told.
        """

    def run(self, key: Key, told: Sequence[Token]) -> None:
        """Tokens came one after another; none told its top."""

    def end(self, key: Key, at_s: float, how: str = FINISHED) -> None:
        """An answer ended; ``how``: one of ``TELLABLE``, or ``ABANDONED``."""

    def left(self, key: Key, at_s: float, count: int) -> None:
        """Whoever told of so many answers under way is gone: unless somebody goes on, they are abandoned."""

    def counted(self, key: Key, since_s: float, at_s: float, count: int) -> None:
        """A counter says that so many tokens came between two moments."""

    def frame(self, program: str, at_s: float, took_s: float, stages: Mapping[str, float] = _NOTHING) -> None:
        """A program made a frame.

        Args:
            program: As in label ``source``.
            at_s: When it was done.
            took_s: Its time, 0 or more.
            stages: Part of a frame (token, energy, render, overhead) to its time, s.
        """

    def lost(self, program: str, at_s: float, count: int) -> None:
        """So many frames of a program are missing between two that came."""


class Nowhere:
    """A sink for who has none: takes everything, keeps nothing."""

    def prompt(self, key: Key, at_s: float) -> None:
        """Nothing."""

    def tokens(
        self,
        key: Key,
        at_s: float,
        count: int,
        *,
        certainty: float = _NAN,
        weight: float = 1.0,
        top: Mapping[bytes, float] | None = None,
    ) -> None:
        """Nothing."""

    def run(self, key: Key, told: Sequence[Token]) -> None:
        """Nothing."""

    def end(self, key: Key, at_s: float, how: str = FINISHED) -> None:
        """Nothing."""

    def left(self, key: Key, at_s: float, count: int) -> None:
        """Nothing."""

    def counted(self, key: Key, since_s: float, at_s: float, count: int) -> None:
        """Nothing."""

    def frame(self, program: str, at_s: float, took_s: float, stages: Mapping[str, float] = _NOTHING) -> None:
        """Nothing."""

    def lost(self, program: str, at_s: float, count: int) -> None:
        """Nothing."""
