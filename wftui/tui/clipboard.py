"""Copying on request: what stands under the cursor, or the command that writes what is in view.

It goes to the terminal as OSC 52, so it reaches the clipboard of the person's own machine over SSH as well. Only
``y`` and ``Y`` ever do that, and nothing is ever read from the clipboard.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.model import alerts, gpus, processes, servers
from wftui.render import defuse, text
from wftui.text import clean
from wftui.tui import export
from wftui.tui.alerts_screen.model import Head
from wftui.tui.gpu_screen.model import PROCESSES as PANE
from wftui.tui.lists import found_events
from wftui.tui.panels.events import said
from wftui.tui.panels.sources import sorted_sources
from wftui.tui.provenance.control import subject
from wftui.tui.provenance.model import OF_PANELS, gather
from wftui.tui.ui import DETAILS, ORIGINS
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wftui.model.event import Event
    from wftui.model.table import Cell, TableSchema
    from wftui.tui.alerts_screen.model import AlertsScreen
    from wftui.tui.app import WftopApp
    from wftui.tui.models_screen.model import ModelsScreen

LIMIT: Final = 65_536
"""Bytes that are copied at most: many terminals drop more without a word."""


class Copied(NamedTuple):
    """What is to be copied."""

    text: str
    what: str
    """What it is, for a person."""


def row(app: WftopApp) -> Copied | None:
    """The value or row under the cursor; None: there is none."""
    ui, state = app.ui, app.seen
    if ui.overlay == ORIGINS:
        number = ui.origins.number(app.scene()) if ui.origins is not None else None
        return None if number is None else Copied(clean(number.name, 4096), clean(number.name, 80))
    if ui.overlay == DETAILS and ui.target is not None:
        return _process(app, ui.target.key)
    if ui.overlay:
        return None
    if ui.shown == "processes":
        line = ui.process(state)
        return _process(app, line.key) if line is not None else None
    if ui.shown == "gpu":
        return _gpu(app)
    if ui.shown == "model" and ui.models is not None:
        return _served(app, ui.models)
    if ui.shown == "alert" and ui.alerts is not None:
        return _alert(app, ui.alerts)
    if ui.shown == "events":
        events = found_events(state, ui.wanted["events"])
        return _event(events[min(ui.places["events"], len(events) - 1)]) if events else None
    if ui.shown == "sources":
        sources = sorted_sources(state.sources)
        if not sources:
            return None
        item = sources[min(ui.places["sources"], len(sources) - 1)]
        cells = (item.source, item.state, item.reason, item.fix)
        return Copied(_lines([("source", "state", "reason", "fix"), cells]), f"source {item.source}")
    if ui.shown == "settings" and ui.settings is not None:
        from wftui import settings  # here: loaded already where the screen is

        key = ui.settings.key
        return Copied(f"{key.name} = {settings.literal(ui.settings.loaded[key.name])}", key.name)
    return _numbers(app)


def _numbers(app: WftopApp) -> Copied | None:
    """All numbers of a panel or of the timeline, in base units, as the export has them."""
    meant = subject(app)
    if meant is None:
        return None
    found = gather(app.scene(), meant)
    rows: list[Sequence[Cell]] = [("series", "value", "unit")]
    for number in found:
        value = (
            number.value
            if isinstance(number.value, str)
            else None
            if number.value != number.value
            else number.value
        )
        rows.append((number.name, value, number.unit))
    return Copied(_lines(rows), f"{meant.title}, {len(found)} numbers") if found else None


def _process(app: WftopApp, key: str) -> Copied | None:
    """A row of the process table under the headings that the export has."""
    found = app.seen.processes().get(key)
    if found is None:
        return None
    what = f"process {found[processes.PID]} {found[processes.NAME] or ''}".rstrip()
    return Copied(_table(processes.PROCESSES, found), what)


def _gpu(app: WftopApp) -> Copied | None:
    """The row of the selected GPU, or that of the process under the cursor of its pane."""
    screen, state = app.ui.gpu, app.seen
    chosen = screen.selected(state) if screen is not None else None
    if screen is None or chosen is None:
        return None
    if screen.inside and screen.pane == PANE and (rows := screen.rows(state)):
        found = rows[screen.place][1]
        return Copied(_table(gpus.GPU_PROCESSES, found), f"process {found[gpus.P_PID]} on GPU {chosen.label}")
    found = state.tables[gpus.GPUS.name][chosen.uuid]
    return Copied(_table(gpus.GPUS, found), f"GPU {chosen.label}")


def _served(app: WftopApp, screen: ModelsScreen) -> Copied | None:
    """The row of the selected server, or of the selected model."""
    choice = screen.selected(screen.listed(app.seen, app.ui.wanted["model"]))
    if choice is None:
        return None
    server, model = choice.key
    if model:
        found = app.seen.tables[servers.MODELS.name].get(f"{server}|{model}")
        return None if found is None else Copied(_table(servers.MODELS, found), f"model {clean(model, 80)}")
    found = app.seen.tables[servers.SERVERS.name][server]
    return Copied(_table(servers.SERVERS, found), f"server {clean(server, 80)}")


def _alert(app: WftopApp, screen: AlertsScreen) -> Copied | None:
    """The row of the selected alert, rule or silence."""
    chosen = screen.selected(screen.listed(app.seen, app.ui.wanted["alert"]))
    schema = {item.name: item for item in (alerts.ALERTS, alerts.RULES, alerts.SILENCES)}[screen.tab]
    key = chosen.key if chosen is not None and not isinstance(chosen, Head) else ""
    found = app.seen.tables.get(schema.name, {}).get(key)
    return None if found is None else Copied(_table(schema, found), f"{screen.tab[:-1]} {clean(key, 80)}")


def _event(event: Event) -> Copied:
    at = event.time_ns / 1e9
    stamp = f"{text.day(at)}T{text.clock(at)}{text.offset(at)}"
    about = f"{event.aggregate_type} {event.aggregate_id}".strip()
    return Copied(_lines([(stamp, event.type, about, said(event))]), event.type)


def _table(schema: TableSchema, cells: Sequence[Cell]) -> str:
    columns = [column.name for column in schema.columns]
    return _lines([columns, cells[: len(columns)]])


def _lines(rows: Sequence[Sequence[Cell]]) -> str:
    """Cells with tabs between them, without a line end behind the last: pasted into a shell nothing runs by it."""
    return "\n".join("\t".join([_cell(cell) for cell in cells]) for cells in rows)


def _cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, int | float):
        return f"{cell:.15g}" if isinstance(cell, float) else str(cell)
    # Defused as in a CSV: the row may be pasted into a spreadsheet.
    return defuse.cell(clean(str(cell), 4096)).replace("\t", " ")


def command(app: WftopApp) -> Copied | None:
    """The command line that writes what is in view, or opens a recording here; None: nothing was recorded yet."""
    ui, past = app.ui, app.past
    if past.recording is not None:
        words = export.opening(past.recording.file, past.cursor_ns // NS_PER_S)
        return Copied(" ".join(["wftop", *words]), "the command that opens the bundle at this moment")
    begin, end, patterns = app.commands.in_view()
    end = min(end, past.newest + 1)
    if end <= begin or app.seen.tick is None:
        return None
    name = ui.shown or ui.focus
    extra: list[str] = []
    if name == "processes":
        extra = ["--table", "processes"]
    elif name == "events":
        extra = ["--events"]
    elif name == "sources":
        patterns = ["wftop.source.*"]
    elif not patterns:
        graph = app.plan.graphs.get(name)
        patterns = list(graph.series) if graph is not None else _patterns(name)
    folder = app.seen.hello.data_dir if app.seen.hello else ""
    file = f"wftop-{text.day(end).replace('-', '')}-{text.clock(end).replace(':', '')}.csv"
    words = export.command(begin, end, file, folder, patterns, said=True)
    # Behind the range, where the patterns stand as well.
    return Copied(" ".join(["wftop", *words[:5], *extra, *words[5:]]), "the command that writes what is in view")


def _patterns(name: str) -> list[str]:
    """What a panel shows, the narrower pattern left out where a wider one has it."""
    prefixes = OF_PANELS.get(name, ())
    kept = [each for each in prefixes if not any(each != other and each.startswith(other) for other in prefixes)]
    return [f"{each}*" for each in kept]


def copy(app: WftopApp, found: Copied | None, environ: Mapping[str, str] | None = None) -> None:
    """Give it to the terminal, and say what was done."""
    ui = app.ui
    if not app.copies:
        ui.say("nothing is copied: view.clipboard is false", "warn")
        return
    if found is None:
        ui.say("nothing to copy is under the cursor")
        return
    size = len(found.text.encode())
    if size > LIMIT:
        ui.say(f"{found.what}: {size:,} bytes are too many to copy, {LIMIT:,} at most", "warn")
        return
    app.copy_to_clipboard(found.text)
    words = f"copied {size:,} byte{'s' * (size != 1)}: {found.what}"
    if (os.environ if environ is None else environ).get("TMUX"):
        words += "; tmux hands it on with: set -g set-clipboard on"
    ui.say(words, "good")
