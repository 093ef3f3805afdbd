"""Choosing the series of a graph: the catalogue as a list over the screen, narrowed while a person types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.tui.frame import Row, box, crop, fit_row
from wftui.tui.state import shows
from wftui.tui.timeline import picker as lists
from wftui.tui.timeline.figures import short_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.model.sample import Column
    from wftui.tui.app import WftopApp
    from wftui.tui.glyphs import Glyphs
    from wftui.tui.layouts.plan import Graph
    from wftui.tui.state import State

_STEPS: Final = {"up": -1, "down": 1, "pageup": -10, "pagedown": 10, "home": -10_000, "end": 10_000}


class Choosing:
    """The open list, for one graph or for one that is still to be."""

    def __init__(self, state: State, graph: Graph | None) -> None:
        """``graph``: None for a new one."""
        self.graph = graph
        self.columns: Sequence[Column] = [column for column in state.columns if not column.series.stat]
        self.chosen = _texts(self.columns, graph) if graph is not None else []
        self._before = list(self.chosen)
        self.picker = lists.Picker(self.chosen)

    def key(self, key: str, character: str | None) -> bool:
        """A key; False when it closes the list."""
        if key in ("escape", "ctrl+c"):
            return False
        if key == "backspace":
            self.picker.type("")
        elif key in _STEPS:
            self.picker.place = max(0, self.picker.place + _STEPS[key])
        elif key == "enter":
            self._toggle()
        elif character and character.isprintable():
            self.picker.type(character)
        return True

    def _toggle(self) -> None:
        found = self.picker.found(self.columns)
        if not found:
            return
        text = found[min(self.picker.place, len(found) - 1)].series.text
        if text in self.chosen:
            self.chosen.remove(text)
        else:
            self.chosen.append(text)

    @property
    def changed(self) -> bool:
        """Whether other series are chosen than before."""
        return self.chosen != self._before

    def title(self) -> str:
        """A name for what was chosen: the metric in short, or how many."""
        names = list(dict.fromkeys(text.partition("{")[0] for text in self.chosen))
        if len(names) > 1:
            return f"{len(self.chosen)} series"
        item = next(column.series for column in self.columns if column.series.text == self.chosen[0])
        return (short_name(item) if len(self.chosen) == 1 else names[0].removeprefix("system."))[:40]


def _texts(columns: Sequence[Column], graph: Graph) -> list[str]:
    found = [c.series.text for pattern in graph.series for c in columns if shows(pattern, c.series)]
    return list(dict.fromkeys(found))


def begin(app: WftopApp, name: str) -> None:
    """Choose the series of a graph of the layout, or with an empty name of a new one."""
    app.ui.series = Choosing(app.seen, app.plan.graphs.get(name))


def key(app: WftopApp, pressed: str, character: str | None) -> None:
    """A key while the list is open; what closes it takes over what was chosen."""
    ui = app.ui
    choosing = ui.series
    if choosing is None or choosing.key(pressed, character):
        return
    ui.series = None
    graph = choosing.graph
    if not choosing.chosen:
        ui.say(
            "no series is chosen: the graph stays as it was" if graph else "a graph needs a series: none was made"
        )
    elif graph is None:
        if ui.arrange is not None:
            ui.arrange.add_graph(choosing.title(), choosing.chosen)
            ui.focus = ui.arrange.selected
    elif choosing.changed:
        graph.series = list(choosing.chosen)
        if ui.arrange is None:
            ui.say(f"{graph.title}: {len(graph.series)} series; L and w keep it")
    app.graphs_changed()


def frame_of(width: int, height: int) -> tuple[int, int, int, int]:
    """Left column, upper line, columns and lines of the list with its border; no lines where it has no room."""
    wide, high = min(width, max(40, min(130, width - 8))), max(3, height - 4)
    if width < 12 or height < 6:
        return 0, 0, 0, 0
    return (width - wide) // 2, (height - high) // 2, wide, high


def draw(choosing: Choosing, glyphs: Glyphs, width: int, height: int, rows: list[Row]) -> tuple[int, int]:
    """Put the list over ``rows``; its first line and number of lines."""
    x, y, wide, high = frame_of(width, height)
    if not high:
        return 0, 0
    inner = wide - 4
    body = lists.draw(choosing.picker, choosing.columns, choosing.chosen, inner, high - 3, glyphs)
    body += [[(" " * inner, "text")]] * (high - 3 - len(body))
    body.append(fit_row(lists.footer(), inner))
    title = f"series of {choosing.graph.title}" if choosing.graph is not None else "series of a new graph"
    framed = box(body, wide, high, glyphs=glyphs, title=title, accent="timeline", focused=True)
    for offset, row in enumerate(framed):
        under = fit_row(rows[y + offset], width)
        rows[y + offset] = [*crop(under, 0, x), *row, *crop(under, x + wide, width)]
    return y, high
