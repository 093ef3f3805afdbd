"""The few top-level values of a JSON object that are wanted, found while it passes by; all else is not kept.

A prompt of a megabyte costs one pass over its bytes and no memory: strings and deeper values are skipped as they
come. Bytes that are no JSON give nothing, or nonsense that whoever decodes the values refuses.
"""

import re
from typing import Final

VALUE_BYTES: Final = 4_096
"""A longer value is not kept."""

_STRING: Final = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_DEEP: Final = re.compile(rb'["{}\[\]]')
_SHALLOW: Final = re.compile(rb'["{}\[\],:]')
_QUOTE, _BACKSLASH, _COMMA, _COLON = b'"\\,:'
_OPENING: Final = b"{["


class TopLevel:
    """Reads one JSON object in any pieces."""

    __slots__ = ("_depth", "_escaped", "_keep", "_key", "_left", "_naming", "_quoted", "_wanted", "done", "found")

    def __init__(self, wanted: frozenset[bytes], limit_bytes: int) -> None:
        """``wanted``: keys; ``limit_bytes``: how much is looked at."""
        self._wanted = wanted
        self._left = limit_bytes
        self._depth = 0
        self._quoted = False
        self._escaped = False
        self._naming = False  # at the top level, and the next string is a key
        self._key = b""
        self._keep: bytearray | None = None  # of the key or value that is being read
        self.done = False
        """Nothing more will be found."""
        self.found: dict[bytes, bytes] = {}
        """Key to its value as JSON text; of keys that come twice the last."""

    def feed(self, data: bytes) -> None:
        """Look at the next bytes."""
        if self.done:
            return
        self._left -= len(data)
        if self._left < 0:
            self.done = True
            return
        at, size = 0, len(data)
        while at < size and not self.done:
            if self._quoted:
                at = self._string(data, at)
                continue
            mark = (_SHALLOW if self._depth == 1 else _DEEP).search(data, at)
            if mark is None:
                self._take(data, at, size)
                return
            at = self._structure(data, at, mark.start())

    def _string(self, data: bytes, at: int) -> int:
        """Go on in a string; the place after what was read of it."""
        size = len(data)
        if self._escaped:
            self._escaped = False
            self._take(data, at, at + 1)
            return at + 1
        match = _STRING.match(data, at)
        end = match.end() if match else at
        if end == size:
            self._take(data, at, size)
            return size
        if data[end] == _BACKSLASH:  # the last byte: what it escapes comes with the next piece
            self._escaped = True
            self._take(data, at, size)
            return size
        self._quoted = False
        if self._naming:
            self._take(data, at, end)
            self._key = bytes(self._keep or b"")
            self._keep = None
            self._naming = False
        else:
            self._take(data, at, end + 1)
        return end + 1

    def _structure(self, data: bytes, at: int, mark: int) -> int:
        """Treat the sign at ``mark``, the first outside a string from ``at`` on; the place after it."""
        sign = data[mark]
        if sign == _QUOTE:
            if self._naming:
                self._keep = bytearray()
            else:
                self._take(data, at, mark + 1)
            self._quoted = True
        elif self._depth == 1 and sign == _COLON:
            self._keep = bytearray() if self._key in self._wanted else None
        elif self._depth == 1 and sign == _COMMA:
            self._value(data, at, mark)
            self._naming = True
        elif sign in _OPENING:
            if not self._depth and sign != _OPENING[0]:
                self.done = True  # an array or a bare value
                return mark
            self._take(data, at, mark + 1)
            self._depth += 1
            self._naming = self._depth == 1
        else:
            if self._depth == 1:
                self._value(data, at, mark)
            self._depth -= 1
            self.done = self._depth <= 0
            self._take(data, at, mark + 1)
        return mark + 1

    def _value(self, data: bytes, at: int, end: int) -> None:
        self._take(data, at, end)
        if self._keep is not None:
            self.found[self._key] = bytes(self._keep).strip()
        self._keep = None
        self._key = b""

    def _take(self, data: bytes, at: int, end: int) -> None:
        if self._keep is None:
            return
        if len(self._keep) + end - at > VALUE_BYTES:
            self._keep = None
            self.found.pop(self._key, None)
        else:
            self._keep += data[at:end]
