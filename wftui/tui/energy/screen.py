"""Screen 9 as a whole: its pages, of which one is shown. A page is loaded when it is shown first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, cast

from wftui.model.streams import STREAMS as STREAMS_TABLE
from wftui.render.palette import HEAT_STEPS
from wftui.tui.frame import row_width
from wftui.tui.scene import Body, Scene, gap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wftui.tui.drift import Line
    from wftui.tui.energy.streams import StreamsPage
    from wftui.tui.frame import Row
    from wftui.tui.state import State

STREAMS: Final = "streams"
POWER: Final = "power"
UX: Final = "ux"
PAGES: Final = {STREAMS: "streams", POWER: "power", UX: "UX & fidelity"}
"""Pages in their order, and what they are called."""
FEW_SHADES: Final = 5
"""Of the colour scale, where the terminal does not keep up."""
_HEADED: Final = 8
"""Lines of the inside from which on one of them names the pages."""


class Page(Protocol):
    """One page. Plain data, no toolkit."""

    shades: int
    """Steps of the colour scale that are used."""

    @property
    def above(self) -> int:
        """Lines of the page before those that its flows count from, as it was drawn last."""
        ...

    @property
    def moves(self) -> bool:
        """Whether something on it can move between two frames of the data."""
        ...

    def draw(self, scene: Scene, width: int, height: int) -> Body:
        """The inside: lines beyond ``height`` are dropped."""
        ...

    def note(self, state: State) -> None:
        """Readings came between two ticks, or a tick."""
        ...

    def moved(self, at_s: float, scene: Scene, hz: float) -> Mapping[int, Line]:
        """Lines that are another at this moment, by their place in what ``draw`` returned."""
        ...

    def travelling(self) -> Mapping[int, Line]:
        """All lines that can be another, as they stand."""
        ...

    def scroll(self, step: int) -> None:
        """A key or the wheel."""
        ...

    def do(self, what: str) -> str:
        """An action of screen 9 that is the page's own; what to say of it, empty: nothing."""
        ...


class EnergyScreen:
    """Which page is shown, and what they share."""

    def __init__(self, name: str = "") -> None:
        """``name``: of a page; empty: of streams where there are some, else of power where somebody tells it."""
        self.name = name
        self.full = False
        """Whether a person asked for full motion."""
        self.held = ""
        """Why nothing moves on it; empty: it does, or there is nothing that could."""
        self.shades = HEAT_STEPS
        self._pages: dict[str, Page] = {}
        self._head = 0
        """Lines above the page, as it was drawn last."""

    @property
    def page(self) -> Page:
        """The one that is shown."""
        name = self.name or STREAMS
        found = self._pages.get(name)
        if found is None:
            found = self._pages[name] = self._make(name)
        found.shades = self.shades
        return found

    @property
    def streams(self) -> StreamsPage | None:
        """The page of streams, once it was shown."""
        return cast("StreamsPage | None", self._pages.get(STREAMS))

    @property
    def flowing(self) -> StreamsPage | None:
        """The page of streams while its flows are drawn, by itself or as a strip on the page of UX."""
        page = self.page
        if self.name == UX:
            return self.streams if page.moves else None
        return self.streams if self.name == STREAMS and page.moves else None

    @property
    def above(self) -> int:
        """Lines of the inside before those that the flows count from, as it was drawn last."""
        return self._head + self.page.above

    @property
    def head(self) -> int:
        """Lines above the page, as it was drawn last."""
        return self._head

    def show(self, state: State) -> None:
        """The screen was opened: choose the page that has something to show."""
        if not self.name and state.tick is not None:
            self.name = _first(state)

    def turn(self, step: int) -> None:
        """The next or previous page."""
        names = list(PAGES)
        self.name = names[(names.index(self.name or STREAMS) + step) % len(names)]

    def draw(self, scene: Scene, width: int, height: int) -> Body:
        """The inside of the screen."""
        self.show(scene.state)
        self._head = int(height >= _HEADED)
        body = self.page.draw(scene, width, height - self._head)
        rows = [self._names(width), *body.rows] if self._head else body.rows
        drifts = self.page.travelling()
        return Body(rows, body.right, {line + self._head: row for line, row in drifts.items()})

    def moved(self, at_s: float, scene: Scene, hz: float) -> Mapping[int, Line]:
        """Lines that are another at this moment, by their place in the body."""
        changed = self.page.moved(at_s, scene, hz)
        return {line + self._head: row for line, row in changed.items()} if self._head else changed

    def _make(self, name: str) -> Page:
        if name == POWER:
            from wftui.tui.energy.power import PowerPage  # here and below: not everybody looks at all of them

            return PowerPage()
        from wftui.tui.energy.streams import StreamsPage

        if name == UX:
            from wftui.tui.ux_screen.page import UxPage

            # The strip is part of the same picture, with one account of what was seen.
            streams = self.streams or StreamsPage()
            self._pages[STREAMS] = streams
            return UxPage(streams)
        return StreamsPage()

    def _names(self, width: int) -> Row:
        row: Row = []
        wide = width >= 50
        for name, title in PAGES.items():
            shown = f" {title} " if wide else title if name == self.name else title.split(" ")[0]
            row += [(shown, "select" if name == self.name else "dim"), gap(1)]
        room = width - row_width(row)
        said = next((words for words in (self.held, self.held.partition(",")[0]) if len(words) < room), "")
        return [*row, gap(room - len(said)), (said, "dim")] if said else row


def _first(state: State) -> str:
    if state.tables.get(STREAMS_TABLE.name):
        return STREAMS
    from wftui.tui.energy.lanes import lanes  # here: the page of power is not always the one

    return POWER if lanes(state) else STREAMS
