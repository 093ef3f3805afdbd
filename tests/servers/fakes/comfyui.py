"""ComfyUI: a queue that a test fills, jobs that end as it says, a WebSocket that says so."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Ping, Pong, Request, TextMessage

from tests.servers.fake import Asked, Fake, Reply, Route, constant, said, sample

SECRET = "a prompt that nobody may read"  # noqa: S105  looked for in what is told
IDLE = {
    "requests running": 0, "requests waiting": 0,
    "request.count finished": 0, "request.count failed": 0, "request.count aborted": 0,
    "model.memory vram": 14227079168 - 1073741824, "model.memory vram_reserved": 14227079168,
}  # fmt: skip
"""What is told of one that is idle."""
MESSAGES = [line.decode() for line in sample("comfyui_ws.ndjson").splitlines()]


class Comfy:
    """Its state."""

    def __init__(self) -> None:
        self.remaining = 0
        self.history: dict[str, Any] = msgspec.json.decode(sample("comfyui_history.json"))  # Any: JSON
        self.stats = sample("comfyui_system_stats.json")

    def end(self, name: str, took_s: float, how: str = "execution_success", start_ms: int = 1767225600000) -> None:
        """A job ends."""
        self.remaining = max(0, self.remaining - 1)
        error = {"exception_message": SECRET, "current_inputs": {"text": [SECRET]}, "traceback": [SECRET]}
        stamp: Mapping[str, object] = {"prompt_id": name, "timestamp": start_ms + int(took_s * 1000)}
        self.history[name] = {
            "prompt": [1, name, {"6": {"class_type": "CLIPTextEncode", "inputs": {"text": SECRET}}}, {}, ["9"]],
            "outputs": {"9": {"images": [{"filename": SECRET}]}},
            "status": {
                "status_str": "success" if how == "execution_success" else "error",
                "completed": how == "execution_success",
                "messages": [
                    ["execution_start", {"prompt_id": name, "timestamp": start_ms}],
                    ["execution_cached", {"nodes": ["4"], "prompt_id": name, "timestamp": start_ms + 10}],
                    [how, {**error, **stamp} if how == "execution_error" else stamp],
                ],
            },
        }

    def routes(self) -> dict[str, Route]:
        """Its paths; all of them exist with ``/api`` in front, too."""
        return {
            "/prompt": lambda _: said({"exec_info": {"queue_remaining": self.remaining}}),
            "/system_stats": lambda _: Reply(self.stats),
            "/history": self._history,
            "/queue": constant(sample("comfyui_queue.json")),
        }

    def _history(self, asked: Asked) -> Reply:
        most = int(asked.query.get("max_items", len(self.history)))
        return said(dict(list(self.history.items())[-most:]))


def routes() -> dict[str, Route]:
    """One that is idle."""
    return Comfy().routes()


class Spoken:
    """The WebSocket of a stand-in: a listener of its own before which the rest is passed to a ``Fake``."""

    def __init__(self, behind: Fake, refuse: bool = False) -> None:
        """``behind``: who answers all other paths."""
        self.asked: list[Request] = []
        self.heads: list[bytes] = []
        self.pongs = 0
        self._behind = behind
        self._refuse = refuse
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[tuple[socket.socket, WSConnection]] = []
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        """Where it listens."""
        found: int = self._listener.getsockname()[1]
        return found

    @property
    def clients(self) -> int:
        """WebSockets that are open."""
        with self._lock:
            return len(self._open)

    def say(self, *messages: str | bytes) -> None:
        """To all clients."""
        with self._lock:
            for connection, state in self._open:
                for message in messages:
                    made = TextMessage(data=message) if isinstance(message, str) else BytesMessage(data=message)
                    connection.sendall(state.send(made))

    def ping(self) -> None:
        """Ask all clients whether they are there."""
        with self._lock:
            for connection, state in self._open:
                connection.sendall(state.send(Ping(payload=b"1")))

    def raw(self, data: bytes) -> None:
        """Bytes that are no WebSocket's."""
        with self._lock:
            for connection, _ in self._open:
                connection.sendall(data)

    def hang_up(self) -> None:
        """Close all WebSockets."""
        with self._lock:
            for connection, state in self._open:
                with suppress(OSError):
                    connection.sendall(state.send(CloseConnection(code=1001)))
                    connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Be gone."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive(), "a thread of the stand-in does not end"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, ValueError):
            head = b""
            while b"\r\n\r\n" not in head:
                data = connection.recv(65536)
                if not data:
                    break
                head += data
            if head.startswith(b"GET /ws"):
                self._speak(connection, head)
            elif head:
                self._pass_on(connection, head)
        connection.close()

    def _speak(self, connection: socket.socket, head: bytes) -> None:
        self.heads.append(head)
        if self._refuse:
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        state = WSConnection(ConnectionType.SERVER)
        state.receive_data(head)
        for event in state.events():
            if isinstance(event, Request):
                self.asked.append(event)
                connection.sendall(state.send(AcceptConnection()))
        item = connection, state
        with self._lock:
            self._open.append(item)
        try:
            while data := connection.recv(65536):
                with self._lock:
                    state.receive_data(data)
                    self.pongs += sum(isinstance(event, Pong) for event in state.events())
        finally:
            with self._lock:
                self._open.remove(item)

    def _pass_on(self, connection: socket.socket, head: bytes) -> None:
        """One question and its answer, then the connection is closed: the client opens another one."""
        with socket.create_connection((self._behind.endpoint.host, self._behind.endpoint.port)) as there:
            there.sendall(head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            there.shutdown(socket.SHUT_WR)
            while data := there.recv(65536):
                connection.sendall(data)
