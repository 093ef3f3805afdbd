"""How much the step of a series matters: by its size in its unit, and as a share of the greater of both levels.

A megabyte a second more is much for one disk and nothing for another, a thousandth is nothing for both.
"""

from typing import Final

from wftui import names
from wftui.model.sample import Column

_MINOR: Final = (
    "system.cpu.context_switches", "system.cpu.interrupts", "system.paging.faults", "system.processes.created",
    "system.network.packets", "system.network.loopback.", "system.cpu.frequency", "hw.fan.speed",
)  # fmt: skip
"""They follow what others do: a third of the weight."""
_MATTERS: Final = {
    "1": 0.1, "By": 256 * 1024.0**2, "By/s": 5e6, "s": 0.1, "s/s": 0.1, "W": 20.0, "J/s": 20.0, "Cel": 5.0,
    "Hz": 5e8, "rpm": 500.0, "{thread}": 2.0, "{process}": 10.0, "{request}": 1.0, "{token}/s": 20.0,
    "{request}/s": 0.5, "{switch}/s": 5000.0, "{interrupt}/s": 5000.0, "{fault}/s": 5000.0, "{packet}/s": 1000.0,
    "{operation}/s": 100.0, "{operation}": 2.0, "{page}/s": 100.0, "{process}/s": 20.0, "{score}": 10.0,
}  # fmt: skip
"""A step of so much has half the weight that a huge one has; of other units 1."""


def unit_of(column: Column) -> str:
    """Of its numbers as they are read: a counter's are per second."""
    return f"{column.unit}/s" if column.kind == names.COUNTER else column.unit


def matters(unit: str) -> float:
    """How large a step is that has half the weight of a huge one."""
    return _MATTERS.get(unit, 1.0)


def weight(unit: str, before: float, after: float) -> float:
    """Of a step in its unit: 0, nothing, to 1, all there is."""
    step = abs(after - before)
    if not step > 0:
        return 0.0
    share = min(1.0, step) if unit in ("1", "s/s") else step / max(abs(after), abs(before))
    return share * step / (step + matters(unit))


def effect(column: Column, before: float, after: float) -> float:
    """The weight of a step of a series; of one that follows what others do, a third."""
    found = weight(unit_of(column), before, after)
    return found / 3 if column.series.name.startswith(_MINOR) else found
