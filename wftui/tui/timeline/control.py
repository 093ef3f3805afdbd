"""The timeline on the running application: its keys, its questions, and the way from it into the past."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.text import clean
from wftui.tui.timeline.asker import Asker
from wftui.tui.timeline.choice import selectors
from wftui.tui.timeline.model import Timeline
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    from wftui.tui.app import WftopApp

_NEAREST: Final = 2
"""``Past.go``: in a gap go to the next tick, or else to the one before."""


class Control:
    """Made when screen 5 is first shown; then it stays, with all that was chosen."""

    def __init__(self, app: WftopApp) -> None:
        self._app = app
        self.timeline = Timeline(lambda: app.clock.now().time_ns)
        self._asker = Asker(
            self.timeline,
            app.state,
            app.past.ask,
            lambda work: app.run_worker(work, name="timeline"),
            app.paint,
            app.ui.say,
        )

    @property
    def typing(self) -> bool:
        """Whether keys are letters of a filter now."""
        return self.timeline.picker is not None

    def opened(self) -> None:
        """The screen is shown: at the moment that is looked at, when it lies in the past."""
        past = self._app.past
        if not past.live:
            self.go(past.cursor_ns)

    def act(self, what: str) -> None:
        """One action of the screen."""
        timeline = self.timeline
        now_ns = timeline.now_ns
        left = timeline.do(what, now_ns)
        if left == "open":
            self._enter()
        elif left == "compare":
            self._asker.compare()
        elif left in ("next_event", "previous_event"):
            self._asker.travel(1 if left == "next_event" else -1, now_ns)
        if what == "pick":
            self._asker.renew()
        if timeline.notice:
            self._app.ui.say(timeline.notice)

    def type(self, key: str, character: str | None) -> None:
        """A key while the list of series is open."""
        self.timeline.pick("escape" if key == "ctrl+c" else key, character)

    def paste(self, text: str) -> None:
        """Text into the filter of the open list."""
        if self.timeline.picker is not None:
            for char in clean(text.splitlines()[0] if text else "", 80):
                self.timeline.picker.type(char)

    def back(self) -> bool:
        """Escape; False when nothing was open on the screen."""
        return self.timeline.back()

    @property
    def cursor_ns(self) -> int:
        """Where the cursor's column begins; now at the live end."""
        timeline = self.timeline
        if timeline.window.cursor_ns is None:
            return timeline.now_ns
        grid = timeline.grid(timeline.now_ns)
        return max(grid.begin(timeline.window.cursor(grid)), timeline.window.first_ns or 0)

    def go(self, time_ns: int) -> None:
        """Cursor to a moment."""
        self.timeline.window.go(time_ns, self.timeline.now_ns, self.timeline.plot)

    def view(self) -> tuple[int, int, list[str]]:
        """What is in view: the seconds [begin, end) and patterns of its series."""
        grid = self.timeline.grid(self.timeline.now_ns)
        return grid.start_ns // NS_PER_S, -(-grid.end_ns // NS_PER_S), selectors(self.timeline.chosen)

    def refresh(self) -> None:
        """With every frame of the screen."""
        self._asker.refresh(self.timeline.now_ns)

    def _enter(self) -> None:
        """To the overview as it was at the cursor: at the event there, or where the column begins."""
        app, timeline = self._app, self.timeline
        if timeline.window.cursor_ns is None:
            app.past.to_live()
        else:
            begin = self.cursor_ns
            end = begin + timeline.grid(timeline.now_ns).column_ns
            event = next((item for item in timeline.events if begin <= item.time_ns < end), None)
            if event is not None:
                app.past.visit(event)
            else:
                app.past.go(begin, _NEAREST)
        app.ui.show("overview")
