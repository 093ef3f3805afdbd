"""A feed over a real socket: whether the loop reads it or a clock, the same comes in the same order."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from wftui.client.feed import Feed
from wftui.errors import ProtocolError
from wftui.model.tick import pack
from wftui.wire import codec, stream
from wftui.wire import messages as m

HELLO = m.Hello(m.VERSION, "view")


def samples(number: int) -> m.Samples:
    return m.Samples(1, [number], [0], b"\0" * 8)


def large(size: int) -> m.TickArrived:
    from array import array

    return m.TickArrived(1, 1, 1, 1, 0, pack(array("d", [1.0]) * (size // 8)))


class Teller:
    """A recorder that says what it is told to."""

    def __init__(self) -> None:
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    def say(self, *messages: m.Message, request: int = 0) -> None:
        self.writer.write(b"".join(codec.encode(message, request) for message in messages))

    async def heard(self) -> tuple[m.Message, int]:
        item = await stream.read(self.reader)
        assert item is not None
        return item


async def test_a_socket_that_is_connected_is_taken_over() -> None:
    ours, theirs = socket.socketpair()
    teller = Teller()
    teller.reader, teller.writer = await asyncio.open_unix_connection(sock=theirs)
    teller.say(m.Hello(m.VERSION, "replay"))
    feed = await Feed.open(ours, HELLO)
    assert feed.recorder.role == "replay"
    assert (await teller.heard())[0] == HELLO
    teller.say(m.Ok())
    assert await anext(feed.messages()) == m.Ok()
    await feed.close()
    assert await stream.read(teller.reader) is None
    teller.writer.close()
    with pytest.raises(OSError, match=r".+"):
        await Feed.open(ours, HELLO)


@asynccontextmanager
async def told(folder: Path) -> AsyncIterator[tuple[Feed, Teller]]:
    teller = Teller()
    path = str(folder / "s")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        teller.reader, teller.writer = reader, writer
        await teller.heard()
        teller.say(m.Hello(m.VERSION, "recorder", session=7))

    server = await asyncio.start_unix_server(answer, path)
    async with server, asyncio.timeout(20):
        feed = await Feed.open(path, HELLO)
        try:
            yield feed, teller
        finally:
            await feed.close()
            teller.writer.close()


async def until(feed: Feed, got: list[m.Message], count: int) -> None:
    """Poll as a clock does."""
    while len(got) < count:
        got.extend(feed.poll())
        await asyncio.sleep(0.001)


def run(test: object) -> None:
    asyncio.run(test)  # type: ignore[arg-type]


def test_messages_come_in_order_whatever_their_size(tmp_path: Path) -> None:
    async def go() -> None:
        async with told(tmp_path) as (feed, teller):
            assert feed.recorder.session == 7
            sent = [samples(1), large(3_000_000), samples(2), large(80)]
            teller.say(*sent)
            teller.writer.close()
            assert [message async for message in feed.messages()] == sent

    run(go())


def test_a_clock_gets_the_samples_and_who_iterates_the_rest(tmp_path: Path) -> None:
    async def go() -> None:
        async with told(tmp_path) as (feed, teller):
            rest: list[m.Message] = []

            async def iterate() -> None:
                async for message in feed.messages():
                    rest.append(message)  # noqa: PERF401  others look at it meanwhile

            reading = asyncio.create_task(iterate())
            await asyncio.sleep(0)
            feed.pause()
            teller.say(samples(1), samples(2))
            mine: list[m.Message] = []
            await until(feed, mine, 2)
            assert mine == [samples(1), samples(2)]
            assert not rest
            # Behind a message for the others samples wait as well: the order stays.
            teller.say(samples(3), large(80), samples(4), samples(5))
            while len(mine) + len(rest) < 6:
                mine.extend(feed.poll())
                await asyncio.sleep(0.001)
            assert [*mine[2:], *rest] == [samples(3), large(80), samples(4), samples(5)]
            feed.resume()
            teller.say(samples(6))
            while rest[-1:] != [samples(6)]:  # noqa: ASYNC110  no event tells
                await asyncio.sleep(0.001)
            teller.writer.close()
            await reading

    run(go())


def test_while_it_is_paused_nothing_is_read_but_by_the_clock(tmp_path: Path) -> None:
    async def go() -> None:
        async with told(tmp_path) as (feed, teller):
            rest: list[m.Message] = []

            async def iterate() -> None:
                async for message in feed.messages():
                    rest.append(message)  # noqa: PERF401  others look at it meanwhile

            reading = asyncio.create_task(iterate())
            feed.pause()
            teller.say(large(80))
            await teller.writer.drain()
            for _ in range(20):
                await asyncio.sleep(0)
            assert not rest
            question = asyncio.create_task(feed.ask(m.Status()))
            _, request = await teller.heard()
            teller.say(m.Ok(), request=request)
            while not question.done():
                assert list(feed.poll()) == []
                await asyncio.sleep(0.001)
            assert await question == m.Ok()
            assert rest == [large(80)]
            teller.writer.close()
            while not reading.done():
                assert list(feed.poll()) == []
                await asyncio.sleep(0.001)

    run(go())


@pytest.mark.parametrize("polled", [False, True], ids=["iterated", "polled"])
def test_what_is_no_protocol_ends_it_with_one_line_after_what_was_good(polled: bool, tmp_path: Path) -> None:
    async def go() -> None:
        async with told(tmp_path) as (feed, teller):
            if polled:
                feed.pause()
            teller.say(samples(1), large(80))
            teller.writer.write(b"\0\0\0\3abc")
            got: list[m.Message] = []

            async def iterate() -> None:
                async for message in feed.messages():
                    got.append(message)  # noqa: PERF401  what came before the error counts

            reading = asyncio.create_task(iterate())
            while not reading.done():
                got.extend(feed.poll() if polled else ())
                await asyncio.sleep(0.001)
            with pytest.raises(ProtocolError, match="expected a frame"):
                await reading
            assert got == [samples(1), large(80)]

    run(go())


def test_an_end_inside_a_frame_is_said(tmp_path: Path) -> None:
    async def go() -> None:
        async with told(tmp_path) as (feed, teller):
            teller.writer.write(codec.encode(samples(1))[:-3])
            teller.writer.close()
            with pytest.raises(ProtocolError, match="inside a frame"):
                _ = [message async for message in feed.messages()]
            with pytest.raises(OSError, match="closed"):
                await feed.send(m.Status())

    run(go())


def test_who_stands_still_takes_no_more_than_its_share(tmp_path: Path) -> None:
    async def go() -> None:
        async with told(tmp_path) as (feed, teller):
            for _ in range(40):
                teller.say(large(500_000))
            for _ in range(300):  # of the loop's turns, of which each could read 256 KiB
                await asyncio.sleep(0)
            waiting = teller.writer.transport.get_write_buffer_size()
            assert waiting > 10_000_000, "what nobody takes stays with the recorder, which drops it"
            teller.writer.close()
            assert len([message async for message in feed.messages()]) == 40

    run(go())
