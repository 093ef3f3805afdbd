"""How `wftop proxy` behaves between real sockets: slow ends, aborts, upgrades, TLS, its own end."""

from __future__ import annotations

import json
import os
import resource
import socket
import ssl
import stat
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.harness import until
from tests.proxied import (
    MB,
    WAIT_S,
    Proxied,
    always,
    answer,
    asked,
    certificate,
    heard,
    request,
    reset,
    serving,
    stream,
    take,
)


@pytest.mark.parametrize("way", ["down", "up"])
def test_a_slow_end_slows_the_other_and_fills_no_memory(way: str) -> None:
    size, block = 200 * MB, os.urandom(MB)
    answered = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % size
    sent = 0
    slow = threading.Event()

    def pour(one: socket.socket) -> None:
        nonlocal sent
        for _ in range(size // MB):
            one.sendall(block)
            sent += MB

    def sip(one: socket.socket) -> int:
        total = len(take(one, 64 << 10))
        # The other end is held up: what it has sent does not grow any more.
        last = -1
        while last != sent:
            last = sent
            time.sleep(0.3)
        slow.set()
        assert sent < 40 * MB, "more than the sockets' own buffers"
        while total < size:
            data = one.recv(MB)
            if not data:
                break
            total += len(data)
        return total

    got: list[int] = []

    def talk(one: socket.socket) -> None:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
        while b"\r\n\r\n" not in one.recv(65536, socket.MSG_PEEK):
            pass
        if way == "down":
            heard(one)
            one.sendall(answered)
            pour(one)
        else:
            got.append(sip(one))
            one.sendall(answer(b"{}"))

    with serving(talk) as url, Proxied(url) as proxy, proxy.connect() as client:
        head = b"POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
        before = proxy.peak_mb()
        if way == "down":
            client.sendall(head % 2 + b"{}")
            take(
                client,
                len(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 209715200\r\n\r\n"),
            )
            got.append(sip(client))
        else:
            client.sendall(head % size)
            pour(client)
            assert take(client, 12) == b"HTTP/1.1 200"
        assert slow.is_set()
        assert got == [size] if way == "down" else got[0] >= size
        assert proxy.peak_mb() - before < 12
        proxy.stop()


def test_an_abort_while_the_server_thinks_reaches_it_at_once() -> None:
    ends: list[float] = []
    thinking = threading.Event()

    def think(one: socket.socket) -> None:
        heard(one)
        thinking.set()
        with suppress(OSError):
            assert one.recv(1) == b""
        ends.append(time.monotonic())

    with serving(think) as url, Proxied(url) as proxy:
        for leave in (socket.socket.close, reset):
            thinking.clear()
            client = proxy.connect()
            client.sendall(request({"model": "m"}))
            assert thinking.wait(WAIT_S)
            left = time.monotonic()
            leave(client)
            until(lambda: ends, WAIT_S, "the abort")
            assert ends.pop() - left < 2.0
        assert "0 requests finished, 2 aborted, 0 failed" in proxy.stop()


def test_a_server_that_ends_in_the_middle_has_failed() -> None:
    def half(one: socket.socket) -> None:
        heard(one)
        one.sendall(answer(b"x" * 100)[:-50])
        reset(one)

    with serving(half) as url, Proxied(url) as proxy:
        with proxy.connect() as client:
            client.sendall(request({"model": "m"}))
            with pytest.raises(ConnectionResetError):
                take(client, MB)
        assert "1 failed (200: 1)" in proxy.stop()


def test_an_answer_that_comes_before_the_end_of_the_request_is_not_lost() -> None:
    said = answer(b"too much " * 100, status=413)

    def refuse(one: socket.socket) -> None:
        while b"\r\n\r\n" not in one.recv(1000):
            pass
        one.sendall(said)  # and closes with the body unread: the client is reset

    with serving(refuse) as url, Proxied(url) as proxy:
        for _ in range(50):
            with proxy.connect() as client:
                with suppress(ConnectionError):
                    client.sendall(request({"model": "m", "messages": "x" * 5 * MB}))
                assert take(client, len(said)) == said
        proxy.stop()


def test_a_server_that_is_not_there_is_told_to_the_client_and_found_again(tmp_path: Path) -> None:
    path = tmp_path / "server.sock"
    with Proxied(f"unix:{path}") as proxy:
        for _ in range(2):
            with proxy.connect() as client:
                client.sendall(request({"model": "m"}))
                said = take(client, MB)
            head, _, body = said.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
            assert json.loads(body)["error"]["message"] == f"wftop proxy: unix:{path}: No such file or directory"
        with serving(always(answer(b"{}")), path=path):
            assert asked(proxy, request({"model": "m"}), len(answer(b"{}"))) == answer(b"{}")
        assert "1 requests finished, 0 aborted, 2 failed (502: 2)" in proxy.stop()


def test_an_upgraded_connection_is_a_tunnel() -> None:
    def upgrade(one: socket.socket) -> None:
        heard(one)
        one.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
        while data := one.recv(65536):
            one.sendall(data[::-1])

    with serving(upgrade) as url, Proxied(url) as proxy:
        with proxy.connect() as client:
            client.sendall(b"GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            assert take(client, 56).endswith(b"websocket\r\n\r\n")
            for frame in (b"\x81\x05hello", b"\x00" * 100, b"POST / HTTP/1.1\r\n\r\n"):
                client.sendall(frame)
                assert take(client, len(frame)) == frame[::-1]
        assert "0 connections not read" in proxy.stop()


def test_continue_head_and_kept_connections_pass(tmp_path: Path) -> None:
    def talk(one: socket.socket) -> None:
        while True:
            head = b""
            while b"\r\n\r\n" not in head:
                more = one.recv(65536)
                if not more:
                    return
                head += more
            if b"100-continue" in head:
                one.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                assert take(one, 13) == b'{"model":"m"}'
                one.sendall(answer(b'{"usage":{"prompt_tokens":5}}'))
            else:
                one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")

    listen = tmp_path / "proxy.sock"
    with serving(talk, path=tmp_path / "up.sock") as url, Proxied(url, "--listen", f"unix:{listen}") as proxy:
        assert stat.S_IMODE(listen.stat().st_mode) == 0o600
        with proxy.connect() as client:
            for _ in range(3):
                client.sendall(b"HEAD /v1/models HTTP/1.1\r\n\r\n")
                assert take(client, 41) == b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"
                client.sendall(
                    b"POST /v1/embeddings HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 13\r\n\r\n"
                )
                assert take(client, 25) == b"HTTP/1.1 100 Continue\r\n\r\n"
                client.sendall(b'{"model":"m"}')
                assert take(client, len(answer(b'{"usage":{"prompt_tokens":5}}'))).endswith(b"}}")
        assert "3 requests finished, 0 aborted, 0 failed; 15 input tokens" in proxy.stop()
    assert not listen.exists()


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate, and a server's context of it."""
    cert, _, context = certificate(tmp_path_factory.mktemp("tls"))
    return cert, context


def test_a_server_behind_tls_is_verified(tls: tuple[Path, ssl.SSLContext]) -> None:
    cert, context = tls
    said = stream("a" * 100_000, "b", "c")
    with serving(always(said), context) as url:
        with Proxied(url, "--ca", str(cert)) as proxy:
            for _ in range(3):
                assert asked(proxy, request({"messages": "x" * 300_000, "model": "m"}), len(said)) == said
            assert "3 requests finished, 0 aborted, 0 failed; 33 input tokens" in proxy.stop()
        with Proxied(url) as proxy, proxy.connect() as client:
            client.sendall(request({"model": "m"}))
            assert b"certificate refused: self-signed certificate" in take(client, MB)


def test_an_abort_reaches_a_server_behind_tls(tls: tuple[Path, ssl.SSLContext]) -> None:
    cert, context = tls
    gone = threading.Event()

    def think(one: socket.socket) -> None:
        heard(one)
        with suppress(OSError):
            one.recv(1)
        gone.set()

    with serving(think, context) as url, Proxied(url, "--ca", str(cert)) as proxy:
        with proxy.connect() as client:
            client.sendall(request({"model": "m"}))
            time.sleep(0.05)
        assert gone.wait(WAIT_S)
        assert "1 aborted" in proxy.stop()


def test_more_connections_than_there_are_descriptors_wait_for_their_turn() -> None:
    said = answer(b"{}")
    with serving(always(said)) as url, Proxied(url) as proxy:
        assert asked(proxy, request({"model": "m"}), len(said)) == said
        resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE, (40, 40))
        held = [proxy.connect() for _ in range(60)]
        for one in held:
            one.sendall(request({"model": "m"}))
        # Each is served, told that there is no room, or waits; none is lost, and none costs another its answer.
        answers = []
        for one in held:
            answers.append(take(one, 12))
            one.close()
        assert set(answers) <= {b"HTTP/1.1 200", b"HTTP/1.1 502"}
        assert answers.count(b"HTTP/1.1 200") >= 5
        until(lambda: asked(proxy, request({"model": "m"}), len(said)) == said, WAIT_S, "room again")
        proxy.stop()
