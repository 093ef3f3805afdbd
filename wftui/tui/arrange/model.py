"""A layout that is being changed: panels chosen, moved, resized, hidden and added, as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.tui.arrange import options
from wftui.tui.layouts.grammar import build, tree
from wftui.tui.layouts.plan import (
    COLUMNS,
    FIT,
    FITTING,
    LINES,
    PANELS,
    REST,
    SHARE,
    Cell,
    Graph,
    Height,
    Row,
    Slot,
)
from wftui.tui.layouts.solve import LEAST, solve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.tui.layouts.places import Layout, Place
    from wftui.tui.layouts.plan import Plan, When

_NARROWEST: Final = 16
_STEP: Final = 2
"""Columns of one step: one is hardly seen."""
_NEW_ROW: Final = "22% 5..14"


class Menu:
    """A list to choose from, over the screen."""

    def __init__(self, title: str, items: Sequence[tuple[str, str]]) -> None:
        """``items``: what is meant, and how it is said."""
        self.title = title
        self.items = list(items)
        self.place = 0

    def move(self, step: int) -> None:
        """The cursor up or down."""
        self.place = min(len(self.items) - 1, max(0, self.place + step))

    @property
    def chosen(self) -> str:
        """What the cursor is on."""
        return self.items[self.place][0]


class Arranger:
    """A copy of a plan, and the panel that keys are about."""

    def __init__(
        self,
        plan: Plan,
        width: int,
        height: int,
        gpus: int,
        *,
        quiet: bool,
        models: int = 0,
        ux: int = 0,
        selected: str = "",
    ) -> None:
        """The terminal's size says which rows of the plan are changed: those that it shows."""
        self.plan = build(plan.name, tree(plan))
        self._before = tree(plan)
        self._gpus = gpus
        self._quiet = quiet
        self._needs = {"models": models, "ux": ux}
        self.moving = False
        """Whether arrows move the panel, instead of choosing another one."""
        self.menu: Menu | None = None
        self.fitting: Sequence[str] = COLUMNS
        """Columns that the process table shows by itself."""
        self.selected = selected
        self.size(width, height)
        names = [place.name for place in self.screen.places]
        self.selected = selected if selected in names else names[0]

    # ---- what there is

    def size(self, width: int, height: int) -> None:
        """The terminal is of this size now."""
        if (width, height) == (getattr(self, "_width", 0), getattr(self, "_height", 0)):
            return
        self._width = width
        self._height = height
        self.plan.solved.clear()
        placed = [slot.name for row in self.when.rows for cell in row.cells for slot in cell.slots]
        if self.selected not in placed:
            # Other rows belong to this size.
            self.selected, self.menu, self.moving = placed[0], None, False

    @property
    def screen(self) -> Layout:
        """The places as they are."""
        return solve(self.plan, self._width, self._height, self._gpus, quiet=self._quiet, **self._needs)

    @property
    def when(self) -> When:
        """The rows that are on the screen."""
        return self.plan.fitting(self._width, self._height, self._gpus)

    @property
    def changed(self) -> bool:
        """Whether there is something to write."""
        return tree(self.plan) != self._before

    def written(self, name: str) -> None:
        """It is in a file of this name now."""
        self.plan.name = name
        self._before = tree(self.plan)

    @property
    def place(self) -> Place | None:
        """Where the selected panel stands."""
        return self.screen.place(self.selected)

    def hidden(self) -> list[str]:
        """Panels without a place in these rows, in the order of Tab."""
        placed = {slot.name for row in self.when.rows for cell in row.cells for slot in cell.slots}
        return [name for name in (*PANELS, *self.plan.graphs) if name not in placed]

    def _spot(self) -> tuple[int, int, int]:
        """Row, column and place within the column of the selected panel."""
        for at, row in enumerate(self.when.rows):
            for column, cell in enumerate(row.cells):
                for depth, slot in enumerate(cell.slots):
                    if slot.name == self.selected:
                        return at, column, depth
        raise LookupError(self.selected)

    # ---- choosing

    def choose(self, direction: str) -> None:
        """The nearest panel in a direction: ``left``, ``right``, ``up``, ``down``."""
        here = self.place
        if here is None:
            # It folded: the first one that has a place.
            self.selected = self.screen.places[0].name
            return
        across = direction in ("left", "right")
        sign = 1 if direction in ("right", "down") else -1
        found: list[tuple[float, float, str]] = []
        for there in self.screen.places:
            dx = (there.x + there.width / 2) - (here.x + here.width / 2)
            dy = (there.y + there.height / 2) - (here.y + here.height / 2)
            # Something beside shares lines with it, something above shares columns.
            beside = there.y < here.y + here.height and here.y < there.y + there.height
            above = there.x < here.x + here.width and here.x < there.x + there.width
            if across and beside and dx * sign > 0 and not above:
                found.append((abs(dx), abs(dy), there.name))
            elif not across and above and dy * sign > 0 and not beside:
                found.append((abs(dy), abs(dx), there.name))
        if found:
            self.selected = min(found)[2]

    # ---- sizes

    def resize(self, direction: str) -> str:
        """Two columns or one line more or less; why not, or nothing."""
        at, column, depth = self._spot()
        row = self.when.rows[at]
        if direction in ("left", "right"):
            return self._widen(row, column, _STEP if direction == "right" else -_STEP)
        step = 1 if direction == "down" else -1
        cell = row.cells[column]
        if len(cell.slots) > 1:
            return self._heighten(
                [slot.height for slot in cell.slots], [slot.name for slot in cell.slots], depth, step
            )
        return self._heighten(
            [row.height for row in self.when.rows],
            [row.cells[0].slots[0].name for row in self.when.rows],
            at,
            step,
            whole=True,
        )

    def _widen(self, row: Row, column: int, step: int) -> str:
        if len(row.cells) < 2:
            return "it is alone in its row: it has the whole width"
        widths = [self._wide(cell) for cell in row.cells]
        if not all(widths):
            return "a panel of this row is folded at this size"
        other = column + 1 if column + 1 < len(row.cells) else column - 1
        if widths[column] + step < _NARROWEST or widths[other] - step < _NARROWEST:
            return f"no panel is narrower than {_NARROWEST} columns"
        widths[column] += step
        widths[other] -= step
        for cell, width in zip(row.cells, widths, strict=True):
            cell.width = width
        self.plan.solved.clear()
        return ""

    def _wide(self, cell: Cell) -> int:
        place = next((place for slot in cell.slots if (place := self.screen.place(slot.name))), None)
        return place.width if place else 0

    def _heighten(
        self, heights: list[Height], names: list[str], at: int, step: int, *, whole: bool = False
    ) -> str:
        """``names``: a panel of each row (``whole``) or of each part of a column."""
        lines = [place.height if (place := self.screen.place(name)) else 0 for name in names]
        if whole:
            for number, row in enumerate(self.when.rows):
                tall = [
                    sum(place.height for slot in cell.slots if (place := self.screen.place(slot.name)))
                    for cell in row.cells
                ]
                lines[number] = max(tall)
        total = self._height - 2 if whole else sum(lines)
        if heights[at].kind != REST:
            return self._lines(heights[at], lines[at] + step, total)
        # What takes the rest grows by what its neighbour gives.
        others = [number for number, height in enumerate(heights) if height.kind != REST and lines[number]]
        if not others:
            return "all panels here share what there is"
        other = min(others, key=lambda number: abs(number - at))
        return self._lines(heights[other], lines[other] - step, total)

    def _lines(self, height: Height, lines: int, total: int) -> str:
        if lines < LEAST:
            return f"no panel is lower than {LEAST} lines"
        if lines > total - LEAST:
            return "the others need their lines too"
        height.kind = SHARE if height.kind != LINES else LINES
        height.amount = lines if height.kind == LINES else min(100, -(-100 * lines // total))
        for bound in ("least", "most"):
            said = getattr(height, bound)
            known = height.floor(total, LEAST) if bound == "least" else height.ceiling(total)
            if said and (lines < known if bound == "least" else lines > known):
                setattr(height, bound, f"{lines}")
        self.plan.solved.clear()
        return ""

    # ---- places

    def move(self, direction: str) -> None:
        """The panel one place on: within its column and row, into the next row, at last into a row of its own."""
        at, column, depth = self._spot()
        rows = self.when.rows
        cell = rows[at].cells[column]
        step = 1 if direction in ("right", "down") else -1
        if direction in ("left", "right"):
            if len(cell.slots) > 1:
                slot = cell.slots.pop(depth)
                rows[at].cells.insert(column + (step > 0), Cell([Slot(slot.name)], cell.width))
            elif 0 <= column + step < len(rows[at].cells):
                cells = rows[at].cells
                cells[column], cells[column + step] = cells[column + step], cells[column]
        elif 0 <= depth + step < len(cell.slots):
            cell.slots[depth], cell.slots[depth + step] = cell.slots[depth + step], cell.slots[depth]
        elif len(cell.slots) == len(rows[at].cells) == 1 and (near := self._next(at, step)) is not None:
            # A row of its own changes places with its neighbour, once more and it is in it.
            self._into(near, at)
        elif (near := self._next(at, step)) is not None:
            self._leave(at, column, depth)
            self._insert(near)
        elif len(cell.slots) > 1 or len(rows[at].cells) > 1:
            self._leave(at, column, depth)
            words, _, bounds = _NEW_ROW.partition(" ")
            least, _, most = bounds.partition("..")
            height = Height(SHARE, int(words.rstrip("%")), least, most)
            rows.insert(at + (step > 0), Row(height, [Cell([Slot(self.selected)])]))
        self._tidy()

    def _next(self, at: int, step: int) -> Row | None:
        """The row above or below; one that is not there while there is no model server is passed over."""
        rows = self.when.rows
        at += step
        while 0 <= at < len(rows):
            names = [slot.name for cell in rows[at].cells for slot in cell.slots]
            if len(names) != 1 or self._needs.get(names[0]) != 0 or rows[at].height.kind != FIT:
                return rows[at]
            at += step
        return None

    def _into(self, row: Row, at: int) -> None:
        del self.when.rows[at]
        self._insert(row)

    def _insert(self, row: Row) -> None:
        """Into a row, beside what stands nearest to it."""
        here = self.place
        middle = here.x + here.width / 2 if here else 0
        places = [
            place.x + place.width / 2 if (place := self.screen.place(cell.slots[0].name)) else 0.0
            for cell in row.cells
        ]
        column = sum(place <= middle for place in places)
        mean = sum(cell.width for cell in row.cells) / len(row.cells)
        row.cells.insert(column, Cell([Slot(self.selected)], mean))

    def stack(self) -> str:
        """Below the panel on its left, in one column with it; why not, or nothing."""
        at, column, depth = self._spot()
        row = self.when.rows[at]
        if column == 0:
            return "there is no column on its left to stand in"
        self._leave(at, column, depth)
        row.cells[column - 1].slots.append(Slot(self.selected))
        self._tidy()
        return ""

    def _leave(self, at: int, column: int, depth: int) -> None:
        row = self.when.rows[at]
        del row.cells[column].slots[depth]
        if not row.cells[column].slots:
            del row.cells[column]

    def hide(self) -> str:
        """Take the panel off the screen; why not, or nothing."""
        if sum(len(cell.slots) for row in self.when.rows for cell in row.cells) < 2:
            return "the last panel stays"
        order = [place.name for place in self.screen.places]
        place = order.index(self.selected) if self.selected in order else 0
        gone = self.selected
        self._leave(*self._spot())
        self._tidy()
        names = [place.name for place in self.screen.places]
        self.selected = names[min(place, len(names) - 1)]
        if gone in self.plan.graphs and all(gone not in when.names() for when in self.plan.whens):
            # A graph without a place is nowhere named any more.
            del self.plan.graphs[gone]
            self.plan.importance = [name for name in self.plan.importance if name != gone]
        return ""

    def add(self, name: str) -> None:
        """A panel right of the selected one; it comes after what is known to be important."""
        at, column, _ = self._spot()
        when = self.when
        when.summary = [item for item in when.summary if item != name]
        cells = when.rows[at].cells
        cells.insert(column + 1, Cell([Slot(name)], sum(cell.width for cell in cells) / len(cells)))
        if name not in self.plan.importance:
            first = self.plan.importance.index(self.selected) if self.selected in self.plan.importance else 0
            self.plan.importance.insert(first + 1 if name in self.plan.graphs else len(self.plan.importance), name)
        self.selected = name
        self._tidy()

    def add_graph(self, title: str, series: Sequence[str]) -> str:
        """A new graph right of the selected panel; its name."""
        number = 1
        while f"graph-{number}" in self.plan.graphs:
            number += 1
        name = f"graph-{number}"
        self.plan.graphs[name] = Graph(name, title[:40], series)
        self.add(name)
        return name

    def _tidy(self) -> None:
        rows = self.when.rows
        rows[:] = [row for row in rows if row.cells]
        for row in rows:
            names = [slot.name for cell in row.cells for slot in cell.slots]
            if row.height.kind == FIT and not any(name in FITTING for name in names):
                row.height = Height()
            for cell in row.cells:
                for slot in cell.slots:
                    if len(cell.slots) == 1 or (slot.height.kind == FIT and slot.name not in FITTING):
                        slot.height = Height()
        self.plan.solved.clear()

    # ---- options

    def options(self) -> list[tuple[str, str]]:
        """What can be chosen about the panel: its key, and how it is said with its value."""
        return options.said(self.plan, self.selected, self.fitting)

    def turn(self, key: str) -> None:
        """The next value of an option; a column comes or goes."""
        options.turn(self.plan, self.selected, key, self.fitting)

    def shift(self, key: str, step: int) -> bool:
        """A column to the left (-1) or right (+1) in the list; False: there it stays."""
        return options.shift(self.plan, key, step, self.fitting)
