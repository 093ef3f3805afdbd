"""Whose numbers are meant on the screen that is shown, and the dialog about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wftui.tui import layout
from wftui.tui.energy.screen import POWER, UX
from wftui.tui.lists import found_events
from wftui.tui.panels.sources import sorted_sources
from wftui.tui.provenance.model import (
    EVENT,
    GPU,
    PANEL,
    PROCESS,
    SERIES,
    SERVER,
    SOURCE,
    STREAMS,
    Origins,
    Subject,
)
from wftui.tui.timeline.lanes import group
from wftui.tui.ui import ORIGINS

if TYPE_CHECKING:
    from wftui.tui.app import WftopApp


def open_dialog(app: WftopApp) -> None:
    """Where the numbers come from that the person looks at."""
    ui = app.ui
    found = subject(app)
    if found is None:
        ui.say("i tells where numbers come from: here are none of a panel or a row")
        return
    ui.origins = Origins(found)
    ui.overlays.append(ORIGINS)
    if found.then is not None:
        app.run_worker(found.then.ask(app.past.ask, app.paint), name="origins", group="origins", exclusive=True)


def subject(app: WftopApp) -> Subject | None:
    """What ``i`` is about; None: nothing on this screen."""
    ui, state = app.ui, app.seen
    shown = ui.shown
    if shown == "processes":
        line = ui.process(state)
        if line is None:
            return None
        return Subject(PROCESS, line.key, f"process {line.row[0]}", ui.sort)
    if shown == "gpu" and ui.gpu is not None:
        gpu = ui.gpu.selected(state)
        return Subject(GPU, gpu.uuid, f"GPU {gpu.label}") if gpu is not None else None
    if shown == "model" and ui.models is not None:
        choice = ui.models.selected(ui.models.listed(state, ui.wanted["model"]))
        if choice is None:
            return None
        server, model = choice.server, choice.only
        name = f"{server.endpoint}|{model.name if model is not None else ''}"
        return Subject(SERVER, name, f"{server.kind} {server.endpoint}", "", choice.scope.all())
    if shown == "events":
        events = found_events(state, ui.wanted["events"])
        if not events:
            return None
        event = events[min(ui.places["events"], len(events) - 1)]
        return Subject(EVENT, event.event_id, event.type)
    if shown == "sources":
        sources = sorted_sources(state.sources)
        if not sources:
            return None
        name = sources[min(ui.places["sources"], len(sources) - 1)].source
        return Subject(SOURCE, name, f"source {name}")
    if shown == "timeline" and ui.timeline is not None:
        lanes = [lane.lines for lane in group(ui.timeline.picked())]
        chosen = tuple(line.column.series.text for lines in lanes for line in lines)
        if not chosen:
            return None
        # The cursor begins at the lane that is on top of the screen.
        first = lanes[min(ui.timeline.top, len(lanes) - 1)][0].column.series.text
        then = None
        if ui.timeline.window.cursor_ns is not None or not app.past.live:
            from wftui.tui.provenance.cursor import AtCursor  # here: only the timeline's past needs it

            then = AtCursor(ui.timeline)
        return Subject(SERIES, "timeline", "timeline", first, chosen, then)
    if shown == "alert" and ui.alerts is not None:
        series = ui.alerts.shown
        return Subject(SERIES, "alert", "alert", series[0], series) if series else None
    if shown == "settings":
        return None
    if shown == "energy" and ui.energy is not None and ui.energy.name != POWER:
        if ui.energy.name != UX:
            return Subject(STREAMS, STREAMS, "streams of tokens")
        shown = "ux"
    return _panel(app, shown or ui.focus)


def move(app: WftopApp, step: int, *, edge: bool = False, page: bool = False) -> bool:
    """The cursor of the open dialog; False when it is not open."""
    origins = app.ui.origins
    if app.ui.overlay != ORIGINS or origins is None:
        return False
    found = origins.numbers(app.scene())
    origins.move(found, step * (max(1, origins.page - 1) if page else 1), edge=edge)
    return True


def _panel(app: WftopApp, name: str) -> Subject | None:
    ui = app.ui
    if not name:
        there = app.visible_panels()
        if not there:
            return None
        # Nobody chose a panel: the first one, and it is seen which.
        name = ui.focus = there[0]
    graph = app.plan.graphs.get(name)
    if graph is not None:
        from wftui.tui.panels.graph import columns_of  # here: most layouts have none

        found = tuple(column.series.text for column in columns_of(app.seen, graph))
        return Subject(SERIES, name, graph.title, found[0] if found else "", found or tuple(graph.series))
    return Subject(PANEL, name, layout.TITLES.get(name, name))
