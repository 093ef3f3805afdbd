"""What passes through the proxy comes out as it went in, whatever it is and however it stops."""

from __future__ import annotations

import asyncio
import json
import random
import re
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.proxied import RESET, Proxied

AT_ONCE = 40
WAIT_S = 40.0
WHOLE = ("client closes", "server closes", "client half-closes")
BROKEN = ("client resets", "client leaves", "server resets", "server stops")


class Script:
    """What both ends of one connection do, and what they saw. Everything follows from the number."""

    def __init__(self, number: int) -> None:
        chance = random.Random(number)  # noqa: S311  the same script each time
        self.chance = chance
        self.kind = chance.choice(["sse", "sse", "json", "until close", "noise"])
        self.ending = chance.choice(WHOLE * 2 + BROKEN)
        if self.kind == "until close" and self.ending == "client closes":
            self.ending = "server closes"
        asked = json.dumps({"messages": "x" * _size(chance), "model": f"m{number % 3}"}).encode()
        self.sends = b"POST /%d/v1/chat/completions HTTP/1.1\r\nHost: a\r\n" % number
        self.sends += b"Content-Length: %d\r\n\r\n" % len(asked) + asked
        self.says = _answer(self.kind, chance)
        # How much the server says, and how much of it the client waits for.
        self.said = chance.randrange(len(self.says)) if self.ending.startswith("server ") else len(self.says)
        if self.ending == "server closes":
            self.said = len(self.says)
        self.wanted = chance.randrange(len(self.says)) if self.ending in ("client resets", "client leaves") else -1
        self.got = bytearray()
        self.heard = bytearray()
        self.got_end = self.heard_end = ""

    def pieces(self, data: bytes) -> Iterator[tuple[bytes, float]]:
        """The bytes as they are written, each with a pause after it (s)."""
        at, most = 0, self.chance.choice([1, 20, 500, 10_000, 300_000])
        most = max(most, len(data) // 60)
        while at < len(data):
            size = self.chance.randint(1, most)
            yield data[at : at + size], self.chance.choice([-1, -1, 0, 0.001, 0.004])
            at += size


def _size(chance: random.Random) -> int:
    return int(10 ** chance.uniform(0, 5.4))


def _answer(kind: str, chance: random.Random) -> bytes:
    if kind == "noise":
        return chance.randbytes(_size(chance) + 1)
    usage = {"prompt_tokens": 3, "completion_tokens": 5}
    if kind == "json":
        body = json.dumps({"choices": [{"message": {"content": "y" * _size(chance)}}], "usage": usage}).encode()
        return (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )
    texts = [
        {"choices": [{"delta": {"content": "y" * (_size(chance) // 100 + 1)}}]}
        for _ in range(chance.randint(1, 30))
    ]
    events = [b"data: %s\n\n" % json.dumps(one).encode() for one in [*texts, {"usage": usage}]]
    if kind == "until close":
        return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + b"".join(events)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in events)
    return head + chunks + chance.choice([b"0\r\n\r\n", b"0\r\nX-Sum: 5\r\n\r\n"])


async def _write(writer: asyncio.StreamWriter, script: Script, data: bytes) -> None:
    for piece, pause_s in script.pieces(data):
        writer.write(piece)
        await writer.drain()
        if pause_s >= 0:
            await asyncio.sleep(pause_s)


async def _read(reader: asyncio.StreamReader, into: bytearray, wanted: int = -1) -> str:
    try:
        while len(into) < wanted or wanted < 0:
            data = await reader.read(65536 if wanted < 0 else wanted - len(into))
            if not data:
                return "end"
            into += data
    except OSError:
        return "reset"
    return ""


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()


async def _gone(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def _server(scripts: dict[int, Script], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    start = await reader.readuntil(b"\r\n\r\n")
    script = scripts[int(start.split(b"/")[1])]
    script.heard += start
    listening = asyncio.create_task(_read(reader, script.heard))
    if script.ending == "client half-closes":
        await listening  # as a server does that answers when it has everything
    with suppress(OSError):
        await _write(writer, script, script.says[: script.said])
        if script.ending == "server resets":
            _reset(writer)
        elif script.ending != "client closes":
            writer.write_eof()
    script.heard_end = await listening
    await _gone(writer)


async def _client(script: Script, port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    sending = asyncio.create_task(_write(writer, script, script.sends))
    if script.ending == "client half-closes":
        await sending
        writer.write_eof()
    wanted = len(script.says) if script.ending == "client closes" else script.wanted
    script.got_end = await _read(reader, script.got, wanted)
    with suppress(OSError):
        if script.ending in ("client resets", "client leaves"):
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending
        else:
            await sending
    if script.ending == "client resets":
        _reset(writer)
    await _gone(writer)


async def run(proxy: Proxied, scripts: list[Script], port: int) -> None:
    """All scripts, some at a time."""
    by_number = dict(enumerate(scripts))
    ended = asyncio.Queue[None]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):  # the client left before its request was here
            await _server(by_number, reader, writer)
        await _gone(writer)
        ended.put_nowait(None)

    room = asyncio.Semaphore(AT_ONCE)

    async def one(script: Script) -> None:
        async with room:
            await asyncio.wait_for(_client(script, proxy.port), WAIT_S)

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with server:
        await asyncio.gather(*(one(script) for script in scripts))
        for _ in scripts:
            await asyncio.wait_for(ended.get(), WAIT_S)


def check(script: Script) -> None:
    """Both ends saw what they had to."""
    got, heard = bytes(script.got), bytes(script.heard)
    if script.ending in WHOLE:
        assert heard == script.sends
        assert got == script.says
        assert script.heard_end == "end"
        assert script.got_end == ("" if script.ending == "client closes" else "end")
    elif script.ending == "server stops":
        assert got == script.says[: script.said]
        assert script.got_end == "end", "an end in order stays one"
    elif script.ending == "server resets":
        assert script.says[: script.said].startswith(got)
        assert script.got_end == "reset", "a reset never looks like the end of an answer"
    else:
        assert got == script.says[: script.wanted]
        assert script.sends.startswith(heard)


@pytest.mark.timeout(180)  # 3 s alone
def test_a_thousand_streams_pass_unchanged() -> None:
    scripts = [Script(number) for number in range(1000)]
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port = int(held.getsockname()[1])
    with Proxied(f"http://127.0.0.1:{port}") as proxy:
        asyncio.run(run(proxy, scripts, port))
        told = proxy.stop()
    for number, script in enumerate(scripts):
        try:
            check(script)
        except AssertionError as error:
            raise AssertionError(f"{number}: {script.kind}, {script.ending}: {error}") from error
    counts = r"\d+(?= (?:requests finished|aborted|failed|output tokens))"
    finished, aborted, failed, tokens = (int(found) for found in re.findall(counts, told))
    read = [script for script in scripts if script.kind != "noise"]
    whole = sum(script.ending in WHOLE for script in read)
    left = sum(script.ending in ("client resets", "client leaves") for script in scripts)
    stops = sum(script.ending == "server stops" for script in read)
    resets = sum(script.ending == "server resets" for script in read)
    noise = len(scripts) - len(read)
    # Who leaves early may do so after the answer has passed; an answer up to the end may stop anywhere.
    assert whole <= finished <= whole + left + stops
    assert 0 < aborted <= left + noise
    assert resets <= failed <= len(scripts) - whole
    assert whole * 5 <= tokens <= (finished + failed) * 5
