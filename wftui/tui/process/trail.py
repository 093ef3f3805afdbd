"""What one process used over the last minutes: as the recorder knows it, then as scans come in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.model import processes as cells
from wftui.tui.history import NAN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.model.table import Cell, Row, TableChange

STEP_NS: Final = 2_000_000_000
"""Of one sample of the graph: processes are scanned every 2 s, or less often."""
SPAN_NS: Final = 180 * STEP_NS
"""What a graph shows at most."""
_KEPT: Final = 1000


class Trail:
    """CPU and memory of one process at the times of scans; NaN: it was not there, or not known."""

    def __init__(self, key: str) -> None:
        self.key = key
        self._times: list[int] = []
        self._values: list[tuple[float, float]] = []

    def look(self, row: Row | None, at_ns: int) -> None:
        """Take in a scan; one that is no newer than the last is known."""
        if not self._times or at_ns > self._times[-1]:
            self._times.append(at_ns)
            self._values.append(_values(row))
            if len(self._times) > _KEPT:
                del self._times[: -_KEPT // 2], self._values[: -_KEPT // 2]

    def fill(self, changes: Sequence[TableChange]) -> None:
        """What was before the first scan that was seen, oldest first."""
        first = self._times[0] if self._times else None
        times: list[int] = []
        values: list[tuple[float, float]] = []
        row: Row | None = None
        for change in changes:
            if change.keyframe or self.key in change.gone:
                row = None
            row = change.rows.get(self.key, row)
            if first is not None and change.time_ns >= first:
                break
            times.append(change.time_ns)
            values.append(_values(row))
        self._times[:0] = times
        self._values[:0] = values

    def samples(self, end_ns: int, count: int, gap_ns: int) -> tuple[list[float], list[float]]:
        """CPU (1 = one core) and memory (By) of the last ``count`` steps up to a moment.

        A scan holds until the next one, but no longer than ``gap_ns``: then nothing was recorded.
        """
        cpu: list[float] = []
        memory: list[float] = []
        last = end_ns // STEP_NS
        place = -1
        for step in range(last - count + 1, last + 1):
            moment = min(end_ns, (step + 1) * STEP_NS - 1)
            while place + 1 < len(self._times) and self._times[place + 1] <= moment:
                place += 1
            known = place >= 0 and moment - self._times[place] <= gap_ns
            used, held = self._values[place] if known else (NAN, NAN)
            cpu.append(used)
            memory.append(held)
        return cpu, memory


def _values(row: Row | None) -> tuple[float, float]:
    return (NAN, NAN) if row is None else (_number(row[cells.CPU]), _number(row[cells.MEMORY]))


def _number(value: Cell) -> float:
    return NAN if value is None or isinstance(value, str) else float(value)
