"""One small request to a model server, and how long each step of it took."""

from typing import Any, Final

import msgspec

from wftui import clock, redact, text
from wftui.errors import SourceError
from wftui.proxy.answers import Answer, Stream, Usage, Whole
from wftui.proxy.exchange import Reply, Server

OPENAI: Final = "OpenAI"
OLLAMA: Final = "Ollama"
ASK_S: Final = 10.0
"""For the questions before the request."""
FEWEST: Final = 8
"""Tokens that a rate needs."""
NAMED: Final = 8
EVENTS: Final = b"text/event-stream"
_QUESTION: Final = "Count from one to a hundred."
_WORD: Final = "word "
_STAMP_TOKENS: Final = 10
_OTHERWISE: Final = (400, 404, 422)
"""Refused in this way; another may do."""
_READY: Final = ("loaded", "sleeping")

Body = dict[str, object]


class Choice(msgspec.Struct, frozen=True):
    """What will be asked."""

    style: str
    model: str


class Result(msgspec.Struct, frozen=True):
    """What came of it. Seconds count from the start of the connection, but for ``connect_s`` and ``tls_s``, which
    last; None: unknown.
    """

    server: str
    style: str
    model: str
    connect_s: float
    tls_s: float | None
    first_byte_s: float
    first_text_s: float | None
    last_text_s: float | None
    total_s: float
    input_tokens: int | None
    output_tokens: int | None
    output_tokens_per_s: float | None

    @property
    def why_no_rate(self) -> str:
        """Why ``output_tokens_per_s`` is unknown."""
        if self.output_tokens is None:
            return "the server does not count tokens"
        return "too few tokens" if self.output_tokens < FEWEST else "all text came at once"


def choose(server: Server, model: str | None, timeout_s: float) -> Choice:
    """Find out how the server is talked to and which model it has ready. Loads nothing.

    Args:
        server: Whom.
        model: The one to use; None: the one that is ready.
        timeout_s: For each question, `ASK_S` at most.

    Raises:
        SourceError: It cannot be asked; says why and what to do.
    """
    ask_s = min(ASK_S, timeout_s)
    running = _ollama(server, ask_s)
    style = OPENAI if running is None else OLLAMA
    if model is not None:
        return Choice(style, model)
    if running is None:
        return Choice(style, _one(*_openai(_json(server, "/v1/models", ask_s))))
    ready = _names(running, "models", "name")
    others = [] if ready else _names(_json(server, "/api/tags", ask_s), "models", "name")
    return Choice(style, _one(ready, others))


def request(
    server: Server, choice: Choice, *, prompt_tokens: int | None, max_tokens: int, timeout_s: float
) -> Result:
    """Send one streaming request and time it.

    Args:
        server: Whom.
        choice: What `choose` found.
        prompt_tokens: About so many; what they really were is in the result. None: a short question.
        max_tokens: The answer's at most.
        timeout_s: For all of it.

    Raises:
        SourceError: It was refused, or broke off.
    """
    # No cache knows this beginning: the time to the first text is that of a new prompt.
    prompt = f"{clock.SystemClock().now().time_ns:x}: "
    prompt += _QUESTION if prompt_tokens is None else _WORD * max(1, prompt_tokens - _STAMP_TOKENS)
    first, *others = _ways(choice, prompt, max_tokens)
    seen, reply = usual = _send(server, *first, timeout_s)
    for path, body in others:
        if reply.status not in _OTHERWISE:
            break
        seen, reply = _send(server, path, body, timeout_s)
    if reply.status in _OTHERWISE:
        seen, reply = usual  # its refusal says most
    _check(server, reply, choice.model)
    seen.end(reply)
    if seen.answer.failed:
        raise SourceError(f"{server.where.endpoint}: the answer ended with an error of the server")
    return _result(server, choice, reply, seen)


def _send(server: Server, path: str, body: Body, timeout_s: float) -> "tuple[_Seen, Reply]":
    seen = _Seen()
    return seen, server.ask("POST", path, msgspec.json.encode(body), timeout_s=timeout_s, piece=seen.piece)


class _Seen:
    """An answer as it comes."""

    def __init__(self) -> None:
        self.answer = Answer()
        self.first_ns = 0
        self.last_ns = 0
        self._body: Stream | Whole | None = None

    def piece(self, reply: Reply, data: bytes, now_ns: int) -> None:
        """Read a piece of its body."""
        if self._body is None:
            kind = reply.fields.get(b"content-type", b"").partition(b";")[0].strip().lower()
            whole = kind == b"application/json"
            self._body = Whole(self.answer) if whole else Stream(self.answer, self._text, events=kind == EVENTS)
        self._body.feed(data, now_ns)

    def end(self, reply: Reply) -> None:
        """It is over."""
        if self._body is not None:
            self._body.end(reply.ended_ns)

    def _text(self, now_ns: int) -> None:
        self.first_ns = self.first_ns or now_ns
        self.last_ns = now_ns


def _ways(choice: Choice, prompt: str, max_tokens: int) -> list[tuple[str, Body]]:
    """Path and body, the usual way first."""
    if choice.style == OLLAMA:
        body: Body = {"model": choice.model, "prompt": prompt, "stream": True}
        return [("/api/generate", {**body, "options": {"num_predict": max_tokens}})]
    plain: Body = {"model": choice.model, "stream": True, "max_tokens": max_tokens}
    counted: Body = {**plain, "stream_options": {"include_usage": True}}
    chat: Body = {"messages": [{"role": "user", "content": prompt}]}
    return [
        ("/v1/chat/completions", {**counted, **chat}),
        # Old servers refuse to count; some have no chat, or a model without a template for it.
        ("/v1/chat/completions", {**plain, **chat}),
        ("/v1/completions", {**counted, "prompt": prompt}),
    ]


