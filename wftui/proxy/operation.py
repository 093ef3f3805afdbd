"""One request to a model and its answer, as the copy of their bytes tells them."""

from typing import Final, Protocol

import msgspec

from wftui import text
from wftui.proxy.answers import Answer, Stream, Usage, Whole
from wftui.proxy.framing import Head
from wftui.proxy.scan import TopLevel

FINISHED: Final = "finished"
ABORTED: Final = "aborted"
FAILED: Final = "failed"
UNKNOWN: Final = "unknown"
"""Of an answer of which nothing more is read."""

REQUEST_BYTES: Final = 16 << 20
"""How much of a request's body is looked at for its ``model``."""
MODEL_CHARACTERS: Final = 128

_PATHS: Final = (
    b"/chat/completions",
    b"/completions",
    b"/completion",
    b"/responses",
    b"/embeddings",
    b"/messages",
    b"/api/generate",
    b"/api/chat",
    b"/api/embed",
)
_WORDLESS: Final = (b"/embeddings", b"/api/embed")
"""Of these, those that are answered by numbers."""
_MODEL: Final = frozenset({b"model"})
_LINES: Final = frozenset(
    {b"application/x-ndjson", b"application/ndjson", b"application/jsonl", b"application/json-lines"}
)


class Record(Protocol):
    """Where the measurements of operations go."""

    def first_text(self, model: str, seconds: float) -> None:
        """The first text of a stream came, this long after the request began."""

    def gap(self, model: str, seconds: float) -> None:
        """The next text of a stream came, this long after the one before."""

    def asked(self, model: str, now_ns: int) -> None:
        """An answer in words was asked for."""

    def text(self, model: str, now_ns: int) -> None:
        """A text of that answer came: a token, as servers stream them."""

    def over(self, model: str, how: str, now_ns: int) -> None:
        """That answer ended: finished, aborted, failed or unknown."""

    def ended(self, model: str, how: str, status: int, seconds: float, usage: Usage | None) -> None:
        """A request ended: finished, aborted or failed; ``usage`` None: its answer could not be read."""


class Operation:
    """A request and its answer; one that is no request to a model only knows its method."""

    __slots__ = (
        "_answer", "_asked", "_body", "_last_ns", "_promised", "_record", "_scan", "_wordless", "expects",
        "measured", "method", "started_ns", "status",
    )  # fmt: skip

    def __init__(self, head: Head, started_ns: int, record: Record) -> None:
        method, _, rest = head.start.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        self.method = method
        self.started_ns = started_ns
        self.measured = method == b"POST" and path.endswith(_PATHS)
        self._wordless = path.endswith(_WORDLESS)
        self._promised: str | None = None
        """Model of the answer that was told to be under way; None: it was not."""
        self.status = 0
        self.expects = b"expect" in head.fields
        """Its body waits for a word of the server."""
        self._record = record
        self._asked = ""
        self._scan = TopLevel(_MODEL, REQUEST_BYTES) if self.measured else None
        self._answer = Answer()
        self._body: Stream | Whole | None = None
        self._last_ns = 0

    @property
    def model(self) -> str:
        """The model that was asked for, else the one that the answer names; an empty text: unknown."""
        return self._asked or _clean(self._answer.model)

    def request(self, data: bytes) -> None:
        """Read the next bytes of the request's body."""
        if self._scan is not None:
            self._scan.feed(data)

    def requested(self, now_ns: int) -> None:
        """The request is whole."""
        self._name()
        if self._asked and not self._wordless and self._promised is None:
            self._promised = self._asked
            self._record.asked(self._asked, now_ns)

    def _name(self) -> None:
        if self._scan is None:
            return
        try:
            self._asked = _clean(msgspec.json.decode(self._scan.found.get(b"model", b'""'), type=str))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self._asked = ""
        self._scan = None

    def answered(self, status: int, fields: dict[bytes, bytes]) -> None:
        """The head of the answer came."""
        self.status = status
        kind = fields.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if not self.measured or fields.get(b"content-encoding", b"identity").lower() != b"identity":
            return
        if kind == b"application/json":
            self._body = Whole(self._answer)
        elif kind == b"text/event-stream" or kind in _LINES:
            self._body = Stream(self._answer, self._text, events=kind == b"text/event-stream")

    def answer(self, data: bytes, now_ns: int) -> None:
        """Read the next bytes of the answer's body."""
        if self._body is not None:
            self._body.feed(data, now_ns)

    def ended(self, now_ns: int) -> None:
        """The answer is whole."""
        if not self.measured:
            return
        if self._body is not None:
            self._body.end(now_ns)
        how = FINISHED if 200 <= self.status < 300 and not self._answer.failed else FAILED
        self._over(how, now_ns)
        self._record.ended(
            self.model,
            how,
            self.status,
            (now_ns - self.started_ns) / 1e9,
            None if self._body is None else self._answer.usage,
        )

    def broken(self, how: str, now_ns: int) -> None:
        """The connection ended first."""
        if self.measured:
            self._name()
            self._over(how, now_ns)
            self._record.ended(self.model, how, self.status, (now_ns - self.started_ns) / 1e9, self._answer.usage)

    def forgotten(self, now_ns: int) -> None:
        """Nothing more is read of it."""
        self._over(UNKNOWN, now_ns)

    def _text(self, now_ns: int) -> None:
        if not 200 <= self.status < 300:
            return
        if self._last_ns:
            self._record.gap(self.model, (now_ns - self._last_ns) / 1e9)
        else:
            self._record.first_text(self.model, (now_ns - self.started_ns) / 1e9)
        self._last_ns = now_ns
        if self._promised is None:
            self._promised = self.model
            self._record.asked(self._promised, now_ns)
        self._record.text(self._promised, now_ns)

    def _over(self, how: str, now_ns: int) -> None:
        if self._promised is not None:
            self._record.over(self._promised, how, now_ns)
            self._promised = None


def _clean(name: str | None) -> str:
    return text.clean(name, MODEL_CHARACTERS).strip() if name else ""
