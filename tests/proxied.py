"""A real `wftop proxy` process for tests, and servers to put behind it."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import pytest

from tests.harness import ROOT, command, environment

RESET = struct.pack("ii", 1, 0)
MB = 1 << 20
WAIT_S = 20.0
CHAT = "/v1/chat/completions"
Talk = Callable[[socket.socket], None]


class Proxied:
    """One proxy in front of a server."""

    def __init__(
        self, upstream: str, *arguments: str, env: Mapping[str, str] | None = None, program: Sequence[str] = ()
    ) -> None:
        """``program``: what is started in the place of wftop, with the same arguments."""
        words = ["proxy", "--upstream", upstream, *arguments]
        if "--listen" not in arguments:
            words += ["--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            [*program, *words] if program else command(*words), env=environment(env), cwd=ROOT, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.told = self.process.stdout.readline()
        found = re.match(r"listening on (\S+), passing on to ", self.told)
        if found is None:
            out, err = self.process.communicate(timeout=10)
            raise AssertionError(f"the proxy said {self.told + out!r} {err!r}")
        self.url = found[1]
        """``http://127.0.0.1:PORT`` or ``unix:PATH``."""

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    @property
    def pid(self) -> int:
        """Process id."""
        return self.process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate(timeout=10)

    def stop(self, number: int = signal.SIGTERM) -> str:
        """Stop it in good order; what it said after its first line."""
        self.process.send_signal(number)
        return self.rest()

    def rest(self) -> str:
        """What it says until its end, which is in good order."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        # Not communicate(): that would miss what was read ahead of the first line.
        out, err = self.process.stdout.read(), self.process.stderr.read()
        assert (self.process.wait(20), err) == (0, "")
        return out.strip()

    def peak_mb(self) -> float:
        """Most memory it ever had (RSS, MB)."""
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text(encoding="ascii"))
        assert found is not None
        return int(found[1]) / 1024

    def connect(self) -> socket.socket:
        """A client's connection."""
        if self.url.startswith("unix:"):
            one = socket.socket(socket.AF_UNIX)
            one.settimeout(20)
            one.connect(self.url[5:])
            return one
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)


def certificate(folder: Path) -> tuple[Path, Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that signs itself, its key, and a server's context of both."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    cert, key = folder / "cert.pem", folder / "key.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=stand-in"]
    words += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(words, check=True, capture_output=True)
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.load_cert_chain(cert, key)
    return cert, key, found


def reset(one: socket.socket) -> None:
    """Close so that the other side sees a reset."""
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    one.close()


def request(body: object, path: str = CHAT) -> bytes:
    data = json.dumps(body).encode()
    return f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data


def answer(body: bytes, kind: str = "application/json", status: int = 200) -> bytes:
    return f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def stream(*texts: str) -> bytes:
    events = [json.dumps({"choices": [{"delta": {"content": text}}]}) for text in texts]
    usage = json.dumps({"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 7}})
    return answer("".join(f"data: {one}\n\n" for one in [*events, usage, "[DONE]"]).encode(), "text/event-stream")


def take(one: socket.socket, size: int) -> bytes:
    """Exactly so many bytes, or what came before the end."""
    found = bytearray()
    while len(found) < size:
        data = one.recv(min(MB, size - len(found)))
        if not data:
            break
        found += data
    return bytes(found)


def heard(one: socket.socket) -> bytes:
    """One request with a length."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = one.recv(65536)
        if not more:
            return data
        data += more
    found = re.search(rb"content-length: (\d+)", data, re.IGNORECASE)
    size = data.index(b"\r\n\r\n") + 4 + (int(found[1]) if found else 0)
    return data + take(one, size - len(data))


@contextmanager
def serving(talk: Talk, context: ssl.SSLContext | None = None, path: Path | None = None) -> Iterator[str]:
    """A server that talks to each connection in a thread; its URL."""
    listening = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
    listening.bind(str(path) if path else ("127.0.0.1", 0))
    listening.listen(100)
    threads: list[threading.Thread] = []

    def one(plain: socket.socket) -> None:
        plain.settimeout(WAIT_S)
        with suppress(OSError):
            connection = context.wrap_socket(plain, server_side=True) if context else plain
            with connection:
                talk(connection)
        plain.close()

    def take_all() -> None:
        while True:
            try:
                plain, _ = listening.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=one, args=(plain,), daemon=True))
            threads[-1].start()

    taking = threading.Thread(target=take_all, daemon=True)
    taking.start()
    port = 0 if path else listening.getsockname()[1]
    try:
        yield f"unix:{path}" if path else f"{'https' if context else 'http'}://127.0.0.1:{port}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        taking.join(WAIT_S)
        for thread in threads:
            thread.join(WAIT_S)


def always(said: bytes) -> Talk:
    """Answers every request of a connection so."""

    def talk(one: socket.socket) -> None:
        while heard(one):
            one.sendall(said)

    return talk


def asked(proxy: Proxied, sent: bytes, size: int) -> bytes:
    with proxy.connect() as client:
        client.sendall(sent)
        return take(client, size)
