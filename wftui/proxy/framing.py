"""Where the messages of one direction of an HTTP/1.1 connection begin and end, read off a copy of its bytes.

Nothing here is answered, refused or changed: a proxy passes the bytes on whatever this module makes of them.

Source: RFC 9112 (§6 message body, §7 transfer codings).
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

NO_BODY: Final = 0
CHUNKED: Final = -1
UNTIL_CLOSE: Final = -2
INTERIM: Final = -3
"""A 1xx answer: the real one follows."""
TUNNEL: Final = -4
"""What follows is no HTTP any more."""

HEAD_BYTES: Final = 65_536
_LINE_BYTES: Final = 4_096
_TRAILERS: Final = 100

_HEAD, _DATA, _SIZE, _SIZE_END, _TRAILER, _REST, _BLIND = range(7)
_HEX: Final = re.compile(rb"[0-9A-Fa-f]{1,15}\Z")


class NotHttpError(Exception):
    """The bytes are no HTTP/1.1 that this reader knows; its connection goes on unmeasured."""


class Head(NamedTuple):
    """Start line and fields of a message."""

    start: bytes
    """Without its line end."""
    fields: dict[bytes, bytes]
    """Lower-case name to value; repeated fields joined by ``, ``."""


class Framing:
    """Reads one direction in any pieces.

    ``head`` gets each message's head and says how its body is framed: its length, or one of this module's
    constants. ``body`` gets what the body holds, without chunk sizes, in pieces; ``end`` is called after it.
    """

    __slots__ = (
        "_body",
        "_chunked",
        "_end",
        "_head",
        "_held",
        "_left",
        "_state",
        "_trailers",
        "began_ns",
        "now_ns",
    )

    def __init__(
        self, head: Callable[[Head], int], body: Callable[[bytes], None], end: Callable[[], None]
    ) -> None:
        self._head = head
        self._body = body
        self._end = end
        self._held = b""
        self._state = _HEAD
        self._left = 0
        self._chunked = False
        self._trailers = 0
        self.now_ns = 0
        """When the bytes came that are being read."""
        self.began_ns = 0
        """When the first byte of the current message came; 0 between two messages."""

    def feed(self, data: bytes, now_ns: int) -> None:
        """Read the next bytes.

        Raises:
            NotHttpError: They cannot be read; this reader is of no use any more.
        """
        self.now_ns = now_ns
        if self._held:
            data = self._held + data
            self._held = b""
        at, size = 0, len(data)
        while at < size:
            state = self._state
            if state == _DATA:
                take = min(self._left, size - at)
                self._left -= take
                self._body(data[at : at + take])
                at += take
                if not self._left:
                    if self._chunked:
                        self._state = _SIZE_END
                    else:
                        self._finish()
            elif state == _REST:
                self._body(data[at:])
                return
            elif state == _BLIND:
                return
            else:
                after = self._line(state, data, at)
                if after < 0:
                    self._held = data[at:]
                    return
                at = after

    def close(self, now_ns: int) -> None:
        """The other side ended its bytes: a body that goes up to there is whole."""
        self.now_ns = now_ns
        if self._state == _REST:
            self._finish()

    def _line(self, state: int, data: bytes, at: int) -> int:
        """Read what ends with a line; the place after it, or -1 when its end has not come yet."""
        if state == _HEAD:
            return self._read_head(data, at)
        if state == _SIZE_END:
            if len(data) - at < 2:
                return -1
            if data[at : at + 2] != b"\r\n":
                raise NotHttpError("a chunk is longer than it says")
            self._state = _SIZE
            return at + 2
        line_end = data.find(b"\r\n", at, at + _LINE_BYTES)
        if line_end < 0:
            if len(data) - at >= _LINE_BYTES:
                raise NotHttpError("a line without an end")
            return -1
        if state == _SIZE:
            digits = data[at:line_end].partition(b";")[0].rstrip(b" \t")
            if not _HEX.match(digits):
                raise NotHttpError("a chunk without a size")
            self._left = int(digits, 16)
            self._state = _DATA if self._left else _TRAILER
            self._trailers = 0
        elif line_end == at:
            self._finish()
        else:
            self._trailers += 1
            if self._trailers > _TRAILERS:
                raise NotHttpError("too many trailers")
        return line_end + 2

    def _read_head(self, data: bytes, at: int) -> int:
        if not self.began_ns:
            # RFC 9112 §2.2: empty lines before a request.
            if data.startswith(b"\r\n", at):
                return at + 2
            if data[at:] == b"\r":
                return -1
            self.began_ns = self.now_ns
        end = data.find(b"\r\n\r\n", at, at + HEAD_BYTES)
        if end < 0:
            if len(data) - at >= HEAD_BYTES:
                raise NotHttpError("a head that is too long")
            return -1
        body = self._head(_parsed(data[at:end]))
        self._chunked = body == CHUNKED
        if body == INTERIM:
            self.began_ns = 0
        elif body == NO_BODY:
            self._finish()
        elif body > 0:
            self._left = body
            self._state = _DATA
        else:
            self._state = {CHUNKED: _SIZE, UNTIL_CLOSE: _REST}.get(body, _BLIND)
        return end + 4

    def _finish(self) -> None:
        self._state = _HEAD
        self._end()
        self.began_ns = 0


def length(fields: dict[bytes, bytes], default: int) -> int:
    """How the fields frame the body: its length, `CHUNKED`, or ``default`` when they say nothing.

    Raises:
        NotHttpError: They contradict themselves.
    """
    coding = fields.get(b"transfer-encoding")
    if coding is not None:
        if coding.lower().rpartition(b",")[2].strip() == b"chunked":
            return CHUNKED
        if default == NO_BODY:
            raise NotHttpError("a request whose end cannot be told")
        return UNTIL_CLOSE
    stated = fields.get(b"content-length")
    if stated is None:
        return default
    lengths = {part.strip() for part in stated.split(b",")}
    one = lengths.pop()
    if lengths or not one.isdigit() or len(one) > 18:
        raise NotHttpError("a body of no clear length")
    return int(one)


def _parsed(block: bytes) -> Head:
    start, *lines = block.split(b"\r\n")
    fields: dict[bytes, bytes] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or name[0] in b" \t" or name[-1] in b" \t":
            raise NotHttpError("a line that is no field")
        name, value = name.lower(), value.strip(b" \t")
        fields[name] = fields[name] + b", " + value if name in fields else value
    return Head(start, fields)
