"""Webhooks to a real HTTP server on this machine: taken, slow, refusing, failing, pointing elsewhere."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from wftui.alerts import load
from wftui.recorder.alerting.actions_outcome import Outcome
from wftui.recorder.alerting.actions_webhook import post, target

PAUSES = (0.02, 0.02)


class Hook(ThreadingHTTPServer):
    """Answers with the statuses that it is given in turn, the last one for ever."""

    daemon_threads = True

    def __init__(self, *statuses: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.statuses = list(statuses)
        self.wait = threading.Event()
        self.got: list[tuple[str, str, bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?a=1"


class Handler(BaseHTTPRequestHandler):
    server: Hook
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        said = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, self.headers["Content-Type"], said))
        many = len(self.server.statuses) > 1
        status = self.server.statuses.pop(0) if many else self.server.statuses[0]
        if status == 0:
            self.server.wait.wait(20)
            self.close_connection = True
            return
        if status == 102:
            self.wfile.write(b"HTTP/1.1 102 Processing\r\n\r\n")
            status = 204
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.server.got.append(("GET " + self.path, "", b""))

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def hook(*statuses: int) -> Iterator[Hook]:
    server = Hook(*statuses)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.wait.set()
        server.shutdown()
        thread.join()
        server.server_close()


def send(url: str, body: bytes = b"{}", deadline_s: float = 5.0) -> Outcome:
    return asyncio.run(post(url, body, deadline_s, PAUSES))


def test_the_body_arrives_unchanged() -> None:
    said = json.dumps({"message": "$(touch x) \u00e9 \r\n\r\nGET /"}).encode()
    with hook(200) as server:
        assert send(server.url, said) == Outcome("", "status 200", 1)
        assert server.got == [("/hook?a=1", "application/json", said)]


@pytest.mark.parametrize("url", ["http://127.0.0.1:{}", "http://localhost:{}?a", "http://127.0.0.1:{}/"])
def test_paths_and_names(url: str) -> None:
    with hook(204) as server:
        assert not send(url.format(server.server_port)).reason
        assert server.got[0][0] in ("/", "/?a")


def test_an_interim_reply_is_none() -> None:
    with hook(102) as server:
        assert send(server.url) == Outcome("", "status 204", 1)


def test_a_failing_server_is_asked_three_times() -> None:
    with hook(500, 503, 500) as server:
        assert send(server.url) == Outcome("status 500", tries=3)
        assert len(server.got) == 3


def test_a_server_that_recovers_is_told() -> None:
    with hook(500, 429, 200) as server:
        assert send(server.url) == Outcome("", "status 200", 3)


@pytest.mark.parametrize("status", [400, 401, 404])
def test_a_refusal_is_not_tried_again(status: int) -> None:
    with hook(status) as server:
        assert send(server.url) == Outcome(f"status {status}", tries=1)
        assert len(server.got) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with hook(status) as server:
        outcome = send(server.url)
        assert outcome.tries == 1
        assert "not followed" in outcome.reason
        assert [path for path, _, _ in server.got] == ["/hook?a=1"]


def test_a_slow_server_has_its_deadline_and_does_not_stop_the_loop() -> None:
    async def both(url: str) -> tuple[Outcome, float]:
        worst = 0.0
        task = asyncio.create_task(post(url, b"{}", 0.2, PAUSES))
        while not task.done():
            began = time.monotonic()
            await asyncio.sleep(0.005)
            worst = max(worst, time.monotonic() - began)
        return task.result(), worst

    with hook(0) as server:
        began = time.monotonic()
        outcome, worst = asyncio.run(both(server.url))
        assert outcome == Outcome("no answer within 0.2 s", tries=3)
        assert 0.6 <= time.monotonic() - began < 3
        assert worst < 0.5, "of the 0.6 that it took"


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert send(f"http://localhost:{port}/") == Outcome("nobody listens there", tries=3)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", "what came is no HTTP"),
        (b"", "it closed the connection without an answer"),
        (b"HTTP/1.1 20", "what came is no HTTP"),
        (b"x" * 200_000, "what came is no HTTP"),
    ],
    ids=["another protocol", "nothing", "half a line", "no line"],
)
def test_what_is_no_http(said: bytes, reason: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for _ in range(3 if not said else 1):
                one, _ = listening.accept()
                with one:
                    one.recv(65_536)
                    one.sendall(said)
                    one.shutdown(socket.SHUT_WR)
                    one.settimeout(5)
                    while one.recv(65_536):
                        pass

        def tolerant() -> None:
            with suppress(OSError):  # it had heard enough
                serve()

        thread = threading.Thread(target=tolerant)
        thread.start()
        outcome = send(f"http://127.0.0.1:{listening.getsockname()[1]}/")
        thread.join()
    assert outcome.reason == reason


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "http://127.0.0.1@example.org/",
        "http://localhost.example.org/",
        "http://127.0.0.1.example.org/",
        "http://example.org/",
        "http://10.0.0.1/",
        "http://127.0.0.2/",
        "http://0.0.0.0/",
        "http://2130706433/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/\r\nX: y",
        "http://127.0.0.1\\@example.org/",
        "http://127.0.0.1/\n",
        "",
    ],
)
def test_nothing_but_this_machine(url: str) -> None:
    assert target(url) is None
    assert send(url) == Outcome("expected http:// to 127.0.0.1, [::1] or localhost")


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "http://127.0.0.1@example.org/", "http://10.0.0.1/"])
def test_a_rule_that_names_another_place_is_a_mistake(url: str) -> None:
    condition = {"metric": "system.cpu.utilization", "operator": ">", "value": 0.9}
    hooked = {"type": "webhook.local", "url": url}
    rule = {"id": "rule.x", "conditions": {"when_all": [condition]}, "actions": [hooked]}
    [mistake] = load.examine(json.dumps(rule).encode(), "x.json").mistakes
    assert "actions[0].url: expected an address on this machine like http://127.0.0.1:9000/hook" in mistake


def test_the_other_family_is_tried_for_localhost() -> None:
    try:
        listening = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError as error:
        pytest.skip(f"no IPv6 loopback: {error.strerror}")
    with listening:
        got: list[bytes] = []

        def serve() -> None:
            one, _ = listening.accept()
            with one:
                got.append(one.recv(65_536))
                one.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        port = listening.getsockname()[1]
        assert not send(f"http://localhost:{port}/").reason
        thread.join()
    assert f"Host: localhost:{port}\r\n".encode() in got[0]
