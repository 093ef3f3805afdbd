"""What HTTP and the interfaces of model servers have in store, through a real proxy between real sockets."""

from __future__ import annotations

import gzip
import http.client
import json
import re
import socket
from pathlib import Path

import pytest

from tests.proxied import CHAT, MB, Proxied, answer, asked, heard, request, serving, take

USAGE = {"prompt_tokens": 11, "completion_tokens": 7}
TRAILERS = b"0\r\nX-Checksum: 5\r\nX-More: 6\r\n\r\n"


def chunked(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + end


def events(*items: object) -> bytes:
    return b"".join(b"data: %s\n\n" % json.dumps(item).encode() for item in items) + b"data: [DONE]\n\n"


def lines(*items: object) -> bytes:
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)


def delta(text: str) -> object:
    return {"choices": [{"delta": {"content": text}}]}


@pytest.mark.parametrize(
    ("path", "said", "told"),
    [
        (CHAT, answer(events(delta("a"), delta("b")), "text/event-stream"),
         "1 requests finished, 0 aborted, 0 failed; tokens unknown; 1 answers without usage"),
        (CHAT, b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
         b"Transfer-Encoding: chunked\r\nTrailer: X-Checksum\r\n\r\n" +
         chunked(events(delta("a"), {"usage": USAGE}), end=TRAILERS),
         "1 requests finished, 0 aborted, 0 failed; 11 input tokens, 7 output tokens; 0 answers without usage"),
        ("/api/chat", answer(lines({"message": {"content": "a"}}, {"message": {"content": ""}, "done": True,
                                    "prompt_eval_count": 3, "eval_count": 2}), "application/x-ndjson"),
         "1 requests finished, 0 aborted, 0 failed; 3 input tokens, 2 output tokens; 0 answers without usage"),
        ("/api/embed", answer(json.dumps({"model": "m", "embeddings": [[0.5] * 9_000],
                                          "prompt_eval_count": 4}).encode()),
         "1 requests finished, 0 aborted, 0 failed; 4 input tokens; 0 answers without usage"),
        ("/v1/embeddings", answer(json.dumps({"data": [{"embedding": [0.5] * 9_000}],
                                              "usage": {"prompt_tokens": 6, "total_tokens": 6}}).encode()),
         "1 requests finished, 0 aborted, 0 failed; 6 input tokens; 0 answers without usage"),
        (CHAT, b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n" +
         answer(gzip.compress(json.dumps({"usage": USAGE}).encode()))[17:],
         "1 requests finished, 0 aborted, 0 failed; tokens unknown; 1 answers without usage"),
        (CHAT, answer(json.dumps({"error": {"message": "busy"}}).encode(), status=503),
         "0 requests finished, 0 aborted, 1 failed (503: 1); tokens unknown"),
        (CHAT, answer(events(delta("a"), {"error": {"message": "out of memory"}}), "text/event-stream"),
         "0 requests finished, 0 aborted, 1 failed (200: 1); tokens unknown"),
        ("/v1/models", answer(b'{"data":[]}'), "0 requests finished, 0 aborted, 0 failed; tokens unknown"),
    ],
    ids=["stream without usage", "trailers", "ndjson", "embed", "embeddings", "gzip", "status",
         "error in a stream", "no request to a model"],
)  # fmt: skip
def test_answers_pass_and_are_counted(path: str, said: bytes, told: str) -> None:
    def talk(one: socket.socket) -> None:
        heard(one)
        one.sendall(said)

    with serving(talk) as url, Proxied(url) as proxy:
        assert asked(proxy, request({"model": "m"}, path), len(said)) == said
        out = proxy.stop()
    assert told in out
    assert out.endswith("; 0 connections not read")


def test_a_request_in_chunks_with_trailers_passes() -> None:
    said = answer(json.dumps({"usage": USAGE}).encode())
    got: list[bytes] = []
    head = f"POST {CHAT} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Checksum\r\n\r\n".encode()
    pieces = chunked(b'{"mod', b'el":"qwen3', b':8b","messages":"' + b"x" * 200_000 + b'"}', end=TRAILERS)

    def talk(one: socket.socket) -> None:
        got.append(take(one, len(head) + len(pieces)))
        one.sendall(said)

    with serving(talk) as url, Proxied(url) as proxy:
        with proxy.connect() as client:
            client.sendall(head)
            for at in range(0, len(pieces), 50_000):
                client.sendall(pieces[at : at + 50_000])
            assert take(client, len(said)) == said
        assert "1 requests finished, 0 aborted, 0 failed; 11 input tokens" in proxy.stop()
    assert got == [head + pieces]


