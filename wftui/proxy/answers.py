"""What an answer of a model server tells beside its text: that there is text, tokens, errors.

Text is looked for and never decoded: a pattern over the raw bytes finds a key with a string that is not empty.
In JSON a quote inside a string is escaped, so no text can look like such a key. Tokens come from ``usage``
(OpenAI's shapes), ``eval_count`` and ``prompt_eval_count`` (Ollama) or ``timings`` (llama.cpp), never from chunks.
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from wftui.proxy.scan import TopLevel

LINE_BYTES: Final = 1 << 20
"""A longer line of a stream is not looked into."""
SCAN_BYTES: Final = 16 << 20
"""How much of a body that is one JSON object is looked at."""
WANTED: Final = frozenset({b"model", b"usage", b"timings", b"eval_count", b"prompt_eval_count", b"error"})
_TOKENS: Final = 10**9
"""More than any model's context: nonsense."""

_TEXT: Final = re.compile(
    rb'"(?:content|reasoning_content|reasoning|thinking|text|response|refusal|arguments|partial_json)"\s*:\s*"(?!")'
)
# The Responses API repeats the whole text in its last events: only what is new counts.
_EVENT: Final = re.compile(rb'"type"\s*:\s*"response\.')
_DELTA: Final = re.compile(rb'"delta"\s*:\s*"(?!")')
_ERROR: Final = re.compile(rb'\s*\{\s*(?:"type"\s*:\s*"error"|"error"\s*:\s*(?!null))')


class Usage(NamedTuple):
    """Tokens that an answer counted; None: it did not say."""

    prompt: int | None = None
    generation: int | None = None

    def __bool__(self) -> bool:
        return self.prompt is not None or self.generation is not None

    def newer(self, later: "Usage") -> "Usage":
        """What both say together; what came later counts."""
        return Usage(
            self.prompt if later.prompt is None else later.prompt,
            self.generation if later.generation is None else later.generation,
        )


class _Counts(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


class _Timings(msgspec.Struct):
    cache_n: int | None = None
    prompt_n: int | None = None
    predicted_n: int | None = None


class _Inner(msgspec.Struct):
    """What the Responses API calls ``response`` and the Messages API ``message``."""

    usage: _Counts | None = None
    model: str | None = None


class _Said(msgspec.Struct):
    usage: _Counts | None = None
    timings: _Timings | None = None
    eval_count: int | None = None
    prompt_eval_count: int | None = None
    model: str | None = None
    # Text with Ollama, an object with others: looked into only when it is an object.
    response: msgspec.Raw = msgspec.Raw()
    message: msgspec.Raw = msgspec.Raw()


_said: Final = msgspec.json.Decoder(_Said)
_inner: Final = msgspec.json.Decoder(_Inner)


class Answer:
    """What became of one answer."""

    __slots__ = ("failed", "model", "usage")

    def __init__(self) -> None:
        self.usage = Usage()
        self.model: str | None = None
        """The model that the answer names."""
        self.failed = False
        """It carried an error in place of its end."""

    def look(self, payload: bytes) -> None:
        """Take tokens and model from a JSON object; what is no such object says nothing."""
        try:
            said = _said.decode(payload)
            inner = _inside(said.response) or _inside(said.message)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return
        self.model = self.model or said.model or (inner.model if inner else None)
        for usage in (
            _timed(said.timings),
            _counted(said.usage),
            _counted(inner.usage if inner else None),
            Usage(_sound(said.prompt_eval_count), _sound(said.eval_count)),
        ):
            self.usage = self.usage.newer(usage)


class Stream:
    """An answer in lines: server-sent events, or one JSON object to a line.

    ``text(now_ns)`` is called on each piece of text.
    """

    __slots__ = ("_answer", "_events", "_first", "_held", "_lost", "_text")

    def __init__(self, answer: Answer, text: Callable[[int], None], *, events: bool) -> None:
        self._answer = answer
        self._text = text
        self._events = events
        self._held = b""
        self._lost = False  # in a line that is too long
        self._first = True

    def feed(self, data: bytes, now_ns: int) -> None:
        """Read the next bytes of the body."""
        *lines, rest = data.split(b"\n")
        if lines:
            if self._held:
                lines[0] = self._held + lines[0]
                self._held = b""
            if self._lost:
                self._lost = False
                del lines[0]
            for line in lines:
                self._line(line, now_ns)
            self._held = rest
        else:
            self._held += rest
        if len(self._held) > LINE_BYTES:
            self._held = b""
            self._lost = True
        elif self._lost:
            self._held = b""

    def end(self, now_ns: int) -> None:
        """The body is over: the last line needs no end."""
        line, self._held = self._held, b""
        self._line(line, now_ns)

    def _line(self, line: bytes, now_ns: int) -> None:
        if self._events:
            if not line.startswith(b"data:"):
                return
            line = line[5:]
        if len(line) < 3:
            return
        if self._first or b'"usage"' in line or b'"timings"' in line or b'_count"' in line:
            # The first one names the model, in case the request did not.
            self._first = False
            self._answer.look(line)
        if (_DELTA if _EVENT.search(line) else _TEXT).search(line):
            self._text(now_ns)
        elif _ERROR.match(line):
            self._answer.failed = True


class Whole:
    """An answer that is one JSON object."""

    __slots__ = ("_answer", "_scan")

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._scan = TopLevel(WANTED, SCAN_BYTES)

    def feed(self, data: bytes, now_ns: int) -> None:  # noqa: ARG002  as Stream's
        """Read the next bytes of the body."""
        self._scan.feed(data)

    def end(self, now_ns: int) -> None:  # noqa: ARG002  as Stream's
        """The body is over."""
        found = self._scan.found
        self._answer.failed = found.pop(b"error", b"null") != b"null"
        self._answer.look(b"{" + b",".join(b'"%s":%s' % pair for pair in found.items()) + b"}")


def _inside(raw: msgspec.Raw) -> _Inner | None:
    text = bytes(raw)
    return _inner.decode(text) if text.startswith(b"{") else None


def _counted(counts: _Counts | None) -> Usage:
    if counts is None:
        return Usage()
    return Usage(
        _sound(counts.input_tokens if counts.prompt_tokens is None else counts.prompt_tokens),
        _sound(counts.output_tokens if counts.completion_tokens is None else counts.completion_tokens),
    )


def _timed(timings: _Timings | None) -> Usage:
    if timings is None:
        return Usage()
    prompt = None if timings.prompt_n is None else timings.prompt_n + (timings.cache_n or 0)
    return Usage(_sound(prompt), _sound(timings.predicted_n))


def _sound(count: int | None) -> int | None:
    return count if count is not None and 0 <= count <= _TOKENS else None
