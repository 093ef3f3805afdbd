"""The door of pushes in one process: turns, memory that waits, and what a mistake of ours would cost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fakeclock import FakeClock
from tests.pushed import line as say
from wftui.clock import Instant
from wftui.energy.sink import Key
from wftui.recorder.accumulator import Accumulator
from wftui.recorder.push import door as doors
from wftui.recorder.push.counting import Counting
from wftui.recorder.push.door import Door
from wftui.recorder.push.intake import Intake
from wftui.recorder.push.quick import Quick

SOUND = say(source="t", samples=[{"name": "x", "value": 1}]) + b"\n"


class Program:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    def send(self, line: bytes) -> None:
        self.writer.write(line)

    async def reply(self) -> dict[str, Any]:
        async with asyncio.timeout(20):
            answer = await self._reader.readline()
        assert answer, "the door closed"
        found: dict[str, Any] = json.loads(answer)
        return found

    async def gone(self) -> bool:
        async with asyncio.timeout(20):
            return not await self._reader.read()


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[tuple[Door, Callable[[], Any]]]:
    accumulator = Accumulator()
    intake = Intake(accumulator.admit, lambda: accumulator.rejected, Quick(lambda *_: None))
    door = Door(path, intake, FakeClock())
    await door.open()
    programs: list[Program] = []

    async def connect() -> Program:
        programs.append(Program(*await asyncio.open_unix_connection(path)))
        return programs[-1]

    try:
        yield door, connect
    finally:
        for program in programs:
            program.writer.close()
        door.close()
        door.close()


async def test_a_mistake_of_ours_costs_one_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "PAUSE_NS", 1 << 62)  # every line waits for its turn
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(str(context.get("exception"))))
    async with opened(tmp_path / "push.sock") as (door, connect):
        intake = door.intake
        begin = intake.begin

        def broken(line: bytes, at: Instant, under_way: dict[Key, int] | None = None) -> Counting | bytes:
            if b"break" in line:
                raise ZeroDivisionError("on purpose")
            return begin(line, at, under_way)

        monkeypatch.setattr(intake, "begin", broken)
        one, other, third = await connect(), await connect(), await connect()
        one.send(SOUND.replace(b'"t"', b'"break"'))
        other.send(SOUND)
        assert (await other.reply())["accepted"] == 1
        assert await one.gone()
        third.send(SOUND)
        assert (await third.reply())["accepted"] == 1
        monkeypatch.setattr(doors, "PAUSE_NS", -1)  # at once
        third.send(SOUND.replace(b'"t"', b'"break"'))
        assert await third.gone()
        other.send(SOUND)
        assert (await other.reply())["accepted"] == 1
    assert told == ["on purpose"] * 2


async def test_lines_without_end_wait_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "ALL_WAITING", 100_000)
    async with opened(tmp_path / "push.sock") as (door, connect):
        small, large, last = await connect(), await connect(), await connect()
        small.send(b" " * 20_000)
        large.send(b" " * 60_000)
        async with asyncio.timeout(20):
            while door._held < 80_000:  # noqa: ASYNC110  the door has no event for what it holds
                await asyncio.sleep(0)
        last.send(b" " * 30_000)
        assert "too much waits" in (await large.reply())["rejected"][0]["reason"]
        assert await large.gone()
        for program in (small, last):
            program.send(SOUND)
            assert (await program.reply())["accepted"] == 1


async def test_a_long_line_and_many_short_ones_take_turns(tmp_path: Path) -> None:
    async with opened(tmp_path / "push.sock") as (_, connect):
        long, short = await connect(), await connect()
        samples = [{"name": "n", "value": 1, "kind": "counter"}] * 15_000
        long.send(say(source="long", samples=samples) + b"\n")
        replies = [asyncio.ensure_future(long.reply())]
        for _ in range(50):
            short.send(SOUND)
            assert (await short.reply())["accepted"] == 1
        assert (await replies[0])["accepted"] == 15_000
