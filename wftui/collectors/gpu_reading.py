"""What a driver's files tell of one GPU at one moment, whichever driver it is."""

from typing import Final, NamedTuple

from wftui.collectors.files import read_number, read_once
from wftui.model.sample import MEASURED

MOST_W: Final = 20_000.0
MOST_BYTES: Final = 2**50
MOST_HZ: Final = 2e10
HOTTEST: Final = 200.0
"""Celsius; no GPU that works is hotter, nor below zero."""


class Value(NamedTuple):
    """One number of one series."""

    name: str
    """Metric without ``hw.gpu.``."""
    mode: str
    """Value of its second label (mode, sensor, direction); empty: it has none."""
    number: float
    """In the metric's unit."""
    call: str
    """The file that it comes from."""
    quality: str = MEASURED


class Told:
    """What was told; what was not is not in it."""

    def __init__(self) -> None:
        self.values: list[Value] = []
        self.rejected = 0
        """Numbers that cannot be true, left out."""
        self.joules: float | None = None
        """A counter of the card, J since any beginning."""
        self.watts: float | None = None
        self.averaged = False
        """Whether the driver averages ``watts``."""
        self.reasons: frozenset[str] | None = None
        """Why its clocks are held back, as in ``model.gpus.REASONS``; None: the driver does not tell."""
        self.throttle_call = ""
        self.busy: float | None = None
        """Share of the time in which something ran on it."""
        self.unified = False
        """It uses the system's memory."""

    def add(
        self,
        name: str,
        mode: str,
        number: float | None,
        most: float,
        call: str,
        quality: str = MEASURED,
        *,
        least: float = 0.0,
    ) -> float | None:
        """Take a number in when it can be true; returns it then, else None."""
        if number is None:
            return None
        if not least <= number <= most:
            self.rejected += 1
            return None
        self.values.append(Value(name, mode, number, call, quality))
        return number

    def memory(self, used: float | None, total: float | None, call: str, quality: str = MEASURED) -> None:
        """Memory in bytes; a use beyond the total is a lie of one of the two, and nobody knows of which."""
        if used is not None and total is not None and used > total:
            self.rejected += 1
            return
        used = self.add("memory.usage", "used", used, MOST_BYTES, call, quality)
        total = self.add("memory.limit", "", total, MOST_BYTES, call, quality, least=1)
        if used is not None and total is not None:
            self.add("memory.utilization", "", used / total, 1, f"used / total of {call}", "derived")


def scaled(path: str, scale: float) -> float | None:
    """The whole number in a file times ``scale``; None: it does not answer."""
    number = read_number(path)
    return None if number is None else number * scale


def word(path: str, limit: int = 256) -> str:
    """The text of a small file; empty when it does not answer. Outside text: not cleaned."""
    try:
        return read_once(path, limit).decode("utf-8", "replace").strip("\0\n \t")
    except OSError:
        return ""
