"""From a plan and a terminal to places: pure arithmetic, the same for the skeleton and every frame.

Rows get the lines they ask for. When the row that takes the rest would get less than it needs, the less important
rows shrink to their least, then fold into one line below, the least important first; at last the others shrink.
"""

from __future__ import annotations

from wftui.tui.layouts.places import Layout, Place
from wftui.tui.layouts.plan import FIT, FITTING, LINES, PANELS, REST, SHARE

TYPE_CHECKING = False  # typing is heavier than this module
if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.tui.layouts.plan import Cell, Height, Plan, Row, Slot

MIN_WIDTH = 72
MIN_HEIGHT = 20
"""Below these the frames would take what there is to show: one line a subject says more."""
LEAST = 3
"""Lines of a frame around one line."""
_LIST = 5
"""Lines of a frame around a heading and two processes."""
_NARROWEST = 16


def solve(
    plan: Plan, width: int, height: int, gpus: int = 0, *, quiet: bool = False, models: int = 0, ux: int = 0
) -> Layout:
    """The overview of any size from 1 x 1 on. Line 0 is the top line; framed ones end with a line of keys.

    ``gpus``: how many there are, instances of divided ones with them; they are what a box with GPUs is about.
    ``quiet``: none of them has anything to tell (a laptop's that sleeps): a line each is enough.
    ``models``: lines about what serves models; 0: nobody does, and a panel that fits itself to them is not there.
    ``ux``: the same about programs that draw or stream tokens.
    """
    key = (width, height, gpus, quiet, models, ux)
    found = plan.solved.get(key)
    if found is None:
        if width < MIN_WIDTH or height < MIN_HEIGHT:
            found = _lines(plan, width, height, gpus, models, ux)
        else:
            found = _Solver(plan, width, height, gpus, {"models": models, "ux": ux}, quiet=quiet).layout()
        if len(plan.solved) > 8:
            plan.solved.clear()
        plan.solved[key] = found
    assert isinstance(found, Layout)  # noqa: S101  nothing else is put there
    return found


