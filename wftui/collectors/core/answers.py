"""Tokens of a core on their way to the streams: whose they are, and which answers are under way.

A core tells the same tokens twice: in ``token_stream``, with the session, and by number in each frame. The first
is taken; the second only of cores that send none of the first.
"""

from __future__ import annotations

from typing import Final

from wftui.collectors.core.protocol import Energy, Tokens
from wftui.energy.sink import ABANDONED, Key, TokenSink

SOURCE: Final = "core"
MOST: Final = 256
"""Answers under way that are known."""
QUIET_S: Final = 300.0
"""An answer without a token for so long is over."""
GONE_S: Final = 2.0
"""So long after its connection was lost a core may come back and go on with its answers."""
SILENT_S: Final = 2.0
"""A core whose frames told of tokens for so long before any came in events of their own sends none of these."""


class Answers:
    """Of one core."""

    def __init__(self, sink: TokenSink) -> None:
        self.sink = sink
        self._open: dict[bytes, tuple[Key, float]] = {}
        """By session: whose, and when it last said something. The oldest comes first."""
        self._keys: dict[str, Key] = {}
        self._apart = False
        """Whether tokens come in events of their own."""
        self._waiting: dict[str, tuple[float, int]] = {}
        """Model to tokens that frames told of: since when, how many. They wait for which way it is."""
        self._since_s: float | None = None
        """When the first of these came."""
        self._gone_s: float | None = None
        """When the connection was lost; None: it was not since its tokens came."""

    def take(self, told: Tokens, at_s: float) -> None:
        """Tokens of an answer."""
        if not self._apart:
            self._apart = True
            self._waiting.clear()
        if self._gone_s is not None:
            if at_s - self._gone_s > GONE_S:
                self._open.clear()  # they were abandoned meanwhile
            self._gone_s = None
        key = self._key(told.model)
        known = self._open.pop(told.session, None)
        if known is None and told.tokens and any(other is key for other, _ in self._open.values()):
            self.sink.prompt(key, at_s)  # one more at once; of a first one its token is the beginning
        if told.tokens:
            weight = told.cost if told.cost == told.cost else 1.0
            self.sink.tokens(key, at_s, told.tokens, weight=weight)
        if told.complete:
            if known is not None or told.tokens:
                self.sink.end(key, at_s)
        elif known is not None or told.tokens:
            self._open[told.session] = key, at_s
            if len(self._open) > MOST:
                self._end(next(iter(self._open)), at_s)

    def framed(self, told: Energy, at_s: float) -> None:
        """A frame that tells how many tokens were made in it."""
        if self._apart or not told.tokens:
            return
        if self._since_s is None:
            self._since_s = at_s
        if at_s - self._since_s < SILENT_S:
            since, count = self._waiting.get(told.model, (at_s, 0))
            self._waiting[told.model] = since, count + told.tokens
            return
        for model, (since, count) in self._waiting.items():
            self.sink.counted(self._key(model), since, at_s, count)
        self._waiting.clear()
        self.sink.tokens(self._key(told.model), at_s, told.tokens)

    def tidy(self, at_s: float) -> None:
        """End what was quiet for long."""
        for session, (_, last_s) in list(self._open.items()):
            if at_s - last_s <= QUIET_S:
                break
            self._end(session, at_s)

    def gone(self, at_s: float) -> None:
        """The connection is lost: unless it comes back at once, nothing is known any more of what is under way."""
        for key in self._keys.values():
            count = sum(other is key for other, _ in self._open.values())
            self.sink.left(key, at_s, max(1, count))  # of those whose tokens frames tell nobody announces any
        self._gone_s = at_s
        self._waiting.clear()
        self._apart, self._since_s = False, None

    def _end(self, session: bytes, at_s: float) -> None:
        key, _ = self._open.pop(session)
        self.sink.end(key, at_s, ABANDONED)

    def _key(self, model: str) -> Key:
        found = self._keys.get(model)
        if found is None:
            if len(self._keys) >= MOST:
                self._keys.clear()
            found = self._keys[model] = Key(SOURCE, "", model)
        return found