def _result(server: Server, choice: Choice, reply: Reply, seen: _Seen) -> Result:
    def since(time_ns: int) -> float | None:
        return (time_ns - reply.began_ns) / 1e9 if time_ns else None

    usage = seen.answer.usage
    return Result(
        server=server.where.endpoint,
        style=choice.style,
        model=text.clean(choice.model, 128),
        connect_s=(reply.connected_ns - reply.began_ns) / 1e9,
        tls_s=(reply.secured_ns - reply.connected_ns) / 1e9 if reply.secured_ns else None,
        first_byte_s=(reply.first_ns - reply.began_ns) / 1e9,
        first_text_s=since(seen.first_ns),
        last_text_s=since(seen.last_ns),
        total_s=(reply.ended_ns - reply.began_ns) / 1e9,
        input_tokens=usage.prompt,
        output_tokens=usage.generation,
        output_tokens_per_s=_rate(usage, (seen.last_ns - seen.first_ns) / 1e9),
    )


def _rate(usage: Usage, seconds: float) -> float | None:
    """Of the tokens after the first, which came with the first text."""
    if usage.generation is None or usage.generation < FEWEST or seconds <= 0:
        return None
    return (usage.generation - 1) / seconds


def _ollama(server: Server, ask_s: float) -> dict[str, Any] | None:  # Any: JSON
    """What an Ollama says of its loaded models; None: it is none. SGLang answers the first two questions, too."""
    if b"Ollama is running" not in server.ask("GET", "/", timeout_s=ask_s).body:
        return None
    if server.ask("GET", "/api/version", timeout_s=ask_s).status != 200:
        return None
    reply = server.ask("GET", "/api/ps", timeout_s=ask_s)
    return _object(server, "/api/ps", reply) if reply.status == 200 else None


def _json(server: Server, path: str, ask_s: float) -> dict[str, Any]:  # Any: JSON
    reply = server.ask("GET", path, timeout_s=ask_s)
    if reply.status == 404:
        raise SourceError(
            f"{server.where.endpoint}: it speaks neither OpenAI's nor Ollama's way: {path} is not there; if it"
            " only keeps no list, name the model: --model NAME"
        )
    if reply.status >= 500:
        raise SourceError(
            f"{server.where.endpoint}: {path}: {reply.status}: {_words(reply.body) or 'no reason given'}; to ask"
            " without that list name the model: --model NAME"
        )
    _check(server, reply, "")
    return _object(server, path, reply)


def _object(server: Server, path: str, reply: Reply) -> dict[str, Any]:  # Any: JSON
    try:
        return msgspec.json.decode(reply.body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SourceError(f"{server.where.endpoint}: {path} is no JSON object") from error


def _check(server: Server, reply: Reply, model: str) -> None:
    """Refuse what is no answer.

    Raises:
        SourceError: Says why, in the server's words where it has some.
    """
    where, status = server.where.endpoint, reply.status
    if status in (401, 403):
        raise SourceError(
            f"{where}: {status}: it wants a key, or another one; put it into a variable: --key-env NAME"
        )
    if 300 <= status < 400:
        to = text.clean(reply.fields.get(b"location", b"?").decode("latin-1"), 200)
        raise SourceError(f"{where}: {status}: it redirects to {redact.message(to)}; name that address")
    if not 200 <= status < 300:
        about = f", model {text.clean(model, 128)!r}" if model else ""
        raise SourceError(f"{where}: {status}{about}: {_words(reply.body) or 'no reason given'}")


def _words(body: bytes) -> str:
    """The server's reason: ``error`` as a text, or its ``message``, or ``detail``."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    if isinstance(found, dict):
        found = found.get("error", found.get("message", found.get("detail")))
        if isinstance(found, dict):
            found = found.get("message")
    return redact.message(text.clean(found, 300)) if isinstance(found, str) else ""


def _openai(found: dict[str, Any]) -> tuple[list[str], list[str]]:  # Any: JSON
    """Models that are ready, and those that a router would have to load."""
    rows = found.get("data")
    ready: list[str] = []
    others: list[str] = []
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict) and isinstance(row.get("id"), str):
            status = row.get("status")
            value = status.get("value") if isinstance(status, dict) else "loaded"
            (ready if value in _READY else others).append(row["id"])
    return ready, others


def _names(found: dict[str, Any], key: str, name: str) -> list[str]:  # Any: JSON
    rows = found.get(key)
    rows = rows if isinstance(rows, list) else []
    return [row[name] for row in rows if isinstance(row, dict) and isinstance(row.get(name), str)]


def _one(ready: list[str], others: list[str]) -> str:
    if len(ready) == 1:
        return ready[0]
    if ready:
        raise SourceError(f"several models are there, name one with --model: {_some(ready)}")
    if others:
        raise SourceError(f"no model is loaded; --model NAME loads one: {_some(others)}")
    raise SourceError("no model is there")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(text.clean(name, 128) for name in names[:NAMED]) + more
