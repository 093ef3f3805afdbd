"""Units of stored values, and the factors between what sources print and what we store."""

import math
from typing import Final

KIB: Final = 1024
MIB: Final = 1024**2
GIB: Final = 1024**3
NS_PER_S: Final = 1_000_000_000
SECTOR: Final = 512
"""Bytes of a sector in /proc/diskstats on every device. Source: Documentation/block/stat.rst."""

_LARGE: Final = 1e9
_STEPS: Final = {
    "By": ((1024**4, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB"), (1, "B")),
    "Hz": ((1e9, "GHz"), (1e6, "MHz"), (1e3, "kHz"), (1, "Hz")),
    "s": ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"), (1e-3, "ms"), (1e-6, "µs")),
}
"""Unit to (factor, how it is written), descending."""


def quantity(value: float, unit: str) -> str:
    """A number of the catalogue as a person reads it: ``85 %``, ``1.5 GiB/s``, ``93 °C``; ``-``: unknown.

    Args:
        value: In ``unit``.
        unit: UCUM as the catalogue writes it; ``%`` and a unit per second too.
    """
    if not math.isfinite(value):
        return "-"
    base, per, rest = unit.partition("/")
    if unit == "1":
        return f"{_digits(value * 100, 3)} %"
    for factor, name in _STEPS.get(base, ()):
        if abs(value) >= factor or factor == _STEPS[base][-1][0]:
            return f"{value / factor:.3g} {name}{per}{rest}"
    name = {"Cel": "°C"}.get(base, base)
    if name.startswith("{"):
        name = name.strip("{}") if per else ""  # what is counted stands beside it
    return f"{_digits(value, 4)} {name}{per}{rest}".rstrip()


def _digits(value: float, count: int) -> str:
    """So many digits that count, and never a power of ten for what a person reads as a number."""
    return f"{value:.0f}" if 10**count - 0.5 <= abs(value) < _LARGE else f"{value:.{count}g}"
