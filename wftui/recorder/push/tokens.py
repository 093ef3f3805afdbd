"""Pushed token events: what happens in streams of tokens, to the desk of streams. No token's text gets further.

What a program calls its tokens serves one purpose, to see whether two models think of the same ones: it is hashed
with a key of this process, and what is left says nothing of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from wftui import clock
from wftui.clock import NS_PER_S, Instant
from wftui.energy.sink import FINISHED, TELLABLE, Key, Token, TokenSink
from wftui.energy.spread import certainty, entropy
from wftui.energy.unnamed import unnamed
from wftui.model.series import MAX_VALUE
from wftui.recorder.push.forms import AGO_NS, Told, UnusableError
from wftui.recorder.push.known import A_CORE, HEARD, Pusher
from wftui.text import clean

WORDS: Final = ("prompt", "token", "end")
NAME: Final = "tokens"
"""In the answer, of an event that is refused."""
MOST_TOKENS: Final = 10_000
"""Of one event."""
MOST_TOP: Final = 64
MOST_COST: Final = 1e6
USUAL_S: Final = 0.2
"""Token events may wait for so long before they are sent, while nobody follows them."""
_KEYS: Final = 256
_LOOK: Final = 32
"""Events between two looks at the clock."""
_AGO_S: Final = AGO_NS / NS_PER_S
_NAN: Final = float("nan")


class Streams:
    """Of one pusher: what its streams are called."""

    def __init__(self, who: Pusher) -> None:
        self._who = who
        self._model = dict(who.labels).get("model", "")
        self._keys: dict[tuple[str, str], Key] = {}

    def key(self, model: str, server: str) -> Key:
        """The stream of a model at a server.

        Raises:
            UnusableError: A name is too long, or its tokens are told elsewhere.
        """
        found = self._keys.get((model, server))
        if found is None:
            if self._who.name == A_CORE:
                raise UnusableError(HEARD)
            if len(self._keys) >= _KEYS:
                self._keys.clear()
            shown = _named("model", model or self._model)
            found = Key(self._who.name, _named("server", server), shown)
            self._keys[model, server] = found
        return found


class Tokens:
    """The token events of a line while they are counted, a few at a time."""

    __slots__ = ("_at_s", "_indices", "_last", "_next", "_open", "_runs", "_sink", "_streams", "_told",
                 "accepted")  # fmt: skip

    def __init__(
        self,
        told: Sequence[Told],
        indices: Sequence[int] | None,
        streams: Streams,
        sink: TokenSink,
        at: Instant,
        under_way: dict[Key, int],
    ) -> None:
        """``indices``: where each stood in the line; None: where it stands. ``at``: when the line was made.
        ``under_way``: answers that its connection announced and has not ended, kept here."""
        self._told = told
        self._indices = indices
        self._streams = streams
        self._sink = sink
        self._at_s = at.boottime_ns / NS_PER_S
        self._open = under_way
        self._next = 0
        self._last: dict[tuple[str, str], int] | None = None
        """Of which the tokens are hashed: of a line only the newest of each stream is compared."""
        self._runs: dict[tuple[str, str], tuple[Key, list[Token]]] = {}
        """Tokens of streams that came one after another and were not handed on yet."""
        self.accepted = 0

    def go_on(self, until_ns: int, refuse: Callable[[int, str], None]) -> bool:
        """Count until that time (``perf_ns``) at most; returns whether all is counted.

        ``refuse`` is told the place in the line of what cannot be used, and why.
        """
        told = self._told
        while self._next < len(told):
            first = self._next
            self._next = first + _LOOK
            for place, item in enumerate(told[first : self._next], first):
                try:
                    self._take(item, place)
                except UnusableError as refused:
                    refuse(place if self._indices is None else self._indices[place], str(refused))
                else:
                    self.accepted += 1
            if self._next < len(told) and clock.perf_ns() >= until_ns:
                self._hand_on()
                return False
        self._hand_on()
        return True

    def _hand_on(self) -> None:
        for key, run in self._runs.values():
            self._sink.run(key, run)
        self._runs.clear()

    def _take(self, item: Told, place: int) -> None:
        # Tokens of a stream are handed on together: of ten thousand a second each step of each of them is felt.
        name = item.model, item.server
        found = self._runs.get(name)
        key = self._streams.key(*name) if found is None else found[0]
        ago_s = item.ago
        at_s = self._at_s - ago_s if 0.0 < ago_s <= _AGO_S else self._at_s
        do = item.do
        if do == "token":
            count, cost = item.count, item.cost
            if not 1 <= count <= MOST_TOKENS:
                raise UnusableError(f"count: expected 1 to {MOST_TOKENS}, got {count}")
            if not 0.0 <= cost <= MOST_COST:
                raise UnusableError(f"cost: expected 0 to {MOST_COST:g}, got {cost:g}")
            sure = _NAN if item.top is None and item.bits is None else _sure(item)
            top = hashed(item.top) if item.top and self._is_last(name, place) else None
            if count == 1 and top is None:
                if found is None:
                    self._runs[name] = key, [(at_s, sure, cost)]
                else:
                    found[1].append((at_s, sure, cost))
                return
            self._end_run(name)
            self._sink.tokens(key, at_s, count, certainty=sure, weight=cost, top=top)
            return
        self._end_run(name)
        if do == "prompt":
            self._sink.prompt(key, at_s)
            self._open[key] = self._open.get(key, 0) + 1
        elif do == "end":
            if item.how and item.how not in TELLABLE:
                raise UnusableError(f"how: expected {', '.join(TELLABLE)}, got {clean(item.how[:32])!r}")
            self._sink.end(key, at_s, item.how or FINISHED)
            if key in self._open:
                self._open[key] -= 1
                if not self._open[key]:
                    del self._open[key]
        else:
            raise UnusableError(f"do: expected {', '.join(WORDS)}, got {clean(do[:32])!r}")

    def _end_run(self, name: tuple[str, str]) -> None:
        """What comes next of this stream comes after these."""
        found = self._runs.pop(name, None)
        if found is not None:
            self._sink.run(*found)

    def _is_last(self, name: tuple[str, str], place: int) -> bool:
        if self._last is None:
            self._last = {(item.model, item.server): at for at, item in enumerate(self._told) if item.top}
        return self._last[name] == place


def _sure(item: Told) -> float:
    """Certainty of a token; NaN: not known.

    Raises:
        UnusableError: What it is to be known by is no such thing.
    """
    top, bits, outcomes = item.top, item.bits, item.of
    if top is not None:
        if len(top) > MOST_TOP:
            raise UnusableError(f"top: {len(top)} tokens, at most {MOST_TOP} are compared")
        if not all(0.0 <= share <= 1.0 for share in top.values()):
            raise UnusableError("top: expected probabilities, 0 to 1 (of a logarithm take exp)")
        if bits is None:
            return certainty(entropy(top.values()), len(top))
        outcomes = outcomes if outcomes is not None else len(top)
    assert bits is not None  # noqa: S101  one of the two is there
    if outcomes is None or not 2 <= outcomes <= 1 << 24:
        raise UnusableError("of: expected how many tokens the bits are over, 2 or more")
    if not 0.0 <= bits <= math.log2(outcomes) * 1.001:
        raise UnusableError(f"bits: expected 0 to log2(of) = {math.log2(outcomes):.4g}, got {bits:g}")
    return certainty(bits, outcomes)


def hashed(top: Mapping[str, float]) -> dict[bytes, float]:
    """Tokens by what is left of them."""
    return {unnamed(token.encode("utf-8", "surrogatepass")): share for token, share in top.items()}


def _named(what: str, name: str) -> str:
    shown = clean(name)
    if len(shown.encode()) > MAX_VALUE:
        raise UnusableError(f"{what}: expected at most {MAX_VALUE} bytes")
    return shown
