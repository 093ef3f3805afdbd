"""Screen 6's own state: which GPU, which pane, where the cursor is. Plain data, no toolkit."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.model import gpus as cells
from wftui.model.processes import row_key
from wftui.tui import gpus
from wftui.tui.gpu_ours import mine
from wftui.tui.gpu_screen.graphs import KINDS
from wftui.tui.ui import Target

if TYPE_CHECKING:
    from wftui.model.table import Row as Cells
    from wftui.tui.gpus import Gpu
    from wftui.tui.state import State

PROCESSES: Final = "processes"
FIELDS: Final = "fields"
HEALTH: Final = "health"
TOPOLOGY: Final = "topology"
HOLDERS: Final = "holders"
SIBLINGS: Final = "siblings"
PANES: Final = (PROCESSES, HEALTH, FIELDS, TOPOLOGY, HOLDERS, SIBLINGS)
WHOSE: Final = ("user", "job", "container")


class Drawn(NamedTuple):
    """What stands where inside the screen, as last drawn: columns and lines from its left upper corner."""

    side: int = 0
    """Columns of the list of GPUs; 0: there is none."""
    first: int = 0
    """The first GPU of it."""
    listed: int = 0
    """Its lines."""
    tabs: int = -1
    """The line with the names of the panes."""


class GpuScreen:
    """What a person chose on the screen; it stays while other screens are shown."""

    def __init__(self) -> None:
        self.uuid = ""
        """The selected GPU, wherever its number goes; empty: the first."""
        self.pane = PROCESSES
        self.inside = False
        """Whether the cursor is in the pane and not among the GPUs."""
        self.mine = False
        """Only the GPUs that the environment of this view names."""
        self.kind = KINDS[0]
        self.whose = WHOSE[0]
        self.process = ""
        """Key of the selected row of the process pane; empty: the first."""
        self.place = 0
        """Line under the cursor of the process pane."""
        self.tops = dict.fromkeys(PANES, 0)
        """First line shown."""
        self.page = 10
        """Lines of the pane, as last drawn."""
        self.behind: frozenset[str] = frozenset()
        """UUIDs of the stragglers of a moment ago."""
        self.drawn = Drawn()
        self.lines = 0
        """Lines that it has in all, as last drawn."""

    # ---- what is shown

    def listed(self, state: State) -> list[Gpu]:
        """The GPUs to choose from."""
        found = gpus.boxes(state)
        own = mine(found, os.environ) if self.mine else None
        if own is None:
            return list(found)
        return [gpu for gpu in found if gpu.uuid in own.uuids or gpu.parent in own.uuids]

    def selected(self, state: State) -> Gpu | None:
        """The selected GPU; None when there is none. One that is gone for good gives way to the first."""
        found = self.listed(state)
        chosen = next((gpu for gpu in found if gpu.uuid == self.uuid), None)
        if chosen is None and found:
            # Where trouble is, is where people want to look first.
            chosen = max(found, key=lambda gpu: gpus.RANK[gpu.level]) if not self.uuid else found[0]
            self.uuid = chosen.uuid
        return chosen

    def rows(self, state: State) -> list[tuple[str, Cells]]:
        """Rows of the process pane with their keys; the cursor is brought to where the selected one is."""
        gpu = self.selected(state)
        found = [] if gpu is None else [(key_of(row), row) for row in gpus.held_by(state, gpu.uuid)]
        place = next((at for at, (key, _) in enumerate(found) if key == self.process), None)
        self.place = min(self.place, max(0, len(found) - 1)) if place is None else place
        return found

    def aim(self, state: State) -> Target | str:
        """The process under the cursor, or why it cannot be had."""
        found = self.rows(state)
        if self.pane != PROCESSES or not found:
            return "no process is selected: p shows those of this GPU"
        self.process, row = found[self.place]
        pid, start = row[cells.P_PID], row[cells.P_START]
        if not isinstance(pid, int | float):
            return "this row names no process"
        if not isinstance(start, int | float):
            return f"process {pid:.0f} is not ours to see: {row[cells.P_UNSEEN] or 'another pid namespace'}"
        key = row_key(int(pid), int(start))
        return Target(key, int(pid), int(start), str(row[cells.P_NAME] or "-"))

    # ---- what keys and clicks do

    def select(self, state: State, place: int) -> None:
        """The GPU of a line of the list."""
        found = self.listed(state)
        chosen = self.selected(state)
        if chosen is not None:
            self._choose(state, place - found.index(chosen))

    def point(self, state: State, place: int) -> None:
        """The cursor of the process pane to a line of it."""
        rows = self.rows(state)
        if rows:
            self.place = min(len(rows) - 1, place)
            self.process = rows[self.place][0]

    def do(self, what: str, state: State) -> str:
        """One action; a word to the person, or none."""
        if what in ("up", "down", "page_up", "page_down", "first", "last"):
            self._move(what, state)
        elif what in ("previous", "next"):
            self._choose(state, -1 if what == "previous" else 1)
        elif what in ("pane", "pane_back"):
            step = 1 if what == "pane" else -1
            self.show(PANES[(PANES.index(self.pane) + step) % len(PANES)])
        elif what == PROCESSES:
            self.show(PROCESSES)
        elif what == "graphs":
            self.kind = KINDS[(KINDS.index(self.kind) + 1) % len(KINDS)]
        elif what == "by":
            if self.pane == HOLDERS:
                self.whose = WHOSE[(WHOSE.index(self.whose) + 1) % len(WHOSE)]
            self.show(HOLDERS)
        elif what == "mine":
            return self._mine(state)
        return ""

    def show(self, pane: str) -> None:
        """A pane; the cursor stays inside when it was."""
        self.pane = pane

    def back(self) -> bool:
        """Escape: out of the pane. False when it was not in there."""
        inside, self.inside = self.inside, False
        return inside

    def enter(self) -> bool:
        """Enter among the GPUs: into the pane. False when the cursor is there already."""
        inside, self.inside = self.inside, True
        return not inside

    def window(self, lines: int, room: int) -> int:
        """First of ``lines`` to show in ``room``."""
        self.page, self.lines = max(1, room), lines
        top = min(self.tops[self.pane], max(0, lines - room))
        if self.pane == PROCESSES:
            top = min(top, self.place) if self.place < top else max(top, self.place - room + 1)
        self.tops[self.pane] = max(0, top)
        return self.tops[self.pane]

    def _move(self, what: str, state: State) -> None:
        step = {"up": -1, "down": 1, "page_up": -self.page, "page_down": self.page}.get(what)
        if not self.inside and what in ("up", "down", "first", "last"):
            found = self.listed(state)
            far = len(found) if step is None else 1
            self._choose(state, -far if what in ("up", "first") else far)
            return
        if self.pane == PROCESSES:
            rows = self.rows(state)
            last = max(0, len(rows) - 1)
            self.place = (0 if what == "first" else last) if step is None else min(last, max(0, self.place + step))
            self.process = rows[self.place][0] if rows else ""
            return
        most = max(0, self.lines - self.page)
        top = self.tops[self.pane]
        self.tops[self.pane] = (0 if what == "first" else most) if step is None else min(most, max(0, top + step))

    def _choose(self, state: State, step: int) -> None:
        found = self.listed(state)
        chosen = self.selected(state)
        if chosen is None:
            return
        place = min(len(found) - 1, max(0, found.index(chosen) + step))
        if found[place].uuid != self.uuid:
            self.uuid = found[place].uuid
            self.process, self.place = "", 0
            self.tops[PROCESSES] = 0

    def _mine(self, state: State) -> str:
        found = gpus.boxes(state)
        if self.mine:
            self.mine = False
            return f"all {len(found)} GPUs"
        own = mine(found, os.environ)
        if own is None:
            return "neither CUDA_VISIBLE_DEVICES nor a SLURM job names GPUs here: all are shown"
        self.mine = True
        return f"only what {own.said_by} names: {len(self.listed(state))} of {len(found)}"


def key_of(row: Cells) -> str:
    """Key of a row of ``gpu_processes``."""
    pid, start = row[cells.P_PID], row[cells.P_START]
    return cells.process_key(
        str(row[cells.P_UUID]),
        int(pid) if isinstance(pid, int | float) else -1,
        int(start) if isinstance(start, int | float) else None,
    )
