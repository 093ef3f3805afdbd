"""Replies framed by ourselves are framed as h11 does it; any bytes at all are an answer or our error."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.fakeclock import FakeClock
from wftui.collectors.servers.framing import CHUNKED, OddError, plain_head, unchunked
from wftui.collectors.servers.web import Answer, Web
from wftui.endpoint import Endpoint
from wftui.errors import SourceError

OK = b"HTTP/1.1 200 OK\r\n"


def by_h11(data: bytes) -> tuple[int, dict[str, str], bytes] | None:
    """What h11 makes of a reply that stands in these bytes; None: it refuses them, or wants more."""
    state = h11.Connection(h11.CLIENT)
    state.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    state.send(h11.EndOfMessage())
    state.receive_data(data)
    head, body = None, b""
    try:
        while True:
            event = state.next_event()
            if isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                assert head is not None
                headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
                return head.status_code, headers, body
            elif event in (h11.NEED_DATA, h11.PAUSED) or isinstance(event, h11.ConnectionClosed):
                return None
    except h11.RemoteProtocolError:
        return None


names = st.sampled_from(["Server", "X-A", "content-type", "Content-Length", "CONTENT-LENGTH", "Date", "X A", ""])
values = st.sampled_from(["0", "3", "5", " 4 ", "close", "keep-alive", "text/plain; a=b", "", "٣", "-1"])


@given(
    st.sampled_from(["HTTP/1.1 200 OK", "HTTP/1.1 404", "HTTP/1.1 503 Service Unavailable", "HTTP/1.1 2000 x"]),
    st.lists(st.tuples(names, values), max_size=4),
    st.sampled_from([b"", b"abc", b"abcd", b"abcde", b"abcdefgh"]),
)
@example("HTTP/1.1 200 OK", [("Content-Length", "3")], b"abc")
@example("HTTP/1.1 200 OK", [("Content-Length", "3"), ("content-length", "5")], b"abcde")
@example("HTTP/1.1 200 OK", [("Content-Length", "3"), ("X A", "5")], b"abc")
def test_as_h11_does_it(first: str, headers: list[tuple[str, str]], body: bytes) -> None:
    text = "\r\n".join([first, *(f"{name}: {value}" for name, value in headers)]) + "\r\n\r\n"
    data = text.encode() + body
    ours, theirs = plain_head(data), by_h11(data)
    if ours is None or theirs is None:
        return  # what is not plain is theirs to say
    assert (ours.status, ours.headers, data[ours.start : ours.start + ours.length]) == theirs


IN_CHUNKS = OK + b"Transfer-Encoding: chunked\r\n\r\n"
size = st.integers(1, 40).map(lambda count: b"%x\r\n%s\r\n" % (count, b"a" * count))


@given(
    st.lists(
        st.one_of(size, size, st.sampled_from([b"3;x=1\r\nabc\r\n", b"2\r\nabc\r\n", b"\r\n", b"0x1\r\na\r\n"]))
    ),
    st.sampled_from([b"0\r\n\r\n", b"0\r\nA: b\r\n\r\n", b"00\r\n\r\n", b"0\r\n\r\nmore", b""]),
    st.integers(0, 300),
)
@example([b"3\r\nabc\r\n"], b"0\r\n\r\n", 300)
@example([b"3\r\nabc\r\n"], b"0\r\nA: b\r\n\r\n", 300)
def test_chunks_as_h11_does_it(chunks: list[bytes], last: bytes, cut: int) -> None:
    """A whole reply, and each beginning of one."""
    data = IN_CHUNKS + b"".join(chunks) + last
    begun = data[: len(IN_CHUNKS) + cut]
    head = plain_head(begun)
    assert head is not None
    assert (head.length, head.start) == (CHUNKED, len(IN_CHUNKS))
    theirs = by_h11(begun)
    try:
        ours = unchunked(begun, head.start)
    except OddError:
        assert theirs is None or begun != data or not all(plain(chunk) for chunk in chunks) or last != b"0\r\n\r\n"
        return
    if ours is None:
        assert theirs is None, "more is waited for, and nothing more comes"
    else:
        assert theirs is not None
        assert ours == theirs[2]


def plain(chunk: bytes) -> bool:
    """Whether it is one of ``size``."""
    return chunk.rstrip(b"\r\n").endswith(b"a") and b";" not in chunk and not chunk.startswith(b"0")


def test_the_plain_case_is_plain() -> None:
    head = plain_head(OK + b"Server: x\r\nContent-Length: 3\r\n\r\nabc")
    assert head is not None
    assert head._asdict() == {
        "status": 200, "headers": {"server": "x", "content-length": "3"}, "start": len(OK) + 32, "length": 3,
    }  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        OK + b"\r\nabc",
        OK + b"Content-Length: 3\r\nConnection: close\r\n\r\nabc",
        OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        OK + b"Content-Length: +3\r\n\r\nabc",
        OK + b"Content-Length: 3, 3\r\n\r\nabc",
        OK + b"Content-Length : 3\r\n\r\nabc",
        OK + b"X: a\r\n b\r\nContent-Length: 3\r\n\r\nabc",
        OK + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 2\xb20 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/2 200\r\nContent-Length: 0\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    ],
)
def test_what_is_not_plain(data: bytes) -> None:
    assert plain_head(data) is None


async def exchange(*replies: bytes) -> list[Answer | SourceError]:
    """One client asks as often as there are replies, which are written as they stand; then the connection ends."""
    left = list(replies)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(left.pop(0) if left else b"")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    web = Web(Endpoint(host="127.0.0.1", port=server.sockets[0].getsockname()[1]), FakeClock())
    found: list[Answer | SourceError] = []
    for _ in replies:
        try:
            found.append(await web.get("/x", timeout_s=20))
        except SourceError as error:
            found.append(error)
    web.close()
    server.close()
    return found


@pytest.mark.parametrize(
    "chunks",
    [
        b"3\r\nabc\r\n0\r\n\r\n",
        b"3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n",
        b"3;ext=1\r\nabc\r\n0\r\n\r\n",
        b"".join([b"1\r\n%c\r\n" % letter for letter in b"abc"]) + b"0\r\n\r\n",
    ],
)
async def test_chunks_that_come_byte_by_byte_on_a_connection_that_stays(chunks: bytes) -> None:
    asked = 0
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                asked += 1
                for place in range(len(IN_CHUNKS + chunks)):
                    writer.write((IN_CHUNKS + chunks)[place : place + 1])
                    await writer.drain()
                    await asyncio.sleep(0)
        writer.close()
        gone.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    web = Web(Endpoint(host="127.0.0.1", port=server.sockets[0].getsockname()[1]), FakeClock())
    for number in (1, 2, 3):
        assert (await web.get("/x", timeout_s=20)).body == b"abc"
        assert asked == number
    web.close()
    await asyncio.wait_for(gone.wait(), 30)
    server.close()


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        (OK + b"Content-Length: 3\r\n\r\nabc", b"abc"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n", b"abc"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 3\r\n\r\nabc", b"abc"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 3\r\n\r\nabc", b"abc"),
        (OK + b"\r\nuntil the end", b"until the end"),
        (b"HTTP/1.0 200 OK\r\n\r\nabc", b"abc"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (OK + b"X: a\r\n b\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
        (OK + b"Set-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
        (OK + b"Content-Length: 3\r\n\r\nabcdef", None),
        (OK + b"Content-Length: 9\r\n\r\nabc", None),
        (OK + b"Content-Length: -3\r\n\r\nabc", None),
        (OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", None),
        (OK + b"Transfer-Encoding: gzip\r\n\r\nabc", None),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", None),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", None),
        (b"HTTP/1.1 \r\n\r\n", None),
        (OK + b"X: " + b"a" * 1_000_000 + b"\r\n\r\n", None),
        (b"SSH-2.0-OpenSSH_9.2\r\n", None),
        (b"\x16\x03\x01\x02\x00", None),
        (b"", None),
    ],
    ids=lambda item: repr(item)[:60],
)
async def test_replies(reply: bytes, body: bytes | None) -> None:
    """And the next question is answered, whatever came before."""
    found = await exchange(reply, reply, OK + b"Content-Length: 2\r\n\r\nok")
    for item in found[:2]:
        if body is None:
            assert isinstance(item, SourceError)
        else:
            assert isinstance(item, Answer)
            assert item.body == body
    last = found[2]
    assert isinstance(last, Answer)
    assert last.body == b"ok"


@given(st.one_of(st.binary(max_size=60), st.binary(max_size=60).map(lambda more: OK + more)))
def test_any_bytes(reply: bytes) -> None:
    (found,) = asyncio.run(exchange(reply))
    assert isinstance(found, Answer | SourceError)
