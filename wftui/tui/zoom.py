"""More or less of the past on a panel, by key and by wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.tui import layout
from wftui.tui.layouts.default import DEFAULT
from wftui.tui.layouts.grammar import build, tree
from wftui.tui.layouts.plan import LENGTHS
from wftui.tui.state import shows
from wftui.tui.timeline.figures import step_words

if TYPE_CHECKING:
    from wftui.tui.app import WftopApp

_MOST: Final = 12
_LONGER: Final = {
    "cpu": ("system.cpu.utilization", "system.cpu.load_average.1m"),
    "memory": ("system.memory.utilization", "system.memory.available"),
    "disks": ("system.disk.io", "system.disk.utilization"),
    "network": ("system.network.io",),
    "pressure": ("system.pressure.utilization", "hw.temperature"),
    "gpus": ("hw.gpu.utilization", "hw.gpu.power", "hw.gpu.temperature"),
    "models": ("inference.tokens.rate", "inference.requests", "inference.kv_cache.utilization"),
    "processes": ("system.process.count", "system.cpu.utilization"),
}
"""What a panel shows of the past, as series of the timeline."""


def neighbour(now: int, own: int, step: int) -> int | None:
    """The next longer (+1) or shorter (-1) length of a graph that shows ``own`` seconds by itself; None: no other.

    0 is the length that a graph has by itself; it stands among the others where its seconds belong.
    """

    def seconds(length: int) -> int:
        return length or own

    known = [length for length in LENGTHS if not length or length != own]
    beyond = [length for length in known if (seconds(length) - seconds(now)) * step > 0]
    return min(beyond, key=lambda length: abs(seconds(length) - seconds(now)), default=None)


def said(app: WftopApp, step: int) -> str:
    """More (+1) or less (-1) of the past on the panel with the focus; what there is to say.

    Beyond the longest, and for panels without a graph, the timeline goes on.
    """
    ui = app.ui
    if ui.shown and not ui.expanded:
        return ""
    name = ui.expanded or ui.focus
    if app.plan.lengthy(name):
        title = layout.titles(app.plan)[name]
        if name not in app.seen.spans:
            return f"{title}: there is no graph at this size"
        length = following(app, name, step)
        if length is not None:
            _lengthen(app, name, length)
            return f"{title}: {step_words(length) if length else 'as much as there are columns for'}"
        if step < 0:
            return f"{title}: no less than {step_words(app.plan.length(name) or app.seen.spans[name])}"
    if step > 0 and _timeline(app, name):
        return ""
    return "z and Z are for panels with a past: Tab goes to one, 5 shows any past"


def following(app: WftopApp, name: str, step: int) -> int | None:
    """The next length of a panel with a graph; None: there is no other on this side."""
    return neighbour(app.plan.length(name), app.seen.spans.get(name, 0), step)


def _lengthen(app: WftopApp, name: str, seconds: int) -> None:
    plan = app.plan
    if plan is DEFAULT:
        # That one is everybody's.
        plan = app.plan = build(plan.name, tree(plan))
        if app.layouts is not None and app.layouts.plan is DEFAULT:
            app.layouts.plan = plan
    plan.lengthen(name, seconds)
    app.lengths_changed()


def _timeline(app: WftopApp, name: str) -> bool:
    """The timeline with what the panel shows; False: it shows none of the past."""
    ui, graph = app.ui, app.plan.graphs.get(name)
    patterns = _LONGER.get(name, ()) if graph is None else graph.series
    columns = [column for pattern in patterns for column in app.seen.columns if shows(pattern, column.series)]
    texts = list(dict.fromkeys(column.series.text for column in columns))[:_MOST]
    if not texts:
        return False
    ui.show("timeline")
    app.open_timeline()
    if ui.timeline is not None:
        ui.timeline.chosen = texts
    return True
