"""A recording with tables and events beside its ticks, for tests of what is sealed, derived and asked."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.recording import START_S, S
from wftui.model.event import Event, event
from wftui.model.processes import PROCESSES
from wftui.model.sample import Column
from wftui.model.table import Row, TableChange
from wftui.model.tick import Layout, Tick, pack
from wftui.store.journal import NAME, Journal, StoredChange


class Stored:
    """A journal under construction; before the first gap tick ``seq`` covers second ``START_S + seq - 1``."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self.folder = folder
        self.journal = Journal(folder / NAME)
        self.boot = self.journal.begin("boot-1", "test", "record", 1, START_S * S, 0).boot
        self._seq = 0
        self.gap_s = 0
        """Seconds that were left out so far."""

    def many(self, columns: Sequence[Column], rows: Iterator[Sequence[float]], until: int) -> None:
        """Ticks up to number ``until``."""
        batch = []
        layout = Layout(1, tuple(columns))
        while self._seq < until:
            self._seq += 1
            second = self._seq - 1 + self.gap_s
            values = pack(array("d", next(rows)))
            batch.append((Tick(self._seq, START_S + second, (100 + second) * S, self.boot, 1, values), layout))
        self.journal.write(batch)

    def write(self, changes: Sequence[StoredChange] = (), events: Sequence[Event] = ()) -> None:
        """Changes and events."""
        self.journal.write(changes=changes, events=events)


@contextmanager
def recorded(folder: Path) -> Iterator[Stored]:
    """A recording that is closed at the end."""
    found = Stored(folder)
    try:
        yield found
    finally:
        found.journal.close()


def process(name: str, cpu: float, **cells: float | str) -> Row:
    """A row of the process table."""
    known: dict[str, float | str] = {"process.name": name, "process.cpu.utilization": cpu}
    known |= {f"process.{key}": value for key, value in cells.items()}
    return tuple(known.get(item.name) for item in PROCESSES.columns)


def change(
    seq: int, rows: Mapping[str, tuple[str, float]], gone: Sequence[str] = (), *, keyframe: bool = False
) -> StoredChange:
    """A change of the process table in the middle of a tick's second."""
    time_ns = (START_S + seq - 1) * S + S // 2
    cells = {key: process(*values) for key, values in rows.items()}
    return StoredChange(seq, PROCESSES, TableChange(PROCESSES.name, time_ns, keyframe, cells, list(gone)))


def events(count: int, since_ns: int, kind: str = "mark.set") -> list[Event]:
    """Events a second apart, numbered from 1."""
    found = []
    for number in range(count):
        item = event(since_ns + number * S, kind, ("recorder", "1"), {"n": number})
        found.append(Event(number + 1, *(getattr(item, name) for name in Event.__struct_fields__[1:])))
    return found
