"""A moment of the demo that holds still: a recording up to a second, and a link that answers from it."""

import os
import time
from pathlib import Path
from typing import Final

from wftui.clock import NS_PER_S, Instant
from wftui.demo.past import Past
from wftui.demo.script import Script
from wftui.model.health import OK, Health
from wftui.recorder.sealed import answer
from wftui.store.journal import NAME, open_reader
from wftui.store.read import Reader
from wftui.tui.app import WftopApp
from wftui.tui.state import GRAPHED, LIVE
from wftui.wire import messages as m

EPOCH_S: Final = 1_790_001_720
"""2026-09-21T14:42:00Z: second 0 of the script in every picture."""
_BOOTTIME_NS: Final = 4_000_000 * NS_PER_S
_SHOWN_S: Final = 640
"""Seconds before now that the graphs are filled with, as by a view that attaches."""
_PID: Final = 4_242
"""Of the recorder that the pictures show."""


class Moment:
    """The clock and the link of a view at one second of the script."""

    def __init__(self, folder: Path, second: int, watched: int = 0) -> None:
        """Write the recording up to the second into an empty folder; the view begins ``watched`` s before it."""
        self.now_ns = (EPOCH_S + second) * NS_PER_S
        self._script = Script(EPOCH_S)
        past = Past(folder, self._script, self.now(), _PID)
        past.write(second)
        past.close()
        self.now_ns -= watched * NS_PER_S
        self._folder = folder
        self._reader = Reader(open_reader(folder / NAME))
        self._view: WftopApp | None = None

    def now(self) -> Instant:
        """The moment."""
        return Instant(self.now_ns, _BOOTTIME_NS)

    def link(self, view: WftopApp) -> "Moment":
        """Serve a view."""
        self._view = view
        return self

    async def follow(self) -> None:
        """Give the view all that a recorder gives one that attaches."""
        view = self._view
        assert view is not None  # noqa: S101  the view asked for the link
        state = view.state
        state.attached(m.Hello(m.VERSION, "recorder", session=1, mode="view", hostname="demo", demo=True))
        state.now_linked(LIVE, _BOOTTIME_NS)
        now = self._at(self.now_ns - NS_PER_S)
        if now.layout is not None and now.tick is not None and now.before is not None:
            state.on(now.layout)
            state.on(now.before)
            state.on(now.tick)
        for table in now.tables:
            state.on(table)
        state.on(m.HealthArrived(self._health()))
        events = self._answer(m.Events(newest=True, limit=300))
        if isinstance(events, m.EventsReply):
            state.add_events(events.events)
        since_ns = self.now_ns - _SHOWN_S * NS_PER_S
        filled = self._answer(m.Range(sorted(GRAPHED), since_ns, self.now_ns, _SHOWN_S))
        if isinstance(filled, m.RangeReply):
            state.prefill(filled)
        view.settled()
        view.paint()

    def watch(self, seconds: int) -> None:
        """Time passes for the view, up to a second of the recording: with screen 9 open its streams flow.

        The picture is the terminal: it has taken each frame when the next one is made.
        """
        view = self._view
        assert view is not None  # noqa: S101  as above
        page = view.motion.streams
        for number in range(seconds):
            self.now_ns += NS_PER_S
            now = self._at(self.now_ns - NS_PER_S)
            for message in (now.layout, *now.tables, now.tick):
                if message is not None:
                    view.state.on(message)
            if page is None or now.tick is None:
                continue
            page.take(view.state, now.tick, float(number), self.now_ns)
            view.paint()
            page.field.sent(frame := number + 1)
            page.field.acknowledged(frame, float(number))

    async def ask(self, message: m.Message, timeout_s: float) -> m.Message:  # noqa: ARG002  as a link has it
        """Any question about the recording."""
        return self._answer(message)

    async def signal(self, pid: int, start_time: int, number: int) -> str:  # noqa: ARG002  as a link has it
        """Nothing is there that could be signalled."""
        return "this is the demo: its processes are not real, so nothing is done to them"

    def rate_changed(self) -> None:
        """It holds still at any rate."""

    def by_clock(self, *, wanted: bool) -> None:
        """There is no feed that a clock of frames could read."""

    def report_soon(self) -> None:
        """Nobody is told how true a picture is."""

    def graphs_changed(self) -> None:
        """Other series are on graphs: their past too."""
        view = self._view
        if view is not None:
            since_ns = self.now_ns - _SHOWN_S * NS_PER_S
            filled = self._answer(m.Range(sorted(view.state.wanted), since_ns, self.now_ns, _SHOWN_S))
            if isinstance(filled, m.RangeReply):
                view.state.prefill(filled)

    def _answer(self, message: m.Message) -> m.Message:
        if isinstance(message, m.Range | m.At | m.Events | m.Tables | m.Compare | m.Catalogue):
            found = answer(self._reader, None, message)
            if found is not None:
                return found
        if isinstance(message, m.Why):
            # As a recorder's history service does, and with what it loads.
            from wftui.history.service import Service

            service = Service(self._folder)
            try:
                return service.answer(message)
            finally:
                service.close()
        return m.Ok()

    def _at(self, time_ns: int) -> m.AtReply:
        found = self._answer(m.At(time_ns))
        assert isinstance(found, m.AtReply)  # noqa: S101  the answer to this question
        return found

    def _health(self) -> list[Health]:
        return [
            Health(name, OK, interval_s=min(part.interval_s for part in parts), coverage=1.0, last_ns=self.now_ns)
            for name, parts in self._script.sources().items()
        ]


def utc() -> None:
    """Show times as UTC: a picture is the same wherever it is made."""
    os.environ["TZ"] = "UTC"
    time.tzset()
