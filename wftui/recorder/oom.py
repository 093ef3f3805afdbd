"""OOM kills: the kernel only counts them, so who it was is an estimate from the process table."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from wftui.clock import Instant
from wftui.model.processes import MEMORY, NAME, PID, PROCESSES, STATE
from wftui.model.sample import Sample
from wftui.model.table import Row, TableSnapshot
from wftui.units import NS_PER_S

KIND: Final = "process.oom_killed"
MACHINE: Final = "system.memory.oom_kills"
CGROUP: Final = "container.memory.oom_kills"
SOURCES: Final = frozenset({"paging", "cgroup"})
"""Collectors that bring these two."""
PATIENCE_NS: Final = 15 * NS_PER_S
"""A scan of the processes that takes longer to come cannot say any more who went."""
_ZOMBIE: Final = "Z"


class Killed(NamedTuple):
    """One event to be: what the kernel counted, and who probably was it."""

    about: tuple[str, str]
    payload: dict[str, Any]  # Any: JSON values
    at: Instant
    """When the count was seen to have grown."""


class _Kill(NamedTuple):
    kills: int
    since_ns: int
    """CLOCK_BOOTTIME of the reading before."""
    at: Instant


class OomWatch:
    """Looks at two counters and at each scan of the processes."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[float, int]] = {}
        self._rows: Mapping[str, Row] = {}
        self._scanned_ns = 0
        self._gone: list[tuple[int, int, list[tuple[str, Row]]]] = []
        """(a scan, the next one, rows that were gone in it) of the last two pairs; CLOCK_BOOTTIME."""
        self._waiting: _Kill | None = None

    def counted(self, samples: Iterable[Sample], at: Instant) -> list[Killed]:
        """Take readings in; gives kills for which the table can say no more.

        The machine's counter holds those of the cgroup too: that one counts only where there is no other.
        """
        grown, since_ns = 0, at.boottime_ns
        for sample in samples:
            name = sample.column.series.name
            if name not in (MACHINE, CGROUP):
                continue
            before = self._counts.get(name)
            self._counts[name] = (sample.value, at.boottime_ns)
            if (
                before is not None
                and sample.value > before[0]
                and not (name == CGROUP and MACHINE in self._counts)
            ):
                grown, since_ns = int(sample.value - before[0]), before[1]
        told = self.overdue(at)
        if grown:
            if self._waiting is not None:
                grown, since_ns = grown + self._waiting.kills, self._waiting.since_ns
            self._waiting = _Kill(grown, since_ns, at)
        return told

    def scanned(self, table: TableSnapshot, at: Instant) -> list[Killed]:
        """Take a scan in; gives the kills that it explains."""
        if table.schema.name != PROCESSES.name:
            return []
        now = table.rows
        gone = [(key, row) for key, row in self._rows.items() if _ended(row, now.get(key))]
        self._gone = [*self._gone[-1:], (self._scanned_ns, at.boottime_ns, gone)]
        self._rows, self._scanned_ns = now, at.boottime_ns
        kill = self._waiting
        if kill is None or at.boottime_ns < kill.at.boottime_ns:
            return []
        self._waiting = None
        ended = [
            item
            for since_ns, until_ns, rows in self._gone
            if since_ns <= kill.at.boottime_ns and until_ns >= kill.since_ns
            for item in rows
        ]
        self._gone.clear()  # nobody is killed twice
        return [_killed(kill, ended)]

    def overdue(self, at: Instant) -> list[Killed]:
        """The kill that waited too long for a scan."""
        kill = self._waiting
        if kill is None or at.boottime_ns - kill.at.boottime_ns < PATIENCE_NS:
            return []
        self._waiting = None
        return [_killed(kill, [])]


def _ended(before: Row, now: Row | None) -> bool:
    """Whether a process went: its row, or its memory when nobody has waited for it yet."""
    if before[STATE] == _ZOMBIE:
        return False
    return now is None or now[STATE] == _ZOMBIE


def _killed(kill: _Kill, ended: list[tuple[str, Row]]) -> Killed:
    payload: dict[str, Any] = {"count": kill.kills}
    sized = [(size, key, row) for key, row in ended if isinstance(size := row[MEMORY], int | float) and size > 0]
    if not sized:
        return Killed(("process", "unknown"), payload, kill.at)
    size, key, row = max(sized, key=lambda item: item[:2])
    payload |= {
        "likely": row[NAME],
        "pid": row[PID],
        "memory_bytes": size,
        "quality": "estimated",
        "why": f"the largest of {len(sized)} that ended about then" if len(sized) > 1 else "it ended about then",
    }
    return Killed(("process", key), payload, kill.at)
