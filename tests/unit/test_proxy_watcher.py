"""What is measured of a connection: the shapes of OpenAI, Ollama and llama.cpp, and how requests end."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui.proxy.answers import LINE_BYTES, Usage
from wftui.proxy.watcher import Watcher

FIXTURES = Path(__file__).parents[1] / "fixtures" / "proxy"
S = 10**9
CHAT = "/v1/chat/completions"
SSE = "text/event-stream"
NDJSON = "application/x-ndjson"
Ended = tuple[str, str, int, float, Usage | None]


class Noted:
    """A record that keeps what it is told."""

    def __init__(self) -> None:
        self.first: list[tuple[str, float]] = []
        self.gaps: list[float] = []
        self.ends: list[Ended] = []
        self.told: list[tuple[str, str, int]] = []
        self.unread: list[str] = []
        self.watcher = Watcher(self, self.unread.append)

    def first_text(self, model: str, seconds: float) -> None:
        self.first.append((model, seconds))

    def gap(self, model: str, seconds: float) -> None:
        assert model == self.first[-1][0]
        self.gaps.append(seconds)

    def asked(self, model: str, now_ns: int) -> None:
        self.told.append(("asked", model, now_ns))

    def text(self, model: str, now_ns: int) -> None:
        self.told.append(("text", model, now_ns))

    def over(self, model: str, how: str, now_ns: int) -> None:  # noqa: ARG002  as the sink has it
        self.told.append(("over", model, now_ns))

    def ended(self, model: str, how: str, status: int, seconds: float, usage: Usage | None) -> None:
        self.ends.append((model, how, status, seconds, usage))


def request(path: str = CHAT, body: object = None, method: str = "POST", fields: str = "") -> bytes:
    data = b"" if body is None else json.dumps(body).encode()
    return f"{method} {path} HTTP/1.1\r\nHost: a\r\n{fields}Content-Length: {len(data)}\r\n\r\n".encode() + data


def answer(body: bytes, kind: str = SSE, status: int = 200, fields: str = "") -> bytes:
    head = f"HTTP/1.1 {status} Word\r\nContent-Type: {kind}; charset=utf-8\r\n{fields}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def events(*payloads: object) -> bytes:
    return b"".join(b"data: %s\n\n" % json.dumps(one).encode() for one in payloads) + b"data: [DONE]\n\n"


def delta(**fields: object) -> dict[str, object]:
    return {"object": "chat.completion.chunk", "model": "served", "choices": [{"index": 0, "delta": fields}]}


def one(noted: Noted, path: str, asked: object, said: bytes) -> Ended:
    """One exchange of one second; its end."""
    noted.watcher.sent(request(path, asked), 1 * S)
    noted.watcher.received(said, 2 * S)
    assert not noted.unread
    return noted.ends[-1]


USAGE = {"prompt_tokens": 219, "completion_tokens": 200, "total_tokens": 419}
MODEL = {"model": "qwen"}


@pytest.mark.parametrize(
    ("path", "said", "usage"),
    [
        (CHAT, answer(events(delta(content="a"), {"choices": [], "usage": USAGE})), Usage(219, 200)),
        ("/llm/v1/completions?a=b", answer(events({"choices": [{"text": "a"}], "usage": USAGE})), Usage(219, 200)),
        (CHAT, answer(json.dumps({"choices": [{"message": {"content": "a"}}], "usage": USAGE}).encode(),
                      "application/json"), Usage(219, 200)),
        ("/v1/embeddings", answer(json.dumps({"data": [{"embedding": [0.5] * 9}], "usage": {"prompt_tokens": 8}}
                                             ).encode(), "application/json"), Usage(8, None)),
        ("/v1/responses", answer(events(
            {"type": "response.created", "response": {"model": "m", "usage": None, "instructions": "x"}},
            {"type": "response.output_text.delta", "delta": "a"},
            {"type": "response.output_text.done", "text": "a"},
            {"type": "response.completed", "response": {"output": [{"content": [{"text": "a"}]}],
                                                        "usage": {"input_tokens": 3, "output_tokens": 4}}})),
         Usage(3, 4)),
        ("/v1/messages", answer(events(
            {"type": "message_start", "message": {"usage": {"input_tokens": 5, "output_tokens": 1}}},
            {"type": "content_block_start", "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "a"}},
            {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 9}})), Usage(5, 9)),
        ("/api/generate", answer(b'{"response":"a","done":false}\n{"response":"","done":true,"eval_count":7}',
                                 NDJSON), Usage(None, 7)),
        ("/api/chat", answer(b'{"message":{"role":"assistant","content":"a"},"done":false}\n'
                             b'{"message":{"content":""},"done":true,"prompt_eval_count":2,"eval_count":7}\n',
                             NDJSON), Usage(2, 7)),
        ("/api/embed", answer(b'{"embeddings":[[0.1,0.2]],"prompt_eval_count":4}', "application/json"),
         Usage(4, None)),
        ("/completion", answer(events({"content": "a"}, {"content": "", "timings": {
            "cache_n": 6, "prompt_n": 213, "predicted_n": 200}})), Usage(219, 200)),
        (CHAT, answer(events(delta(content="a"))), Usage()),
        (CHAT, answer(events(delta(content="a"), {"usage": {"prompt_tokens": "many"}})), Usage()),
        (CHAT, answer(events(delta(content="a"), {"usage": {"prompt_tokens": -1, "completion_tokens": 10**12}})),
         Usage()),
        (CHAT, answer(events(delta(content='"usage":{"prompt_tokens":1} "eval_count":1'))), Usage()),
        (CHAT, answer(b"\x1f\x8b\x08", SSE, fields="Content-Encoding: gzip\r\n"), None),
        (CHAT, answer(b"<html>", "text/html"), None),
    ],
)  # fmt: skip
def test_tokens_come_from_what_the_server_counted(path: str, said: bytes, usage: Usage | None) -> None:
    noted = Noted()
    assert one(noted, path, MODEL, said) == ("qwen", "finished", 200, 1.0, usage)
    streamed = usage is not None and (SSE.encode() in said or NDJSON.encode() in said)
    assert noted.first == ([("qwen", 1.0)] if streamed else [])
    assert noted.gaps == []


@pytest.mark.parametrize(
    ("name", "kind", "path", "usage"),
    [
        ("llamacpp_chat_tail.sse", SSE, CHAT, Usage(219, 200)),
        ("ollama_generate_tail.ndjson", NDJSON, "/api/generate", Usage(46, 113)),
        ("lmstudio_v0_chat.json", "application/json", "/api/v0/chat/completions", Usage(24, 53)),
    ],
)
def test_answers_of_real_servers(name: str, kind: str, path: str, usage: Usage) -> None:
    model = {"llamacpp_chat_tail.sse": "qwen3-8b", "ollama_generate_tail.ndjson": "qwen3:8b"}.get(name, "qwen3-8b")
    noted = Noted()
    assert one(noted, path, {}, answer((FIXTURES / name).read_bytes(), kind)) == (
        model, "finished", 200, 1.0, usage,
    )  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [{"content": "a"}, {"reasoning_content": "a"}, {"reasoning": "a"}, {"thinking": "a"}, {"text": "a"},
     {"tool_calls": [{"function": {"arguments": "{"}}]}, {"content": '"'}, {"content": "\n"}],
)  # fmt: skip
def test_the_first_text_is_the_first_that_holds_any(fields: dict[str, object]) -> None:
    noted = Noted()
    noted.watcher.sent(request(body=MODEL), 1 * S)
    body = [events(one)[:-14] for one in (delta(role="assistant", content=""), delta(**fields), delta(**fields))]
    whole = answer(b"".join(body))
    head = len(whole) - sum(map(len, body))
    for seconds, piece in enumerate([whole[:head], *body]):
        noted.watcher.received(piece, (2 + seconds) * S)
    assert noted.first == [("qwen", 3.0)]
    assert noted.gaps == [1.0]
    assert noted.ends == [("qwen", "finished", 200, 4.0, Usage())]


@given(st.randoms(), st.lists(st.text(min_size=1), min_size=1, max_size=10))
def test_pieces_do_not_matter(chance: random.Random, texts: list[str]) -> None:
    noted = Noted()
    noted.watcher.sent(request(body={"messages": texts, "model": "qwen"}), S)
    body = events(*(delta(content=text) for text in texts), {"choices": [], "usage": USAGE})
    chunks, at = b"", 0
    while at < len(body):
        size = chance.randint(1, len(body))
        chunks += b"%x\r\n%s\r\n" % (len(body[at : at + size]), body[at : at + size])
        at += size
    wire = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
    wire += b"0\r\n\r\n"
    at = 0
    while at < len(wire):
        size = chance.randint(1, 40)
        noted.watcher.received(wire[at : at + size], 2 * S)
        at += size
    assert not noted.unread
    assert noted.first == [("qwen", 1.0)]
    assert len(noted.gaps) == len(texts) - 1
    assert noted.ends == [("qwen", "finished", 200, 1.0, Usage(219, 200))]


def test_requests_on_one_connection_are_told_apart() -> None:
    noted = Noted()
    asked = [request(body={"model": f"m{n}"}) for n in range(3)]
    noted.watcher.sent(request("/v1/models", method="GET") + asked[0] + asked[1], S)
    noted.watcher.received(answer(b'{"data":[]}', "application/json"), 2 * S)
    noted.watcher.received(
        answer(events(delta(content="a"))) + answer(b'{"error":{}}', "application/json", 404), 3 * S
    )
    noted.watcher.sent(asked[2], 10 * S)
    noted.watcher.received(b"HTTP/1.1 100 Continue\r\n\r\n" + answer(events(delta(content="a"))), 11 * S)
    assert [(model, how, status, took) for model, how, status, took, _ in noted.ends] == [
        ("m0", "finished", 200, 2.0),
        ("m1", "failed", 404, 2.0),
        ("m2", "finished", 200, 1.0),
    ]
    assert noted.watcher.idle


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_only_requests_to_a_model_count(method: str) -> None:
    noted = Noted()
    noted.watcher.sent(request(method=method) + request("/v1/models"), S)
    body = b"" if method == "HEAD" else b"{}"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n"
    noted.watcher.received(head + body + b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 2 * S)
    assert (noted.ends, noted.unread) == ([], [])
    assert noted.watcher.idle


@pytest.mark.parametrize(
    "said",
    [answer(events(delta(content="a"), {"error": {"message": "out of memory"}})),
     answer(events(delta(content="a"), {"type": "error", "error": {}})),
     answer(b'{"response":"a"}\n{"error":"model runner has ended"}\n', NDJSON),
     answer(b'{"error":{"message":"no"}}', "application/json"),
     answer(b"no", "text/plain", 500)],
)  # fmt: skip
def test_an_answer_that_carries_an_error_has_failed(said: bytes) -> None:
    assert one(Noted(), CHAT, MODEL, said)[1] == "failed"


@pytest.mark.parametrize("who", ["client", "server"])
@pytest.mark.parametrize("at", ["asked", "answered"])
def test_a_broken_connection_is_an_abort_or_a_failure(who: str, at: str) -> None:
    noted = Noted()
    noted.watcher.sent(request(body=MODEL), S)
    if at == "answered":
        noted.watcher.received(answer(events(delta(content="a")))[:-5], 2 * S)
    assert not noted.watcher.idle
    noted.watcher.answers_ended(b"", 3 * S)
    (noted.watcher.closed_by_client if who == "client" else noted.watcher.closed_by_server)(b"", 3 * S)
    status = 200 if at == "answered" else 0
    assert noted.ends == [("qwen", "aborted" if who == "client" else "failed", status, 2.0, Usage())]


def test_an_answer_may_go_up_to_the_end_of_the_bytes() -> None:
    noted = Noted()
    noted.watcher.sent(request(body=MODEL), S)
    noted.watcher.received(b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", 2 * S)
    noted.watcher.received(events(delta(content="a"), {"usage": USAGE}), 3 * S)
    assert noted.ends == []
    noted.watcher.answers_ended(b"", 4 * S)
    noted.watcher.closed_by_server(b"", 5 * S)
    assert noted.ends == [("qwen", "finished", 200, 3.0, Usage(219, 200))]


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        (b"\x16\x03\x01\x02\x00 hello of TLS\r\n\r\n", b""),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b""),
        (request(body=MODEL), b"SSH-2.0-OpenSSH\r\n\r\n"),
        (b"", answer(b"{}")),
        (request(body=MODEL), b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnope\r\n"),
        (
            b"POST /v1/completions HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
            answer(b"", status=413),
        ),
    ],
)
def test_what_cannot_be_read_ends_the_measuring_once(sent: bytes, received: bytes) -> None:
    noted = Noted()
    noted.watcher.sent(sent, S)
    noted.watcher.received(received, S)
    assert len(noted.unread) == 1
    ended = len(noted.ends)
    for _ in range(3):
        noted.watcher.sent(request(body=MODEL), S)
        noted.watcher.received(answer(b"{}"), S)
    noted.watcher.answers_ended(b"", S)
    noted.watcher.closed_by_client(b"", S)
    assert (len(noted.unread), len(noted.ends)) == (1, ended)
    assert not noted.watcher.idle


def test_an_upgrade_ends_the_measuring_and_is_no_trouble() -> None:
    noted = Noted()
    noted.watcher.sent(request("/ws", method="GET", fields="Upgrade: websocket\r\nConnection: Upgrade\r\n"), S)
    noted.watcher.received(b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x05hello", S)
    noted.watcher.sent(b"\x81\x85\x00\x00\x00\x00hello", S)
    assert (noted.unread, noted.ends) == ([], [])


def test_an_answer_before_the_end_of_its_request_leaves_the_next_readable() -> None:
    noted = Noted()
    whole = request(body={"model": "qwen", "messages": "x" * 100})
    noted.watcher.sent(whole[:-50], S)
    noted.watcher.received(answer(b"{}", "application/json", 413), S)
    noted.watcher.sent(whole[-50:] + request(body={"model": "next"}), 2 * S)
    noted.watcher.received(answer(b'{"usage":{"prompt_tokens":1}}', "application/json"), 3 * S)
    assert [end[:2] for end in noted.ends] == [("", "failed"), ("next", "finished")]


def test_a_line_without_end_is_not_kept() -> None:
    noted = Noted()
    noted.watcher.sent(request(body=MODEL), S)
    noted.watcher.received(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + events(delta(content="a"))[:-14], S
    )
    for _ in range(30):
        noted.watcher.received(b'data: {"content":"' + b"x" * (LINE_BYTES // 10), S)
    noted.watcher.received(b'"}\n\ndata: {"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n', S)
    noted.watcher.answers_ended(b"", 2 * S)
    assert noted.ends == [("qwen", "finished", 200, 1.0, Usage(1, 2))]


@given(st.binary(max_size=400), st.binary(max_size=400), st.randoms())
def test_no_bytes_raise(sent: bytes, received: bytes, chance: random.Random) -> None:
    noted = Noted()
    noted.watcher.sent(request(body=MODEL), S)
    kind = chance.choice([SSE, NDJSON, "application/json"])
    noted.watcher.received(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n".encode() + received, S)
    noted.watcher.sent(sent, S)
    noted.watcher.answers_ended(b"", S)
    noted.watcher.closed_by_server(b"", S)
    assert len(noted.unread) <= 1


def told(noted: Noted, path: str, asked: object, said: bytes) -> list[tuple[str, str, int]]:
    one(noted, path, asked, said)
    return noted.told


def test_a_streamed_answer_is_told_from_its_request_to_its_end() -> None:
    said = answer(events(delta(role="assistant"), delta(content="a"), delta(content="b")))
    assert told(Noted(), CHAT, MODEL, said) == [
        ("asked", "qwen", 1 * S), ("text", "qwen", 2 * S), ("text", "qwen", 2 * S), ("over", "qwen", 2 * S),
    ]  # fmt: skip


def test_without_a_model_in_the_request_it_is_told_from_its_first_text_on() -> None:
    said = answer(events(delta(content="a")))
    assert told(Noted(), CHAT, {}, said) == [
        ("asked", "served", 2 * S), ("text", "served", 2 * S), ("over", "served", 2 * S),
    ]  # fmt: skip


def test_numbers_are_no_answer_in_words() -> None:
    said = answer(b'{"data":[],"usage":{"prompt_tokens":3}}', kind="application/json")
    assert told(Noted(), "/v1/embeddings", MODEL, said) == []


def test_an_answer_that_breaks_off_is_over_too() -> None:
    noted = Noted()
    noted.watcher.sent(request(CHAT, MODEL), 1 * S)
    noted.watcher.closed_by_client(b"", 3 * S)
    assert [(do, at) for do, _, at in noted.told] == [("asked", 1 * S), ("over", 3 * S)]
