"""The graph of the very series that an alert looks at: where its threshold lies, and when it fired."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from wftui.tui.alerts_screen.listing import said
from wftui.tui.frame import Row, cells, fit_row, outside
from wftui.tui.panels import parts
from wftui.tui.panels.window import Window
from wftui.tui.scene import gap
from wftui.tui.timeline.figures import axis_top, label, short_name, step_words, unit_of
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    from wftui.model.sample import Column
    from wftui.tui.alerts_screen.model import AlertsScreen
    from wftui.tui.alerts_screen.seen import Alert
    from wftui.tui.scene import Scene

_SCALE: Final = 10
"""Columns of the scale at the right, with the gap before it."""
_LEAST: Final = (24, 4)
"""Columns and lines below which there is no graph."""
_FAR: Final = 0.5
"""Share of the scale above which everything has to lie for it not to begin at zero."""
_CUT: Final = frozenset(" ⣿#")
_USUAL: Final = "sources"
"""Colour of what is on the good side of the threshold."""


def column(scene: Scene, alert: Alert) -> Column | None:
    """The first series of the alert that is told; None: it looks at a text, or at nothing that is there."""
    state = scene.state
    places = (state.places.get(text) for text in alert.series)
    return next((state.columns[place] for place in places if place is not None), None)


def draw(scene: Scene, screen: AlertsScreen, alert: Alert, fired_ns: int, width: int, height: int) -> list[Row]:
    """Name and length, the graph with its threshold, a ruler; ``height`` lines, none where it does not fit.

    ``fired_ns``: when it fired (UTC); 0: it did not.
    """
    found = column(scene, alert)
    if found is None:
        return []
    limit = alert.threshold if alert.unit == unit_of(found) else float("nan")
    over = not alert.fired_value < alert.threshold
    return graph(scene, screen, found, limit, alert.role, width, height, over=over, fired_ns=fired_ns)


def graph(
    scene: Scene, screen: AlertsScreen, found: Column, limit: float, role: str, width: int, height: int, *,
    over: bool, fired_ns: int = 0,
) -> list[Row]:  # fmt: skip
    """A series with a limit in its unit; ``over``: what lies above it has the colour ``role``."""
    if width < _LEAST[0] or height < _LEAST[1]:
        return []
    text = found.series.text
    screen.graph(text)
    plot = width - _SCALE
    window = Window(scene.state, plot, screen.seconds)
    screen.span = 2 * plot
    values = window.past(text)
    unit = unit_of(found)
    known = [value for value in (*values, limit) if value == value]
    top = axis_top(max(known, default=0.0) * (1.0 if unit == "1" else 1.02), unit)
    base = _base(known, top)
    tall = height - 2
    edge = min(tall - 1, max(0, int((limit - base) / (top - base) * tall))) if limit == limit else -1
    roles = [role if over and 0 <= edge <= place else _USUAL for place in range(tall)]
    # The moment of firing has its column: nothing is written over in place here.
    still = window.scene(scene)._replace(sweep=False)
    rows = parts.area(still, [value - base for value in values], top - base, tall, roles, ahead=window.ahead)
    fired = int((fired_ns / NS_PER_S - window.end() + plot * window.cell_s) // window.cell_s) if fired_ns else -1
    glyphs = scene.glyphs
    across = "-" if glyphs.ascii_only else "╌"
    line = role if role != "dim" else "text"
    for place in range(tall):
        row = rows[place]
        if place == tall - 1 - edge and edge >= 0:
            row = _filled(row, across, line)
        if 0 <= fired < plot:
            row = _marked(row, fired, glyphs.past_vertical, "mark")
        words, ink = "", "faint"
        if edge >= 0 and place == tall - 1 - edge:
            words, ink = said(scene, limit, unit), line
        elif place in (0, tall - 1):
            words = label(base if place else top, unit, ascii_only=glyphs.ascii_only)
        rows[place] = [*row, gap(1), (f"{words:<{_SCALE - 1}}"[: _SCALE - 1], ink)]
    ruler = window.ruler(still, plot)
    if 0 <= fired < plot:
        ruler = _marked(ruler, fired, glyphs.alert, line, over=True)
    name = outside(_name(scene, found), max(0, width - 12), glyphs, middle=True).rstrip()
    length = step_words(screen.seconds or window.span)
    head: Row = [(name, "dim")]
    head = [*fit_row(head, width - len(length)), (length, "faint")]
    return [head, *rows, [*ruler, gap(_SCALE)]]


def _name(scene: Scene, found: Column) -> str:
    from wftui.tui.gpus import boxes  # here: most alerts are not about GPUs

    names = {gpu.uuid: gpu.label for gpu in boxes(scene.state)} if found.series.label("gpu") else {}
    # The sensor of a GPU that is called gpu says nothing more.
    return short_name(found.series, {**names, "gpu": ""} if names else {}).rstrip()


def _base(known: list[float], top: float) -> float:
    """Where the scale begins: at zero, or where all of it happens far above that, a round step below."""
    low = min(known, default=0.0)
    return math.floor((low - 0.1 * top) / top * 10) * top / 10 if low > _FAR * top else 0.0


def _filled(row: Row, char: str, role: str) -> Row:
    """Its blank cells and its full ones as a line: it is seen below and above the graph, and cuts through it."""
    out: Row = []
    for words, ink in row:
        run = ""
        blank = False
        for each in words:
            if (each in _CUT) != blank and run:
                out.append((run, role if blank else ink))
                run = ""
            blank = each in _CUT
            run += char if blank else each
        if run:
            out.append((run, role if blank else ink))
    return out


def _marked(row: Row, at: int, char: str, role: str, *, over: bool = False) -> Row:
    """Another character in one cell, where that is blank or a line of ours; ``over``: whatever is there."""
    out: Row = []
    x = 0
    for words, ink in row:
        wide = cells(words)
        if x <= at < x + wide == x + len(words) and (over or words[at - x] in " ╌-"):
            before, after = words[: at - x], words[at - x + 1 :]
            out += [(before, ink)] if before else []
            out.append((char, role))
            out += [(after, ink)] if after else []
        else:
            out.append((words, ink))
        x += wide
    return out
