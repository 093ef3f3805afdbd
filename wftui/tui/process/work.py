"""How a person works with the process list: tree and folds, tags, the process that is followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from wftui.model import processes as cells
from wftui.render import text
from wftui.tui.process import tree
from wftui.tui.process.columns import joined
from wftui.tui.process.order import Line, listed
from wftui.tui.scene import keep

if TYPE_CHECKING:
    from wftui.model.table import Row
    from wftui.tui.state import State


class Target(NamedTuple):
    """The process that a dialog is about, as it was when it opened."""

    key: str
    pid: int
    start_time: int
    name: str


def target_of(key: str, row: Row) -> Target | None:
    """A row as something to aim at; None: its pid is not known."""
    pid, start = row[cells.PID], row[cells.START]
    if not isinstance(pid, int | float) or not isinstance(start, int | float):
        return None
    return Target(key, int(pid), int(start), str(row[cells.NAME] or "-"))


class Follow:
    """One process that the cursor stays on, and when it was gone."""

    def __init__(self, target: Target, at_ns: int) -> None:
        self.target = target
        self.seen_ns = at_ns
        """When it was in the table last."""
        self.ended_ns: int | None = None
        """Time of the first table after that; None: it runs."""

    def look(self, rows: dict[str, Row], at_ns: int) -> None:
        """Take in a table of a moment: now, or any in the past that is looked at."""
        if self.target.key in rows:
            self.seen_ns = max(self.seen_ns, at_ns)
        elif rows and at_ns > self.seen_ns:
            self.ended_ns = at_ns if self.ended_ns is None else min(at_ns, self.ended_ns)

    def said(self) -> str:
        """Who it was, and when it was gone. The scan that missed it tells when at the latest."""
        who = f"{self.target.pid} {self.target.name}"
        return who if self.ended_ns is None else f"{who} ended by {text.clock(self.ended_ns / 1e9)}"


class Work:
    """State of the work with processes; rows are named by their keys, so nothing here means another process."""

    def __init__(self) -> None:
        self.tree = False
        self.folded: frozenset[str] = frozenset()
        self.tagged: dict[str, Target] = {}
        """In the order of tagging."""
        self.follow: Follow | None = None

    # ---- what is listed

    def lines(self, state: State, sort: str, *, reverse: bool, wanted: str) -> list[Line]:
        """The process list as it is shown, once for each table that comes; not to be changed."""
        at_ns = state.table_times.get(cells.PROCESSES.name, 0)
        if self.follow is not None:
            self.follow.look(state.processes(), at_ns)

        def make() -> list[Line]:
            if not self.tree:
                return [Line(*item) for item in listed(state, sort, reverse=reverse, wanted=wanted)]
            return tree.lines(joined(state), sort, reverse=reverse, wanted=wanted, folded=self.folded, at_ns=at_ns)

        made_of = (state.table_version, sort, reverse, wanted, self.tree, self.folded)
        return keep(state, "process lines", made_of, make)

    def place(self, state: State, lines: list[Line], key: str) -> int | None:
        """The line of a process, or of the one that it is folded into; None: neither is listed."""
        if not self.tree:
            return next((at for at, line in enumerate(lines) if line.key == key), None)
        places = {line.key: at for at, line in enumerate(lines)}
        if key in places:
            return places[key]
        above = tree.parents(state.processes())
        while key in above:
            key = above[key]
            if key in places:
                return places[key]
        return None

    # ---- what keys do

    def fold(self, state: State, key: str) -> str:
        """Fold a process' branch, or that of its parent where it has none; the key that is folded, empty: none."""
        above = tree.parents(state.processes())
        _, below = tree.children(state.processes(), above)
        if key in self.folded or key not in below:
            key = above.get(key, "")
        if key:
            self.folded |= {key}
        return key

    def unfold(self, key: str) -> bool:
        """Open a folded process; False: it is open."""
        there = key in self.folded
        self.folded -= {key}
        return there

    def fold_all(self, state: State) -> None:
        """Fold all that have children but the roots, whose lines then tell what each of their children holds.

        Folding the roots too would leave one line, the sum of the machine.
        """
        above = tree.parents(state.processes())
        _, below = tree.children(state.processes(), above)
        self.folded = frozenset(key for key in below if key in above)

    def unfold_all(self) -> None:
        """Open everything."""
        self.folded = frozenset()

    def tag(self, targets: list[Target]) -> bool:
        """Tag them, or untag them when all of them are tagged; whether they are tagged now."""
        tagged = not all(target.key in self.tagged for target in targets)
        for target in targets:
            if tagged:
                self.tagged[target.key] = target
            else:
                self.tagged.pop(target.key, None)
        return tagged

    def below(self, state: State, key: str) -> list[Target]:
        """A process and all below it."""
        rows = state.processes()
        _, below = tree.children(rows, tree.parents(rows))
        keys = [key, *tree.descendants(key, below)]
        return [found for each in keys if each in rows and (found := target_of(each, rows[each])) is not None]