def gpu_lines(count: int, width: int, most: int, *, quiet: bool = False) -> int:
    """Lines that this many GPUs ask for inside a frame of this inner width, ``most`` at best."""
    if not count:
        return min(2, most)  # why there are none, and the step
    if quiet:
        return min(count, most)
    if count <= 4 and width >= 39 * count - 3:
        # One row of cards: as high as the lines allow, which a graph makes use of.
        return max(3, min(9, most))
    if count == 2 or count <= 8:
        return min(count + (most > count), most)
    if width >= 180:
        # Two columns of lines and a heading.
        return min(most, -(-count // 2) + 1)
    return min(most, (8 if width >= 100 else 7) if width - 5 >= 3 * count else 5)


def model_lines(count: int, most: int) -> int:
    """Lines that so many about model servers ask for inside a frame: those and a heading, ``most`` at best."""
    return min(most, count + (1 < count < most))


def split(total: int, shares: Sequence[float]) -> list[int]:
    """Whole cells in these proportions; the last takes what is left."""
    whole_sum = sum(shares)
    parts = [int(total * share / whole_sum) for share in shares[:-1]]
    return [*parts, total - sum(parts)]


class _Solver:
    """One plan on one terminal: panels fold one after the other until the others have room."""

    def __init__(
        self, plan: Plan, width: int, height: int, gpus: int, needs: dict[str, int], *, quiet: bool
    ) -> None:
        """``needs``: panels that fit themselves to what there is, and for how many lines."""
        self._width = width
        self._height = height
        self._body = height - 2
        self._gpus = gpus
        self._needs = needs
        self._quiet = quiet
        self._when = plan.fitting(width, height, gpus)
        self._summary = list(self._when.summary)
        self._folded: set[str] = set()
        order = plan.order()
        # Where there are no GPUs the panel only says so: that may go first.
        rank = {name: at for at, name in enumerate(order)}
        if not gpus and "gpus" in rank:
            rank["gpus"] = len(order)
        self._rank = rank

    def layout(self) -> Layout:
        """Places of all panels that have one."""
        while True:
            rows = self._rows()
            heights = self._heights(rows)
            if heights is None:
                continue
            places = self._places(rows, heights)
            if places is not None:
                folded = [*self._summary, *(name for name in self._rank if name in self._folded)]
                return Layout(self._width, self._height, places, framed=True, folded=folded)

    def _rows(self) -> list[tuple[Row, list[tuple[Cell, list[Slot]]]]]:
        """Rows with what did not fold of them; a panel that would be alone shows even nothing."""
        found = self._chosen()
        if not found:
            self._needs = dict.fromkeys(self._needs, 1)
            found = self._chosen()
        return found

    def _chosen(self) -> list[tuple[Row, list[tuple[Cell, list[Slot]]]]]:
        rows = []
        for row in self._when.rows:
            cells = [
                (cell, slots)
                for cell in row.cells
                if (slots := [slot for slot in cell.slots if self._shown(row, cell, slot)])
            ]
            if cells:
                rows.append((row, cells))
        return rows

    def _shown(self, row: Row, cell: Cell, slot: Slot) -> bool:
        """Whether a panel has a place: it did not fold, and does not fit itself to nothing."""
        height = row.height if len(cell.slots) == 1 else slot.height
        nothing = self._needs.get(slot.name) == 0 and height.kind == FIT
        return not nothing and slot.name not in self._folded

    def _fold(self, names: Sequence[str]) -> None:
        self._folded.update(names)

    def _heights(self, rows: list[tuple[Row, list[tuple[Cell, list[Slot]]]]]) -> list[int] | None:
        """Lines of each row; None: something folded, look again."""
        room = self._body - bool(self._folded or self._summary)
        if len(rows) == 1:
            return [room]
        ranks = [min(self._rank[slot.name] for _, slots in cells for slot in slots) for _, cells in rows]
        asked = [self._asked(row.height, cells, self._body) for row, cells in rows]
        floors = [
            min(lines, self._floor(row.height, cells, self._body))
            for (row, cells), lines in zip(rows, asked, strict=True)
        ]
        rests = [at for at, (row, _) in enumerate(rows) if row.height.kind == REST] or [len(rows) - 1]
        needs = [rows[at][0].height.floor(self._body, self._hard(rows[at][1])) for at in rests]
        for at in rests:
            asked[at] = 0
        weakest = sorted((at for at in range(len(rows)) if at not in rests), key=lambda at: -ranks[at])
        best = min(ranks[at] for at in rests)
        missing = sum(asked) + sum(needs) - room
        for at in weakest:
            if ranks[at] > best and missing > 0:
                given = min(missing, asked[at] - floors[at])
                asked[at] -= given
                missing -= given
        if missing > 0:
            less = [at for at in weakest if ranks[at] > best]
            if less:
                self._fold([slot.name for _, slots in rows[less[0]][1] for slot in slots])
                return None
            needs = [min(need, self._hard(rows[at][1])) for at, need in zip(rests, needs, strict=True)]
            missing = sum(asked) + sum(needs) - room
            for at in weakest:
                if missing > 0:
                    given = min(missing, asked[at] - floors[at])
                    asked[at] -= given
                    missing -= given
            if missing > 0:
                worst = max(range(len(rows)), key=lambda at: self._last(rows[at][1], ranks[at]))
                self._fold([slot.name for _, slots in rows[worst][1] for slot in slots])
                return None
        _share_out(asked, rests, needs, room - sum(asked))
        return asked

    def _last(self, cells: list[tuple[Cell, list[Slot]]], rank: int) -> float:
        """How soon a row folds: models before processes, of which nothing would be left."""
        listed = any(slot.name == "processes" for _, slots in cells for slot in slots)
        return min(rank, self._rank.get("models", rank) - 0.5) if listed else rank

    def _asked(self, height: Height, cells: list[tuple[Cell, list[Slot]]], total: int) -> int:
        floor, ceiling = self._floor(height, cells, total), height.ceiling(total)
        if height.kind == SHARE:
            return max(floor, min(ceiling, total * height.amount // 100))
        if height.kind == LINES:
            return max(LEAST, height.amount)
        if height.kind == FIT:
            return self._fit(max(ceiling, height.floor(total, LEAST)), cells)
        return floor

    def _floor(self, height: Height, cells: list[tuple[Cell, list[Slot]]], total: int) -> int:
        """The least lines of a row."""
        if height.kind == LINES:
            return max(LEAST, height.amount)
        least = max(LEAST, height.floor(total, self._hard(cells)))
        return self._fit(least, cells) if height.kind == FIT else least

    def _fit(self, most: int, cells: list[tuple[Cell, list[Slot]]]) -> int:
        share = sum(cell.width for cell, _ in cells)
        room = max(1, most - 2)
        lines = 1
        for cell, slots in cells:
            width = int(self._width * cell.width / share)
            names = {slot.name for slot in slots}.intersection(FITTING)
            if "gpus" in names:
                lines = max(lines, gpu_lines(self._gpus, width - 4, room, quiet=self._quiet))
            if "models" in names:
                lines = max(lines, model_lines(self._needs["models"], room))
            if "ux" in names:
                lines = max(lines, model_lines(self._needs["ux"], room))
        return max(LEAST, lines + 2)

    @staticmethod
    def _hard(cells: list[tuple[Cell, list[Slot]]]) -> int:
        return _LIST if any(slot.name == "processes" for _, slots in cells for slot in slots) else LEAST

    def _places(
        self, rows: list[tuple[Row, list[tuple[Cell, list[Slot]]]]], heights: Sequence[int]
    ) -> list[Place] | None:
        places = []
        y = 1
        for (_, cells), lines in zip(rows, heights, strict=True):
            widths = split(self._width, [cell.width for cell, _ in cells])
            if len(cells) > 1 and min(widths) < _NARROWEST:
                worst = max(cells, key=lambda cell: min(self._rank[slot.name] for slot in cell[1]))
                self._fold([slot.name for slot in worst[1]])
                return None
            x = 0
            for (cell, slots), width in zip(cells, widths, strict=True):
                parts = self._column(cell, slots, lines)
                if parts is None:
                    return None
                at = y
                for slot, part in zip(slots, parts, strict=True):
                    places.append(Place(slot.name, x, at, width, part))
                    at += part
                x += width
            y += lines
        return places

    def _column(self, cell: Cell, slots: list[Slot], lines: int) -> list[int] | None:
        """Lines of panels above one another; None: one of them folded."""
        if len(slots) == 1:
            return [lines]
        alone = [[(cell, [slot])] for slot in slots]
        asked = [self._asked(slot.height, own, lines) for slot, own in zip(slots, alone, strict=True)]
        floors = [
            min(part, self._floor(slot.height, own, lines))
            for slot, own, part in zip(slots, alone, asked, strict=True)
        ]
        rests = [at for at, slot in enumerate(slots) if slot.height.kind == REST] or [len(slots) - 1]
        if sum(floors) > lines:
            self._fold([max(slots, key=lambda slot: self._rank[slot.name]).name])
            return None
        for at in rests:
            asked[at] = 0
        needs = [floors[at] for at in rests]
        missing = sum(asked) + sum(needs) - lines
        for at in sorted(range(len(slots)), key=lambda at: -self._rank[slots[at].name]):
            if missing > 0 and at not in rests:
                given = min(missing, asked[at] - floors[at])
                asked[at] -= given
                missing -= given
        _share_out(asked, rests, needs, lines - sum(asked))
        return asked


def _share_out(asked: list[int], rests: Sequence[int], needs: Sequence[int], room: int) -> None:
    """Give what is left to those that take it, each at least what it needs."""
    for at, need in zip(rests, needs, strict=True):
        asked[at] = need
    spare = room - sum(needs)
    while spare > 0:
        at = min(rests, key=lambda at: asked[at])
        asked[at] += 1
        spare -= 1


def _lines(plan: Plan, width: int, height: int, gpus: int, models: int, ux: int) -> Layout:
    room = max(0, height - 1)
    order = [name for name in plan.order() if (models or name != "models") and (ux or name != "ux")]
    if not gpus and "gpus" in order and "processes" in order[order.index("gpus") :]:
        # What there is comes before why something is not there.
        order.remove("gpus")
        order.insert(order.index("processes") + 1, "gpus")
    kept = set(order[:room])
    names = [name for name in (*PANELS, *plan.graphs) if name in kept]
    # Spare lines go to the GPUs and the processes: they have more to say than one line.
    spare = room - len(names)
    more = min(gpus if gpus > 1 and "gpus" in kept else 0, spare // 2) if spare >= 4 else 0
    spare -= more
    served = min(models if models > 1 and "models" in kept else 0, spare // 3) if spare >= 6 else 0
    spare -= served
    extra = {"processes": spare, "gpus": more, "models": served}
    places = []
    y = 1
    for name in names:
        lines = 1 + extra.get(name, 0)
        places.append(Place(name, 0, y, width, lines))
        y += lines
    return Layout(width, height, places, framed=False)
