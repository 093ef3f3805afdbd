"""What the answers of a stream came to, from its first prompt or token to the moment it was drained."""

from __future__ import annotations

from typing import Final

from wftui.energy.sink import ABANDONED, UNKNOWN, Key
from wftui.energy.stream import Stream
from wftui.model.sample import JsonValue

NAN: Final = float("nan")


class Answer:
    """One answer, or several that were under way at a time or followed each other at once."""

    __slots__ = ("_cost", "_stalls", "_tokens", "_total", "_units", "answers", "began_s", "ended_s", "ends",
                 "first_s", "last_s", "peak", "waited_s", "why")  # fmt: skip

    def __init__(self, stream: Stream, began_s: float, cost: float, tokens: int, units: float) -> None:
        """``cost``, ``tokens``, ``units``: of the stream before it began."""
        self._stalls = stream.stalls
        self._cost, self._tokens, self._units = cost, tokens, units
        self._total = 0.0, 0, 0.0
        """What was added to these."""
        self.began_s = began_s
        self.ended_s = NAN
        """NaN: it has not ended."""
        self.first_s = NAN
        """When its first token came."""
        self.last_s = NAN
        self.waited_s = NAN
        """From the prompt to the first token, s; NaN: no prompt was told, or no token came."""
        self.peak = 0.0
        """Greatest E."""
        self.answers = 0
        self.ends: dict[str, int] = {}
        """How they ended (``wftui.energy.sink``) to how many."""
        self.why = ""
        """By what it is known that the last of them ended, where nobody told it."""

    def end(self, how: str, why: str = "") -> None:
        """One of them ended."""
        self.ends[how] = self.ends.get(how, 0) + 1
        self.why = why

    def over(self, at_s: float, cost: float, tokens: int, units: float) -> None:
        """All have ended; of those of which nobody told it nothing is known.

        ``cost``, ``tokens``, ``units``: of the stream then. The next answer may have begun when this one is told.
        """
        self.ended_s = at_s
        self._total = cost - self._cost, tokens - self._tokens, units - self._units
        if (untold := self.answers - sum(self.ends.values())) > 0:
            self.ends[UNKNOWN] = self.ends.get(UNKNOWN, 0) + untold
            self.why = self.why or "silence"

    @property
    def kind(self) -> str:
        """Type of the event of their end."""
        return "stream.abandoned" if set(self.ends) == {ABANDONED} else "stream.ended"

    def payload(self, key: Key, stream: Stream, told_by: str) -> dict[str, JsonValue]:
        """Of the event ``stream.ended``.

        Returns:
            ``source``, ``server``, ``model``, ``told_by``, ``answers``, ``ends`` (how to how many), ``why``,
            ``tokens``, ``units`` (EU), ``duration_s`` from prompt or first token to end, ``first_token_s`` after
            the prompt, ``rate`` (tokens a second from the first to the last), ``stalls``, ``energy_mean`` over the
            tokens by what they cost, ``energy_peak``; ``since_s``: how long ago it began, also where nobody says
            when it ended, and then ``silent_s`` since its last token. None: not known; empty: nothing to be said.
        """
        weight, tokens, units = self._total
        took_s = self.last_s - self.first_s
        return {
            "source": key.source, "server": key.server, "model": key.model, "told_by": told_by,
            "answers": self.answers,
            "ends": dict(self.ends),
            "why": self.why,
            "tokens": tokens,
            "units": round(units, 6),
            "since_s": _known(self.ended_s - self.began_s),
            "silent_s": _known(self.ended_s - self.last_s) if self.why else None,
            "duration_s": None if self.why else _known(self.ended_s - self.began_s),
            "first_token_s": _known(self.waited_s),
            "rate": _known((tokens - 1) / took_s) if tokens > 1 and took_s > 0 else None,
            "stalls": stream.stalls - self._stalls,
            "energy_mean": _known(units / weight) if weight > 0 else None,
            "energy_peak": _known(self.peak) if tokens else None,
        }  # fmt: skip


def _known(value: float) -> float | None:
    return round(value, 6) if value == value else None
