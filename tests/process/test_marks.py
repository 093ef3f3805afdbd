"""Marks over a real socket: every view hears them at once, and what was around them is in the journal."""

from __future__ import annotations

import time

import pytest

from tests.harness import View, events, recorder, until
from wftui.clock import NS_PER_S
from wftui.errors import ProtocolError
from wftui.store import read
from wftui.store.journal import NAME, open_reader
from wftui.wire import messages as m


def test_a_mark_reaches_every_view_and_its_burst_the_journal() -> None:
    with recorder() as running:
        running.ticks(3)
        with View(running.where) as one, View(running.where) as other, running.ask() as asker:
            now = time.time_ns()
            asked = time.monotonic()
            asker.ask(m.Mark(now - NS_PER_S, "before the \x1b[31mflag"), m.Ok)
            for view in (one, other):
                heard = next(
                    item.event
                    for item in view.messages()
                    if isinstance(item, m.EventArrived) and item.event.type == "mark.set"
                )
                assert heard.payload == {"name": "before the \\x1b[31mflag", "at_ns": now - NS_PER_S}
            assert time.monotonic() - asked < 2
            with pytest.raises(ProtocolError, match="expected a time"):
                asker.ask(m.Mark(-5, ""), m.Ok)
            asker.ask(m.Mark(now - 2 * 3600 * NS_PER_S, ""), m.Ok)
            until(lambda: len(asker.ask(m.Events(types=["burst.stored"]), m.EventsReply).events) == 1, 5)
        running.ticks(6)
        # The minute after the first mark is not over: the end stores what there is.
        assert running.stop() == 0
        assert running.errors() == ""
        where = running.where
    old, stored = events(where, "burst.stored")
    assert "older than" in str(old["reason"])
    assert isinstance(stored["series"], int)
    assert stored["series"] > 50
    with read.open_reader(where.data_dir) as reader:
        mark = reader.events(types=["mark.set"])[0][0]
    database = open_reader(where.data_dir / NAME)
    try:
        count, size = next(database.rows('SELECT count(*), sum(length("values")) / 8 FROM burst'))
        sources = {row[0] for row in database.rows("SELECT DISTINCT event FROM burst")}
        fast = next(
            database.rows(
                'SELECT max(length("values")) / 8 FROM burst JOIN series_column s ON s.id = series_column'
                " WHERE s.series = 'system.cpu.utilization'"
            )
        )[0]
    finally:
        database.close()
    assert sources == {mark.event_id}
    assert (count, size) == (stored["series"], stored["samples"])
    assert fast >= 40, "ten readings a second, not one"
