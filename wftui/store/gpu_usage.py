"""Who used the GPUs over a range: hours, energy, and memory held while idle, from the rows that were stored.

Each row of ``gpu_processes`` carries its own counters since the recorder saw it first. What a row has more than
before is what was used; a smaller number is a recorder that began anew, and counts from 0. Rows are stored at the
latest a minute after they changed, so that much may be missing of a process that ends.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from wftui.model import gpus as cells
from wftui.model.table import Row
from wftui.store import gaps
from wftui.store.archive import Archive
from wftui.units import NS_PER_S
from wftui.windows import holders

PROCESS: Final = "process"
BY: Final = (*holders.BY, PROCESS)


class Use(NamedTuple):
    """What one user, job, container or process used."""

    who: str
    processes: int
    """That were seen."""
    gpus: int
    """That they held at any time."""
    memory: float | None
    """By, held at the end of the range; None: of none known."""
    gpu_s: float | None
    """GPU seconds (utilisation over time); None: the driver does not tell."""
    joules: float | None
    """Apportioned; None: not known."""
    held_s: float
    """Seconds times GPUs in which they held one."""
    idle_s: float
    """Part of it in which none of theirs computed there, and memory was held."""
    idle_byte_s: float
    """Memory times those seconds (By s)."""


class Usage(NamedTuple):
    """All of them over the seconds [since, until)."""

    since_s: int
    until_s: int
    recorded_s: int
    uses: tuple[Use, ...]


def usage(archive: Archive, since_s: int, until_s: int, by: str = holders.USER) -> Usage:
    """Who used the GPUs in the seconds [since, until), the most first.

    Raises:
        KeyError: ``by`` is none of ``BY``.
        StoreError: The recording cannot be read.
    """
    missing, recorded_s = gaps.gaps(archive, since_s, until_s)
    last = archive.neighbours(until_s)[0]
    end_ns = (until_s if last is None else min(until_s, last + 1)) * NS_PER_S
    book = _Book(by, _Recorded(missing))
    for _, change in archive.changes(cells.GPU_PROCESSES.name, since_s * NS_PER_S, until_s * NS_PER_S):
        at_ns = max(change.time_ns, since_s * NS_PER_S)
        gone = [key for key in book.rows if key not in change.rows] if change.keyframe else change.gone
        book.take(at_ns, change.rows, gone)
    return Usage(since_s, until_s, recorded_s, tuple(book.close(max(end_ns, book.at_ns))))


class _Recorded:
    """How long between two moments somebody was looking."""

    def __init__(self, missing: Sequence[gaps.Gap]) -> None:
        self._begins = [item.since_s * NS_PER_S for item in missing]
        self._missing = missing

    def seconds(self, since_ns: int, until_ns: int) -> float:
        found = max(0, until_ns - since_ns) / NS_PER_S
        place = max(0, bisect_right(self._begins, since_ns) - 1)
        for item in self._missing[place:]:
            low, high = max(item.since_s * NS_PER_S, since_ns), min(item.until_s * NS_PER_S, until_ns)
            if item.since_s * NS_PER_S >= until_ns:
                break
            if high > low:
                found -= (high - low) / NS_PER_S * item.missing_s / (item.until_s - item.since_s)
        return max(0.0, found)


class _Group:
    """Rows of one who on one GPU."""

    __slots__ = ("at_ns", "rows")

    def __init__(self, at_ns: int) -> None:
        self.rows: dict[str, Row] = {}
        self.at_ns = at_ns


class _Account:
    """One who."""

    __slots__ = ("gpu_s", "gpus", "held_s", "idle_byte_s", "idle_s", "joules", "processes", "who")

    def __init__(self, who: str) -> None:
        self.who = who
        self.processes: set[object] = set()
        self.gpus: set[str] = set()
        self.gpu_s: float | None = None
        self.joules: float | None = None
        self.held_s = self.idle_s = self.idle_byte_s = 0.0


class _Book:
    """Rows as they come, and what adds up."""

    def __init__(self, by: str, recorded: _Recorded) -> None:
        if by not in BY:
            raise KeyError(by)
        self.rows: dict[str, Row] = {}
        self.at_ns = 0
        self._by, self._recorded = by, recorded
        self._began = False
        self._known: dict[str, list[float | None]] = {}
        """Row key to GPU seconds and joules, as told last."""
        self._groups: dict[tuple[object, str], _Group] = {}
        self._accounts: dict[object, _Account] = {}

    def take(self, at_ns: int, rows: dict[str, Row], gone: Iterable[str]) -> None:
        """One change of the table."""
        self.at_ns = max(self.at_ns, at_ns)
        for key in gone:
            row = self.rows.pop(key, None)
            if row is not None:
                self._settle(row, at_ns).rows.pop(key, None)
                self._known.pop(key, None)
        for key, row in rows.items():
            before = self.rows.get(key)
            if before == row:
                continue
            if before is not None:
                self._settle(before, at_ns).rows.pop(key, None)
            self._settle(row, at_ns).rows[key] = row
            self.rows[key] = row
            self._count(key, row)
        self._began = True

    def close(self, end_ns: int) -> list[Use]:
        """What each used up to the end."""
        memory: dict[object, list[float]] = {}
        for row in self.rows.values():
            self._settle(row, end_ns)
            held = row[cells.P_MEMORY]
            if isinstance(held, int | float):
                memory.setdefault(self._who(row)[0], []).append(float(held))
        found = [
            Use(
                item.who,
                len(item.processes),
                len(item.gpus),
                sum(memory[key]) if key in memory else None,
                item.gpu_s,
                item.joules,
                item.held_s,
                item.idle_s,
                item.idle_byte_s,
            )
            for key, item in self._accounts.items()
        ]
        return sorted(
            found, key=lambda item: (-(item.gpu_s or 0.0), -(item.joules or 0.0), -item.held_s, item.who)
        )

    def _who(self, row: Row) -> tuple[object, str]:
        """What tells one from the others, and how it is called."""
        if self._by != PROCESS:
            name = holders.called(row, self._by)
            return name, name
        pid = row[cells.P_PID]
        return (pid, row[cells.P_START]), f"{row[cells.P_NAME] or '-'} ({pid})"

    def _account(self, row: Row) -> _Account:
        key, name = self._who(row)
        found = self._accounts.get(key)
        if found is None:
            found = self._accounts[key] = _Account(name)
        found.who = name
        return found

    def _settle(self, row: Row, at_ns: int) -> _Group:
        """Add up the time since a group changed last."""
        account, uuid = self._account(row), str(row[cells.P_UUID])
        key = (self._who(row)[0], uuid)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(at_ns)
        if group.rows and at_ns > group.at_ns:
            seconds = self._recorded.seconds(group.at_ns, at_ns)
            account.held_s += seconds
            held = group.rows.values()
            memory = sum(cell for item in held if isinstance(cell := item[cells.P_MEMORY], int | float))
            if memory > 0 and all(item[cells.P_IDLE_SINCE] is not None for item in held):
                account.idle_s += seconds
                account.idle_byte_s += memory * seconds
        group.at_ns = max(at_ns, group.at_ns)
        return group

    def _count(self, key: str, row: Row) -> None:
        account = self._account(row)
        account.processes.add((row[cells.P_PID], row[cells.P_START]))
        account.gpus.add(str(row[cells.P_UUID]))
        fresh = key not in self._known
        known = self._known.setdefault(key, [None, None])
        for place, cell in enumerate((row[cells.P_TIME], row[cells.P_ENERGY])):
            if not isinstance(cell, int | float):
                continue
            # What the first rows already have is of before the range; who comes later began within it.
            before = float(cell) if fresh and not self._began else known[place] or 0.0
            grown = cell - before if cell >= before else float(cell)
            known[place] = float(cell)
            if place == 0:
                account.gpu_s = (account.gpu_s or 0.0) + grown
            else:
                account.joules = (account.joules or 0.0) + grown
