"""Many views at once: one that stands still costs the others nothing, and finds its way back."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.harness import ROOT, View, environment, recorder, until
from wftui.client.queries import Connection
from wftui.clock import NS_PER_S
from wftui.errors import ProtocolError
from wftui.model.event import Event
from wftui.model.tick import unpack
from wftui.recorder.server import MAX_CONNECTIONS
from wftui.wire import codec
from wftui.wire import messages as m

# Reads as a view does, and writes down the kind of each message; it is the process that gets stopped.
WATCH = """
import sys
from tests.harness import View
from wftui.paths import places
from wftui.wire.messages import TAGS, Dropped, TableArrived, TickArrived
with View(places(), 20.0) as view, open(sys.argv[1], "w", buffering=1) as out:
    for message in view.messages():
        more = ""
        if isinstance(message, Dropped):
            more = message.count
        if isinstance(message, TickArrived):
            more = message.seq
        if isinstance(message, TableArrived):
            more = "keyframe" if message.change.keyframe else "change"
        print(TAGS[type(message)], more, file=out)
"""


@pytest.mark.parametrize("count", [1, 9])
def test_ten_views_of_which_some_are_stopped(tmp_path: Path, count: int) -> None:
    notes = [tmp_path / f"notes{number}" for number in range(count)]
    with recorder() as running:
        running.ticks(2)
        command = [sys.executable, "-c", WATCH]
        stopped = [subprocess.Popen([*command, str(path)], env=environment(), cwd=ROOT) for path in notes]
        try:
            for path in notes:
                until(lambda p=path: p.exists() and "tick" in p.read_text(), 20, "the view")  # type: ignore[misc]  # the file of this turn
            views = [View(running.where) for _ in range(10 - count)]
            assert running.status().views == 10
            for process in stopped:
                os.kill(process.pid, signal.SIGSTOP)
            before = running.status().memory_bytes
            seen = [[view.tick().seq for view in views] for _ in range(2)]
            # Full rate makes 64 messages in seconds; the pipe of the stopped one must be full first.
            until(lambda: _dropped(running.where.socket) > 0, 25, "the drop")
            after = running.status().memory_bytes
            seen += [[view.tick().seq for view in views]]
            last = [step[-1] for step in seen]
            assert last[1] == last[0] + 1
            while last[-1] < running.status().ticks - 1:
                last.append(views[-1].tick().seq)
            assert last == list(range(last[0], last[-1] + 1)), "a view that runs gets every tick"
            assert before is not None
            assert after is not None
            assert after - before < count * 4 * 2**20, "a stopped view's messages do not pile up"
            os.kill(stopped[0].pid, signal.SIGCONT)
            until(lambda: "dropped" in notes[0].read_text(), 10, "the word about what was dropped")
            lines = until(lambda: _after_drop(notes[0]), 10, "the whole state after it")
            assert int(lines[0].split()[1]) > 0
            for view in views:
                view.connection.close()
        finally:
            for process in stopped:
                os.kill(process.pid, signal.SIGCONT)
                process.terminate()
            for process in stopped:
                process.wait(10)
        until(lambda: running.status().views == 0, 10, "the end of all views")
        assert running.stop() == 0
        assert running.errors() == ""


def _dropped(path: Path) -> float:
    """The count of dropped messages, as a series like any other."""
    now = time.time_ns()
    with Connection(str(path)) as connection:
        reply = connection.ask(m.At(now - 2 * NS_PER_S), m.AtReply)
    if reply.tick is None or reply.layout is None:
        return 0.0
    values = unpack(reply.tick.values)
    return max(
        (
            value
            for item, value in zip(reply.layout.columns, values, strict=True)
            if item.series.name == "wftop.bus.dropped" and value == value
        ),
        default=0.0,
    )


def _after_drop(notes: Path) -> list[str] | None:
    """From the (last) word about dropped messages on: layout, tick, tables as keyframes."""
    lines = notes.read_text().splitlines()
    place = max(number for number, line in enumerate(lines) if line.startswith("dropped"))
    rest = lines[place:]
    kinds = [line.split()[0] for line in rest]
    if not {"layout", "tick", "table"} <= set(kinds):
        return None
    assert kinds.index("layout") < kinds.index("tick")
    assert rest[kinds.index("table")] == "table keyframe"
    return rest


def test_views_come_and_go_a_hundred_times() -> None:
    with recorder() as running:
        running.ticks(1)
        for _ in range(100):
            with View(running.where):
                pass
        until(lambda: running.status().views == 0, 10, "the end of all views")

        def found() -> list[Event]:
            with running.ask() as connection:
                return connection.ask(m.Events(types=["view.*"], limit=1000), m.EventsReply).events

        until(lambda: len(found()) >= 200, 10, "all of it in the journal")
        assert len(found()) == 200
        labels = {item.aggregate_id for item in found()}
        assert len(labels) < 20, "numbers are used again"
        assert len(list(Path(f"/proc/{running.pid}/fd").iterdir())) < 40
        assert running.stop() == 0


def test_too_many_connections_are_told_so() -> None:
    with recorder() as running:
        open_ones = [running.ask() for _ in range(MAX_CONNECTIONS)]
        with pytest.raises(ProtocolError, match="connections are open"):
            running.ask()
        for connection in open_ones:
            connection.close()
        until(lambda: _answers(running.where.socket), 5, "room for another")
        assert running.stop() == 0
        assert running.errors() == ""


def _answers(path: Path) -> bool:
    try:
        Connection(str(path)).close()
    except ProtocolError:
        return False
    return True


@pytest.mark.parametrize(
    "frame",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0\0\0\x05hello",
        b"\0\0\0\0",
        codec.encode(m.At(5)),
        codec.encode(m.Hello((99, 0), "view")),
        codec.encode(m.Hello(m.VERSION, "view")) + b"\0\0\0\x01\xc1",
        codec.encode(m.Hello(m.VERSION, "view"))
        + b"\0\x01\x86\xb6\x93\xa5event\x01\x81\xa5event"
        + b"\x91" * 99_999,
        codec.encode(m.Hello(m.VERSION, "view"))[:-3],
    ],
    ids=["http", "text", "empty", "no greeting", "version 99", "garbage later", "nested", "cut"],
)
def test_who_does_not_speak_the_protocol_hurts_nobody(frame: bytes) -> None:
    with recorder() as running:
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(10)
            peer.connect(str(running.where.socket))
            peer.sendall(frame)
            if frame == codec.encode(m.Hello((99, 0), "view")):
                answer = peer.recv(4096)
                message, _ = codec.decode(answer[4:])
                assert isinstance(message, m.Error)
                assert "99.0" in message.message
        assert running.status().pid == running.pid
        assert running.stop() == 0
        assert running.errors() == "", "no traceback"


def test_odd_questions_get_one_clear_error() -> None:
    now = time.time_ns()
    with recorder() as running:
        running.ticks(2)
        odd: list[m.Message] = [
            m.Range(["*"], now, now - 1, 10),
            m.Range(["*"], 0, 1, 0),
            m.Range(["*"], 0, 1, 10**6),
            m.Range(["*"], 2**64 - 2, 2**64 - 1, 1),
            m.At(2**64 - 1),
            m.Events(after_seq=2**64 - 1),
            m.Tables("processes", -(2**63), 2**64 - 1),
            m.Subscribe(["*"], -1.0),
            m.Subscribe(["*"], float("nan")),
            m.Signal(0, 0, 9),
            m.Signal(-1, 0, 9),
            m.Signal(2**63, 0, 9),
            m.Goodbye("me"),
            m.Retire(1),
        ]
        for question in odd:
            with running.ask() as connection:
                with suppress(ProtocolError):  # an answer or an error: either is one, and the connection goes on
                    connection.ask(question, m.Message)
                assert connection.ask(m.Status(), m.StatusReply).pid == running.pid, question
        assert running.stop() == 0
        assert running.errors() == ""
