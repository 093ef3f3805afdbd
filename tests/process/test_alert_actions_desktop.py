"""Notifications over a session bus: a real ``dbus-daemon`` where there is one, and a stand-in that answers."""

from __future__ import annotations

import asyncio
import os
import shutil
import struct
import subprocess
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.harness import until
from wftui.recorder.alerting.actions_desktop import DesktopError, Note, bus_path, notify

NOTE = Note("critical: GPU h\u00e4t", "a <b> & $(touch x) \u20ac", 2, 8000, 7)


def show(environ: Mapping[str, str], note: Note = NOTE, deadline_s: float = 5.0) -> int:
    return asyncio.run(notify(note, environ, deadline_s))


def address(path: Path) -> dict[str, str]:
    return {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={path}"}


@contextmanager
def daemon(folder: Path) -> Iterator[dict[str, str]]:
    if shutil.which("dbus-daemon") is None:
        pytest.skip("no dbus-daemon here")
    argv = ["dbus-daemon", "--session", "--nofork", "--nosyslog", "--print-address=1"]
    with subprocess.Popen(
        [*argv, f"--address=unix:path={folder}/bus"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield {"DBUS_SESSION_BUS_ADDRESS": process.stdout.readline().strip()}
        finally:
            process.kill()


def test_a_real_bus_takes_the_call_and_says_that_nobody_shows_it(tmp_path: Path) -> None:
    with daemon(tmp_path) as environ, pytest.raises(DesktopError, match="nobody shows notifications"):
        show(environ)


def test_a_real_bus_reads_what_was_meant(tmp_path: Path) -> None:
    if shutil.which("dbus-monitor") is None:
        pytest.skip("no dbus-monitor here")
    seen = tmp_path / "seen"
    with daemon(tmp_path) as environ, seen.open("w") as out:
        argv = ["dbus-monitor", "--address", environ["DBUS_SESSION_BUS_ADDRESS"]]
        with subprocess.Popen(argv, stdout=out, stderr=subprocess.DEVNULL) as monitor:
            try:
                until(lambda: "NameLost" in seen.read_text(), what="the monitor")
                with pytest.raises(DesktopError):
                    show(environ)
                until(lambda: "ServiceUnknown" in seen.read_text(), what="the call")
            finally:
                monitor.kill()
    call = seen.read_text().partition("member=Notify\n")[2].partition("\nerror")[0]
    assert [line.strip() for line in call.splitlines()] == [
        'string "wftop"',
        "uint32 7",
        'string ""',
        'string "critical: GPU h\u00e4t"',
        'string "a &lt;b&gt; &amp; $(touch x) \u20ac"',
        "array [",
        "]",
        "array [",
        "dict entry(",
        'string "urgency"',
        "variant             byte 2",
        ")",
        "]",
        "int32 8000",
    ]


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextmanager
def standing_in(path: Path, serve: Serve) -> Iterator[dict[str, str]]:
    """A bus that lets everybody in and then does as it is told."""
    ready, loops = threading.Event(), []

    async def main() -> None:
        async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                said = await reader.readuntil(b"\r\n")
                assert said == b"\0AUTH EXTERNAL " + str(os.geteuid()).encode().hex().encode() + b"\r\n"
                await serve(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        stop = asyncio.Event()
        loops.append((asyncio.get_running_loop(), stop))
        server = await asyncio.start_unix_server(one, path)
        ready.set()
        await stop.wait()
        server.close()

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    assert ready.wait(5)
    try:
        yield address(path)
    finally:
        loop, stop = loops[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def reply(order: str, to: int, body: bytes, kind: int = 2, extra: bytes = b"") -> bytes:
    """A message of the bus: a reply to a call, or with kind 4 a signal."""
    fields = bytes([5, 1]) + b"u\0" + struct.pack(f"{order}I", to) + extra
    first = struct.pack(f"{order}cBBBIII", b"l" if order == "<" else b"B", kind, 0, 1, len(body), 9, len(fields))
    return first + fields + bytes(-len(fields) % 8) + body


async def took(reader: asyncio.StreamReader) -> None:
    first = await reader.readexactly(16)
    body, _, fields = struct.unpack("<III", first[4:])
    await reader.readexactly(fields + -fields % 8 + body)


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_number_comes_back_in_either_byte_order(tmp_path: Path, order: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"OK 1234\r\n")
        assert await reader.readuntil(b"\r\n") == b"BEGIN\r\n"
        await took(reader)
        writer.write(reply(order, 1, b""))
        # A signal with other fields comes between.
        signal = bytes([8, 1]) + b"g\0" + b"\x01s\0" + b"\0" + bytes([1, 1]) + b"o\0" + struct.pack(f"{order}I", 1)
        writer.write(reply(order, 0, b"abcd", 4, signal + b"/\0"))
        await took(reader)
        writer.write(reply(order, 2, struct.pack(f"{order}I", 4711)))
        await writer.drain()

    with standing_in(tmp_path / "bus", serve) as environ:
        assert show(environ) == 4711


def test_a_bus_that_lets_nobody_in(tmp_path: Path) -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"REJECTED EXTERNAL\r\n")
        await writer.drain()

    with standing_in(tmp_path / "bus", serve) as environ, pytest.raises(DesktopError, match="does not let us in"):
        show(environ)


def test_a_bus_that_is_silent_has_its_deadline(tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"OK 1\r\n")
        await reader.read(-1)

    with (
        standing_in(tmp_path / "bus", serve) as environ,
        pytest.raises(DesktopError, match="no answer within"),
    ):
        show(environ, deadline_s=0.2)


@pytest.mark.parametrize(
    ("said", "match"),
    [
        (b"", "hung up"),
        (b"x" * 16, "no D-Bus"),
        (struct.pack("<cBBBIII", b"l", 2, 0, 1, 1 << 30, 1, 0), "no D-Bus"),
        (reply("<", 1, b"", 2)[:-8] + b"\xff" * 8, "hung up|no D-Bus"),
        (reply("<", 1, b"") + reply("<", 2, b""), "no D-Bus"),
    ],
)
def test_a_bus_that_talks_nonsense(tmp_path: Path, said: bytes, match: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"OK 1\r\n")
        await reader.readuntil(b"BEGIN\r\n")
        await took(reader)
        writer.write(said)
        await writer.drain()

    with standing_in(tmp_path / "bus", serve) as environ, pytest.raises(DesktopError, match=match):
        show(environ)


def test_without_a_bus() -> None:
    with pytest.raises(DesktopError, match="no session bus"):
        show({})


def test_a_bus_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(DesktopError, match="No such file"):
        show(address(tmp_path / "bus"))


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("unix:path=/run/user/1/bus", "/run/user/1/bus"),
        ("unix:path=/a%20b/bus,guid=12", "/a b/bus"),
        ("unix:abstract=/tmp/x,guid=1", "\0/tmp/x"),
        ("tcp:host=10.0.0.1,port=1;unix:path=/b", "/b"),
        ("tcp:host=10.0.0.1,port=1", ""),
        ("", ""),
    ],
)
def test_where_the_bus_is(given: str, path: str) -> None:
    assert bus_path({"DBUS_SESSION_BUS_ADDRESS": given}) == path


def test_the_usual_place(tmp_path: Path) -> None:
    assert not bus_path({"XDG_RUNTIME_DIR": str(tmp_path)})
    (tmp_path / "bus").touch()
    assert bus_path({"XDG_RUNTIME_DIR": str(tmp_path)}) == f"{tmp_path}/bus"