@pytest.mark.parametrize("length", [True, False])
def test_a_client_of_http_1_0_gets_its_answer_and_the_end(*, length: bool) -> None:
    body = json.dumps({"usage": USAGE}).encode()
    said = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n"
    said += (b"Content-Length: %d\r\n\r\n" % len(body) if length else b"\r\n") + body
    sent = b"POST /v1/completions HTTP/1.0\r\nContent-Length: 13\r\n\r\n" + b'{"model":"m"}'

    def talk(one: socket.socket) -> None:
        assert heard(one) == sent
        one.sendall(said)  # and closes

    with serving(talk) as url, Proxied(url) as proxy:
        assert asked(proxy, sent, MB) == said, "up to the end of the connection"
        assert "1 requests finished, 0 aborted, 0 failed; 11 input tokens" in proxy.stop()


def test_requests_that_come_at_once_are_answered_in_turn() -> None:
    says = [answer(json.dumps({"n": n, "usage": USAGE}).encode()) for n in range(20)]

    def talk(one: socket.socket) -> None:
        waiting = b""
        for said in says:
            while b'"}' not in waiting:
                waiting += one.recv(MB)
            waiting = waiting.partition(b'"}')[2]
            one.sendall(said)

    with serving(talk) as url, Proxied(url) as proxy:
        whole = b"".join(says)
        assert asked(proxy, b"".join(request({"model": "m"}) for _ in says), len(whole)) == whole
        assert "20 requests finished, 0 aborted, 0 failed; 220 input tokens" in proxy.stop()


def test_an_ordinary_client_keeps_its_connection() -> None:
    heads: list[bytes] = []

    def talk(one: socket.socket) -> None:
        while data := heard(one):
            heads.append(data.partition(b"\r\n\r\n")[0])
            event = events(delta("a"), {"usage": USAGE})
            one.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            one.sendall(chunked(event[:30], event[30:]))

    with serving(talk) as url, Proxied(url) as proxy:
        client = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=20)
        taken: set[object] = set()
        for _ in range(5):
            client.request("POST", CHAT, json.dumps({"model": "m"}), {"Authorization": "Bearer x", "X-Own": "ä"})
            reply = client.getresponse()
            assert reply.read() == events(delta("a"), {"usage": USAGE})
            assert client.sock is not None
            taken.add(client.sock.getsockname())
        client.close()
        assert len(taken) == 1, "one connection for all"
        assert "5 requests finished, 0 aborted, 0 failed; 55 input tokens" in proxy.stop()
    assert all(b"Host: 127.0.0.1:%d\r\n" % proxy.port in head for head in heads), "as the client said it"
    assert all(b"X-Own: \xe4" in head for head in heads)
    assert not any(re.search(rb"(?i)^(via|forwarded|x-forwarded|x-wftop)", head, re.MULTILINE) for head in heads)


@pytest.fixture(params=["tcp", "unix"])
def listens(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, ...]:
    return () if request.param == "tcp" else ("--listen", f"unix:{tmp_path}/proxy.sock")


def test_a_client_that_leaves_in_the_middle_of_a_stream_ends_it_at_the_server(listens: tuple[str, ...]) -> None:
    ended: list[str] = []

    def endless(one: socket.socket) -> None:
        heard(one)
        one.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                one.sendall(chunked(b"data: " + json.dumps(delta("x" * 500)).encode() + b"\n\n", end=b""))
        except OSError as error:
            ended.append(type(error).__name__)

    with serving(endless) as url, Proxied(url, *listens) as proxy:
        for _ in range(3):
            with proxy.connect() as client:
                client.sendall(request({"model": "m"}))
                assert b"delta" in take(client, 5_000)
        out = proxy.stop()
    assert ended == [ended[0]] * 3
    assert ended[0] in ("ConnectionResetError", "BrokenPipeError")
    assert "0 requests finished, 3 aborted, 0 failed" in out
