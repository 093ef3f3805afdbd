"""What clicks and the wheel do; what stands at a cell, ``pointer`` tells. All of it has its key as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual import events

from wftui.tui import pointer
from wftui.tui.pointer import Target
from wftui.tui.ui import ASK, BUNDLE, CONFIRM, MENU, ORIGINS, OVERVIEW, PALETTE, PROMPT, SCROLLED
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    from wftui.tui.app import WftopApp

_TWICE_S: Final = 0.5
"""Two clicks within this time are a double click."""
_LINES: Final = 3
"""Lines that one notch of the wheel scrolls."""
_LISTS: Final = frozenset({"processes", "events", "sources"})
"""Panels that show no time at their lower edge."""
_ANSWERED: Final = frozenset({PROMPT, CONFIRM, ASK, BUNDLE})
"""Dialogs that only an answer or Esc closes."""


class Mouse:
    """The mouse of one view."""

    def __init__(self, app: WftopApp) -> None:
        self._app = app
        self._last: tuple[object, ...] = ()
        """What the click before was on."""
        self._last_s = 0.0

    def take(self, event: events.MouseEvent) -> None:
        """A press of a button or a turn of the wheel; others and those with Shift are not for us."""
        if event.shift:
            return
        x, y = int(event.screen_x), int(event.screen_y)
        if isinstance(event, events.MouseScrollUp | events.MouseScrollDown):
            self.wheel(x, y, -1 if isinstance(event, events.MouseScrollUp) else 1)
        elif isinstance(event, events.MouseDown) and event.button == 1:
            self.press(x, y, event.time)

    def at(self, x: int, y: int) -> Target | None:
        """What a person sees there: on the newest frame."""
        app = self._app
        width, height = app.size
        return pointer.hit(app.scene(), app.ui, app.current(width, height), x, y)

    # ---- clicks

    def press(self, x: int, y: int, at_s: float) -> None:
        """The left button, at a time of any clock."""
        app, ui = self._app, self._app.ui
        found = self.at(x, y)
        if found is None:
            return
        same = self._identity(found)
        twice = same == self._last
        quick = twice and at_s - self._last_s <= _TWICE_S
        # Three quick clicks are one double click and one more.
        self._last, self._last_s = same, -_TWICE_S if quick else at_s
        if found.kind != pointer.KEY:
            ui.notice = ""
            ui.filtering = False
        if found.kind == pointer.KEY:
            app.commands.key(found.name, found.name if len(found.name) == 1 else None)
        elif found.kind in (pointer.PANEL, pointer.TITLE):
            self._panel(found, quick=quick)
        elif found.kind == pointer.ROW:
            self._row(found, again=twice)
        elif found.kind == pointer.HEAD:
            if ui.sort == found.name:
                ui.reverse = not ui.reverse
            else:
                ui.sort, ui.reverse = found.name, False
        elif found.kind == pointer.TAB and ui.gpu is not None:
            ui.gpu.show(found.name)
        elif found.kind == pointer.TIME:
            app.past.player.play(on=False)
            app.past.go(found.place * NS_PER_S)
        elif found.kind == pointer.COLUMN:
            self._column(found.place, quick=quick)
        elif found.kind == pointer.OUTSIDE:
            self._beside(found.name)

    def _identity(self, found: Target) -> tuple[object, ...]:
        """What was meant: a process stays the same wherever it is sorted to."""
        if found.kind == pointer.ROW and found.name == "processes":
            return (*found[:2], self._app.ui.processes(self._app.seen)[found.place].key)
        # Title and inside are the same panel.
        return (pointer.PANEL, found.name, 0) if found.kind == pointer.TITLE else found

    def _panel(self, found: Target, *, quick: bool) -> None:
        app, ui = self._app, self._app.ui
        if ui.arrange is not None:
            ui.arrange.selected = ui.focus = found.name
        elif ui.expanded:
            if found.kind == pointer.TITLE:
                ui.expand()
        elif ui.screen == OVERVIEW:
            again = found.kind == pointer.TITLE and ui.focus == found.name
            if found.name in app.visible_panels():
                ui.focus = found.name
                if quick or again:
                    ui.expand()

    def _row(self, found: Target, *, again: bool) -> None:
        """The cursor to a line; the second click on it opens it."""
        app, ui = self._app, self._app.ui
        name, place = found.name, found.place
        opens = name != "sources"
        if name == MENU:
            ui.menu = place
        elif name == pointer.OPTIONS:
            if ui.arrange is not None and ui.arrange.menu is not None:
                ui.arrange.menu.place = place
                # A menu that is open is there to be chosen from.
                app.commands.key("enter", None)
            return
        elif name == PALETTE:
            if ui.palette is not None:
                ui.palette.place = place
                app.commands.key("enter", None)
            return
        elif name == ORIGINS:
            if ui.origins is not None:
                ui.origins.choose(app.scene(), place)
            return
        elif name == pointer.CHOOSER:
            if ui.series is not None:
                ui.series.picker.place = place
                if again:
                    app.commands.key("enter", None)
            return
        elif name == pointer.PICKER:
            if ui.timeline is not None and ui.timeline.picker is not None:
                ui.timeline.picker.place = place
                if again:
                    app.commands.key("enter", None)
            return
        elif name == pointer.GPUS and ui.gpu is not None:
            ui.gpu.inside = False
            ui.gpu.select(app.seen, place)
        elif name == pointer.HOLDERS and ui.gpu is not None:
            ui.gpu.inside = True
            ui.gpu.point(app.seen, place)
        elif name == "settings" and ui.settings is not None:
            ui.settings.place = place
        elif name == "model" and ui.models is not None:
            ui.models.select(place, ui.models.listed(app.seen, ui.wanted["model"]))
        elif name == "alert" and ui.alerts is not None:
            ui.alerts.select(ui.alerts.drawn.keys[place])
            if again:
                app.commands.alert("expand")
            return
        else:
            ui.point(app.seen, place)
        if again and opens:
            app.commands.key("enter", None)

    def _column(self, column: int, *, quick: bool) -> None:
        control = self._app.shown_timeline
        if control is None:
            return
        timeline = control.timeline
        grid = timeline.grid(timeline.now_ns)
        control.go(grid.begin(column) + grid.column_ns // 2)
        if quick:
            control.act("open")

    def _beside(self, name: str) -> None:
        """A click beside a dialog closes it, unless it waits for an answer."""
        if name not in _ANSWERED:
            self._app.commands.key("escape", None)

    # ---- the wheel

    def wheel(self, x: int, y: int, step: int) -> None:
        """One notch: -1 up, 1 down."""
        app, ui = self._app, self._app.ui
        self._last = ()
        if ui.series is not None:
            ui.series.key("up" if step < 0 else "down", None)
            return
        found = self.at(x, y)
        if ui.overlay == PALETTE:
            app.commands.key("up" if step < 0 else "down", None)
        elif ui.overlay == ORIGINS:
            app.commands.move(str(step))
        elif ui.overlay:
            ui.move(app.seen, step if ui.overlay not in SCROLLED else step * _LINES)
        elif found is None:
            return
        elif found.kind == pointer.TIME:
            self._time(step)
        elif ui.arrange is not None:
            if ui.arrange.menu is not None:
                ui.arrange.menu.move(step)
        elif ui.shown == "timeline":
            self._timeline(found, step)
        elif ui.shown == "gpu":
            self._gpus(found, step)
        elif ui.shown == "model" and ui.models is not None:
            if ui.models.inside or found.kind == pointer.ROW:
                app.commands.model("up" if step < 0 else "down")
            else:
                self._time(step)
        elif ui.shown == "alert":
            app.commands.alert("up" if step < 0 else "down")
        elif ui.shown == "settings":
            app.commands.setting("up" if step < 0 else "down")
        elif ui.shown == "energy" and ui.energy is not None:
            ui.energy.page.scroll(step)
        elif ui.shown in ui.tops and found.kind in (pointer.ROW, pointer.HEAD, pointer.PANEL, pointer.TITLE):
            ui.scroll(app.seen, step * _LINES)
        elif found.kind in (pointer.PANEL, pointer.TITLE) and found.name not in _LISTS:
            self._graph(found.name, step)

    def _time(self, step: int) -> None:
        """A sample back or on, in the past only: nobody leaves live by a wheel."""
        past = self._app.past
        if not past.live:
            past.player.play(on=False)
            past.step(step)

    def _graph(self, name: str, step: int) -> None:
        """Over a graph: time in the past; live the length of those that can show more or less."""
        app, ui = self._app, self._app.ui
        if not app.past.live:
            self._time(step)
        elif name in app.seen.spans and app.plan.lengthy(name) and ui.screen == OVERVIEW:
            from wftui.tui import zoom  # here: few turn it over a graph

            ui.focus = name
            # Z at the longest goes on in the timeline: no wheel leads to another screen.
            if zoom.following(app, name, step) is not None:
                app.commands.zoom(str(step))

    def _timeline(self, found: Target, step: int) -> None:
        control = self._app.shown_timeline
        if control is None:
            return
        timeline = control.timeline
        if timeline.table is not None:
            timeline.table.move(step * _LINES)
        elif timeline.picker is not None:
            timeline.pick("up" if step < 0 else "down", None)
        elif found.kind == pointer.COLUMN:
            control.act("left" if step < 0 else "right")
        elif found.kind == pointer.PANEL:
            control.act("up" if step < 0 else "down")

    def _gpus(self, found: Target, step: int) -> None:
        app, screen = self._app, self._app.ui.gpu
        if screen is None:
            return
        if found.kind == pointer.ROW and found.name == pointer.GPUS:
            screen.do("previous" if step < 0 else "next", app.seen)
        elif found.kind == pointer.ROW or screen.lines > screen.page:
            # The pane below the graphs, wherever the cursor is.
            inside, screen.inside = screen.inside, True
            screen.do("up" if step < 0 else "down", app.seen)
            screen.inside = inside
        else:
            self._time(step)
