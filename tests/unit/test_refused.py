"""A recorder that refuses a connection is heard, whoever is first: its word or our greeting."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from wftui.client.queries import Connection
from wftui.errors import ProtocolError
from wftui.wire import codec
from wftui.wire.messages import Error


def test_the_reason_is_read_though_the_other_end_has_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(os.environ["XDG_RUNTIME_DIR"], "socket")
    closed = threading.Event()

    def refuse(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.sendall(codec.encode(Error("refused", "64 connections are open already")))
        connection.close()
        closed.set()

    def pid() -> int:
        assert closed.wait(10)  # asked for between connecting and greeting
        return 1

    monkeypatch.setattr("wftui.client.queries.os.getpid", pid)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=refuse, args=(listener,))
        thread.start()
        with pytest.raises(ProtocolError, match="connections are open"):
            Connection(str(path))
        thread.join(10)
