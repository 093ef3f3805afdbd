"""Questions about sealed hours through a running recorder, and the life of the service that answers them."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import Running, recorder, until
from tests.past import COLUMNS, SECONDS, close_hours, fill, values
from tests.recording import BYTES, CPU, PEAK, START_S, S
from wftui.model.tick import unpack
from wftui.paths import places, private_dir
from wftui.wire import codec
from wftui.wire import messages as m

IDLE = {"WFTOP_HISTORY_IDLE_S": "1.5"}


@pytest.fixture
def running() -> Iterator[Running]:
    data = places().data_dir
    private_dir(data)
    fill(data)
    close_hours(data)
    with recorder(env=IDLE) as found:
        yield found


def services(pid: int) -> list[int]:
    """Children of the recorder that are its history service."""
    found = []
    for item in Path(f"/proc/{pid}/task").iterdir():
        for child in (item / "children").read_text().split():
            try:
                line = Path(f"/proc/{child}/cmdline").read_bytes()
            except OSError:
                continue
            if b"wftui.history" in line:
                found.append(int(child))
    return found


def ask_range(since: int, seconds: int, points: int, *selectors: str) -> m.Range:
    start = (START_S + since) * S
    return m.Range(list(selectors), start, start + seconds * S, points)


def test_old_ranges_moments_events_tables_and_comparisons(running: Running) -> None:
    assert services(running.pid) == [], "nobody asked"
    with running.ask() as connection:
        reply = connection.ask(ask_range(100, 60, 60, CPU.series.text, BYTES.series.text), m.RangeReply)
        assert (reply.points, reply.level_s, set(reply.counts)) == (60, 1, {1})
        means = {item.column.series.text: list(unpack(item.mean)) for item in reply.series}
        assert means[CPU.series.text] == [values(100 + n)[0] for n in range(60)]
        assert means[BYTES.series.text] == [1000.0] * 60, "a counter is a rate, in the first second too"
        wide = connection.ask(ask_range(0, SECONDS, 10, "system.cpu.utilization"), m.RangeReply)
        assert sum(wide.counts) == SECONDS, "segments and journal together"
        (column,) = [item for item in wide.series if item.column == CPU]
        assert list(unpack(column.maximum)) == [0.98] * 10

        at = connection.ask(m.At((START_S + 400) * S), m.AtReply)
        assert at.tick is not None
        assert at.layout is not None
        assert {item.series.text for item in at.layout.columns} == {item.series.text for item in COLUMNS}
        shown = dict(zip([item.series.text for item in at.layout.columns], unpack(at.tick.values), strict=True))
        assert shown[CPU.series.text] == values(400)[0]
        assert at.before is not None
        assert at.before.seq == at.tick.seq - 1
        (table,) = at.tables
        assert set(table.change.rows) == {"8:5"}, "as it was at 390, the last change before"
        beside = connection.ask(m.At((START_S - 1_000) * S), m.AtReply)
        assert (beside.tick, beside.next_s) == (None, START_S)

        changes = connection.ask(m.Tables("processes", (START_S + 400) * S, (START_S + 460) * S), m.TablesReply)
        assert changes.changes[0].keyframe
        assert "7:5" in {key for change in changes.changes for key in change.rows}
        events = connection.ask(m.Events(until_ns=(START_S + 500) * S), m.EventsReply)
        assert [item.seq for item in events.events] == [1, 2, 3, 4, 5]
        differences = connection.ask(
            m.Compare(
                [CPU.series.text],
                START_S * S,
                (START_S + 600) * S,
                (START_S + 1000) * S,
                (START_S + 1600) * S,
            ),
            m.CompareReply,
        ).series
        assert [item.column for item in differences] == [CPU, PEAK], "a selector names statistics, too"
        first, second = differences[0].a, differences[0].b
        assert first is not None
        assert second is not None
        assert first.count == second.count == 600
        assert first.mean == pytest.approx(second.mean)
        found = connection.ask(m.Why((START_S + 1000) * S), m.WhyReply).answer
        assert (found.window_known_s, found.before_known_s) == (60, 600)
        assert found.judged >= 1
        catalogue = connection.ask(m.Catalogue(), m.CatalogueReply)
        assert {item.series.text for item in COLUMNS} <= {item.series.text for item in catalogue.columns}
        assert catalogue.first_ns == START_S * S
        assert len(services(running.pid)) == 1, "one for all of them"


def test_it_goes_when_nobody_asks_and_says_what_it_costs(running: Running) -> None:
    with running.ask() as connection:
        connection.ask(ask_range(100, 60, 60, CPU.series.text), m.RangeReply)
        (child,) = services(running.pid)
        connection.ask(ask_range(int(time.time()) - START_S - 5, 5, 5, "*"), m.RangeReply)
        until(lambda: not Path(f"/proc/{child}").exists(), 10, "its end")
        assert services(running.pid) == []
        connection.ask(ask_range(100, 60, 60, CPU.series.text), m.RangeReply)
        assert services(running.pid) not in ([], [child]), "and comes back"

        def cost() -> float | None:
            connection.ask(ask_range(100, 60, 60, CPU.series.text), m.RangeReply)  # while it is asked it stays
            now = int(time.time()) - START_S
            reply = connection.ask(ask_range(now - 10, 10, 1, "wftop.history.*"), m.RangeReply)
            found = {item.column.series.name: max(unpack(item.maximum)) for item in reply.series}
            memory = found.get("wftop.history.memory.usage", math.nan)
            # A look at the moment in which it is started finds an interpreter with nothing in it.
            return memory if "wftop.history.cpu.time" in found and memory > 10e6 else None

        assert until(cost, 10, "its cost as series") < 200e6


def test_killed_over_a_question_it_is_started_again(running: Running) -> None:
    with running.ask() as connection:
        connection.ask(ask_range(100, 60, 60, CPU.series.text), m.RangeReply)
        stop = threading.Event()

        def kill() -> None:
            while not stop.wait(0.15):
                for child in services(running.pid)[:1]:
                    os.kill(child, signal.SIGKILL)
                    return

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            for _ in range(40):
                reply = connection.ask(ask_range(0, SECONDS, 400, "*"), m.RangeReply)
                assert sum(reply.counts) == SECONDS
                if not killer.is_alive():
                    break
        finally:
            stop.set()
            killer.join()
        reply = connection.ask(ask_range(0, SECONDS, 400, "*"), m.RangeReply)
        assert sum(reply.counts) == SECONDS
    running.ticks(running.status().ticks + 2)  # the recorder did not even notice


def test_a_stopped_one_is_a_deadline_and_the_live_hour_goes_on(running: Running) -> None:
    with running.ask() as connection:
        connection.ask(ask_range(100, 60, 60, CPU.series.text), m.RangeReply)
        (child,) = services(running.pid)
        os.kill(child, signal.SIGSTOP)
        replies: list[str] = []

        def ask() -> None:
            with running.ask() as other:
                other._socket.settimeout(20)
                try:
                    other.ask(ask_range(100, 60, 60, CPU.series.text), m.RangeReply)
                except Exception as error:  # noqa: BLE001  its text is what the test looks at
                    replies.append(str(error))

        hanging = threading.Thread(target=ask)
        hanging.start()
        # On the same connection, too: what needs no service is answered beside the question that hangs.
        connection._socket.sendall(codec.encode(ask_range(100, 60, 60, CPU.series.text), 1 << 20))
        started = time.monotonic()
        connection.ask(m.Status(), m.StatusReply)
        now = int(time.time()) - START_S
        connection.ask(ask_range(now - 5, 5, 5, "*"), m.RangeReply)
        assert time.monotonic() - started < 4.0
        hanging.join(20)
        assert replies
        assert "8 s" in replies[0]
        until(lambda: not Path(f"/proc/{child}").exists(), 10, "the end of the one that hung")
        connection.ask(ask_range(100, 60, 60, CPU.series.text), m.RangeReply)


def test_it_ends_with_the_recorder(running: Running) -> None:
    with running.ask() as connection:
        connection.ask(ask_range(100, 60, 60, CPU.series.text), m.RangeReply)
        (child,) = services(running.pid)
    assert running.stop() == 0
    assert not Path(f"/proc/{child}").exists()
