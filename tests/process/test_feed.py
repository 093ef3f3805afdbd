"""The feed of a real recorder through the client that the view uses, and starting one for a view."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from tests.harness import events, recorder, until
from wftui.client import lock
from wftui.client.feed import Feed
from wftui.client.queries import wait_gone
from wftui.client.spawn import answers, ensure_recorder
from wftui.errors import ProtocolError
from wftui.model.tick import unpack
from wftui.paths import places
from wftui.wire import messages as m

HELLO = m.Hello(m.VERSION, "view", terminal="80x24 test")


async def collect(feed: Feed, into: list[m.Message]) -> None:
    async for message in feed.messages():
        into.append(message)  # noqa: PERF401  others look at it meanwhile


async def _follow() -> list[m.Message]:
    """Two seconds of some series at full rate, and questions over the same connection meanwhile."""
    feed = await Feed.open(str(places().socket), HELLO)
    got: list[m.Message] = []
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(collect(feed, got))
        wanted = m.Subscribe(["system.cpu.utilization", "system.memory.*"], 10.0, ["processes"])
        assert await feed.ask(wanted) == m.Ok()
        status = await feed.ask(m.Status())
        assert isinstance(status, m.StatusReply)
        assert status.views == 1
        with pytest.raises(ProtocolError, match="rate"):
            await feed.ask(m.Subscribe(["*"], 0.0))
        while sum(isinstance(item, m.TickArrived) for item in got) < 4:  # noqa: ASYNC110  no event tells
            await asyncio.sleep(0.02)
        await feed.close()
        await reading
    with pytest.raises(ProtocolError):
        await feed.ask(m.Status(), timeout_s=0.2)
    await feed.close()
    return got


def test_layout_first_then_values_then_changes() -> None:
    with recorder() as running:
        running.ticks(3)
        got = asyncio.run(_follow())
        assert running.stop() == 0
        assert running.errors() == ""
    kinds = [type(item) for item in got]
    assert kinds.index(m.LayoutChanged) < kinds.index(m.TickArrived)
    layout: m.LayoutChanged | None = None
    ticks = []
    for item in got:
        if isinstance(item, m.LayoutChanged):
            layout = item
            names = {column.series.name for column in item.columns}
            assert names
            assert all(name == "system.cpu.utilization" or name.startswith("system.memory.") for name in names)
        if isinstance(item, m.TickArrived):
            assert layout is not None
            assert item.layout == layout.id
            assert len(unpack(item.values)) == len(layout.columns)
            ticks.append(item.seq)
        if isinstance(item, m.Samples):
            assert layout is not None
            assert len(item.time_ns) == len(item.places) == len(unpack(item.values))
            assert max(item.places) < len(layout.columns)
    assert ticks == list(range(ticks[0], ticks[0] + len(ticks)))
    samples = [item for item in got if isinstance(item, m.Samples)]
    assert len(samples) >= 15, "ten times a second"
    tables = [item for item in got if isinstance(item, m.TableArrived)]
    assert tables[0].change.keyframe
    assert tables[0].schema is not None
    assert str(os.getpid()) in {str(row[0]) for row in tables[0].change.rows.values()}
    assert not any(item.change.keyframe for item in tables[1:])
    assert any(isinstance(item, m.HealthArrived) for item in got)
    assert events(places(), "view.attached") == [{"terminal": "80x24 test"}]


def test_windows_catalogue_and_a_report() -> None:
    with recorder() as running:
        running.ticks(3)
        with running.ask() as connection:
            stats = connection.ask(m.Windows(["system.cpu.utilization"]), m.WindowsReply).stats
            assert {item.span_s for item in stats} == {1.0, 10.0, 300.0}
            assert all(item.minimum <= item.mean <= item.maximum for item in stats)
            catalogue = connection.ask(m.Catalogue(), m.CatalogueReply)
            assert len(catalogue.columns) > 50
            told = {"processes", "alerts", "silences", "rules", "quality", "health"}
            assert "processes" in (names := {table.name for table in catalogue.tables})
            assert names <= told
        assert running.stop() == 0


def test_a_view_starts_one_and_a_second_view_does_not() -> None:
    where = places()
    began = time.monotonic()
    assert ensure_recorder(where)
    until(lambda: answers(str(where.socket)), 10, "the recorder")
    assert time.monotonic() - began < 5
    assert not ensure_recorder(where)
    holder = lock.holder(where)
    assert holder is not None
    assert holder.mode == lock.VIEW
    assert os.getsid(holder.pid) == holder.pid, "a dropped SSH connection takes only the view"
    assert str(Path(f"/proc/{holder.pid}/cwd").readlink()) == "/"
    os.kill(holder.pid, signal.SIGTERM)
    assert wait_gone(holder.pid, 5)
    until(lambda: not answers(str(where.socket)))
    assert ensure_recorder(where), "the zombie of the first is buried on the way"
    again = until(lambda: lock.holder(where), 10)
    os.kill(again.pid, signal.SIGTERM)
    assert wait_gone(again.pid, 5)
